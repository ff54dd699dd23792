/** A measure cut to the digits that a display or a readout has for it. */
import { WIRE_UNITS, type WireUnit } from "../../protocols/models/model.ts";
import { formatFixed } from "../../src/core/decimal.ts";
import type { Measure } from "../../src/core/measures.ts";
import { assert } from "../../src/core/result.ts";

/** Digits before and behind the point. */
export interface Digits {
  /** Undefined where a value is shown without a unit. */
  readonly unit: WireUnit | undefined;
  readonly whole: number;
  readonly decimals: number;
}

/**
 * The digits that fit: those behind the last are cut off, never rounded; energies roll over before the first (quantities.md).
 * Leading zeros are written.
 */
export function cutToDigits(m: Measure, value: number, { unit, whole, decimals }: Digits): string {
  const power = unit === undefined ? 0 : WIRE_UNITS[unit].power;
  const dropped = m.decimals + power - decimals;
  assert(dropped >= 0, `${m.key} is shown with more digits than it has`);
  const counts = BigInt(Math.abs(value)) / 10n ** BigInt(dropped);
  const fitting = m.kind === "energy" ? counts % 10n ** BigInt(whole + decimals) : counts;
  const digits = formatFixed(fitting, decimals).padStart(whole + (decimals === 0 ? 0 : decimals + 1), "0");
  return value < 0 && fitting > 0n ? `-${digits}` : digits;
}
