/**
 * The meter's own clock: mains time (civil, µs) as a crystal with its drift counts it, and the local seconds that tariffs and
 * records use. All of it in integers: how often it is asked changes nothing.
 *
 * Between two adjustments meter time is a line: meter = meterRef + d + floor((d × ppb + rest) / 10^9) with d = civil − civilRef.
 */
import { failure, type Result, success } from "../../src/core/result.ts";
import { type Civil, civil, MICROS_PER_SECOND } from "../../src/core/time.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import { europeanDaylight } from "./daylight.ts";
import { type LocalSecond, localDay, localSecond } from "./local-time.ts";
import type { ClockSettings } from "./settings.ts";

const BILLION = 1_000_000_000;
/** 2000-01-01 to 2099-12-31: what the protocols' two-digit years can say. */
const EARLIEST = 946_684_800 * MICROS_PER_SECOND;
const END = 4_102_444_800 * MICROS_PER_SECOND;
/** DL/T 645 broadcast time, as recalled: within five minutes, once a day. */
const BROADCAST_LIMIT = 300 * MICROS_PER_SECOND;
const NO_DAY = -1;
/** Seconds that daylight saving puts the local clock ahead. */
const SUMMER_AHEAD = 3600;
const LAYOUT = 1;
const ROOM = 250;

/** Outcomes of setting the clock, in order of precedence. */
export type ClockSetStatus = "set" | "bad-time" | "clock-lost" | "too-far" | "already-today";

/** Where the line of meter time begins. */
interface Line {
  readonly civil: number;
  readonly meter: number;
  /** What `meter` leaves out, 10^-15 s: kept so that a change of temperature loses nothing. */
  readonly rest: number;
}

export class MeterClock {
  #settings: ClockSettings;
  #line: Line;
  #ppb = 0;
  #temperature = ROOM;
  #lost = false;
  #battery = true;
  #broadcastDay = NO_DAY;
  #changes = 0;

  /** A new meter's clock, set right at `now`. `settings` has been through `checkClock`. */
  constructor(settings: ClockSettings, now: Civil) {
    this.#settings = settings;
    this.#line = { civil: now, meter: now, rest: 0 };
    this.#ppb = this.#drift();
  }

  /** Rises whenever meter or local time jumps other than by running: windows that began before are cut. */
  get changes(): number {
    return this.#changes;
  }

  /** Meter time is not known: the power was away and the battery dead, and nobody has set the clock since. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Parts per billion that the clock runs fast at the present temperature. */
  get driftPpb(): number {
    return this.#ppb;
  }

  /** Meter time in UTC at a civil instant that is not before the last adjustment. */
  at(now: Civil): Civil {
    // A part without drift, asked every second, needs no more than this.
    return this.#ppb === 0 ? civil(this.#line.meter + now - this.#line.civil) : civil(this.#meterAt(now).meter);
  }

  /** Local seconds at a civil instant. */
  local(now: Civil): LocalSecond {
    return this.localOfMeter(this.at(now));
  }

