import { writeFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import type { LinkEvent } from "../../src/core/actor.ts";
import { type BrokerLink, type BrokerOptions, openBroker } from "../../src/platform/mqtt-broker.ts";
import { connectMqtt } from "../../src/platform/mqtt-client.ts";
import { subscribeMqtt } from "../../src/platform/mqtt-subscriber.ts";
import { topicMatches } from "../../src/platform/topic-filter.ts";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { freePort, run, start, temporaryDirectory } from "../programs.ts";
import { pause, ScriptedActor, testRuntime, until } from "./support.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Message = Extract<LinkEvent, { kind: "message" }>;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const messagesOf = (actor: ScriptedActor) => actor.events.filter((event): event is Message => event.kind === "message");
const payloads = (actor: ScriptedActor) => messagesOf(actor).map((message) => text(message.payload));

async function broker(actor: ScriptedActor, options: Partial<BrokerOptions> = {}): Promise<BrokerLink> {
  const { runtime } = testRuntime();
  const link = await openBroker({ host: "127.0.0.1", port: 0, deliver: ["meters/+/telemetry"], ...options });
  runtime.host(actor).attach(link);
  cleanups.push(() => runtime.close());
  return link;
}

/** A publisher that others wrote. */
async function publisher(port: number, options: mqtt.IClientOptions = {}): Promise<mqtt.MqttClient> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 30, ...options });
  cleanups.push(() => client.endAsync(true));
  return client;
}

describe("topic filters", () => {
  it.each([
    ["meters/+/telemetry", "meters/7/telemetry", true],
    ["meters/+/telemetry", "meters/7/8/telemetry", false],
    ["meters/+", "meters/7/telemetry", false],
    ["meters/#", "meters", true],
    ["meters/#", "meters/7/telemetry", true],
    ["#", "$SYS/x", false],
    ["+/x", "/x", true],
    ["sport/tennis/player1/#", "sport/tennis/player1", true],
    ["meters/7", "meters/7/", false],
  ])("%s on %s: %s", (filter, topic, matches) => {
    expect(topicMatches(filter, topic)).toBe(matches);
  });
});

