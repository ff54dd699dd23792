/** Records of profile and freezes as bytes: time, flags, integers of six bytes (±1.4 × 10^14: 140 GWh in mWh) or no value. */
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";

export interface RecordFlags {
  /** The clock was lost and not set since. */
  readonly clockDoubt: boolean;
  /** The power was off within the interval, or since the last record. */
  readonly powerCut: boolean;
  /** The clock was set within the interval. */
  readonly clockChanged: boolean;
}

export interface StoredRecord {
  /** The end of the interval, or the moment of the freeze. */
  readonly at: LocalSecond;
  readonly flags: RecordFlags;
  /** Integers in the units of their measures; null where there was no value. */
  readonly values: readonly (number | null)[];
}

export const POWER_CUT = 1;
export const CLOCK_CHANGED = 2;
const CLOCK_DOUBT = 4;

const TWO_32 = 2 ** 32;
const TWO_48 = 2 ** 48;
/** Six bytes as a two's complement; its lowest value says that there is none. */
const NO_VALUE = 2 ** 47;
const VALUE_BYTES = 6;
const HEADER_BYTES = 8 + 1 + 2;

/** Bytes of a record of so many values. */
export function recordBytes(values: number): number {
  return HEADER_BYTES + VALUE_BYTES * values;
}

/** @param pending sum of {@link POWER_CUT} and {@link CLOCK_CHANGED} */
export function encodeStored(
  at: LocalSecond,
  pending: number,
  clockDoubt: boolean,
  values: readonly (number | null)[],
): Uint8Array {
  const writer = new ByteWriter()
    .f64(at)
    .u8(pending + (clockDoubt ? CLOCK_DOUBT : 0))
    .u16(values.length);
  for (const value of values) {
    assert(
      value === null || (Number.isSafeInteger(value) && Math.abs(value) < NO_VALUE),
      "a stored value fits six bytes",
    );
    const bits = value === null ? NO_VALUE : value < 0 ? value + TWO_48 : value;
    writer.u32(bits % TWO_32).u16(Math.floor(bits / TWO_32));
  }
  return writer.bytes();
}

/** The error is for people. */
export function decodeStored(bytes: Uint8Array): Result<StoredRecord, string> {
  const reader = new ByteReader(bytes);
  const at = reader.f64();
  const bits = reader.u8();
  const count = reader.u16();
  if (count * VALUE_BYTES !== reader.left)
    return failure(`a record of ${bytes.length} bytes does not hold ${count} values`);
  const values: (number | null)[] = [];
  for (let i = 0; i < count; i++) {
    const low = reader.u32();
    const value = reader.u16() * TWO_32 + low;
    values.push(value === NO_VALUE ? null : value > NO_VALUE ? value - TWO_48 : value);
  }
  const flags = {
    clockDoubt: (bits & CLOCK_DOUBT) !== 0,
    powerCut: (bits & POWER_CUT) !== 0,
    clockChanged: (bits & CLOCK_CHANGED) !== 0,
  };
  return success({ at: localSecond(at), flags, values });
}
