/**
 * A Mosquitto that is killed and started again, and a disk that takes no more, under a head-end that takes telemetry: both are
 * told where they are, both heal, and every message that was acknowledged after the broker was back is stored.
 */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import mqtt from "mqtt";
import { expect, test } from "vitest";
import { AlarmList, TOKEN } from "../alarm-list.ts";
import { describeWithPeers } from "../peers.ts";
import { freePort, startCli } from "../programs.ts";
import { Mosquitto } from "./mosquitto-support.ts";
import { Cleanup } from "./support.ts";

const cleanup = new Cleanup();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Publishes one reading after the other, each until it is acknowledged. */
function publish(port: number) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId: "flat", clean: false, reconnectPeriod: 100 });
  client.on("error", () => {});
  let stopped = false;
  let acknowledged = 0;
  const run = async () => {
    for (let sequence = 1; !stopped; sequence++) {
      const time = new Date(Date.UTC(2026, 0, 1) + sequence * 1_000).toISOString();
      const values = { "1-0:1.8.0": (sequence * 0.001).toFixed(3), "1-0:32.7.0": "230.0" };
      const message = JSON.stringify({ version: 1, meter: "flat", model: "meterworks-1p", sequence, time, values });
      const done = await client.publishAsync("meters/flat/telemetry", message, { qos: 1 }).then(
        () => true,
        () => false,
      );
      if (done) acknowledged = sequence;
      await sleep(20);
    }
  };
  const ended = run();
  return {
    acknowledged: () => acknowledged,
    stop: async () => {
      stopped = true;
      await ended;
      await client.endAsync(true);
    },
  };
}

describeWithPeers("a head-end at Mosquitto", ["mosquitto", "prlimit"], () => {
  test("the broker's restart and the full disk are told and heal by themselves", { timeout: 60_000 }, async () => {
    const port = await freePort();
    const broker = new Mosquitto(cleanup);
    broker.configure([`listener ${port} 127.0.0.1`, "allow_anonymous true", "persistence true"]);
    await broker.start();
    const file = join(cleanup.directory(), "site.db");
    const args = [
      "headend",
      "--store",
      `sqlite:${file}`,
      "--http",
      "127.0.0.1:0",
      "--broker",
      `mqtt://127.0.0.1:${port}`,
    ];
    const env = { METERWORKS_LOG: "silent", METERWORKS_TOKEN: TOKEN };
    const headend = cleanup.program(await startCli(args, { env }));
    const list = new AlarmList(headend);
    const meter = publish(port);
    await list.until([]);

    await broker.kill();
    await expect
      .poll(async () => (await list.read("open")).map(({ kind, part }) => `${kind} ${part}`), { timeout: 15_000 })
      .toEqual(["broker-down broker"]);
    await broker.start();
    await list.until([]);
    // What Mosquitto acknowledged and had not saved is gone with it: that is not ours to keep.
    const from = meter.acknowledged() + 1;

    await expect.poll(() => meter.acknowledged(), { timeout: 15_000 }).toBeGreaterThan(from + 20);
    const limit = (bytes: string) =>
      expect(spawnSync("prlimit", ["--pid", String(headend.pid), `--fsize=${bytes}:unlimited`]).status).toBe(0);
    // The log may not grow beyond what it is now: the next commits fail as they do on a full disk.
    limit(String(statSync(`${file}-wal`).size));
    await list.until(["store-failing store"]);
    expect((await list.read("open"))[0]?.cause).toMatch(/disk/);
    limit("unlimited");
    await list.until([]);
    expect((await list.read("all")).map(({ kind }) => kind)).toEqual(["store-failing", "broker-down"]);

    const before = meter.acknowledged();
    await expect.poll(() => meter.acknowledged(), { timeout: 15_000 }).toBeGreaterThan(before);
    await meter.stop();
    // What the full disk made the head-end give up is still with Mosquitto, which gives it again to the next session. The
    // head-end begins one by itself when a message is too old; the test does not wait for that.
    await headend.stop();
    cleanup.program(await startCli(args, { env }));
    const acknowledged = meter.acknowledged();
    const stored = () => {
      const database = new BetterSqlite3(file, { readonly: true });
      const row = database
        .prepare("SELECT count(*) AS n FROM readings WHERE sequence > ? AND sequence <= ?")
        .get(from, acknowledged);
      database.close();
      return (row as { n: number }).n;
    };
    // Mosquitto acknowledges what it keeps for the head-end: the last of it may be on its way.
    await expect.poll(stored, { timeout: 15_000 }).toBe(acknowledged - from);
  });
});
