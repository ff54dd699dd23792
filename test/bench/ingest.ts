/**
 * MQTT ingest through one Mosquitto: our head-end, which acknowledges after the commit, beside subscribers that store
 * nothing: mqtt.js, and a socket with mqtt-packet alone, which shows what broker and publisher let through at all. The rate is that from message {@link WARM} to the last one.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { findMosquitto, NO_MOSQUITTO } from "../mosquitto.ts";
import { CLI, freePort, type Program, start, temporaryDirectory } from "../programs.ts";
import { processCpuMicros, SetupError } from "./machine.ts";

export type IngestSide = "meterworks" | "mqtt.js" | "raw";
export const INGEST_SIDES: readonly IngestSide[] = ["meterworks", "mqtt.js", "raw"];

export interface IngestSample {
  readonly messagesPerSecond: number;
  /** CPU µs per message, all threads; of the subscriber in the time that is measured. */
  readonly subscriberCpu: number;
  readonly brokerCpu: number;
}

export interface IngestSize {
  /** Also the number of meters: the head-end registers each of them before the measurement begins. */
  readonly warm: number;
  readonly messages: number;
}

/** Messages that the broker has not acknowledged to the publisher. */
const WINDOW = 200;
const WAIT_MS = 60_000;

/** @throws SetupError without Mosquitto; Error when a side does not take every message, or the store does not hold each once. */
export async function measureIngest(side: IngestSide, size: IngestSize): Promise<IngestSample> {
  const mosquitto = findMosquitto();
  if (mosquitto === undefined) throw new SetupError(NO_MOSQUITTO);
  const directory = temporaryDirectory();
  const programs: Program[] = [];
  try {
    const port = await freePort();
    const config = join(directory.path, "mosquitto.conf");
    // As docs/mqtt.md says for a head-end; nothing on disk on either side, which is the same for both.
    const lines = ["user root", `listener ${port} 127.0.0.1`, "allow_anonymous true", "max_queued_messages 0"];
    writeFileSync(config, [...lines, "max_inflight_messages 2000", ""].join("\n"));
    const broker = await start(mosquitto, ["-c", config], { ready: /mosquitto version .* running/ });
    programs.push(broker);
    const subscriber =
      side === "meterworks" ? await startOurs(port, directory.path) : await startPeer(side, port, size);
    programs.push(subscriber);
    const publisher = await startPublisher(port, size);
    programs.push(publisher);
    const brokerBefore = processCpuMicros(broker.pid);
    let subscriberBefore = 0;
    const onWarm = (): void => {
      subscriberBefore = processCpuMicros(subscriber.pid);
    };
    process.kill(publisher.pid, "SIGUSR2");
    const ms =
      side === "meterworks"
        ? await ourMs(join(directory.path, "site.db"), size, onWarm)
        : await peerMs(subscriber, onWarm);
    const measured = size.messages - size.warm;
    return {
      messagesPerSecond: (measured * 1_000) / ms,
      subscriberCpu: (processCpuMicros(subscriber.pid) - subscriberBefore) / measured,
      // Of all messages: the broker may have taken most of them before a slow subscriber is warm.
      brokerCpu: (processCpuMicros(broker.pid) - brokerBefore) / size.messages,
    };
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    directory.remove();
  }
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

function startPeer(side: IngestSide, port: number, { warm, messages }: IngestSize): Promise<Program> {
  const args = [script("ingest-peer.js"), side, ...[port, warm, messages].map(String)];
  return start(process.execPath, args, { ready: /^ready/ });
}

function startOurs(port: number, directory: string): Promise<Program> {
  const args = ["headend", "--store", `sqlite:${join(directory, "site.db")}`, "--http", "127.0.0.1:0"];
  const broker = ["--broker", `mqtt://127.0.0.1:${port}`];
  return start(process.execPath, [CLI, ...args, ...broker], { ready: /^ready/ });
}

function startPublisher(port: number, { warm, messages }: IngestSize): Promise<Program> {
  const args = [script("ingest-publisher.js"), ...[port, messages, warm, WINDOW].map(String)];
  return start(process.execPath, args, { ready: /^ready/, timeoutMs: WAIT_MS });
}

async function peerMs(subscriber: Program, onWarm: () => void): Promise<number> {
  const end = performance.now() + WAIT_MS;
  let warm = false;
  for (;;) {
    if (!warm && /^warm$/m.test(subscriber.stdout())) {
      warm = true;
      onWarm();
    }
    const line = /^\{.*\}$/m.exec(subscriber.stdout())?.[0];
    if (line !== undefined) return (JSON.parse(line) as { ms: number }).ms;
    if (performance.now() > end) throw new Error(`the peer did not take every message within ${WAIT_MS} ms`);
    await sleep(5);
  }
}

/** What is committed, as another reader of the file sees it. */
async function ourMs(file: string, { warm, messages }: IngestSize, onWarm: () => void): Promise<number> {
  const db = new Database(file, { readonly: true });
  try {
    const count = db.prepare("SELECT coalesce(sum(count), 0) FROM reading_counts").pluck();
    const end = performance.now() + WAIT_MS;
    let first: { at: number; stored: number } | undefined;
    for (;;) {
      const [stored, at] = [count.get() as number, performance.now()];
      if (first === undefined && stored >= warm) {
        first = { at, stored };
        onWarm();
      }
      if (stored >= messages && first !== undefined) {
        const rows = db.prepare("SELECT count(*) FROM readings").pluck().get();
        if (rows !== messages) throw new Error(`${rows} rows are stored of ${messages} messages`);
        return ((at - first.at) * (messages - warm)) / (messages - first.stored);
      }
      if (at > end) throw new Error(`${stored} of ${messages} messages are stored after ${WAIT_MS} ms`);
      await sleep(5);
    }
  } finally {
    db.close();
  }
}
