/** Freezes: the energies of a moment, in a ring for each kind. */
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import { SECONDS_PER_DAY } from "../../src/core/time.ts";
import { type LocalSecond, localDay, localFields, localSecond } from "../clock/local-time.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import type { Nvram } from "../nvram/nvram.ts";
import { RecordRing } from "../nvram/ring.ts";
import { CLOCK_CHANGED, decodeStored, encodeStored, POWER_CUT, recordBytes, type StoredRecord } from "./record.ts";
import { checkFreezeSettings, type FreezeSettings } from "./settings.ts";

/** Records kept of each kind (meter-functions, "Freeze"); a kind's place in this list names it in stored bytes. */
export const FREEZE_DEPTHS = {
  timed: 60,
  instant: 3,
  zone: 2,
  dayTable: 2,
  rate: 2,
  step: 2,
  hourly: 254,
  daily: 62,
} as const;
export type FreezeKind = keyof typeof FREEZE_DEPTHS;
const KINDS = Object.keys(FREEZE_DEPTHS) as FreezeKind[];

export interface FreezeCapture {
  /** The energies in an order of the meter's choice, always the same: totals and rates, mWh, mvarh, mVAh. */
  energies(): readonly (number | null)[];
  /** The clock was lost and not set since. */
  readonly clockDoubt: boolean;
}

const LAYOUT = 1;
/** The pattern 29 February comes at most eight years apart, from 2096 to 2104. */
const LONGEST_WAIT_DAYS = 8 * 366;

export class Freezes {
  readonly #nvram: Nvram;
  readonly #values: number;
  readonly #rings: (RecordRing | undefined)[] = [];
  readonly #written = new Float64Array(KINDS.length);
  readonly #pending = new Uint8Array(KINDS.length);
  #settings: FreezeSettings;
  #timed = localSecond(Number.POSITIVE_INFINITY);
  #hourly = localSecond(Number.POSITIVE_INFINITY);
  #daily = localSecond(Number.POSITIVE_INFINITY);

  /**
   * Begins with {@link powerOn}.
   * @param values how many energies a capture gives at most: the size of a record, fixed for the meter's life
   * @param settings good ones, see `checkFreezeSettings`
   */
  constructor(nvram: Nvram, values: number, settings: FreezeSettings) {
    this.#nvram = nvram;
    this.#values = values;
    this.#settings = settings;
  }

  get settings(): FreezeSettings {
    return this.#settings;
  }