describe("the embedded broker", () => {
  it("acknowledges a publish only when the actor did", async () => {
    const actor = new ScriptedActor();
    const link = await broker(actor);
    const client = await publisher(link.port);
    const acknowledged: string[] = [];
    for (const name of ["a", "b"])
      void client.publishAsync("meters/7/telemetry", name, { qos: 1 }).then(() => acknowledged.push(name));
    await until(() => messagesOf(actor).length === 2, "both delivered");
    await pause(50);
    expect(acknowledged).toEqual([]);
    link.acknowledge(messagesOf(actor)[0]?.token as number);
    await until(() => acknowledged.length === 1, "the first acknowledged");
    await pause(30);
    expect(acknowledged).toEqual(["a"]);
    link.acknowledge(messagesOf(actor)[1]?.token as number);
    await until(() => acknowledged.length === 2, "the second acknowledged");
  });

  it("owes nothing for QoS 0, other topics and wills", async () => {
    const actor = new ScriptedActor();
    const link = await broker(actor);
    const client = await publisher(link.port, {
      will: { topic: "meters/7/telemetry", payload: Buffer.from("gone"), qos: 1 },
    });
    await client.publishAsync("meters/7/telemetry", "zero", { qos: 0 });
    await client.publishAsync("weather", "sun", { qos: 1 });
    client.options.reconnectPeriod = 0;
    client.stream.destroy();
    await until(() => messagesOf(actor).length === 2, "message and will");
    expect(messagesOf(actor).map(({ payload, token }) => [text(payload), token])).toEqual([
      ["zero", undefined],
      ["gone", undefined],
    ]);
  });

  it("gives a message again that its meter repeats after a lost connection, under a new token", async () => {
    const actor = new ScriptedActor();
    const link = await broker(actor);
    const client = await publisher(link.port);
    let acknowledged = false;
    void client.publishAsync("meters/7/telemetry", "x", { qos: 1 }).then(() => {
      acknowledged = true;
    });
    await until(() => messagesOf(actor).length === 1, "delivered");
    link.close("the store failed");
    await until(() => messagesOf(actor).length === 2, "repeated");
    const [first, second] = messagesOf(actor).map((message) => message.token as number);
    expect(second).not.toBe(first);
    link.acknowledge(first as number);
    await pause(30);
    expect(acknowledged).toBe(false);
    link.acknowledge(second as number);
    await until(() => acknowledged, "acknowledged");
  });

  it("cuts off a client whose message stays unacknowledged", async () => {
    const actor = new ScriptedActor();
    const link = await broker(actor, { acknowledgeWithinMs: 40 });
    const client = await publisher(link.port);
    void client.publishAsync("meters/7/telemetry", "x", { qos: 1 }).catch(() => {});
    await until(() => messagesOf(actor).length >= 2, "repeated by itself");
  });

  it("has no more in flight than its bound, and loses nothing above it", async () => {
    const actor = new ScriptedActor();
    const link = await broker(actor, { maxInFlight: 10 });
    const clients = await Promise.all(Array.from({ length: 5 }, () => publisher(link.port)));
    let acknowledged = 0;
    for (const [c, client] of clients.entries())
      for (let i = 0; i < 40; i++)
        void client.publishAsync(`meters/${c}/telemetry`, `${c}:${i}`, { qos: 1 }).then(() => {
          acknowledged += 1;
        });
    await until(() => messagesOf(actor).length >= 10, "the bound reached");
    await pause(50);
    expect(messagesOf(actor)).toHaveLength(10);
    let done = 0;
    await until(() => {
      expect(messagesOf(actor).length - done).toBeLessThanOrEqual(10);
      while (done < messagesOf(actor).length) link.acknowledge(messagesOf(actor)[done++]?.token as number);
      return acknowledged === 200;
    }, "all acknowledged");
    expect(new Set(payloads(actor)).size).toBe(200);
    expect(payloads(actor)).toHaveLength(200);
  });

  it("carries the actor's publishes to a meter that was away, and forgets nothing under a thousand", async () => {
    const link = await broker(new ScriptedActor());
    const { runtime } = testRuntime();
    cleanups.push(() => runtime.close());
    const meter = () => {
      const actor = new ScriptedActor();
      const session = connectMqtt({
        url: `mqtt://127.0.0.1:${link.port}`,
        clientId: "m7",
        persistent: true,
        subscriptions: ["meters/7/cmd"],
      });
      runtime.host(actor).attach(session);
      return { actor, session };
    };
    const first = meter();
    await until(() => first.session.open, "subscribed");
    await first.session.end();
    await until(() => link.clients === 0, "gone");
    for (let i = 0; i < 1100; i++) link.publish("meters/7/cmd", Buffer.from(`order ${i}`), 1, false);
    const second = meter();
    await until(() => messagesOf(second.actor).length >= 1000, "the orders came");
    await pause(50);
    expect(payloads(second.actor)).toEqual(Array.from({ length: 1000 }, (_, i) => `order ${i}`));
  });

  it("survives junk, and a client that never says hello does not stop its end", async () => {
    const link = await broker(new ScriptedActor());
    const [junk, mute] = [connectSocket(link.port, "127.0.0.1"), connectSocket(link.port, "127.0.0.1")];
    for (const socket of [junk, mute]) socket.on("error", () => {});
    junk.write("GET / HTTP/1.1\r\n\r\n");
    await new Promise((resolve) => junk.once("close", resolve));
    await publisher(link.port);
    await link.end();
  });

  it("says who has its port", async () => {
    const link = await broker(new ScriptedActor());
    await expect(openBroker({ host: "127.0.0.1", port: link.port, deliver: [] })).rejects.toMatchObject({
      code: "in-use",
    });
  });
});

