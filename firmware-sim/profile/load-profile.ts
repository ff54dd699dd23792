/**
 * The load profile: six classes, each with an interval and a choice of values, each a ring of records. A record is never
 * invented: where the meter was off there is none, and the next one says so. After the clock was set back records stay in
 * the order of writing, the first behind it is flagged.
 */
import { failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import type { Nvram } from "../nvram/nvram.ts";
import { RecordRing } from "../nvram/ring.ts";
import { CLOCK_CHANGED, decodeStored, encodeStored, POWER_CUT, recordBytes, type StoredRecord } from "./record.ts";
import { checkProfileSettings, MAX_CAPTURES, nextOfDay, PROFILE_CLASSES, type ProfileSettings } from "./settings.ts";

/** What the meter shows at the instant of a capture. */
export interface Capture {
  /** An integer in the unit of its measure; null where it has no value. */
  value(key: string): number | null;
  /** The clock was lost and not set since. */
  readonly clockDoubt: boolean;
}

const LAYOUT = 1;

export class LoadProfile {
  readonly #nvram: Nvram;
  readonly #depths: readonly number[];
  readonly #rings: (RecordRing | undefined)[] = [];
  /** By class: records ever written, and of those the ones before the captures were last changed. */
  readonly #written = new Float64Array(PROFILE_CLASSES);
  readonly #first = new Float64Array(PROFILE_CLASSES);
  readonly #pending = new Uint8Array(PROFILE_CLASSES);
  readonly #due = new Float64Array(PROFILE_CLASSES).fill(Number.POSITIVE_INFINITY);
  #settings: ProfileSettings;
  #edge = localSecond(Number.POSITIVE_INFINITY);

  /**
   * Begins with {@link powerOn}.
   * @param depths records that each class keeps: the size of its memory, fixed for the meter's life
   * @param settings good ones, see `checkProfileSettings`
   */
  constructor(nvram: Nvram, depths: readonly number[], settings: ProfileSettings) {
    this.#nvram = nvram;
    this.#depths = depths;
    this.#settings = settings;
  }

  get settings(): ProfileSettings {
    return this.#settings;
  }

  nextEdge(): LocalSecond {
    return this.#edge;
  }

  /** Captures every class that is due at `at`. A checkpoint comes first where {@link full} says so. */
  edge(at: LocalSecond, capture: Capture): void {
    for (let place = 0; place < PROFILE_CLASSES; place++) {
      const settings = this.#settings.classes[place];
      if (this.#due[place] !== at || !settings) continue;
      const values = settings.captures.map((key) => capture.value(key));
      this.#ring(place).append(encodeStored(at, this.#pending[place] as number, capture.clockDoubt, values));
      this.#pending[place] = 0;
    }
    this.#schedule(at);
  }

  /** Power is back at `at`, behind {@link restore}; `first` on the first power-on of all, where nothing was cut. */
  powerOn(at: LocalSecond, first = false): void {
    if (!first) this.#mark(POWER_CUT);
    this.#schedule(at);
  }

  /** The clock was set to `at`; it is nothing that interrupts the counting of energy. */
  clockSet(at: LocalSecond): void {
    this.#mark(CLOCK_CHANGED);
    this.#schedule(at);
  }

  /** Other intervals or captures from `at` on. A class whose captures change begins empty: its records had other columns. */
  configure(settings: ProfileSettings, at: LocalSecond, known: (key: string) => boolean): Result<void, string> {
    const checked = checkProfileSettings(settings, known);
    if (!checked.ok) return checked;
    for (let place = 0; place < PROFILE_CLASSES; place++) {
      const before = this.#settings.classes[place]?.captures.join();
      const after = settings.classes[place]?.captures.join();
      if (before !== after) this.clear(place);
    }
    this.#settings = settings;
    this.#schedule(at);
    return success(undefined);
  }

  /** Forgets the records of a class. */
  clear(place: number): void {
    this.#first[place] = this.#rings[place]?.written ?? (this.#written[place] as number);
  }

  /** Records that can be asked for. */
  count(place: number): number {
    const ring = this.#ring(place);
    return Math.min(ring.length, ring.written - (this.#first[place] as number));
  }

  /** A record by age, 0 is the newest; undefined where there is none or the memory has lost it. */
  read(place: number, age: number): StoredRecord | undefined {
    if (age < 0 || age >= this.count(place)) return undefined;
    const bytes = this.#ring(place).read(age);
    const record = bytes && decodeStored(bytes);
    return record?.ok ? record.value : undefined;
  }

  /** Records stamped `from` to `to`, both included, in the order of writing; `limit` at most, the earliest written first. */
  range(place: number, from: LocalSecond, to: LocalSecond, limit: number): readonly StoredRecord[] {
    const found: StoredRecord[] = [];
    for (let age = this.count(place) - 1; age >= 0 && found.length < limit; age--) {
      const record = this.read(place, age);
      if (record !== undefined && record.at >= from && record.at <= to) found.push(record);
    }
    return found;
  }

  /** True when a checkpoint must come before the next {@link edge}. */
  get full(): boolean {
    return this.#rings.some((ring) => ring?.full);
  }

  /** The checkpoint with {@link snapshot} is on the part. */
  commit(): void {
    for (const ring of this.#rings) ring?.commit();
  }

  snapshot(): Uint8Array {
    const writer = new ByteWriter().u8(LAYOUT);
    for (let place = 0; place < PROFILE_CLASSES; place++) {
      writer.f64(this.#rings[place]?.written ?? (this.#written[place] as number));
      writer.f64(this.#first[place] as number).u8(this.#pending[place] as number);
    }
    return writer.bytes();
  }

  /** Takes over a {@link snapshot}; {@link powerOn} comes next. On a failure, for people, nothing has changed. */
  restore(bytes: Uint8Array): Result<void, string> {
    const reader = new ByteReader(bytes);
    const layout = reader.u8();
    if (layout !== LAYOUT) return failure(`load profile has layout ${layout}; this version reads layout ${LAYOUT}`);
    const rows = Array.from({ length: PROFILE_CLASSES }, () => [reader.f64(), reader.f64(), reader.u8()] as const);
    const end = reader.end("load profile");
    if (!end.ok) return end;
    for (const [written, first, pending] of rows) {
      if (!isCount(written) || !isCount(first) || first > written || pending > (POWER_CUT | CLOCK_CHANGED))
        return failure("the counts of the load profile make no sense");
    }
    for (const [place, [written, first, pending]] of rows.entries()) {
      this.#written[place] = written;
      this.#first[place] = first;
      this.#pending[place] = pending;
    }
    this.#rings.length = 0;
    return success(undefined);
  }

  #mark(flag: number): void {
    for (let place = 0; place < PROFILE_CLASSES; place++)
      this.#pending[place] = (this.#pending[place] as number) | flag;
  }

  #schedule(at: LocalSecond): void {
    let edge = Number.POSITIVE_INFINITY;
    for (let place = 0; place < PROFILE_CLASSES; place++) {
      const settings = this.#settings.classes[place];
      const due = settings ? nextOfDay(at, 60 * settings.intervalMinutes) : Number.POSITIVE_INFINITY;
      this.#due[place] = due;
      edge = Math.min(edge, due);
    }
    this.#edge = localSecond(edge);
  }

  #ring(place: number): RecordRing {
    let ring = this.#rings[place];
    if (ring === undefined) {
      const shape = {
        name: `profile.${place + 1}`,
        depth: this.#depths[place] as number,
        recordSize: recordBytes(MAX_CAPTURES),
      };
      ring = new RecordRing(this.#nvram, shape, this.#written[place] as number);
      this.#rings[place] = ring;
    }
    return ring;
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
