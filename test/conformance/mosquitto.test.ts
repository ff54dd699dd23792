/** Mosquitto judges: its clients at our broker, its broker between our meters and our head-end. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, expect, test } from "vitest";
import { Authority } from "../certificates.ts";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { freePort, type Program, REPOSITORY, run, runCli } from "../programs.ts";
import { dissectMqtt, expectCleanMqtt } from "./dissect.ts";
import {
  eventually,
  Headend,
  heard,
  Mosquitto,
  mosquittoPub,
  mosquittoSub,
  startMqttMeter,
} from "./mosquitto-support.ts";
import { Cleanup } from "./support.ts";
import { type Recorder, recordTcp } from "./wire.ts";

const range = (to: number): number[] => Array.from({ length: to }, (_, i) => i + 1);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Every number from 1 on is there; so many at least. */
function expectWhole(sequences: readonly number[], least: number): void {
  expect(sequences).toEqual(range(sequences.at(-1) ?? 0));
  expect(sequences.length).toBeGreaterThanOrEqual(least);
}

describeWithPeers(
  "mosquitto's clients at the embedded broker",
  ["mosquitto_sub", "mosquitto_pub", "tshark", "text2pcap"],
  () => {
    const cleanup = new Cleanup();
    let watcher: Program;
    let headend: Headend;
    let recorder: Recorder;

    beforeAll(async () => {
      headend = await Headend.start(cleanup, []);
      const at = ["-h", "127.0.0.1", "-p", String(headend.port)];
      watcher = await mosquittoSub(cleanup, [...at, "-t", "meters/#"]);
      recorder = cleanup.closing(await recordTcp(headend.port));
      await startMqttMeter(cleanup, "flat-7", ["--mqtt", `mqtt://127.0.0.1:${recorder.port}`, "--interval", "0.2"]);
      await eventually(
        () => heard(watcher).length >= 3,
        () => headend.log(),
      );
      const query = JSON.stringify({ version: 1, kind: "query", id: 9 });
      const asked = await mosquittoPub([...at, "-q", "1", "-t", "meters/flat-7/cmd", "-m", query]);
      expect(asked, asked.stderr).toMatchObject({ code: 0 });
      await eventually(
        () => heard(watcher).some(({ topic }) => topic.endsWith("/resp")),
        () => watcher.stdout(),
      );
    });

    test("hear telemetry, orders and answers that are valid by the published schema", () => {
      const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
      const schema = JSON.parse(readFileSync(join(REPOSITORY, "docs/mqtt.schema.json"), "utf8"));
      ajv.addSchema(schema);
      const validator = (name: string) => ajv.compile({ $ref: `${schema.$id}#/$defs/${name}` });
      const kinds = { telemetry: validator("telemetry"), cmd: validator("command"), resp: validator("response") };
      const seen = new Set<string>();
      for (const { topic, payload } of heard(watcher)) {
        const channel = topic.split("/")[2] as keyof typeof kinds;
        seen.add(channel);
        const valid = kinds[channel];
        expect(valid(JSON.parse(payload)), `${payload}: ${JSON.stringify(valid.errors)}`).toBe(true);
      }
      expect(seen).toEqual(new Set(["telemetry", "cmd", "resp"]));
      const answer = heard(watcher).find(({ topic }) => topic.endsWith("/resp"));
      expect(JSON.parse(answer?.payload ?? "")).toMatchObject({ kind: "state", meter: "flat-7", query: 9, relay: 1 });
    });

    test("tshark finds every packet of the meter's connection whole", async () => {
      const packets = await dissectMqtt(cleanup, recorder.chunks);
      expectCleanMqtt(packets);
      const types = new Set(packets.flatMap((packet) => packet.types));
      // CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK
      for (const type of [1, 2, 3, 4, 8, 9]) expect(types).toContain(type);
      expect(new Set(packets.flatMap((packet) => packet.topics))).toEqual(
        new Set(["meters/flat-7/telemetry", "meters/flat-7/cmd", "meters/flat-7/resp"]),
      );
    });

    test("tshark finds a topic length that is wrong", async () => {
      const at = recorder.chunks.findIndex(({ bytes }) => (bytes[0] ?? 0) >> 4 === 3);
      // Far beyond the packet.
      const bad = recorder.chunks.map((chunk, i) =>
        i === at ? { ...chunk, bytes: Uint8Array.from(chunk.bytes, (byte, n) => (n === 3 ? 0xff : byte)) } : chunk,
      );
      const packets = await dissectMqtt(cleanup, bad.slice(0, at + 1));
      expect(() => expectCleanMqtt(packets)).toThrow();
    });

    // Last, because the watcher's broker goes too.
    test("and the meter brings everything after kill -9 of the head-end with its broker", async () => {
      await headend.stop("SIGKILL");
      const last = headend.stored("flat-7").at(-1) ?? 0;
      await pause(800);
      await headend.start();
      const newest = () => headend.stored("flat-7").at(-1) ?? 0;
      await eventually(
        () => newest() > last + 4,
        () => `${newest()} > ${last} + 4: ${headend.log()}`,
      );
      expectWhole(headend.stored("flat-7"), last + 4);
    });
  },
);

