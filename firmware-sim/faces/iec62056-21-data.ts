/** What a meter shows on its optical head: identification, clock and every measure it has, each cut to its digits. */

import { formatClock, parseClock, parseTimestamp } from "../../protocols/iec62056-21/clock.ts";
import type { DataSet } from "../../protocols/iec62056-21/dataset.ts";
import type { MeterErrorKind } from "../../protocols/iec62056-21/errors.ts";
import { normalObis, shortObis } from "../../protocols/iec62056-21/obis.ts";
import type { MeterData } from "../../protocols/iec62056-21/server.ts";
import { isOfMeter, MEASURES, type Measure } from "../../src/core/measures.ts";
import type { Civil, Now } from "../../src/core/time.ts";
import { cutToDigits, type Digits } from "../display/digits.ts";
import type { Meter } from "../meter.ts";

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

const PASSWORD_DIGITS = 8;

const TIME = "1-0:0.9.1";
const DATE = "1-0:0.9.2";
const DATE_AND_TIME = "0-0:1.0.0";

export class Iec62056Data implements MeterData {
  readonly #meter: Meter;
  readonly #measures: readonly Measure[];
  #now: Now;

  constructor(meter: Meter, now: Now) {
    this.#meter = meter;
    this.#now = now;
    this.#measures = MEASURES.filter((m) => m.key !== "clock" && isShown(m, meter));
  }

  /** The instant of what is asked next. */
  at(now: Now): void {
    this.#now = now;
  }

  get password(): string {
    return String(this.#meter.password).padStart(PASSWORD_DIGITS, "0");
  }

  /** Single harmonics are read one by one: together they would take an optical head minutes. */
  readout(): readonly DataSet[] {
    this.#meter.refresh(this.#now);
    const sets = [...this.#general()];
    for (const m of this.#measures) if (!m.isDetail) sets.push(this.#measured(m));
    return sets;
  }

  read(address: string): DataSet | undefined {
    const wanted = normalObis(address);
    if (wanted === undefined) return undefined;
    this.#meter.refresh(this.#now);
    const general = this.#general().find((set) => normalObis(set.address) === wanted);
    if (general !== undefined) return general;
    const m = this.#measures.find((candidate) => candidate.obis === wanted);
    return m === undefined ? undefined : this.#measured(m);
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
    return this.#meter.setClock(wish, this.#now) ? undefined : "bad-value";
  }

  #general(): readonly DataSet[] {
    const { time, date } = formatClock(this.#meter.clock(this.#now));
    return [
      text("F.F", "00000000"),
      text("C.1.0", this.#meter.id),
      text("0.0.0", this.#meter.id),
      text("0.9.1", time),
      text("0.9.2", date),
      text(DATE_AND_TIME, date + time),
    ];
  }

  #measured(m: Measure): DataSet {
    const format = m.kind === "status" ? STATUS : FORMATS[m.unit];
    const value = this.#meter.value(m.key);
    const shown = value === null ? "" : cutToDigits(m, value, format);
    return { address: shortObis(m.obis), groups: [{ value: shown, unit: value === null ? undefined : format.unit }] };
  }
}

/** Without a relay there is no state of it. */
function isShown(m: Measure, meter: Meter): boolean {
  return m.key === "relayState" ? meter.hasRelay : isOfMeter(m, meter.model.phases);
}

function text(address: string, value: string): DataSet {
  return { address, groups: [{ value, unit: undefined }] };
}