  /** Local seconds of a meter time. */
  localOfMeter(meter: Civil): LocalSecond {
    const utc = Math.floor(meter / MICROS_PER_SECOND);
    return localSecond(utc + this.#settings.zoneMinutes * 60 + this.#daylight(utc).ahead);
  }

  /**
   * The first civil µs from `from` on at which the local clock shows `edge` or later; infinity for an edge that never comes.
   * In the hour that a local clock repeats it is the first of the two; one that is left out comes with the jump over it.
   */
  civilOf(edge: LocalSecond, from: Civil): Civil {
    if (edge === Number.POSITIVE_INFINITY) return civil(edge);
    const zone = this.#settings.zoneMinutes * 60;
    let utc = Math.floor(this.at(from) / MICROS_PER_SECOND);
    for (;;) {
      const { ahead, until } = this.#daylight(utc);
      const wanted = Math.max(edge - zone - ahead, utc);
      if (wanted < until) return civil(Math.max(this.#civilAt(wanted * MICROS_PER_SECOND), from));
      utc = until;
    }
  }

  /**
   * The UTC second at which the local clock showed `local`. Of an hour that came twice it is the first that lies behind the
   * UTC second `after`; where none does, the first of all.
   */
  utcOf(local: LocalSecond, after: number): number {
    const standard = local - this.#settings.zoneMinutes * 60;
    const summer = standard - SUMMER_AHEAD;
    const isSummer = this.#daylight(summer).ahead === SUMMER_AHEAD;
    if (!isSummer) return standard;
    return summer > after || this.#daylight(standard).ahead !== 0 || standard <= after ? summer : standard;
  }

  /** The first civil µs after `from` at which daylight saving makes the local clock jump; infinity where it never does. */
  nextJump(from: Civil): Civil {
    const { until } = this.#daylight(Math.floor(this.at(from) / MICROS_PER_SECOND));
    return until === Number.POSITIVE_INFINITY ? civil(until) : civil(this.#civilAt(until * MICROS_PER_SECOND));
  }

  /** Daylight saving has made the local clock jump: to be called at {@link nextJump}. */
  jumped(): void {
    this.#changes += 1;
  }

  /** Sets the clock to a UTC time, by somebody with the right to: any time from 2000 to 2099. */
  set(wanted: Civil, now: Civil): ClockSetStatus {
    if (!isClockTime(wanted)) return "bad-time";
    this.#move(wanted, now);
    this.#lost = false;
    return "set";
  }

  /** Sets the clock by a broadcast that nobody answers for: by five minutes at most, once a day, never a clock that is lost. */
  broadcast(wanted: Civil, now: Civil): ClockSetStatus {
    if (!isClockTime(wanted)) return "bad-time";
    if (this.#lost) return "clock-lost";
    const meter = this.at(now);
    if (Math.abs(wanted - meter) > BROADCAST_LIMIT) return "too-far";
    const today = localDay(this.localOfMeter(meter));
    if (today === this.#broadcastDay) return "already-today";
    this.#broadcastDay = today;
    this.#move(wanted, now);
    return "set";
  }

  /** The temperature at the crystal from now on, tenths of °C. */
  temperature(tenths: number, now: Civil): void {
    if (tenths === this.#temperature) return;
    this.#line = this.#meterAt(now);
    this.#temperature = tenths;
    this.#ppb = this.#drift();
  }

  /** Whether the battery would keep the clock running without mains. */
  battery(good: boolean): void {
    this.#battery = good;
  }

  /** Other settings from now on; the time goes on. */
  configure(settings: ClockSettings, now: Civil): void {
    const local = this.local(now);
    this.#line = this.#meterAt(now);
    this.#settings = settings;
    this.#ppb = this.#drift();
    if (this.local(now) !== local) this.#changes += 1;
  }

  /** Power is back, after {@link restore}: a clock whose battery was dead starts at 2000-01-01 00:00 local time, and is lost. */
  powerOn(now: Civil): void {
    if (this.#battery) return;
    const start = EARLIEST - this.#settings.zoneMinutes * 60 * MICROS_PER_SECOND;
    this.#move(start, now);
    this.#broadcastDay = NO_DAY;
    this.#lost = true;
  }

  snapshot(): Uint8Array {
    const { civil: at, meter, rest } = this.#line;
    const writer = new ByteWriter().u8(LAYOUT).f64(at).f64(meter).f64(rest).f64(this.#ppb).f64(this.#temperature);
    return writer.flag(this.#lost).flag(this.#battery).f64(this.#broadcastDay).f64(this.#changes).bytes();
  }

  /** Takes over a {@link snapshot}; on a failure nothing has changed. */
  restore(bytes: Uint8Array): Result<void, string> {
    const reader = new ByteReader(bytes);
    const layout = reader.u8();
    if (layout !== LAYOUT) return failure(`the clock has layout ${layout}; this version reads ${LAYOUT}`);
    const line = { civil: reader.f64(), meter: reader.f64(), rest: reader.f64() };
    const [ppb, temperature] = [reader.f64(), reader.f64()];
    const [lost, battery] = [reader.flag(), reader.flag()];
    const [day, changes] = [reader.f64(), reader.f64()];
    const end = reader.end("the record of the clock");
    if (!end.ok) return end;
    const numbers = [line.civil, line.meter, line.rest, ppb, temperature, day, changes];
    if (!numbers.every(Number.isSafeInteger) || line.rest < 0 || line.rest >= BILLION)
      return failure("the stored clock holds times that are none");
    this.#line = line;
    this.#ppb = ppb;
    this.#temperature = temperature;
    this.#lost = lost;
    this.#battery = battery;
    this.#broadcastDay = day;
    this.#changes = changes;
    return success(undefined);
  }

  #move(wanted: number, now: Civil): void {
    this.#line = { civil: now, meter: wanted, rest: 0 };
    this.#changes += 1;
  }

  #drift(): number {
    const { partPpb, curvePpb, turnover } = this.#settings;
    const away = this.#temperature - turnover;
    // Tenths squared are hundredths of a K².
    return partPpb + Math.trunc((curvePpb * away * away) / 100);
  }

  #meterAt(now: Civil): Line {
    const d = now - this.#line.civil;
    // In two parts, so that each product stays an exact integer over centuries.
    const whole = Math.floor(d / BILLION);
    const parts = (d - whole * BILLION) * this.#ppb + this.#line.rest;
    const carried = Math.floor(parts / BILLION);
    return { civil: now, meter: this.#line.meter + d + whole * this.#ppb + carried, rest: parts - carried * BILLION };
  }

  /** The first civil µs at which meter time is `meter` or later: an estimate, then exact. */
  #civilAt(meter: number): number {
    const share = this.#ppb / BILLION;
    let at = this.#line.civil + Math.round((meter - this.#line.meter) / (1 + share));
    while (this.at(civil(at)) >= meter) at -= 1;
    while (this.at(civil(at)) < meter) at += 1;
    return at;
  }

  #daylight(utc: number): { readonly ahead: number; readonly until: number } {
    return this.#settings.daylightSaving === "europe" ? europeanDaylight(utc) : NO_DAYLIGHT;
  }
}

const NO_DAYLIGHT = { ahead: 0, until: Number.POSITIVE_INFINITY } as const;

function isClockTime(micros: number): boolean {
  return micros >= EARLIEST && micros < END;
}
