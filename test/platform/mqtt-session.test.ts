/** Sessions of ours at a broker that forgets nothing, refuses, hangs, or is asked for the same name twice. */
import { createServer } from "node:net";
import mqtt from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import type { LinkEvent } from "../../src/core/actor.ts";
import type { Link } from "../../src/platform/link.ts";
import { openBroker } from "../../src/platform/mqtt-broker.ts";
import { connectMqtt } from "../../src/platform/mqtt-client.ts";
import { subscribeMqtt } from "../../src/platform/mqtt-subscriber.ts";
import { Mosquitto } from "../conformance/mosquitto-support.ts";
import { Cleanup } from "../conformance/support.ts";
import { describeWithPeers } from "../peers.ts";
import { freePort } from "../programs.ts";
import { pause, ScriptedActor, testRuntime, until } from "./support.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const backoff = { firstMs: 10, longestMs: 50 };

function hosted(link: Link): ScriptedActor {
  const { runtime } = testRuntime();
  const actor = new ScriptedActor();
  runtime.host(actor).attach(link);
  cleanups.push(() => runtime.close());
  return actor;
}

const payloads = (actor: ScriptedActor) =>
  actor.events.flatMap((event) => (event.kind === "message" ? [Buffer.from(event.payload).toString()] : []));
const reasons = (events: readonly LinkEvent[]) =>
  events.flatMap((event) => (event.kind === "closed" ? [event.reason] : []));

async function foreign(port: number, options: mqtt.IClientOptions = {}): Promise<mqtt.MqttClient> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options);
  cleanups.push(() => client.endAsync(true));
  return client;
}

describeWithPeers("a meter's session at mosquitto", ["mosquitto"], () => {
  const cleanup = new Cleanup();

  it.each(["3.1.1", "5"] as const)("in MQTT %s gets the orders that came while it was away", async (version) => {
    const port = await freePort();
    const broker = new Mosquitto(cleanup);
    broker.configure([`listener ${port} 127.0.0.1`, "allow_anonymous true"]);
    await broker.start();
    const session = () =>
      connectMqtt({
        ...{ url: `mqtt://127.0.0.1:${port}`, version, clientId: "m7", persistent: true, backoff },
        subscriptions: ["meters/7/cmd"],
      });
    const first = session();
    hosted(first);
    await until(() => first.open, "subscribed");
    await first.end();
    const headend = await foreign(port);
    for (const order of ["open", "close"]) await headend.publishAsync("meters/7/cmd", order, { qos: 1 });
    const actor = hosted(session());
    await until(() => payloads(actor).length === 2, "the orders");
    expect(payloads(actor)).toEqual(["open", "close"]);
  });

  it("in MQTT 5 offers a refused message again, not at full speed, until the rules let it pass", async () => {
    const port = await freePort();
    const broker = new Mosquitto(cleanup);
    const acl = broker.file("acl", "topic read #\n");
    broker.configure([`listener ${port} 127.0.0.1`, "allow_anonymous true", `acl_file ${acl}`]);
    await broker.start();
    const watcher = await foreign(port);
    const heard: string[] = [];
    watcher.on("message", (_topic, payload) => heard.push(payload.toString()));
    await watcher.subscribeAsync("meters/#", { qos: 1 });
    const url = `mqtt://127.0.0.1:${port}`;
    const link = connectMqtt({ url, version: "5", clientId: "m7", backoff: { firstMs: 20, longestMs: 200 } });
    const actor = hosted(link);
    for (const n of [1, 2]) link.publish("meters/7/telemetry", Buffer.from(`${n}`), 1, false, n);
    await pause(700);
    const refusals = reasons(actor.events).filter((reason) => reason.startsWith("a message was refused"));
    expect(refusals.length).toBeGreaterThanOrEqual(1);
    expect(refusals.length).toBeLessThan(12);
    expect(heard).toEqual([]);
    expect(actor.kinds()).not.toContain("published");
    broker.file("acl", "topic readwrite #\n");
    broker.reload();
    const published = () => actor.events.flatMap((event) => (event.kind === "published" ? [event.token] : []));
    await until(() => published().length === 2, "both published");
    expect([...heard].sort()).toEqual(["1", "2"]);
    expect(published().toSorted()).toEqual([1, 2]);
  });
});

describe("a broker that hangs", () => {
  it("is left by the head-end after two keepalives, and tried again", async () => {
    let connections = 0;
    const mute = createServer((socket) => {
      connections += 1;
      socket.on("error", () => {});
      socket.resume();
    });
    const port = await new Promise<number>((resolve) => {
      mute.listen(0, "127.0.0.1", () => resolve((mute.address() as { port: number }).port));
    });
    cleanups.push(() => mute.close());
    const url = `mqtt://127.0.0.1:${port}`;
    const actor = hosted(subscribeMqtt({ url, clientId: "h", subscriptions: ["a"], keepaliveSeconds: 1, backoff }));
    await until(() => connections === 2, "a second attempt");
    expect(reasons(actor.events)).toEqual(["the broker is silent"]);
  });
});

describe("one client id for two", () => {
  it("the later one has the session; what the earlier had not got acknowledged is not lost", async () => {
    const broker = await openBroker({ host: "127.0.0.1", port: 0, deliver: ["meters/+/telemetry"] });
    const head = new ScriptedActor();
    const { runtime } = testRuntime();
    runtime.host(head).attach(broker);
    cleanups.push(() => runtime.close());
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const earlier = connectMqtt({ url, clientId: "m7", backoff });
    const actor = hosted(earlier);
    earlier.publish("meters/7/telemetry", Buffer.from("reading"), 1, false, 1);
    await until(() => payloads(head).length === 1, "delivered");
    const later = await foreign(broker.port, { clientId: "m7", reconnectPeriod: 0 });
    await until(() => reasons(actor.events).length >= 1, "the earlier one was cut off");
    // It comes again and takes the session back, with its message.
    await until(() => payloads(head).length >= 2, "repeated");
    expect(new Set(payloads(head))).toEqual(new Set(["reading"]));
    await until(() => !later.connected, "the later one was cut off in turn");
    const newest = head.events.flatMap((event) => (event.kind === "message" ? [event.token as number] : [])).at(-1);
    broker.acknowledge(newest as number);
    await until(() => actor.kinds().includes("published"), "acknowledged");
  });
});
