/** What clients may make the embedded broker keep. Clients are mqtt.js and bytes by hand. */
import { connect as connectSocket, type Socket } from "node:net";
import mqtt from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { type BrokerLink, type BrokerOptions, openBroker } from "../../src/platform/mqtt-broker.ts";
import { PacketSizeCheck } from "../../src/platform/mqtt-packet-size.ts";
import { Quota } from "../../src/platform/quota.ts";
import { pause, ScriptedActor, testRuntime, until } from "./support.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Limited {
  readonly link: BrokerLink;
  readonly actor: ScriptedActor;
  readonly refused: string[];
}

/** An actor that acknowledges at once behind a broker with these limits. */
async function limited(limits: NonNullable<BrokerOptions["limits"]>): Promise<Limited> {
  const refused: string[] = [];
  const { runtime } = testRuntime();
  const link = await openBroker({
    ...{ host: "127.0.0.1", port: 0, deliver: ["meters/+/telemetry"], limits },
    onRefused: (name, what) => refused.push(`${name} ${what}`),
  });
  const actor = new ScriptedActor((event) =>
    event.kind === "message" && event.token !== undefined
      ? [{ kind: "acknowledge", link: event.link, token: event.token }]
      : [],
  );
  runtime.host(actor).attach(link);
  cleanups.push(() => runtime.close());
  return { link, actor, refused };
}

async function client({ link }: Limited, options: mqtt.IClientOptions = {}): Promise<mqtt.MqttClient> {
  const made = await mqtt.connectAsync(`mqtt://127.0.0.1:${link.port}`, { reconnectPeriod: 0, ...options });
  made.on("error", () => {});
  cleanups.push(() => made.endAsync(true));
  return made;
}

/** A session that is away and hears meters/7/cmd. */
async function absent(broker: Limited, clientId: string): Promise<void> {
  const away = await client(broker, { clientId, clean: false });
  await away.subscribeAsync("meters/7/cmd", { qos: 1 });
  await away.endAsync();
}

/** What a session hears in the next moment. */
async function heardBy(broker: Limited, clientId: string): Promise<string[]> {
  const heard: string[] = [];
  const back = mqtt.connect(`mqtt://127.0.0.1:${broker.link.port}`, { clientId, clean: false, reconnectPeriod: 0 });
  cleanups.push(() => back.endAsync(true));
  back.on("message", (_topic, payload) => heard.push(payload.toString()));
  await new Promise((resolve) => back.once("connect", resolve));
  await pause(100);
  return heard;
}

const order = ({ link }: Limited, text: string) => link.publish("meters/7/cmd", Buffer.from(text), 1, false);

