/**
 * `judge.js DIRECTORY STORE`: reads the witness files as they grow and looks into the store's file for what they say. On
 * SIGTERM it reads `run.json`, compares everything, and prints its figures as one line of JSON.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { type Comparison, compare, keyOf, microsOf } from "./compare.ts";
import { type Latency, type Outage, quietLatency, type Recovery, recoveries } from "./outages.ts";
import { comparePolled, type PolledFigures, type Served } from "./polled.ts";
import { type Published, StoreTail } from "./store-tail.ts";
import { type WitnessLine, WitnessReader } from "./witness.ts";

export interface RunTimes {
  readonly began: number;
  readonly ended: number;
  readonly everySeconds: number;
  readonly outages: readonly Outage[];
}

export interface JudgeFigures {
  readonly comparison: Comparison;
  readonly polled: PolledFigures;
  readonly latency: Latency;
  readonly recoveries: readonly Recovery[];
}

const LOOK_MS = 100;
/** After the run, for what is still on its way. */
const PATIENCE_MS = 60_000;

class Judge {
  readonly #directory: string;
  readonly #store: string;
  readonly #tail: StoreTail;
  readonly #readers = new Map<string, WitnessReader>();
  readonly #published = new Map<string, Published>();
  readonly #served = new Map<string, Served[]>();

  constructor(directory: string, store: string) {
    this.#directory = directory;
    this.#store = store;
    this.#tail = new StoreTail(store);
  }

  look(): void {
    for (const name of readdirSync(this.#directory))
      if (name.endsWith(".witness") && !this.#readers.has(name))
        this.#readers.set(name, new WitnessReader(join(this.#directory, name)));
    for (const reader of this.#readers.values()) for (const line of reader.read()) this.#take(line);
    this.#tail.look();
  }

  /** True while something that was acknowledged is not visible. */
  get owes(): boolean {
    for (const reading of this.#tail.pending) if (reading.acknowledged) return true;
    return false;
  }

  figures(run: RunTimes): JudgeFigures {
    const db = new Database(this.#store, { readonly: true });
    // What was never acknowledged may have been on its way when the run ended.
    const readings = [...this.#published.values()].filter(({ acknowledged }) => acknowledged);
    const found = recoveries(readings, run.outages, run.ended);
    return {
      comparison: compare(db, this.#published),
      polled: comparePolled(db, this.#served, run, run.outages),
      latency: quietLatency(readings, found, run.ended),
      recoveries: found,
    };
  }

  #take(line: WitnessLine): void {
    if (line[0] === "served") {
      const [, meter, at, energy] = line;
      const served = this.#served.get(meter);
      if (served === undefined) this.#served.set(meter, [{ at, energy }]);
      else served.push({ at, energy });
    } else if (line[0] === "acknowledged") {
      const reading = this.#published.get(keyOf(line[1], line[2]));
      if (reading !== undefined) reading.acknowledged = true;
    } else {
      const [, meter, sequence, published, time, values] = line;
      const reading = { meter, sequence, time: microsOf(time), published, values, acknowledged: false, visible: 0 };
      this.#published.set(keyOf(meter, sequence), reading);
      this.#tail.watch(reading);
    }
  }
}

const [directory = "", store = ""] = process.argv.slice(2);
const judge = new Judge(directory, store);
const timer = setInterval(() => judge.look(), LOOK_MS);
process.once("SIGTERM", () => {
  clearInterval(timer);
  const end = performance.now() + PATIENCE_MS;
  const finish = (): void => {
    judge.look();
    if (judge.owes && performance.now() < end) {
      setTimeout(finish, LOOK_MS);
      return;
    }
    const run = JSON.parse(readFileSync(join(directory, "run.json"), "utf8")) as RunTimes;
    process.stdout.write(`figures ${JSON.stringify(judge.figures(run))}\n`, () => process.exit(0));
  };
  finish();
});
process.stdout.write("ready\n");
