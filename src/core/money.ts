/** Money: `bigint` minor units with a currency. Energy and money have different brands, so adding them does not compile. */
import { assert } from "./result.ts";

/** An amount in minor units (cents, fen) of the currency it is kept with. */
export type Minor = bigint & { readonly __unit: "money" };
/** A price per kWh in millionths of a minor unit, so that fractions of a cent stay integers. */
export type PricePerKwh = bigint & { readonly __unit: "price" };

export interface Currency {
  readonly code: string;
  readonly decimals: number;
}

/** ISO 4217: the currencies whose minor unit is not a hundredth. */
const OTHER_DECIMALS: ReadonlyMap<string, number> = new Map([
  ..."BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(" ").map((code) => [code, 0] as const),
  ..."BHD IQD JOD KWD LYD OMR TND".split(" ").map((code) => [code, 3] as const),
]);

/** The currency of an ISO 4217 code; a code that is not in the standard is taken to have hundredths. */
export function currencyOf(code: string): Currency {
  return { code, decimals: OTHER_DECIMALS.get(code) ?? 2 };
}

export function minor(value: bigint): Minor {
  return value as Minor;
}

export function pricePerKwh(microMinor: bigint): PricePerKwh {
  return microMinor as PricePerKwh;
}

export type Rounding = "down" | "half-up" | "half-even";

/** n / d rounded: the one place where a division loses something. `down` is towards negative infinity; d > 0. */
export function divideRounded(n: bigint, d: bigint, mode: Rounding): bigint {
  assert(d > 0n, "divisor must be positive");
  let quotient = n / d;
  let rest = n % d;
  if (rest < 0n) {
    quotient -= 1n;
    rest += d;
  }
  if (mode === "down" || rest === 0n) return quotient;
  const twice = rest * 2n;
  if (twice > d || (twice === d && (mode === "half-up" || quotient % 2n !== 0n))) return quotient + 1n;
  return quotient;
}

const MILLIWATTHOURS_PER_KWH = 1_000_000n;
const MICRO = 1_000_000n;

/**
 * What an energy costs at a flat price, rounded down to the minor unit.
 * Always computed from the whole energy since the account began, so that nothing is lost however often it is asked.
 */
export function cost(milliWattHours: bigint, price: PricePerKwh): Minor {
  return minor(divideRounded(milliWattHours * price, MILLIWATTHOURS_PER_KWH * MICRO, "down"));
}
