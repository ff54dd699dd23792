/** What is known of one meter's intervals, and how it is kept: a document with the readings that change it, in one batch. */
import type { MeasureKey } from "../../src/core/measures.ts";
import { assert } from "../../src/core/result.ts";
import { type Civil, civil, MICROS_PER_SECOND } from "../../src/core/time.ts";
import type { DocumentCodec } from "../documents.ts";
import { INTERVAL_STATES, type IntervalState, type Run, type Runs, type Span, trim } from "./runs.ts";

export const INTERVALS_COLLECTION = "intervals";

/** How far back intervals are expected. A meter's own profile seldom reaches further. */
export const DAYS_KEPT = 35;
const MINUTES_PER_DAY = 1_440;

/** The energies of an interval reading, whose order is that of `anchor`. */
export const INTERVAL_ENERGIES = [
  "activeEnergyImport",
  "activeEnergyExport",
  "reactiveEnergyImport",
  "reactiveEnergyExport",
] as const satisfies readonly MeasureKey[];

export interface MeterIntervals {
  /** Length of an interval. They are numbered from 1970 on: number n ends at n × minutes. */
  readonly minutes: number;
  /** The first that is expected. */
  readonly first: number;
  /** The last that is expected: the meter was removed. Null: no end. */
  readonly until: number | null;
  readonly runs: Runs;
  /** Energies before the first open interval, mWh or mvarh: what is filled in behind may not be less. Null: not known. */
  readonly anchor: readonly (number | null)[];
}

/** The interval that a time lies in: an interval includes its end. */
export function intervalAt(time: number, minutes: number): number {
  return Math.ceil(time / (60 * minutes * MICROS_PER_SECOND));
}

/** End of an interval. */
export function endOf(interval: number, minutes: number): Civil {
  return civil(interval * 60 * minutes * MICROS_PER_SECOND);
}

/** The last interval that has ended at a time. */
export function lastEnded(time: number, minutes: number): number {
  return Math.floor(time / (60 * minutes * MICROS_PER_SECOND));
}

/** What is expected of a meter up to a time, as far as it is kept. */
export function expected({ first, until, minutes }: MeterIntervals, time: number): Span {
  const ended = lastEnded(time, minutes);
  const to = Math.min(ended, until ?? ended);
  return { from: Math.max(first, ended - (DAYS_KEPT * MINUTES_PER_DAY) / minutes + 1), to };
}

/** Without what is older than is kept. */
export function forgetOld(state: MeterIntervals, time: number): MeterIntervals {
  const { from } = expected(state, time);
  return from <= state.first ? state : { ...state, first: from, runs: trim(state.runs, from) };
}

const LETTERS: Readonly<Record<IntervalState | "open", string>> = { read: "r", late: "l", missing: "m", open: "o" };
const STATES = new Map(INTERVAL_STATES.map((state) => [LETTERS[state], state] as const));

type Kept = Omit<MeterIntervals, "runs"> & { readonly runs: string };

/** `{"minutes":15,"first":1979712,"until":null,"runs":"r96o4l2","anchor":[…]}`: lengths one behind the other, from the first on. */
export const INTERVALS_CODEC: DocumentCodec<MeterIntervals> = {
  encode({ minutes, first, until, runs, anchor }) {
    let text = "";
    let next = first;
    for (const { from, to, state } of runs) {
      if (from > next) text += `o${from - next}`;
      text += `${LETTERS[state]}${to - from + 1}`;
      next = to + 1;
    }
    return JSON.stringify({ minutes, first, until, runs: text, anchor });
  },
  decode(text) {
    const { minutes, first, until, runs: lengths, anchor } = JSON.parse(text) as Kept;
    const runs: Run[] = [];
    let next = first;
    for (const [, letter = "", digits = ""] of lengths.matchAll(/([a-z])(\d+)/g)) {
      const length = Number(digits);
      const state = STATES.get(letter);
      assert(state !== undefined || letter === LETTERS.open, `"${letter}" is no state of intervals`);
      if (state !== undefined) runs.push({ from: next, to: next + length - 1, state });
      next += length;
    }
    return { minutes, first, until, runs, anchor };
  },
  live: () => true,
};
