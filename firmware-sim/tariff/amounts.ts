/** Exact arithmetic on energy amounts at tariff edges, and their bytes. */
import { assert } from "../../src/core/result.ts";
import { type EnergyAmount, type EnergyRegister, QUANTUM } from "../metrology/energy.ts";
import type { ByteReader, ByteWriter } from "../nvram/bytes.ts";

export const NO_ENERGY: EnergyAmount = { quanta: 0, residual: 0 };

/** The registers that are counted; import and export of reactive energy are sums of quadrants. */
export const COUNTED = ["activeImport", "activeExport", "q1", "q2", "q3", "q4", "apparent"] as const;
export type Counted = (typeof COUNTED)[number];

/** The running total of a register, as the energy part has it now. */
export type Totals = (register: EnergyRegister) => EnergyAmount;

/** A register made from those that are counted. */
export function fromCounted(register: EnergyRegister, amountOf: (counted: Counted) => EnergyAmount): EnergyAmount {
  if (register === "reactiveImport") return plus(amountOf("q1"), amountOf("q2"));
  if (register === "reactiveExport") return plus(amountOf("q3"), amountOf("q4"));
  return amountOf(register);
}

export function plus(a: EnergyAmount, b: EnergyAmount): EnergyAmount {
  const residual = a.residual + b.residual;
  const carry = residual >= QUANTUM ? 1 : 0;
  return { quanta: a.quanta + b.quanta + carry, residual: residual - carry * QUANTUM };
}

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
