/**
 * A measure's integer to the raw words of a register and back, in decimal integer arithmetic: the only floats are those
 * of the float32/float64 encodings themselves. Used by the virtual meter (encode) and by the head-end (decode).
 */
import { integerFromFloat } from "../../src/core/decimal.ts";
import { type Measure, measure } from "../../src/core/measures.ts";
import { assert } from "../../src/core/result.ts";
import { type ModbusMap, type RegisterEntry, registerCount, WIRE_UNITS } from "./model.ts";

type WordOrder = ModbusMap["wordOrder"];

/** What follows from an entry alone, worked out once per entry. */
interface Layout {
  readonly kind: Measure["kind"];
  readonly form: "unsigned" | "signed" | "float";
  readonly bits: 16 | 32 | 64;
  readonly words: 1 | 2 | 4;
  /** raw = value × 10^exponent, with the value at the measure's decimals. */
  readonly exponent: number;
  /** Integers: the ends of the width, less the "no value" pattern where it stands at an end. */
  readonly lowest: bigint;
  readonly highest: bigint;
  /** Integers of an energy: raw values run from 0 to modulus − 1 and start again. */
  readonly modulus: bigint;
  /** The "no value" pattern as an unsigned integer of the width. */
  readonly noValue: bigint | undefined;
}

const layouts = new WeakMap<RegisterEntry, Layout>();

function layoutOf(entry: RegisterEntry): Layout {
  const known = layouts.get(entry);
  if (known !== undefined) return known;
  const { kind, decimals } = measure(entry.measure);
  const words = registerCount(entry.encoding);
  const bits = (16 * words) as 16 | 32 | 64;
  const form = entry.encoding.startsWith("float") ? "float" : entry.encoding.startsWith("u") ? "unsigned" : "signed";
  const highest = 2n ** BigInt(form === "signed" ? bits - 1 : bits) - 1n;
  const lowest = form === "signed" ? -highest - 1n : 0n;
  const noValue = entry.noValue === undefined ? undefined : BigInt(`0x${entry.noValue}`);
  // A value that is there must not read as one that is not.
  const taken = noValue === undefined || form === "unsigned" ? noValue : BigInt.asIntN(bits, noValue);
  const layout: Layout = {
    kind,
    form,
    bits,
    words,
    exponent: -(decimals + WIRE_UNITS[entry.unit].power + (entry.scale ?? 0)),
    lowest: taken === lowest ? lowest + 1n : lowest,
    highest: taken === highest ? highest - 1n : highest,
    modulus: entry.digits === undefined ? highest + 1n : 10n ** BigInt(entry.digits),
    noValue,
  };
  layouts.set(entry, layout);
  return layout;
}

/** Literals, because `10 ** n` is not promised to be exact; doubles are, up to 10^22. */
const POWERS = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
] as const;

function power(exponent: number): number {
  const p = POWERS[exponent];
  assert(p !== undefined, `no unit and scale of a model need 10^${exponent}`);
  return p;
}

/** value × 10^exponent, truncated: what is shown is never more than there is (quantities.md, "Registers"). */
function rescale(value: bigint, exponent: number): bigint {
  return exponent >= 0 ? value * 10n ** BigInt(exponent) : value / 10n ** BigInt(-exponent);
}

// One value at a time passes through here, always high word first; the core is synchronous, so nobody else sees it.
const scratch = new DataView(new ArrayBuffer(8));

/**
 * Writes one value at `out[at]`, big endian within a register, registers in `wordOrder`.
 * @param value integer of 10^-decimals of the measure's unit; null gives the entry's "no value" pattern, or zeros where it has none.
 * Integers are truncated. Energies roll over at the entry's digits or its width, the others stop at the ends of the width,
 * never on the "no value" pattern. Floats are the nearest.
 */
export function encodeValue(
  entry: RegisterEntry,
  wordOrder: WordOrder,
  value: number | null,
  out: Uint8Array,
  at: number,
): void {
  const layout = layoutOf(entry);
  if (value === null) scratch.setBigUint64(0, layout.noValue ?? 0n);
  else if (layout.form === "float") packFloat(layout, value);
  else packInteger(layout, value);
  // Integers sit at the end of the eight bytes; float32 too, see packFloat.
  for (let i = 0; i < layout.words; i++) {
    const word = scratch.getUint16(8 - 2 * layout.words + 2 * i);
    const to = at + 2 * (wordOrder === "high-first" ? i : layout.words - 1 - i);
    out[to] = word >> 8;
    out[to + 1] = word & 0xff;
  }
}

function packFloat(layout: Layout, value: number): void {
  assert(Number.isSafeInteger(value), `a value is a safe integer, not ${value}`);
  // Value and power of ten are exact doubles, so the one division or product is the nearest double; + 0 turns -0 into 0.
  const { exponent } = layout;
  const shown = (exponent < 0 ? value / power(-exponent) : value * power(exponent)) + 0;
  if (layout.bits === 32) scratch.setFloat32(4, shown);
  else scratch.setFloat64(0, shown);
}

function packInteger(layout: Layout, value: number): void {
  assert(Number.isSafeInteger(value), `a value is a safe integer, not ${value}`);
  assert(layout.kind !== "energy" || value >= 0, "an energy register never holds a negative value");
  let raw = rescale(BigInt(value), layout.exponent);
  if (layout.kind === "energy") raw %= layout.modulus;
  else if (raw < layout.lowest) raw = layout.lowest;
  else if (raw > layout.highest) raw = layout.highest;
  scratch.setBigUint64(0, BigInt.asUintN(64, raw));
}

/**
 * Reads one value at `bytes[at]`.
 * @returns an integer of 10^-decimals of the measure's unit; null where the meter says "no value"; undefined where the
 * words are no number (NaN, infinity) or one beyond 2^53. What the measure has no decimals for is cut.
 */
export function decodeValue(
  entry: RegisterEntry,
  wordOrder: WordOrder,
  bytes: Uint8Array,
  at: number,
): number | null | undefined {
  const layout = layoutOf(entry);
  scratch.setBigUint64(0, 0n);
  for (let i = 0; i < layout.words; i++) {
    const from = at + 2 * (wordOrder === "high-first" ? i : layout.words - 1 - i);
    const high = bytes[from];
    const low = bytes[from + 1];
    assert(high !== undefined && low !== undefined, "decodeValue is given the whole value");
    scratch.setUint16(8 - 2 * layout.words + 2 * i, (high << 8) | low);
  }
  const pattern = scratch.getBigUint64(0);
  if (pattern === layout.noValue) return null;
  if (layout.form === "float") {
    const float = layout.bits === 32 ? scratch.getFloat32(4) : scratch.getFloat64(0);
    return integerFromFloat(float, layout.bits === 32 ? 32 : 64, -layout.exponent);
  }
  const raw = layout.form === "signed" ? BigInt.asIntN(layout.bits, pattern) : pattern;
  return safe(rescale(raw, -layout.exponent));
}

function safe(value: bigint): number | undefined {
  const n = Number(value);
  return Number.isSafeInteger(n) ? n : undefined;
}

/**
 * Where an energy register starts again from zero, at the measure's decimals: what tells a rollover from going backwards.
 * @returns undefined for floats and for registers too wide to roll over within 2^53 (and for measures that are no energy).
 */
export function rolloverOf(entry: RegisterEntry): number | undefined {
  const layout = layoutOf(entry);
  if (layout.kind !== "energy" || layout.form === "float") return undefined;
  return safe(rescale(layout.modulus, -layout.exponent));
}
