/** Between the integers of a measure and those of its field on the wire. */
import { type MeasureKey, measure } from "../../src/core/measures.ts";
import { assert } from "../../src/core/result.ts";
import { WIRE_UNITS, type WireUnit } from "../models/model.ts";
import type { Part } from "./item.ts";
import { modulus, type NumberFormat } from "./values.ts";

export interface Scaled {
  readonly format: NumberFormat;
  /** Integers of the measure in one of the field's last digit. */
  readonly step: number;
  readonly energy: boolean;
}

/** How `key` sits in a field; the field's unit is a multiple of the measure's. */
export function scaled(key: MeasureKey, part: Part): Scaled {
  assert(part.format.kind === "number" && part.unit in WIRE_UNITS, `${key} is shown as a number with a unit`);
  const { power, base } = WIRE_UNITS[part.unit as WireUnit];
  const { decimals, unit, kind } = measure(key);
  assert(base === unit, `${key} is in ${unit}`);
  return { format: part.format, step: 10 ** (power + decimals - part.format.decimals), energy: kind === "energy" };
}

/** Truncated to the field's digits; energies roll over, what else does not fit has no value. */
export function toField(value: number | null, { format, step, energy }: Scaled): number | null {
  if (value === null) return null;
  const field = Math.trunc(value / step) + 0;
  if (energy) return field % modulus(format);
  return Math.abs(field) < modulus(format) ? field : null;
}

/** The measure's integer. */
export function fromField(field: number | null, { step }: Scaled): number | null {
  return field === null ? null : field * step;
}
