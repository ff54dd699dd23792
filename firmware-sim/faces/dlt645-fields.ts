/** How a DL/T 645 face puts what the meter has into the fields of an identifier, and takes written fields apart. */
import type { Combinations } from "../../protocols/dlt645/combination.ts";
import { bytesOfDigits, digitsAt } from "../../protocols/dlt645/frame.ts";
import type { Identifier } from "../../protocols/dlt645/identifier.ts";
import { type Format, type Item, itemSize, type Part, sizeOf } from "../../protocols/dlt645/item.ts";
import { decodeNumber, modulus, putNumber, putText } from "../../protocols/dlt645/values.ts";
import { assert } from "../../src/core/result.ts";
import type { Now } from "../../src/core/time.ts";
import { type LocalSecond, localFields, localOf, localSecond } from "../clock/local-time.ts";
import type { Meter } from "../meter.ts";
import type { EnergyAmount, EnergyRegister } from "../metrology/energy.ts";

/** What stands behind functions that are no measure: the face's own state. */
export interface Dlt645Device {
  readonly combinations: Combinations;
  /** Seconds that the face's clock shows ahead of the meter's local time: records are shown on the face's clock. */
  readonly ahead: number;
  address(): string;
  /** Weekday and date, time: as they stand on the wire. */
  date(): Uint8Array;
  time(): Uint8Array;
  /** The feature byte of the line's rate; undefined where there is no line. */
  baudFeature(): number | undefined;
}

/** One read of one identifier. */
export interface Ask {
  readonly meter: Meter;
  readonly device: Dlt645Device;
  readonly item: Item;
  readonly id: Identifier;
  /** The meter's local time. */
  readonly at: LocalSecond;
}

/** The data behind an identifier; undefined: no such data. */
export type Producer = (ask: Ask) => Uint8Array | undefined;

/** One write of one identifier: its fields in order, a `number` as an integer of its last digit, any other as digits. */
export interface Order {
  readonly meter: Meter;
  readonly device: Dlt645Device;
  readonly id: Identifier;
  readonly fields: readonly Field[];
  readonly now: Now;
  readonly at: LocalSecond;
}

/** 0, or {@link ERR} bits. */
export type Writer = (order: Order) => number;

export type Field = number | string | null;

/** Fields one behind the other, as often as there are values for them. */
export function pack(item: Item, values: readonly Field[]): Uint8Array {
  const size = itemSize(item);
  const count = item.parts.length;
  assert(size !== undefined && values.length % count === 0, `${item.name} has fields of a known size, all with values`);
  const bytes = new Uint8Array((size * values.length) / count);
  let at = 0;
  for (const [i, value] of values.entries()) {
    const { format } = item.parts[i % count] as Part;
    put(format, value, bytes, at);
    at += sizeOf(format) ?? 0;
  }
  return bytes;
}

/** Null is FF in a number; in a time it is zeros: there has been none. */
function put(format: Format, value: Field, out: Uint8Array, at: number): void {
  switch (format.kind) {
    case "number":
      putNumber(format, typeof value === "number" ? value : null, out, at);
      return;
    case "moment":
    case "digits":
      if (value !== null) out.set(bytesOfDigits(String(value)), at);
      return;
    case "bits":
      for (let i = 0; i < format.bytes; i++) out[at + i] = (Number(value ?? 0) >> (8 * i)) & 0xff;
      return;
    case "text":
      putText(String(value ?? ""), format.bytes, out, at);
      return;
    case "raw":
      return;
  }
}

/** Written data as fields; undefined where it has another length or digits that are none. FF in a number is null. */
export function unpack(item: Item, data: Uint8Array): readonly Field[] | undefined {
  const size = itemSize(item);
  if (size === undefined || data.length === 0 || data.length % size !== 0 || data.length > size * (item.repeat ?? 1))
    return undefined;
  const fields: Field[] = [];
  for (let at = 0; at < data.length; ) {
    for (const { format } of item.parts) {
      const length = sizeOf(format) ?? 0;
      const value = take(format, data, at, length);
      if (value === undefined) return undefined;
      fields.push(value);
      at += length;
    }
  }
  return fields;
}

function take(format: Format, data: Uint8Array, at: number, length: number): Field | undefined {
  if (format.kind === "bits") {
    let bits = 0;
    for (let i = 0; i < length; i++) bits |= (data[at + i] as number) << (8 * i);
    return bits;
  }
  if (format.kind === "number") {
    const value = decodeNumber(format, data, at);
    return value.ok ? value.value : undefined;
  }
  const digits = digitsAt(data, at, length);
  return /^\d*$/.test(digits) ? digits : undefined;
}

const two = (value: number): string => String(value % 100).padStart(2, "0");

/** A local time as the face's clock shows it: `YYMMDDhhmm`, with `ss` behind where asked for. */
export function stampOf(at: LocalSecond, device: Dlt645Device, seconds = false): string {
  const { year, month, day, hour, minute, second } = localFields(localSecond(at + device.ahead));
  const stamp = [year, month, day, hour, minute].map(two).join("");
  return seconds ? stamp + two(second) : stamp;
}

/** Local time of `YYMMDDhhmm`; undefined where that is no time. */
export function ofStamp(stamp: string, device: Dlt645Device): LocalSecond | undefined {
  const [year, month, day, hour, minute] = pairs(stamp) as [number, number, number, number, number];
  const at = localOf(2000 + year, month, day, hour, minute);
  if (stampOf(at, { ...device, ahead: 0 }) !== stamp) return undefined;
  return localSecond(at - device.ahead);
}

/** Digits two by two. */
export function pairs(digits: string): readonly number[] {
  return (digits.match(/../g) ?? []).map(Number);
}

/** mWh (mvarh, mVAh) in the last digit of an energy, 0.01 kWh. */
const ENERGY_STEP = 10_000;

/** An energy as its field has it: truncated, rolling over as every register does. */
export function energyField(item: Item, quanta: number): number {
  const [part] = item.parts;
  assert(part?.format.kind === "number", "an energy is a number");
  return (Math.trunc(quanta / ENERGY_STEP) % modulus(part.format)) + 0;
}

/** The present registers. */
export function totalsOf(meter: Meter): (register: EnergyRegister) => EnergyAmount {
  return (register) => meter.functions.energy.amount(register);
}
