/** What a kWh of a rate costs at a second. */
import { type PricePerKwh, pricePerKwh } from "../../src/core/money.ts";
import type { LocalSecond } from "../clock/local-time.ts";
import { nextSwitch, type SetNumber, setAt, type TwoSets, tableAt } from "./settings.ts";

export interface RatePrice {
  readonly price: PricePerKwh;
  readonly set: SetNumber;
  /** When the sets of prices switch next; infinity where they do not. */
  readonly until: LocalSecond;
}

/** The price of a rate (1..63) in the set that runs; 0 for a rate that is not in use. */
export function ratePriceAt(prices: TwoSets<readonly number[]>, rate: number, at: LocalSecond): RatePrice {
  const price = tableAt(prices, at)[rate - 1] ?? 0;
  return { price: pricePerKwh(BigInt(price)), set: setAt(prices, at), until: nextSwitch(prices, at) };
}
