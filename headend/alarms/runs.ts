/** From when to when a head-end ran over this store, and whether its end was an orderly one. */
import { type Civil, MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { StoredDocument } from "../ports.ts";

export interface Run {
  readonly from: Civil;
  /** The last sign of life. */
  readonly seen: Civil;
  /** It said goodbye. */
  readonly clean: boolean;
}

export const RUNS = "runs";
/** µs, monotonic: how exactly the end of one that was killed is known. */
const SIGN_EVERY = 60 * MICROS_PER_SECOND;
const KEY_DIGITS = 16;

export class RunLog {
  /** Those of the store that have not been looked at. */
  readonly #before: readonly Run[];
  #run: Run | undefined;
  #signAt = Number.NEGATIVE_INFINITY;

  constructor(documents: readonly StoredDocument[]) {
    this.#before = documents.filter(({ collection }) => collection === RUNS).map(({ text }) => decodeRun(text));
  }

  nextWake(): number {
    return this.#signAt;
  }

  /** The first sign of this run; gives runs that ended without a goodbye. */
  start(now: Now, put: (document: StoredDocument) => void): readonly Run[] {
    // Over: a later start does not look at them again.
    for (const run of this.#before) put(runDocument(run, false));
    this.#run = { from: now.civil, seen: now.civil, clean: false };
    this.sign(now, put);
    return this.#before.filter(({ clean }) => !clean);
  }

  sign(now: Now, put: (document: StoredDocument) => void): void {
    if (this.#run === undefined || now.mono < this.#signAt) return;
    this.#signAt = now.mono + SIGN_EVERY;
    this.#run = { ...this.#run, seen: now.civil };
    put(runDocument(this.#run, true));
  }

  end(now: Now): StoredDocument | undefined {
    return this.#run === undefined ? undefined : runDocument({ ...this.#run, seen: now.civil, clean: true }, true);
  }
}

/** @throws SyntaxError where the store is damaged */
export function decodeRun(text: string): Run {
  return JSON.parse(text) as Run;
}

function runDocument(run: Run, live: boolean): StoredDocument {
  const key = String(Math.max(0, run.from)).padStart(KEY_DIGITS, "0");
  return { collection: RUNS, key, live, text: JSON.stringify(run) };
}
