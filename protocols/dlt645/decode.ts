/** Takes the data behind an identifier apart into its parts, for people. */
import { toHex } from "../../src/core/bytes.ts";
import { formatDecimal } from "../../src/core/decimal.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { digitsAt } from "./frame.ts";
import type { Identifier } from "./identifier.ts";
import { blockOf, findItem } from "./identifiers.ts";
import { type Format, type Item, type Part, sizeOf } from "./item.ts";
import { bcdByte, decodeNumber, isBlank, textAt } from "./values.ts";

export interface DecodedPart {
  /** Within the data. */
  readonly offset: number;
  readonly length: number;
  /** Of this value: of the member where a block was read. */
  readonly identifier: Identifier;
  readonly name: string;
  readonly unit: string;
  /** A reading of its own, unlike the weekday of a date or bytes that nobody knows. */
  readonly reading: boolean;
  /** Null where the field is filled with FF, and where it has a fault. */
  readonly value: string | null;
  readonly fault?: string;
}

/** The parts of what a read of `id` gave, in order; bytes that do not fit are parts with a fault. */
export function decodeData(id: Identifier, data: Uint8Array): readonly DecodedPart[] {
  const item = findItem(id);
  if (item !== undefined) return new Taker(data).items([[id, item]]);
  const block = blockOf(id);
  if (block === undefined) return new Taker(data).unknown(id);
  return new Taker(data).items(block.members.map((member) => [member, findItem(member) as Item] as const));
}

class Taker {
  readonly #data: Uint8Array;
  readonly #parts: DecodedPart[] = [];
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  items(items: readonly (readonly [Identifier, Item])[]): readonly DecodedPart[] {
    let last: Identifier | undefined;
    for (const [id, item] of items) {
      // A meter gives as many members of a block as it has, the first one always.
      for (let n = 0; n < (item.repeat ?? 1) && (last === undefined || this.#at < this.#data.length); n++) {
        last = id;
        for (const part of item.parts) if (!this.#take(id, part)) return this.#parts;
      }
    }
    if (this.#at < this.#data.length && last !== undefined)
      this.#push(last, this.#data.length - this.#at, "surplus", "", {
        value: null,
        fault: `${this.#data.length - this.#at} bytes more than the identifier has`,
      });
    return this.#parts;
  }

  unknown(id: Identifier): readonly DecodedPart[] {
    const length = this.#data.length;
    if (length > 0) this.#push(id, length, "data of an identifier that is not known", "", { value: toHex(this.#data) });
    return this.#parts;
  }

  /** False when the data ends within the part. */
  #take(id: Identifier, part: Part): boolean {
    const left = this.#data.length - this.#at;
    const size = sizeOf(part.format) ?? left;
    if (size > left) {
      this.#push(id, left, part.name, part.unit, { value: null, fault: `needs ${size} bytes and ${left} are there` });
      return false;
    }
    const shown = showValue(part.format, this.#data, this.#at, size);
    const outcome = shown.ok ? { value: shown.value } : { value: null, fault: shown.error };
    this.#push(id, size, part.name, part.unit, outcome, part.aside !== true);
    return true;
  }

  #push(
    identifier: Identifier,
    length: number,
    name: string,
    unit: string,
    outcome: { readonly value: string | null; readonly fault?: string },
    reading = false,
  ): void {
    this.#parts.push({ offset: this.#at, length, identifier, name, unit, reading, ...outcome });
    this.#at += length;
  }
}

/** One field as text; null where it is filled with FF. */
function showValue(format: Format, data: Uint8Array, at: number, size: number): Result<string | null, string> {
  switch (format.kind) {
    case "number": {
      const value = decodeNumber(format, data, at);
      if (!value.ok) return value;
      return success(value.value === null ? null : formatDecimal(value.value, format.decimals));
    }
    case "moment":
      return isBlank(data, at, size) ? success(null) : showMoment(format.fields, data, at, size);
    case "digits":
      return success(isBlank(data, at, size) ? null : digitsAt(data, at, size));
    case "text":
      return success(isBlank(data, at, size) ? null : textAt(data, at, size));
    case "bits":
      return success(isBlank(data, at, size) ? null : digitsAt(data, at, size));
    case "raw":
      return success(toHex(data.subarray(at, at + size)));
  }
}

/** `YYMMDD` as 2016-01-11, `hhmmss` as 10:22:51, both with a blank between. The fields need not be a date that exists. */
function showMoment(fields: string, data: Uint8Array, at: number, size: number): Result<string, string> {
  let text = "";
  for (let i = 0; i < size; i++) {
    const byte = data[at + size - 1 - i] as number;
    const value = bcdByte(byte);
    if (value === undefined) return failure(`byte ${byte.toString(16).padStart(2, "0")} is no BCD`);
    const name = fields.slice(2 * i, 2 * i + 2);
    const separator = text === "" ? "" : name === "hh" ? " " : /[A-Z]/.test(name) ? "-" : ":";
    text += `${separator}${name === "YY" ? "20" : ""}${String(value).padStart(2, "0")}`;
  }
  return success(text);
}