  nextEdge(): LocalSecond {
    return localSecond(Math.min(this.#timed, this.#hourly, this.#daily));
  }

  /** Freezes what the clock demands at `at`. A checkpoint comes first where {@link full} says so. */
  edge(at: LocalSecond, capture: FreezeCapture): void {
    if (this.#timed === at) this.freeze("timed", at, capture);
    if (this.#hourly === at) this.freeze("hourly", at, capture);
    if (this.#daily === at) this.freeze("daily", at, capture);
    this.#schedule(at);
  }

  /** On command (`instant`), or at the switch of a table, a rate, a step. */
  freeze(kind: FreezeKind, at: LocalSecond, capture: FreezeCapture): void {
    const values = capture.energies();
    assert(values.length <= this.#values, "the energies of a freeze fit its record");
    const place = KINDS.indexOf(kind);
    this.#ring(place).append(encodeStored(at, this.#pending[place] as number, capture.clockDoubt, values));
    this.#pending[place] = 0;
  }

  /** Power is back at `at`, behind {@link restore}; `first` on the first power-on of all, where nothing was cut. */
  powerOn(at: LocalSecond, first = false): void {
    if (!first) this.#mark(POWER_CUT);
    this.#schedule(at);
  }

  /** The clock was set to `at`. */
  clockSet(at: LocalSecond): void {
    this.#mark(CLOCK_CHANGED);
    this.#schedule(at);
  }

  /** Other times from `at` on; the error of bad ones is for people. */
  configure(settings: FreezeSettings, at: LocalSecond): Result<void, string> {
    const checked = checkFreezeSettings(settings);
    if (!checked.ok) return checked;
    this.#settings = settings;
    this.#schedule(at);
    return success(undefined);
  }

  count(kind: FreezeKind): number {
    return this.#ring(KINDS.indexOf(kind)).length;
  }

  /** A freeze by age, 0 is the newest; undefined where there is none or the memory has lost it. */
  read(kind: FreezeKind, age: number): StoredRecord | undefined {
    const bytes = this.#ring(KINDS.indexOf(kind)).read(age);
    const record = bytes && decodeStored(bytes);
    return record?.ok ? record.value : undefined;
  }

  /** True when a checkpoint must come before the next freeze. */
  get full(): boolean {
    return this.#rings.some((ring) => ring?.full);
  }

  /** The checkpoint with {@link snapshot} is on the part. */
  commit(): void {
    for (const ring of this.#rings) ring?.commit();
  }

  snapshot(): Uint8Array {
    const writer = new ByteWriter().u8(LAYOUT);
    for (let place = 0; place < KINDS.length; place++)
      writer.f64(this.#rings[place]?.written ?? (this.#written[place] as number)).u8(this.#pending[place] as number);
    return writer.bytes();
  }

  /** Takes over a {@link snapshot}; {@link powerOn} comes next. On a failure, for people, nothing has changed. */
  restore(bytes: Uint8Array): Result<void, string> {
    const reader = new ByteReader(bytes);
    const layout = reader.u8();
    if (layout !== LAYOUT) return failure(`freezes have layout ${layout}; this version reads layout ${LAYOUT}`);
    const rows = KINDS.map(() => [reader.f64(), reader.u8()] as const);
    const end = reader.end("freezes");
    if (!end.ok) return end;
    if (rows.some(([written, pending]) => !Number.isSafeInteger(written) || written < 0 || pending > 3))
      return failure("the counts of the freezes make no sense");
    for (const [place, [written, pending]] of rows.entries()) {
      this.#written[place] = written;
      this.#pending[place] = pending;
    }
    this.#rings.length = 0;
    return success(undefined);
  }

  #mark(flag: number): void {
    for (let place = 0; place < KINDS.length; place++) this.#pending[place] = (this.#pending[place] as number) | flag;
  }

  #schedule(at: LocalSecond): void {
    const { hourly, dailyMinute } = this.#settings;
    this.#timed = nextTimed(this.#settings, at);
    this.#hourly = hourly === null ? never() : nextFrom(hourly.start, 60 * hourly.intervalMinutes, at);
    const daily = dailyMinute === null ? never() : localDay(at) * SECONDS_PER_DAY + 60 * dailyMinute;
    this.#daily = localSecond(daily > at ? daily : daily + SECONDS_PER_DAY);
  }

  #ring(place: number): RecordRing {
    let ring = this.#rings[place];
    if (ring === undefined) {
      const kind = KINDS[place] as FreezeKind;
      const shape = { name: `freeze.${kind}`, depth: FREEZE_DEPTHS[kind], recordSize: recordBytes(this.#values) };
      ring = new RecordRing(this.#nvram, shape, this.#written[place] as number);
      this.#rings[place] = ring;
    }
    return ring;
  }
}

function never(): LocalSecond {
  return localSecond(Number.POSITIVE_INFINITY);
}

/** The first of start, start + step, … behind `at`. */
function nextFrom(start: LocalSecond, step: number, at: LocalSecond): LocalSecond {
  return localSecond(at < start ? start : start + (Math.floor((at - start) / step) + 1) * step);
}

/** The first second behind `at` that the timed freeze's pattern matches. */
function nextTimed(settings: FreezeSettings, at: LocalSecond): LocalSecond {
  const { timed } = settings;
  if (timed === null) return never();
  const today = localDay(at);
  for (let day = today; day <= today + LONGEST_WAIT_DAYS; day++) {
    const midnight = day * SECONDS_PER_DAY;
    const date = localFields(localSecond(midnight));
    if (timed.month !== null && timed.month !== date.month) continue;
    if (timed.day !== null && timed.day !== date.day) continue;
    const first = midnight + (timed.hour ?? 0) * 3600 + timed.minute * 60;
    const last = timed.hour === null ? first + 23 * 3600 : first;
    if (at < first) return localSecond(first);
    const next = first + (Math.floor((at - first) / 3600) + 1) * 3600;
    if (next <= last) return localSecond(next);
  }
  return never();
}