describe("a client session", () => {
  it("says why there is no broker, and refuses an address that is none", async () => {
    const { runtime } = testRuntime();
    cleanups.push(() => runtime.close());
    const actor = new ScriptedActor();
    const backoff = { firstMs: 10, longestMs: 20 };
    const url = `mqtt://127.0.0.1:${await freePort()}`;
    runtime.host(actor).attach(connectMqtt({ url, clientId: "m", backoff }));
    await until(() => actor.events.length >= 2, "two attempts");
    expect(actor.events[0]).toMatchObject({ kind: "closed", reason: expect.stringContaining("ECONNREFUSED") });
    expect(() => connectMqtt({ url: "http://x", clientId: "m" })).toThrow('"http://x" is no broker address');
    expect(() => subscribeMqtt({ url: "x", clientId: "m", subscriptions: [] })).toThrow("no broker address");
  });

  it("ends although the broker never acknowledges what is in flight", async () => {
    const actor = new ScriptedActor();
    const link = await broker(actor);
    const session = connectMqtt({ url: `mqtt://127.0.0.1:${link.port}`, clientId: "m" });
    session.publish("meters/7/telemetry", Buffer.from("x"), 1, false);
    await until(() => messagesOf(actor).length === 1, "in flight");
    await session.end();
    expect(session.finished).toBe(true);
  });

  it("keeps a bounded number of messages for a broker that is away, the newest, in order", async () => {
    const { runtime } = testRuntime();
    cleanups.push(() => runtime.close());
    const port = await freePort();
    const lost: number[] = [];
    const session = connectMqtt({
      url: `mqtt://127.0.0.1:${port}`,
      clientId: "m",
      backoff: { firstMs: 10, longestMs: 20 },
      outbox: { window: 2, waiting: 5, onLost: (total) => lost.push(total) },
    });
    runtime.host(new ScriptedActor()).attach(session);
    for (let i = 0; i < 8; i++) session.publish("meters/7/telemetry", Buffer.from(`${i}`), 1, false);
    session.publish("meters/7/telemetry", Buffer.from("zero"), 0, false);
    expect(lost).toEqual([1, 2, 3]);
    const head = new ScriptedActor((event) =>
      event.kind === "message" && event.token !== undefined
        ? [{ kind: "acknowledge", link: event.link, token: event.token }]
        : [],
    );
    await broker(head, { port });
    await until(() => messagesOf(head).length === 5, "five kept");
    expect(payloads(head)).toEqual(["3", "4", "5", "6", "7"]);
  });
});

describeWithPeers("mosquitto_pub with the embedded broker", ["mosquitto_pub"], () => {
  it("returns only after the acknowledgement", async () => {
    const actor = new ScriptedActor();
    const link = await broker(actor);
    const args = ["-h", "127.0.0.1", "-p", `${link.port}`, "-q", "1", "-t", "meters/9/telemetry", "-m", "reading"];
    let returned = false;
    const result = run(requirePeer("mosquitto_pub"), args).then((outcome) => {
      returned = true;
      return outcome;
    });
    await until(() => messagesOf(actor).length === 1, "delivered");
    await pause(100);
    expect(returned).toBe(false);
    link.acknowledge(messagesOf(actor)[0]?.token as number);
    expect((await result).code).toBe(0);
    expect(payloads(actor)).toEqual(["reading"]);
  });
});