describeWithPeers(
  "mosquitto with TLS, users, certificates and the printed rules",
  ["mosquitto", "mosquitto_sub", "mosquitto_pub", "mosquitto_passwd", "openssl"],
  () => {
    const cleanup = new Cleanup();
    const broker = new Mosquitto(cleanup);
    let ours: Authority;
    let byPassword = 0;
    let byCertificate = 0;

    const as = (user: string) => {
      const login = ["-u", user, "-P", `secret-of-${user}`];
      return ["-h", "127.0.0.1", "-p", String(byPassword), "--cafile", ours.cert, ...login];
    };
    const url = (user: string) => `mqtts://${user}:secret-of-${user}@127.0.0.1:${byPassword}`;

    beforeAll(async () => {
      ours = await Authority.make(broker.directory, "ours");
      const server = await ours.issue("broker");
      const users = join(broker.directory, "users");
      const names = ["meterworks-headend", "flat-7", "flat-8", "desk"];
      broker.file("users", names.map((name) => `${name}:secret-of-${name}\n`).join(""));
      const hashed = await run(requirePeer("mosquitto_passwd"), ["-U", users]);
      expect(hashed, hashed.stderr).toMatchObject({ code: 0 });
      const ourUsers = broker.file("our-users", "desk:reader:certificate\n");
      const rules = await runCli(["headend", "--print-acl", "--broker-users", ourUsers]);
      expect(rules, rules.stderr).toMatchObject({ code: 0 });
      [byPassword, byCertificate] = [await freePort(), await freePort()];
      const tls = [`cafile ${ours.cert}`, `certfile ${server.cert}`, `keyfile ${server.key}`];
      broker.configure([
        ...["allow_anonymous false", `password_file ${users}`, `acl_file ${broker.file("acl", rules.stdout)}`],
        ...[`listener ${byPassword} 127.0.0.1`, ...tls],
        ...[`listener ${byCertificate} 127.0.0.1`, ...tls, "require_certificate true", "use_identity_as_username true"],
      ]);
      await broker.start();
    });

    test.each(["3.1.1", "5"])(
      "carries telemetry and orders in MQTT %s, by password and by certificate",
      async (version) => {
        const mqtt = ["--mqtt-version", version, "--mqtt-ca", ours.cert];
        const own = await ours.issue("flat-8");
        // A session of its own: what the broker still holds for the other version's head-end is not this one's.
        const session = ["--client-id", `headend-${version}`];
        const headend = await Headend.start(cleanup, ["--broker", url("meterworks-headend"), ...session, ...mqtt]);
        const [flat7, flat8] = await Promise.all([
          startMqttMeter(cleanup, "flat-7", ["--mqtt", url("flat-7"), ...mqtt, "--interval", "0.2"]),
          startMqttMeter(cleanup, "flat-8", [
            ...["--mqtt", `mqtts://127.0.0.1:${byCertificate}`, ...mqtt, "--interval", "0.2"],
            ...["--mqtt-cert", own.cert, "--mqtt-key", own.key],
          ]),
        ]);
        const stored = () => Math.min(headend.stored("flat-7").length, headend.stored("flat-8").length);
        await eventually(
          () => stored() >= 3,
          () => flat7.stderr() + flat8.stderr() + headend.log() + broker.log(),
        );
        const opened = await runCli(["relay", "open", "flat-8", ...headend.api(), "--wait", "8"]);
        expect(opened, opened.stderr).toMatchObject({ code: 0 });
        await Promise.all([flat7.stop(), flat8.stop()]);
        await headend.stop();
        for (const meter of ["flat-7", "flat-8"]) expectWhole(headend.stored(meter), 3);
      },
      90_000,
    );

    test("a meter's credentials reach no other meter's topics, neither to say nor to hear", async () => {
      const spy = await mosquittoSub(cleanup, [
        ...as("flat-8"),
        "-t",
        "#",
        "-t",
        "meters/flat-7/+",
        "-t",
        "meters/flat-7/cmd",
      ]);
      const desk = await mosquittoSub(cleanup, [...as("desk"), "-t", "meters/#"]);
      const say = async (user: string, topic: string, text: string) => {
        const said = await mosquittoPub([...as(user), "-q", "1", "-t", topic, "-m", text]);
        // Mosquitto acknowledges what it then throws away.
        expect(said, said.stderr).toMatchObject({ timedOut: false });
      };
      await say("flat-8", "meters/flat-7/telemetry", "forged");
      await say("flat-8", "meters/flat-7/resp", "forged");
      await say("flat-8", "meters/flat-7/cmd", "forged");
      await say("flat-8", "meters/flat-8/cmd", "its own order");
      await say("desk", "meters/flat-7/cmd", "a reader's order");
      await say("flat-7", "meters/flat-7/telemetry", "true");
      await say("flat-8", "meters/flat-8/telemetry", "true");
      await say("meterworks-headend", "meters/flat-7/telemetry", "forged by the head-end");
      await say("meterworks-headend", "meters/flat-7/cmd", "for 7");
      await say("meterworks-headend", "meters/flat-8/cmd", "for 8");
      await eventually(
        () => heard(spy).length > 0,
        () => spy.stdout(),
      );
      await pause(100);
      expect(heard(spy)).toEqual([{ topic: "meters/flat-8/cmd", payload: "for 8" }]);
      expect(heard(desk)).toEqual([
        { topic: "meters/flat-7/telemetry", payload: "true" },
        { topic: "meters/flat-8/telemetry", payload: "true" },
        { topic: "meters/flat-7/cmd", payload: "for 7" },
        { topic: "meters/flat-8/cmd", payload: "for 8" },
      ]);
    });

    test("a wrong password, a foreign certificate or a foreign authority is named in the meter's log", async () => {
      const foreign = await Authority.make(broker.directory, "foreign");
      const stranger = await foreign.issue("flat-8");
      const certificate = `mqtts://127.0.0.1:${byCertificate}`;
      for (const [args, problem] of [
        [
          ["--mqtt", url("flat-7").replace("secret", "guess"), "--mqtt-ca", ours.cert],
          /check user and password|refuses this user/,
        ],
        [
          ["--mqtt", certificate, "--mqtt-ca", ours.cert, "--mqtt-cert", stranger.cert, "--mqtt-key", stranger.key],
          /does not know the authority|does not accept our certificate/,
        ],
        [["--mqtt", certificate, "--mqtt-ca", ours.cert], /asks for a client certificate/],
        [["--mqtt", url("flat-7"), "--mqtt-ca", foreign.cert], /not known here|not from the authority/],
      ] as const) {
        const meter = await startMqttMeter(cleanup, "flat-7", args);
        await eventually(
          () => problem.test(meter.stderr()),
          () => `${args.join(" ")}: ${meter.stderr()}`,
        );
        await meter.stop();
      }
    });
  },
);

