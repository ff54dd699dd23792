/**
 * Which intervals of which meter are read, late or missing. Moved by every reading in the batch that stores it, so that
 * it says what the store has after any restart. A part of the {@link Books}.
 */
import type { Civil, Now } from "../../src/core/time.ts";
import { MICROS_PER_SECOND } from "../../src/core/time.ts";
import type { Baseline, Draft } from "../books.ts";
import { Shelf } from "../documents.ts";
import type { MeterId, MeterReading, StoredDocument } from "../ports.ts";
import {
  endOf,
  expected,
  forgetOld,
  INTERVAL_ENERGIES,
  INTERVALS_CODEC,
  INTERVALS_COLLECTION,
  intervalAt,
  lastEnded,
  type MeterIntervals,
} from "./meter-intervals.ts";
import { cutBehind, firstHole, type IntervalState, mark, type Span, stateOf } from "./runs.ts";

export interface CompletenessConfig {
  /** Length of an interval: a divisor of an hour, at least 5. */
  readonly minutes: number;
  /**
   * What makes an interval read: `any` reading that lies in it, or, of a meter that keeps one, its record of the load
   * `profile` alone.
   */
  readonly from: "any" | "profile";
}

export const DEFAULT_COMPLETENESS: CompletenessConfig = { minutes: 15, from: "any" };

/** An interval that comes in later than this after its end is late. */
export const LATE_AFTER = 3_600 * MICROS_PER_SECOND;
/** The time of a polled reading is known to the second or so: it bounds what lies well before it. */
const STAMP_SLACK = 5 * MICROS_PER_SECOND;
/** A meter's clock may be ahead; a reading from further in the future says nothing of an interval. */
const AHEAD = 3_600 * MICROS_PER_SECOND;

const COUNTS: ReadonlySet<MeterReading["quality"]> = new Set(["good", "estimated", "late", "clock-doubt"] as const);

/** A piece of a meter's load profile: what it has of some intervals. */
export interface ProfilePiece {
  readonly meter: MeterId;
  /** First interval that was asked for. */
  readonly from: number;
  /** Up to here the answer is all that the meter has. */
  readonly proven: number;
  readonly records: readonly ProfileEntry[];
}

export interface ProfileEntry {
  readonly interval: number;
  /** The meter's clock was set in it or is in doubt. */
  readonly clockDoubt: boolean;
  /** In the order of INTERVAL_ENERGIES, mWh or mvarh. */
  readonly energies: readonly (number | null)[];
}

export class IntervalBook {
  readonly config: CompletenessConfig;
  readonly #shelf: Shelf<MeterIntervals>;

  constructor(config: CompletenessConfig, documents: readonly StoredDocument[]) {
    this.config = config;
    this.#shelf = new Shelf(INTERVALS_COLLECTION, INTERVALS_CODEC, documents);
  }

  /** The first open intervals that end before a time; undefined where there are none. */
  hole(meter: MeterId, before: Civil, most: number): Span | undefined {
    const state = this.#get(meter);
    return state && firstHole(state.runs, expected(state, before), most);
  }

  /** A meter is expected from now on, whether it ever answers or not; nothing where it is already. */
  begin(meter: MeterId, draft: Draft, now: Now): void {
    const state = this.#get(meter);
    if (state === undefined || state.until !== null)
      this.#set(meter, this.#fresh(lastEnded(now.civil, this.config.minutes) + 1), draft, now);
  }

  /** The meter was removed: nothing is expected of it any more. */
  end(meter: MeterId, draft: Draft, now: Now): void {
    const state = this.#get(meter);
    if (state !== undefined && state.until === null)
      this.#set(meter, { ...state, until: lastEnded(now.civil, this.config.minutes) }, draft, now);
  }

  /**
   * Another device took the meter's place: what of the old one is still open is out of reach, and the registers begin anew.
   * @param opening +A of the new device, mWh
   * @returns the readings that say what is gone
   */
  exchanged(meter: MeterId, at: Civil, opening: number, draft: Draft, now: Now): readonly MeterReading[] {
    const state = this.#get(meter);
    if (state === undefined) return [];
    const piece = { meter, from: state.first, proven: lastEnded(at, state.minutes), records: [] };
    const gone = this.fill(piece, undefined, draft, now);
    const anchor = INTERVAL_ENERGIES.map((key) => (key === "activeEnergyImport" ? opening : null));
    this.#set(meter, { ...(this.#get(meter) ?? state), anchor }, draft, now);
    return gone;
  }