describe("the size of a packet", () => {
  /** CONNECT of client "h" (MQTT 3.1.1, 3.1). */
  const CONNECT = Buffer.from("100d00044d51545404020000000168", "hex");

  async function raw(broker: Limited): Promise<Socket> {
    const socket = connectSocket(broker.link.port, "127.0.0.1");
    cleanups.push(() => socket.destroy());
    socket.on("error", () => {});
    socket.write(CONNECT);
    const greeting = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    expect(greeting.toString("hex")).toBe("20020000");
    return socket;
  }

  it("is limited to 256 KiB: one of 200 MB is cut off when it is announced, and told", async () => {
    const broker = await limited({});
    const socket = await raw(broker);
    const gone = new Promise((resolve) => socket.once("close", resolve));
    const before = process.memoryUsage().arrayBuffers;
    // PUBLISH QoS 0 with a remaining length of 200,000,000 and what a fast sender gets rid of.
    socket.write(Buffer.from("308084af5f", "hex"));
    const filler = Buffer.alloc(65_536);
    for (let sent = 0; sent < 2_000 && !socket.destroyed && socket.writable; sent++) {
      if (!socket.write(filler)) await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), gone]);
    }
    await gone;
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    expect(broker.refused).toEqual(["127.0.0.1 a packet of 200000000 bytes or more; 262144 is the limit"]);
    expect(broker.actor.kinds()).toEqual(["opened"]);
    await until(() => broker.link.clients === 0, "the client is gone");
  });

  it("is judged before the client has said who it is", async () => {
    const broker = await limited({});
    const socket = connectSocket(broker.link.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(Buffer.from("10ffffff7f", "hex"));
    await new Promise((resolve) => socket.once("close", resolve));
    expect(broker.refused).toEqual(["127.0.0.1 a packet of 268435455 bytes or more; 262144 is the limit"]);
  });

  it("counts what the fixed header counts: the limit passes, one byte more does not", async () => {
    const broker = await limited({ packetBytes: 1000 });
    const talker = await client(broker);
    const topic = "meters/7/telemetry";
    // Two bytes of topic length, the topic, two of packet id.
    const room = 1000 - 4 - topic.length;
    await talker.publishAsync(topic, Buffer.alloc(room), { qos: 1 });
    await talker.publishAsync(topic, Buffer.alloc(room), { qos: 1 });
    const gone = new Promise<void>((resolve) => talker.once("close", () => resolve()));
    talker.publish(topic, Buffer.alloc(room + 1), { qos: 1 });
    await gone;
    expect(broker.actor.kinds()).toEqual(["opened", "message", "message"]);
  });

  it("is found wherever the bytes are cut, and the packets before it pass", () => {
    // PINGREQ, PUBLISH of 300 bytes (length ac02), PINGREQ, PUBLISH of 1001 (e907).
    const stream = Buffer.concat([
      Buffer.from("c000", "hex"),
      Buffer.from("30ac02", "hex"),
      Buffer.alloc(300, 0xff),
      Buffer.from("c00030e907", "hex"),
    ]);
    for (let step = 1; step <= stream.length; step++) {
      const check = new PacketSizeCheck(1000);
      const answers: (number | undefined)[] = [];
      for (let at = 0; at < stream.length; at += step) answers.push(check.take(stream.subarray(at, at + step)));
      expect(answers.pop()).toBe(1001);
      expect(answers.every((answer) => answer === undefined)).toBe(true);
    }
  });
});

describe("messages for a session that is away", () => {
  it("are kept up to the bound, the oldest", async () => {
    const broker = await limited({ queuedPerSession: 3 });
    await absent(broker, "m7");
    for (let i = 0; i < 5; i++) order(broker, `${i}`);
    expect(await heardBy(broker, "m7")).toEqual(["0", "1", "2"]);
  });

  it("are not more because it comes, takes nothing and goes", async () => {
    const broker = await limited({ queuedPerSession: 3 });
    await absent(broker, "m7");
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 3; i++) order(broker, `${round}.${i}`);
      await pause(10);
      // By hand: it never acknowledges. CONNECT of client "m7", session kept.
      const socket = connectSocket(broker.link.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(Buffer.from("100e00044d5154540400000000026d37", "hex"));
      await new Promise((resolve) => socket.once("data", resolve));
      socket.destroy();
      await until(() => broker.link.clients === 0, "gone");
    }
    expect(await heardBy(broker, "m7")).toEqual(["0.0", "0.1", "0.2"]);
  });

  it("have room again once they were taken", async () => {
    const broker = await limited({ queuedPerSession: 3 });
    await absent(broker, "m7");
    for (const round of ["a", "b", "c"]) {
      for (let i = 0; i < 3; i++) order(broker, `${round}${i}`);
      const heard: string[] = [];
      const back = mqtt.connect(`mqtt://127.0.0.1:${broker.link.port}`, { clientId: "m7", clean: false });
      back.on("message", (_topic, payload) => heard.push(payload.toString()));
      await until(() => heard.length === 3, "three came");
      await pause(30);
      await back.endAsync();
      await until(() => broker.link.clients === 0, "gone");
      expect(heard).toEqual([`${round}0`, `${round}1`, `${round}2`]);
    }
  });

  it("are bounded over all sessions, and a session that is there still gets its own", async () => {
    const broker = await limited({ queued: 4 });
    await absent(broker, "m7");
    await absent(broker, "m8");
    for (let i = 0; i < 4; i++) order(broker, `${i}`);
    const there: string[] = [];
    const live = await client(broker, { clientId: "live", clean: false });
    live.on("message", (_topic, payload) => there.push(payload.toString()));
    await live.subscribeAsync("meters/7/cmd", { qos: 1 });
    for (let i = 4; i < 8; i++) {
      order(broker, `${i}`);
      await pause(10);
    }
    expect(there).toEqual(["4", "5", "6", "7"]);
    expect(live.connected).toBe(true);
    expect(await heardBy(broker, "m7")).toEqual(["0", "1"]);
    expect(await heardBy(broker, "m8")).toEqual(["0", "1"]);
  });

  it("are bounded in bytes over all sessions", async () => {
    const broker = await limited({ queuedBytes: 1000 });
    await absent(broker, "m7");
    order(broker, "a".repeat(600));
    order(broker, "b".repeat(401));
    order(broker, "c".repeat(400));
    expect((await heardBy(broker, "m7")).map((text) => text.slice(0, 1))).toEqual(["a", "c"]);
  });
});

