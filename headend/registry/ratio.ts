/**
 * CT and VT ratios: a reading is secondary, as the meter shows it; primary is what flows on the other side of the
 * transformers. Ratios are fractions of whole numbers (200/5, 10000/100), so nothing is rounded before the last step.
 */
import { formatDecimal } from "../../src/core/decimal.ts";
import { type Measure, shownDecimals } from "../../src/core/measures.ts";
import { divideRounded } from "../../src/core/money.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import type { Civil } from "../../src/core/time.ts";
import type { RegisteredMeter } from "../ports.ts";
import { type RegistryEntry, valueAt } from "./entry.ts";

/** Primary over secondary, both in the same whole unit (amperes, volts) as the transformer's plate says. */
export interface Ratio {
  readonly primary: number;
  readonly secondary: number;
}

/** The transformers before a meter at a time. */
export interface Transformers {
  readonly ct: Ratio;
  readonly vt: Ratio;
  /** Whether the two are known by themselves; of a configured product only energy and power can be calculated. */
  readonly split: boolean;
}

const DIRECT: Ratio = { primary: 1, secondary: 1 };
const LARGEST = 1_000_000;

/** `200/5`, or `40` for 40/1. */
export function parseRatio(text: string): Result<Ratio, string> {
  const m = /^(\d{1,7})(?:\/(\d{1,7}))?$/.exec(text);
  const ratio = { primary: Number(m?.[1]), secondary: Number(m?.[2] ?? 1) };
  const fits = (n: number) => n >= 1 && n <= LARGEST;
  if (m !== null && fits(ratio.primary) && fits(ratio.secondary)) return success(ratio);
  return failure(`"${text}" is no ratio: write it as on the transformer, such as 200/5 or 10000/100`);
}

export function showRatio({ primary, secondary }: Ratio): string {
  return secondary === 1 ? `${primary}` : `${primary}/${secondary}`;
}

/** The transformers at a time: those of the registry, else the product that the meter's record holds. */
export function transformersAt(
  { ratio }: Pick<RegisteredMeter, "ratio">,
  entry: Pick<RegistryEntry, "ct" | "vt"> | undefined,
  at: Civil,
): Transformers {
  if (entry === undefined || (entry.ct.length === 0 && entry.vt.length === 0))
    return { ct: fraction(ratio), vt: DIRECT, split: ratio === 1 };
  return { ct: valueAt(entry.ct, at) ?? DIRECT, vt: valueAt(entry.vt, at) ?? DIRECT, split: true };
}

/** A record's ratio is a number: one that is not whole is taken to a thousandth. */
function fraction(ratio: number): Ratio {
  return Number.isInteger(ratio)
    ? { primary: ratio, secondary: 1 }
    : { primary: Math.round(ratio * 1000), secondary: 1000 };
}

/** CT × VT as a number, for people and for the comparison with a configured product. */
export function productOf({ ct, vt }: Transformers): number {
  return (ct.primary * vt.primary) / (ct.secondary * vt.secondary);
}

export function isDirect({ ct, vt }: Transformers): boolean {
  return ct.primary === ct.secondary && vt.primary === vt.secondary;
}

/** Over which transformers a measure goes; undefined for what has no primary side, such as frequency and power factor. */
function sides(m: Measure): readonly ("ct" | "vt")[] | undefined {
  switch (m.unit) {
    case "V":
      return ["vt"];
    case "A":
      return ["ct"];
    case "W":
    case "var":
    case "VA":
    case "Wh":
    case "varh":
    case "VAh":
      return m.kind === "status" ? undefined : ["ct", "vt"];
    default:
      return undefined;
  }
}

/**
 * A value on the primary side in the measure's shown unit.
 * @param value as the meter shows it, in the measure's integer
 * @returns undefined where the measure has no primary side or its ratio is not known; what is no whole step of the measure
 * is rounded to it, half to even
 */
export function primaryValue(m: Measure, value: number, transformers: Transformers): string | undefined {
  const over = sides(m);
  if (over === undefined || (over.length === 1 && !transformers.split)) return undefined;
  const product = (side: keyof Ratio) => over.reduce((all, t) => all * BigInt(transformers[t][side]), 1n);
  return formatDecimal(
    divideRounded(BigInt(value) * product("primary"), product("secondary"), "half-even"),
    shownDecimals(m),
  );
}