describeWithPeers("a broker that dies", ["mosquitto", "tshark", "text2pcap"], () => {
  const cleanup = new Cleanup();
  const broker = new Mosquitto(cleanup);
  const INTERVAL_MS = 300;
  const meterArgs: string[] = [];
  let port = 0;
  let headend: Headend;
  let meter: Program;
  let recorder: Recorder;

  const newest = () => headend.stored("flat-7").at(-1) ?? 0;
  const beyond = (sequence: number) =>
    eventually(
      () => newest() > sequence,
      () => `${newest()} > ${sequence}: ${meter.stderr()} ${headend.log()}`,
    );

  /** With the meter stopped nothing is on its way that Mosquitto has acknowledged and not yet saved: that loss would be its own. */
  async function killBroker(): Promise<void> {
    process.kill(meter.pid, "SIGSTOP");
    await broker.save();
    await broker.kill();
    process.kill(meter.pid, "SIGCONT");
  }

  beforeAll(async () => {
    port = await freePort();
    broker.configure([
      ...[`listener ${port} 127.0.0.1`, "allow_anonymous true"],
      ...["persistence true", `persistence_location ${broker.directory}/`],
      ...["autosave_on_changes true", "autosave_interval 1"],
    ]);
    await broker.start();
    recorder = cleanup.closing(await recordTcp(port));
    headend = await Headend.start(cleanup, ["--broker", `mqtt://127.0.0.1:${port}`, "--mqtt-version", "5"]);
    const state = join(cleanup.directory(), "state");
    meterArgs.push("--interval", String(INTERVAL_MS / 1000), "--state", state, "--mqtt-version", "5");
    meter = await startMqttMeter(cleanup, "flat-7", ["--mqtt", `mqtt://127.0.0.1:${recorder.port}`, ...meterArgs]);
    await beyond(3);
  });

  test("tshark finds MQTT 5 through it without a fault", async () => {
    const packets = await dissectMqtt(cleanup, recorder.chunks.slice());
    expectCleanMqtt(packets);
    expect(new Set(packets.flatMap(({ topics }) => topics))).toContain("meters/flat-7/telemetry");
    expect(packets.flatMap(({ versions }) => versions)).toEqual([5]);
  });

  test("with kill -9 costs no reading: the meter repeats what was not acknowledged", async () => {
    await meter.stop();
    meter = await startMqttMeter(cleanup, "flat-7", ["--mqtt", `mqtt://127.0.0.1:${port}`, ...meterArgs]);
    await beyond(newest());
    await killBroker();
    const last = newest();
    await pause(4 * INTERVAL_MS);
    await broker.start();
    await beyond(last + 4);
    expectWhole(headend.stored("flat-7"), last + 4);
  });

  test("with kill -9 while it holds readings for a head-end that is away costs none either", async () => {
    await beyond(newest());
    await headend.stop("SIGKILL");
    const last = newest();
    await pause(4.3 * INTERVAL_MS);
    await killBroker();
    await broker.start();
    await headend.start();
    await beyond(last + 6);
    expectWhole(headend.stored("flat-7"), last + 6);
  });

  test("and a meter with --state that is killed meanwhile still brings what it had measured", async () => {
    await beyond(newest());
    await killBroker();
    const last = newest();
    await pause(4.5 * INTERVAL_MS);
    await meter.stop("SIGKILL");
    meter = await startMqttMeter(cleanup, "flat-7", ["--mqtt", `mqtt://127.0.0.1:${port}`, ...meterArgs]);
    await pause(INTERVAL_MS);
    await meter.stop("SIGKILL");
    await broker.start();
    meter = await startMqttMeter(cleanup, "flat-7", ["--mqtt", `mqtt://127.0.0.1:${port}`, ...meterArgs]);
    await beyond(last + 6);
    expectWhole(headend.stored("flat-7"), last + 6);
  });
});
