/**
 * kill -9 of the head-end with the embedded broker while 100 meters publish over MQTT: after the restart every reading that
 * was acknowledged is in the store, once. The meters are mqtt.js clients that publish by the documented schema, written here
 * by hand; the store is read with SQL.
 */
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import mqtt from "mqtt";
import { afterAll, expect, test } from "vitest";
import { type Program, startCli, temporaryDirectory } from "../programs.ts";

const METERS = 100;
/** Of today: older days would be compacted, and SQL would not see their readings. */
const BEGAN = Math.floor(Date.now() / 1_000) * 1_000 - 3_600_000;
const directory = temporaryDirectory();
let headend: Program | undefined;
afterAll(async () => {
  await headend?.stop();
  directory.remove();
});

function startHeadend(file: string, port: number): Promise<Program> {
  const args = ["--store", `sqlite:${file}`, "--broker-listen", `127.0.0.1:${port}`, "--http", "127.0.0.1:0"];
  return startCli(["headend", ...args], { env: { METERWORKS_LOG: "silent" }, timeoutMs: 30_000 });
}

function brokerPort(program: Program): number {
  return Number(/mqtt 127\.0\.0\.1:(\d+)/.exec(program.ready)?.[1]);
}

/** Publishes readings one after the other, and again until acknowledged, as a meter with a queue does. */
class PublishingMeter {
  readonly acknowledged = new Set<number>();
  readonly #client: mqtt.MqttClient;
  readonly id: string;
  #sequence = 0;
  #stopped = false;

  constructor(id: string, port: number) {
    this.id = id;
    this.#client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId: id, clean: false, reconnectPeriod: 100 });
    this.#client.on("error", () => {});
    void this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#sequence += 1;
      const sequence = this.#sequence;
      const time = new Date(BEGAN + sequence * 1_000).toISOString();
      const energy = (sequence * 0.001).toFixed(3);
      const message = {
        ...{ version: 1, meter: this.id, model: "meterworks-1p", sequence, time },
        values: { "1-0:1.8.0": energy, "1-0:32.7.0": "230.0" },
      };
      // Resolves with the PUBACK; after a lost connection mqtt.js sends it again.
      await this.#client.publishAsync(`meters/${this.id}/telemetry`, JSON.stringify(message), { qos: 1 }).then(
        () => this.acknowledged.add(sequence),
        () => {},
      );
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#client.endAsync(true).catch(() => {});
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("every acknowledged reading is in the store once, after two kills", { timeout: 90_000 }, async () => {
  const file = join(directory.path, "site.db");
  headend = await startHeadend(file, 0);
  const port = brokerPort(headend);
  const meters = Array.from({ length: METERS }, (_, i) => new PublishingMeter(`kill-${i + 1}`, port));
  const total = () => meters.reduce((sum, meter) => sum + meter.acknowledged.size, 0);
  for (let kill = 1; kill <= 2; kill++) {
    const before = total();
    while (total() < before + 20 * METERS) await sleep(50);
    await headend.stop("SIGKILL");
    headend = await startHeadend(file, port);
  }
  const before = total();
  while (total() < before + 5 * METERS) await sleep(50);
  await headend.stop("SIGKILL");
  await Promise.all(meters.map((meter) => meter.stop()));

  const database = new BetterSqlite3(file, { readonly: true });
  const rows = database
    .prepare("SELECT m.id AS meter, r.sequence AS sequence FROM readings r JOIN meters m ON m.number = r.meter")
    .all() as { meter: string; sequence: number }[];
  database.close();
  const stored = new Map<string, number>();
  for (const { meter, sequence } of rows) {
    const key = `${meter}#${sequence}`;
    stored.set(key, (stored.get(key) ?? 0) + 1);
  }
  const acknowledged = meters.flatMap((meter) => [...meter.acknowledged].map((sequence) => `${meter.id}#${sequence}`));
  expect(acknowledged.length).toBeGreaterThan(45 * METERS);
  expect(acknowledged.filter((key) => !stored.has(key))).toEqual([]);
  expect([...stored].filter(([, times]) => times > 1)).toEqual([]);
});
