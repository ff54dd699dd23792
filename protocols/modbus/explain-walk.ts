/** Walking over a PDU, noting each field at its place in the capture; and the fields that many functions share. */
import { toHex } from "../../src/core/bytes.ts";
import type { ExplainedField, ExplainedReading } from "../explain.ts";
import { uint16At } from "./frame.ts";

export const hex = (value: number, digits: number): string =>
  `${value.toString(16).toUpperCase().padStart(digits, "0")}h`;

/** Walks over the PDU, noting fields at their place in the capture. */
export class Walk {
  readonly fields: ExplainedField[] = [];
  readonly readings: ExplainedReading[] = [];
  error: string | undefined;
  readonly #pdu: Uint8Array;
  readonly #base: number;
  #at = 0;
  #ended = false;

  constructor(pdu: Uint8Array, base: number) {
    this.#pdu = pdu;
    this.#base = base;
  }

  get left(): number {
    return this.#pdu.length - this.#at;
  }

  note(length: number, name: string, value: string, fault?: string): void {
    const field = { offset: this.#base + this.#at, length, name, value };
    this.fields.push(fault === undefined ? field : { ...field, fault });
    if (fault !== undefined) this.error ??= `${name}: ${fault}`;
    this.#at += length;
  }

  /** One byte or one 16-bit number; a missing one is a fault and reads as undefined. */
  number(
    length: 1 | 2,
    name: string,
    show: (value: number) => string,
    judge?: (value: number) => string | undefined,
  ): number | undefined {
    if (this.left < length) {
      // Said once: every field behind is missing for the same reason.
      if (!this.#ended) this.note(this.left, name, "", `the frame ends ${length - this.left} byte(s) too early`);
      this.#ended = true;
      return undefined;
    }
    const value = length === 1 ? (this.#pdu[this.#at] as number) : uint16At(this.#pdu, this.#at);
    this.note(length, name, show(value), judge?.(value));
    return value;
  }

  /** Takes `length` bytes as they are. */
  take(length: number): Uint8Array {
    return this.#pdu.subarray(this.#at, this.#at + length);
  }

  /** What is left over is wrong, unless `name` says what it is. */
  rest(name?: string): void {
    if (this.left === 0) return;
    const bytes = this.take(this.left);
    if (name === undefined) this.note(this.left, "surplus", toHex(bytes, " "), "more bytes than this function has");
    else this.note(this.left, name, toHex(bytes, " "));
  }
}

export const address = (walk: Walk, name = "address") => walk.number(2, name, (value) => `${hex(value, 4)} (${value})`);

export function quantity(walk: Walk, limit: number, name = "quantity"): number | undefined {
  const judge = (value: number) => (value >= 1 && value <= limit ? undefined : `must be 1 to ${limit}`);
  return walk.number(2, name, String, judge);
}

/** The byte count, judged against what must follow and against the quantity where that is known. Returns what there is. */
export function byteCount(walk: Walk, expected: number | undefined): number {
  const follows = walk.left - 1;
  const count = walk.number(1, "byte count", String, (value) => {
    if (expected !== undefined && value !== expected) return `must be ${expected} for this quantity`;
    return value === follows ? undefined : `${follows} byte(s) follow`;
  });
  return Math.max(0, Math.min(count ?? 0, walk.left));
}

export function registers(walk: Walk, bytes: number): void {
  for (let i = 0; i < bytes; i += 2) {
    const value = walk.number(2, `register +${i / 2}`, (word) => `${hex(word, 4)} (${word})`);
    if (value !== undefined) walk.readings.push({ id: `+${i / 2}`, value: String(value), unit: "1" });
  }
}

export function bits(walk: Walk, bytes: number, count: number): void {
  const packed = walk.take(bytes);
  const states = Array.from(
    { length: Math.min(count, 8 * bytes) },
    (_, i) => ((packed[i >> 3] as number) >> (i & 7)) & 1,
  );
  if (bytes > 0) walk.note(bytes, "states", `${states.join("")} (first address left)`);
  for (const [i, state] of states.entries()) walk.readings.push({ id: `+${i}`, value: String(state), unit: "1" });
}