describeWithPeers("a subscriber on mosquitto", ["mosquitto"], () => {
  async function mosquitto(): Promise<{ port: number; url: string }> {
    const folder = temporaryDirectory();
    const port = await freePort();
    const config = join(folder.path, "mosquitto.conf");
    writeFileSync(
      config,
      `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n`,
    );
    const program = await start(requirePeer("mosquitto"), ["-v", "-c", config], {
      ready: /mosquitto version .* running/,
    });
    cleanups.push(async () => {
      await program.stop("SIGKILL");
      folder.remove();
    });
    return { port, url: `mqtt://127.0.0.1:${port}` };
  }

  const backoff = { firstMs: 10, longestMs: 50 };
  const subscriptions = ["meters/+/telemetry"];

  it("gets again, once each, what it had not acknowledged when it was lost", async () => {
    const { port, url } = await mosquitto();
    const { runtime, bugs } = testRuntime();
    cleanups.push(() => runtime.close());
    const actor = new ScriptedActor();
    const link = subscribeMqtt({ url, clientId: "head-end", subscriptions, backoff });
    runtime.host(actor).attach(link);
    await until(() => link.open, "subscribed");
    const client = await publisher(port);
    for (let i = 0; i < 100; i++) client.publish("meters/7/telemetry", `${i}`, { qos: 1 });
    await until(() => messagesOf(actor).length === 100, "all delivered");
    // 0..59 committed, in a wild order; 60..99 not.
    const tokens = messagesOf(actor).map((message) => message.token as number);
    for (const token of tokens.slice(0, 60).reverse()) link.acknowledge(token);
    await pause(100);
    link.close("as if the process had died");
    await until(() => messagesOf(actor).length === 140, "the rest again");
    for (const token of tokens) link.acknowledge(token);
    for (const message of messagesOf(actor).slice(100)) link.acknowledge(message.token as number);
    await pause(100);
    link.close("again");
    await until(() => actor.kinds().at(-1) === "opened", "back");
    await pause(100);
    expect(payloads(actor).slice(100)).toEqual(Array.from({ length: 40 }, (_, i) => `${60 + i}`));
    expect(bugs).toEqual([]);
  });

  it("has a message repeated that nobody acknowledges, since all later acknowledgements wait for it", async () => {
    const { port, url } = await mosquitto();
    const { runtime } = testRuntime();
    cleanups.push(() => runtime.close());
    const actor = new ScriptedActor();
    const link = subscribeMqtt({ url, clientId: "head-end", subscriptions, backoff, acknowledgeWithinMs: 100 });
    runtime.host(actor).attach(link);
    await until(() => link.open, "subscribed");
    const client = await publisher(port);
    for (const n of [1, 2]) client.publish("meters/7/telemetry", `${n}`, { qos: 1 });
    await until(() => messagesOf(actor).length === 2, "delivered");
    link.acknowledge(messagesOf(actor)[1]?.token as number);
    await until(() => messagesOf(actor).length === 4, "both again");
    for (const message of messagesOf(actor).slice(2)) link.acknowledge(message.token as number);
    await pause(300);
    expect(payloads(actor)).toEqual(["1", "2", "1", "2"]);
    expect(actor.events.flatMap((event) => (event.kind === "closed" ? [event.reason] : []))).toEqual([
      "a message was not stored in time",
    ]);
  });

  it("stops reading above its bound and loses nothing", async () => {
    const { port, url } = await mosquitto();
    const { runtime } = testRuntime();
    cleanups.push(() => runtime.close());
    const actor = new ScriptedActor();
    const link = subscribeMqtt({ url, clientId: "head-end", subscriptions, backoff, maxInFlight: 20 });
    runtime.host(actor).attach(link);
    await until(() => link.open, "subscribed");
    const client = await publisher(port);
    const filler = "x".repeat(10_000);
    for (let i = 0; i < 500; i++) client.publish("meters/7/telemetry", `${i}:${filler}`, { qos: 1 });
    await until(() => messagesOf(actor).length >= 20, "the bound reached");
    await pause(100);
    // What one read brought is handled; nothing more is read.
    expect(messagesOf(actor).length).toBeLessThan(60);
    let done = 0;
    await until(() => {
      while (done < messagesOf(actor).length) link.acknowledge(messagesOf(actor)[done++]?.token as number);
      return messagesOf(actor).length === 500;
    }, "all delivered");
    expect(payloads(actor).map((payload) => Number(payload.split(":")[0]))).toEqual(
      Array.from({ length: 500 }, (_, i) => i),
    );
  });

  it("publishes orders, and waits for a broker that is away", async () => {
    const { port, url } = await mosquitto();
    const { runtime } = testRuntime();
    cleanups.push(() => runtime.close());
    const watcher = await publisher(port);
    const heard: string[] = [];
    watcher.on("message", (_topic, payload) => heard.push(payload.toString()));
    await watcher.subscribeAsync("meters/7/cmd", { qos: 1 });
    const link = subscribeMqtt({ url, clientId: "head-end", subscriptions, backoff, outbox: { window: 3 } });
    runtime.host(new ScriptedActor()).attach(link);
    for (let i = 0; i < 50; i++) link.publish("meters/7/cmd", Buffer.from(`${i}`), 1, false);
    await until(() => heard.length === 50, "every order");
    expect(heard).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  });
});
