/** What a meter shows on its optical head: identification, clock and every measure it has, each cut to its digits. */

import { formatClock, parseClock, parseTimestamp } from "../../protocols/iec62056-21/clock.ts";
import type { DataSet } from "../../protocols/iec62056-21/dataset.ts";
import type { MeterErrorKind } from "../../protocols/iec62056-21/errors.ts";
import { normalObis, parseObis, shortObis } from "../../protocols/iec62056-21/obis.ts";
import type { MeterData } from "../../protocols/iec62056-21/server.ts";
import { isOfMeter, MEASURES, type Measure } from "../../src/core/measures.ts";
import type { Civil, Now } from "../../src/core/time.ts";
import { STRONGEST } from "../control/programming.ts";
import { cutToDigits, type Digits } from "../display/digits.ts";
import type { Meter } from "../meter.ts";
import { type BillingCode, billed, billingCodes } from "./iec62056-21-billing.ts";
import { profileSets } from "./iec62056-21-profile.ts";
import { errorSet, statusSets } from "./iec62056-21-status.ts";

/** Energies roll over at 1,000,000 k-units, as on the display. */
const FORMATS: Readonly<Record<Measure["unit"], Digits>> = {
  V: { unit: "V", whole: 3, decimals: 1 },
  A: { unit: "A", whole: 3, decimals: 3 },
  W: { unit: "kW", whole: 3, decimals: 3 },
  var: { unit: "kvar", whole: 3, decimals: 3 },
  VA: { unit: "kVA", whole: 3, decimals: 3 },
  Hz: { unit: "Hz", whole: 2, decimals: 2 },
  Wh: { unit: "kWh", whole: 6, decimals: 3 },
  varh: { unit: "kvarh", whole: 6, decimals: 3 },
  VAh: { unit: "kVAh", whole: 6, decimals: 3 },
  "1": { unit: undefined, whole: 1, decimals: 3 },
  deg: { unit: "deg", whole: 3, decimals: 1 },
  "%": { unit: "%", whole: 3, decimals: 3 },
  s: { unit: "s", whole: 10, decimals: 0 },
};
const STATUS: Digits = { unit: undefined, whole: 1, decimals: 0 };

const PASSWORD = /^\d{8}$/;
/** The counter of settlements stands before what it numbers. */
const SETTLEMENTS: BillingCode = { c: 0, d: 1, e: 0 };

const TIME = "1-0:0.9.1";
const DATE = "1-0:0.9.2";
const DATE_AND_TIME = "0-0:1.0.0";

const WIRE = "iec62056-21";
/** The clock in a programming record: A to E of its code. */
const CLOCK_ITEM = 0x0001_0000;

export class Iec62056Data implements MeterData {
  readonly #meter: Meter;
  readonly #measures: readonly Measure[];
  #now: Now;

  constructor(meter: Meter, now: Now) {
    this.#meter = meter;
    this.#now = now;
    this.#measures = MEASURES.filter((m) => m.key !== "clock" && !isBilled(m) && isShown(m, meter));
  }

  /** The instant of what is asked next. */
  at(now: Now): void {
    this.#now = now;
  }

  /** The meter's password in eight digits. */
  admit(password: string): "wrong-password" | "locked-out" | undefined {
    const number = PASSWORD.test(password) ? Number(password) : Number.NaN;
    const verdict = this.#meter.programming.ask(WIRE, STRONGEST, STRONGEST, number === this.#meter.password, this.#now);
    return verdict === "granted" ? undefined : verdict === "locked" ? "locked-out" : "wrong-password";
  }

  /** Single harmonics are read one by one: together they would take an optical head minutes. */
  readout(): readonly DataSet[] {
    this.#meter.refresh(this.#now);
    const sets = [...this.#general()];
    for (const m of this.#measures) if (!m.isDetail) sets.push(this.#measured(m));
    const { functions } = this.#meter;
    for (const code of [SETTLEMENTS, ...billingCodes(functions)]) {
      const set = billed(functions, code);
      if (set !== undefined) sets.push(set);
    }
    return [...sets, ...statusSets(this.#meter)];
  }

  read(address: string): DataSet | undefined {
    const wanted = normalObis(address);
    if (wanted === undefined) return undefined;
    this.#meter.refresh(this.#now);
    const named = [...this.#general(), ...statusSets(this.#meter)].find((set) => normalObis(set.address) === wanted);
    if (named !== undefined) return named;
    const m = this.#measures.find((candidate) => candidate.obis === wanted);
    return m === undefined ? this.#billed(address) : this.#measured(m);
  }

  profile(address: string, range: string): readonly DataSet[] | "bad-value" | undefined {
    this.#meter.refresh(this.#now);
    return profileSets(this.#meter.functions.profile, address, range, digitsOf);
  }

  /** Only the clock can be set: its time, its date, or both. */
  write(address: string, value: string): MeterErrorKind | undefined {
    const wanted = normalObis(address);
    const shown = formatClock(this.#meter.clock(this.#now));
    let wish: Civil | undefined;
    if (wanted === TIME) wish = parseClock(shown.date, value, 0);
    else if (wanted === DATE) wish = parseClock(value, shown.time, 0);
    else if (wanted === DATE_AND_TIME) wish = parseTimestamp(value, 0);
    else return wanted !== undefined && this.read(wanted) !== undefined ? "read-only" : "unknown-register";
    if (wish === undefined) return "bad-value";
    if (!this.#meter.setClock(wish, this.#now)) return "bad-value";
    this.#meter.programming.record({ wire: WIRE, level: STRONGEST, operator: 0, items: [CLOCK_ITEM] }, this.#now);
    return undefined;
  }

  #general(): readonly DataSet[] {
    const { time, date } = formatClock(this.#meter.clock(this.#now));
    return [
      errorSet(this.#meter),
      text("C.1.0", this.#meter.id),
      text("0.0.0", this.#meter.id),
      text("0.9.1", time),
      text("0.9.2", date),
      text(DATE_AND_TIME, date + time),
    ];
  }

  #billed(address: string): DataSet | undefined {
    const obis = parseObis(address);
    const groups = /^1-0:(\d+)\.(\d+)\.(\d+)$/.exec(obis?.code ?? "");
    if (obis === undefined || groups === null) return undefined;
    const [c, d, e] = groups.slice(1).map(Number) as [number, number, number];
    const stored = obis.history === undefined ? {} : { stored: obis.history };
    return billed(this.#meter.functions, { c, d, e, ...stored });
  }

  #measured(m: Measure): DataSet {
    const format = digitsOf(m);
    const value = this.#meter.value(m.key);
    const shown = value === null ? "" : cutToDigits(m, value, format);
    return { address: shortObis(m.obis), groups: [{ value: shown, unit: value === null ? undefined : format.unit }] };
  }
}

/** Without a relay there is no state of it. */
function isShown(m: Measure, meter: Meter): boolean {
  if (m.key === "creditBalance") return meter.functions.credit !== undefined;
  return m.key === "relayState" ? meter.hasRelay : isOfMeter(m, meter.model.phases);
}

function digitsOf(m: Measure): Digits {
  return m.kind === "status" ? STATUS : FORMATS[m.unit];
}

/** Rates and maxima are shown with all other registers', the maxima with their time. */
function isBilled({ key }: Measure): boolean {
  return /T\d$/.test(key) || key === "maximumDemandImport";
}

function text(address: string, value: string): DataSet {
  return { address, groups: [{ value, unit: undefined }] };
}
