/** How the relay takes its time. */
import { failure, type Result, success } from "../../src/core/result.ts";

export interface RelaySettings {
  /** Seconds between a trip order and the opening, with the warning on; DL/T 645 04001401. */
  readonly tripDelay: number;
  /** µA above which the relay does not open, to spare its contacts; 0 = off. */
  readonly guardCurrent: number;
  /** Seconds for which opening is put off at most; then it opens all the same. 0 = off. */
  readonly guardSeconds: number;
  /** µA that count as a load flowing while the relay is open; 0 = off. */
  readonly loadCurrent: number;
  /** Seconds for which it must flow, at least 2: the chip shows the load of before until its window ends. */
  readonly loadSeconds: number;
}

const DAY = 86_400;
/** Highest values; the guard's are those seen in a vendor's meter: 1440 minutes. */
const LIMITS: Readonly<Record<keyof RelaySettings, number>> = {
  tripDelay: DAY,
  guardCurrent: 1e9,
  guardSeconds: DAY,
  loadCurrent: 1e9,
  loadSeconds: 5_999,
};

/** Opens at once whatever flows; a load counts from twice the starting current on, for a minute. */
export function defaultRelaySettings(plate: { readonly ist: number }): RelaySettings {
  const loadCurrent = Math.round(plate.ist * 2e6);
  return { tripDelay: 0, guardCurrent: 0, guardSeconds: 0, loadCurrent, loadSeconds: 60 };
}

/** Settings from a file or a protocol; the failure says which one is wrong and what it may be. */
export function checkRelaySettings(value: unknown): Result<RelaySettings, string> {
  if (typeof value !== "object" || value === null) return failure("relay settings are an object");
  const given = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((field) => !Object.hasOwn(LIMITS, field));
  if (unknown !== undefined) return failure(`the relay has no setting "${unknown.slice(0, 40)}"`);
  for (const [field, most] of Object.entries(LIMITS)) {
    const number = given[field];
    const least = field === "loadSeconds" ? 2 : 0;
    if (typeof number !== "number" || !Number.isInteger(number) || number < least || number > most)
      return failure(`the relay's ${field} is ${String(number).slice(0, 40)}: a whole number, ${least}..${most}`);
  }
  return success(value as RelaySettings);
}