describe("other things kept for clients", () => {
  it("retained messages: so many topics of so many bytes, and an empty one makes room", async () => {
    const broker = await limited({ retainedTopics: 2, retainedBytes: 10 });
    const talker = await client(broker);
    const retain = (topic: string, text: string) => talker.publishAsync(topic, text, { qos: 1, retain: true });
    await retain("a", "one");
    await retain("big", "x".repeat(11));
    await retain("b", "two");
    await retain("c", "three");
    await retain("a", "");
    await retain("d", "four");
    await retain("b", "TWO");
    const listener = await client(broker);
    const heard: Record<string, string> = {};
    listener.on("message", (topic, payload) => {
      heard[topic] = payload.toString();
    });
    await listener.subscribeAsync("#");
    await pause(50);
    expect(heard).toEqual({ b: "TWO", d: "four" });
  });

  it("sessions: a client that wants one more is cut off, one that gives its up makes room", async () => {
    const broker = await limited({ sessions: 2 });
    await absent(broker, "a");
    await absent(broker, "b");
    const third = await client(broker, { clientId: "c", clean: false });
    const gone = new Promise<void>((resolve) => third.once("close", () => resolve()));
    third.subscribe("meters/7/cmd", { qos: 1 }, () => {});
    await gone;
    await (await client(broker, { clientId: "a", clean: true })).endAsync();
    await absent(broker, "c");
    order(broker, "x");
    expect(await heardBy(broker, "c")).toEqual(["x"]);
  });

  it("topic filters of one session: a hundred", async () => {
    const broker = await limited({});
    const greedy = await client(broker);
    const filters = Array.from({ length: 100 }, (_, i) => `t/${i}`);
    const granted = await greedy.subscribeAsync(filters, { qos: 1 });
    expect(granted.map(({ qos }) => qos)).toEqual(Array(100).fill(1));
    await expect(greedy.subscribeAsync("t/100", { qos: 1 })).rejects.toMatchObject({ packet: { granted: [128] } });
    await greedy.subscribeAsync("t/99", { qos: 1 });
  });

  it("halves of QoS 2: a client that never sends the second is cut off", async () => {
    const broker = await limited({ incoming: 3 });
    const socket = connectSocket(broker.link.port, "127.0.0.1");
    socket.on("error", () => {});
    // What nobody reads keeps a socket from closing.
    socket.resume();
    const gone = new Promise((resolve) => socket.once("close", resolve));
    socket.write(Buffer.from("100d00044d51545404020000000168", "hex"));
    // PUBLISH QoS 2 on "w" with packet ids 1..4.
    for (const id of [1, 2, 3, 4])
      socket.write(Buffer.from(`340600017700${id.toString(16).padStart(2, "0")}78`, "hex"));
    await gone;
    const honest = await client(broker);
    for (let i = 0; i < 10; i++) await honest.publishAsync("w", "x", { qos: 2 });
  });
});

it("a quota gives back what was taken, to the byte, whatever is given back twice", () => {
  const quota = new Quota(10, 100);
  expect(quota.take("a", 60, 5)).toBe(true);
  expect(quota.take("b", 50, 5)).toBe(false);
  expect(quota.take("b", 50, 5, 2)).toBe(true);
  quota.give("a", 60);
  quota.give("a", 60);
  expect(quota.take("c", 50, 5)).toBe(true);
  expect(quota.take("c", 1, 5)).toBe(false);
  quota.giveAll("b");
  quota.giveAll("c");
  for (let i = 0; i < 5; i++) expect(quota.take("d", 1, 5)).toBe(true);
  expect(quota.take("d", 1, 5)).toBe(false);
  expect(quota.count("d")).toBe(5);
});
