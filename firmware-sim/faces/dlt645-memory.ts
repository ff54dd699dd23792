/**
 * What makes a meter one DL/T 645 device on whatever lines it answers: address and passwords as they were last written, on the
 * meter's memory before anybody is told that it is done.
 */
import { bytesOfDigits, digitsAt } from "../../protocols/dlt645/frame.ts";
import { Dlt645Station, type Dlt645StationOptions, type Written } from "../../protocols/dlt645/station.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { ByteReader } from "../nvram/bytes.ts";
import { Checkpoint } from "../nvram/checkpoint.ts";
import type { Nvram } from "../nvram/nvram.ts";

const CELL = "dlt645";
/** Raised when the layout changes; another layout is refused by name, not guessed at. */
const VERSION = 2;
const HAS_ADDRESS = 1;
const ADDRESS_BYTES = 6;
const PASSWORD_BYTES = 3;

export class Dlt645Memory {
  readonly station: Dlt645Station;

  /**
   * Power on. What was written over the line outlives `options`, which are the meter's as it left the factory.
   * @param nvram the meter's memory; undefined: a power cut loses all
   * @returns the device, or why its memory can't be used
   */
  static powerOn(options: Dlt645StationOptions, nvram?: Nvram): Result<Dlt645Memory, string> {
    if (nvram === undefined) return success(new Dlt645Memory(options, undefined, undefined));
    const checkpoint = new Checkpoint(nvram, CELL);
    const recovered = checkpoint.recover();
    if (!recovered.ok) return recovered;
    if (recovered.value === undefined) return success(new Dlt645Memory(options, checkpoint, undefined));
    const state = decode(recovered.value);
    return state.ok ? success(new Dlt645Memory(options, checkpoint, state.value)) : state;
  }

  private constructor(options: Dlt645StationOptions, checkpoint: Checkpoint | undefined, written: Written | undefined) {
    this.station = new Dlt645Station(options, written, () => checkpoint?.write(encode(this.station.written)));
  }
}

function encode({ address, passwords }: Written): Uint8Array {
  const bytes = [VERSION, address === undefined ? 0 : HAS_ADDRESS];
  bytes.push(...(address === undefined ? [] : bytesOfDigits(address)), passwords.size);
  for (const [level, digits] of passwords) bytes.push(level, ...bytesOfDigits(digits));
  return Uint8Array.from(bytes);
}

/** Of a payload whose CRC was good. */
function decode(bytes: Uint8Array): Result<Written, string> {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== VERSION)
    return failure(`the DL/T 645 memory has layout ${version}; this version reads layout ${VERSION}`);
  const digits = (length: number) => {
    const found = reader.raw(length);
    return digitsAt(found, 0, found.length);
  };
  const flags = reader.u8();
  const address = (flags & HAS_ADDRESS) === 0 ? undefined : digits(ADDRESS_BYTES);
  const passwords = new Map<number, string>();
  for (let left = reader.u8(); left > 0; left--) passwords.set(reader.u8(), digits(PASSWORD_BYTES));
  const end = reader.end("the DL/T 645 memory");
  return end.ok ? success({ address, passwords }) : end;
}