  /**
   * A reading is stored in `draft`.
   * @param keepsProfile the meter has a load profile that can be asked for
   */
  note(reading: MeterReading, keepsProfile: boolean, draft: Draft, now: Now): void {
    const { meter, time } = reading;
    const { minutes, from } = this.config;
    if (!COUNTS.has(reading.quality) || time > now.civil + AHEAD) return;
    const interval = intervalAt(time, minutes);
    const known = this.#get(meter);
    const state = (known && this.#withoutFuture(known, now)) ?? this.#fresh(interval);
    const marks = from === "any" || !keepsProfile || time === endOf(interval, minutes);
    const runs = marks && interval >= state.first ? mark(state.runs, interval, this.#state(interval, now)) : state.runs;
    if (runs === known?.runs && state.first === known.first) return;
    // Nothing open lies before it: what comes later may not have less.
    const follows = marks && firstHole(runs, { from: state.first, to: interval }, 1) === undefined;
    const anchor = follows ? energiesOf(reading) : state.anchor;
    this.#set(meter, { ...state, runs, anchor }, draft, now);
  }

  /**
   * What a meter has of intervals that were open, to be stored with its own times. What was read is left as it is.
   * @param newest the meter's last good reading: registers before it may not show more
   */
  fill(piece: ProfilePiece, newest: Baseline | undefined, draft: Draft, now: Now): readonly MeterReading[] {
    const before = this.#get(piece.meter);
    if (before === undefined) return [];
    const entries = new Map(piece.records.map((entry) => [entry.interval, entry]));
    const readings: MeterReading[] = [];
    let { runs, anchor } = before;
    for (let interval = piece.from; interval <= piece.proven; interval++) {
      if (interval < before.first || stateOf(runs, interval) !== undefined) continue;
      const entry = entries.get(interval);
      const reading = this.#reading(piece.meter, interval, entry, anchor, newest, now);
      readings.push(reading);
      const taken = COUNTS.has(reading.quality);
      runs = mark(runs, interval, taken ? this.#state(interval, now) : "missing");
      if (taken && entry !== undefined) anchor = entry.energies;
    }
    if (readings.length > 0) this.#set(piece.meter, { ...before, runs, anchor }, draft, now);
    return readings;
  }

  commit(): void {
    this.#shelf.commit();
  }

  rollback(): void {
    this.#shelf.rollback();
  }

  #get(meter: MeterId): MeterIntervals | undefined {
    const state = this.#shelf.get(meter);
    // Intervals of another length cannot be told from these: what was known begins anew.
    return state?.minutes === this.config.minutes ? state : undefined;
  }

  #fresh(first: number): MeterIntervals {
    return { minutes: this.config.minutes, first, until: null, runs: [], anchor: INTERVAL_ENERGIES.map(() => null) };
  }

  /**
   * What was noted while the head-end's clock was ahead is of no time that has been. Undefined where nothing else is known: a clock
   * that was weeks ahead made all of it look old.
   */
  #withoutFuture(state: MeterIntervals, now: Now): MeterIntervals | undefined {
    const last = intervalAt(now.civil + AHEAD, state.minutes);
    if (state.first > last) return undefined;
    return { ...state, runs: cutBehind(state.runs, last) };
  }

  #set(meter: MeterId, state: MeterIntervals, draft: Draft, now: Now): void {
    this.#shelf.set(meter, forgetOld(state, now.civil), draft);
  }

  #state(interval: number, now: Now): IntervalState {
    return now.civil - endOf(interval, this.config.minutes) > LATE_AFTER ? "late" : "read";
  }

  #reading(
    meter: MeterId,
    interval: number,
    entry: ProfileEntry | undefined,
    anchor: readonly (number | null)[],
    newest: Baseline | undefined,
    now: Now,
  ): MeterReading {
    const time = endOf(interval, this.config.minutes);
    const origin = { meter, time, source: "profile", sequence: null } as const;
    const imported = entry?.energies[0] ?? null;
    if (entry === undefined || imported === null)
      return { ...origin, quality: "missing", values: { activeEnergyImport: null } };
    const values = Object.fromEntries(INTERVAL_ENERGIES.map((key, i) => [key, entry.energies[i] ?? null]));
    const late = this.#state(interval, now) === "late" ? "late" : "good";
    const fits = isBetween(
      entry.energies,
      anchor,
      newest !== undefined && newest.time >= time + STAMP_SLACK ? newest : undefined,
    );
    return { ...origin, quality: fits ? (entry.clockDoubt ? "clock-doubt" : late) : "invalid", values };
  }
}

function energiesOf({ values }: MeterReading): readonly (number | null)[] {
  return INTERVAL_ENERGIES.map((key) => values[key] ?? null);
}

/** Registers only rise: not below what was before, not above what came after. */
function isBetween(
  energies: readonly (number | null)[],
  before: readonly (number | null)[],
  after: Baseline | undefined,
): boolean {
  return energies.every((energy, i) => {
    if (energy === null) return true;
    const most = after?.values[INTERVAL_ENERGIES[i] as (typeof INTERVAL_ENERGIES)[number]] ?? Number.POSITIVE_INFINITY;
    return energy >= (before[i] ?? 0) && energy <= most;
  });
}
