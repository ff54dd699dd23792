/** Exact arithmetic on energy amounts, and their bytes. */
import { assert } from "../../src/core/result.ts";
import type { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import { COUNTED, type Counted, type EnergyAmount, QUANTUM } from "./energy.ts";

export const NO_ENERGY: EnergyAmount = { quanta: 0, residual: 0 };

/** a - b; a register never runs backwards, so a is not the smaller one. */
export function minus(a: EnergyAmount, b: EnergyAmount): EnergyAmount {
  assert(!isLess(a, b), "an energy total never runs backwards");
  const borrow = a.residual < b.residual ? 1 : 0;
  return { quanta: a.quanta - b.quanta - borrow, residual: a.residual - b.residual + borrow * QUANTUM };
}

export function isLess(a: EnergyAmount, b: EnergyAmount): boolean {
  return a.quanta < b.quanta || (a.quanta === b.quanta && a.residual < b.residual);
}

/** µJ from one total up to another that is not below it, at most 2^53 - 1: a bound for a sum in a plain number. */
export function microBetween(from: EnergyAmount, to: EnergyAmount): number {
  const { quanta, residual } = minus(to, from);
  return Math.min(Number.MAX_SAFE_INTEGER, quanta * QUANTUM + residual);
}

/** The counted registers in order, those without energy only as a bit of the mask before them. */
export function writeAmounts(writer: ByteWriter, amountOf: (counted: Counted) => EnergyAmount): void {
  const amounts = COUNTED.map(amountOf);
  let mask = 0;
  for (const [i, { quanta, residual }] of amounts.entries()) if (quanta > 0 || residual > 0) mask |= 1 << i;
  writer.u8(mask);
  for (const [i, amount] of amounts.entries()) if ((mask >> i) & 1) writeAmount(writer, amount);
}

/** As {@link writeAmounts} wrote them; undefined where one is no amount. */
export function readAmounts(reader: ByteReader): readonly EnergyAmount[] | undefined {
  const mask = reader.u8();
  const amounts = COUNTED.map((_, i) => ((mask >> i) & 1 ? readAmount(reader) : NO_ENERGY));
  const good = amounts.every((amount): amount is EnergyAmount => amount !== undefined);
  return good && mask >> COUNTED.length === 0 ? amounts : undefined;
}

export function writeAmount(writer: ByteWriter, { quanta, residual }: EnergyAmount): void {
  writer.f64(quanta).u32(residual);
}

/** Undefined where the bytes are no amount. */
export function readAmount(reader: ByteReader): EnergyAmount | undefined {
  const quanta = reader.f64();
  const residual = reader.u32();
  return Number.isSafeInteger(quanta) && quanta >= 0 && residual < QUANTUM ? { quanta, residual } : undefined;
}
