/** Decimal values with a unit as the integers of the vocabulary, without a float in between. */
import { parseDecimal } from "../../src/core/decimal.ts";
import type { Measure } from "../../src/core/measures.ts";
import { WIRE_UNITS } from "../models/model.ts";
import type { ValueGroup } from "./dataset.ts";

export const DECIMAL = /^[+-]?\d+(\.\d+)?$/;
/** Decimals kept beyond the measure's while values are added up. */
const GUARD_DECIMALS = 6;

/** The measure's integer, cut (not rounded) to its decimals; undefined where the unit is not one of the measure. */
export function measureValue(m: Measure, group: ValueGroup): number | null | undefined {
  return group.value.trim() === "" ? null : measureSum(m, [group]);
}

/** The sum as the measure's integer, cut once; undefined where one is no number with a unit of the measure. */
export function measureSum(m: Measure, groups: readonly ValueGroup[]): number | undefined {
  let sum = 0n;
  for (const group of groups) {
    const exact = exactly(m, group);
    if (exact === undefined) return undefined;
    sum += exact;
  }
  const integer = Number(sum / 10n ** BigInt(GUARD_DECIMALS));
  return Number.isSafeInteger(integer) ? integer : undefined;
}

function exactly(m: Measure, { value, unit }: ValueGroup): bigint | undefined {
  const text = value.trim();
  const wire = (WIRE_UNITS as Readonly<Record<string, { base: string; power: number } | undefined>>)[unit ?? "1"];
  if (wire === undefined || wire.base !== m.unit || !DECIMAL.test(text)) return undefined;
  const decimals = m.decimals + wire.power + GUARD_DECIMALS;
  const [whole = "", fraction = ""] = text.split(".");
  const parsed = parseDecimal(`${whole}.${fraction.slice(0, decimals)}0`, decimals);
  return parsed.ok ? parsed.value : undefined;
}
