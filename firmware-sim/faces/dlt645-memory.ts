/**
 * What makes a meter one DL/T 645 device on whatever lines it answers: address and passwords as they were last written,
 * freezes, alarm and kept power. All of it is on the meter's memory before anybody is told that it is done.
 */
import { bytesOfDigits, digitsAt } from "../../protocols/dlt645/frame.ts";
import { Dlt645Station, type Dlt645StationOptions, type Written } from "../../protocols/dlt645/station.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { Checkpoint } from "../nvram/checkpoint.ts";
import type { Nvram } from "../nvram/nvram.ts";
import { type Freeze, InstantFreezes } from "./dlt645-freeze.ts";

interface State {
  readonly alarm: boolean;
  readonly keepPower: boolean;
  readonly written: Written;
  readonly freezes: readonly Freeze[];
}

const CELL = "dlt645";
/** Raised when the layout changes; another layout is refused by name, not guessed at. */
const VERSION = 1;
const FLAG = { alarm: 1, keepPower: 2, address: 4 } as const;
const ADDRESS_BYTES = 6;
const PASSWORD_BYTES = 3;

export class Dlt645Memory {
  readonly station: Dlt645Station;
  readonly freezes: InstantFreezes;
  /** Day of the meter's clock on which a broadcast last set it; a power cut forgets it. */
  broadcastDay: string | undefined;
  readonly #checkpoint: Checkpoint | undefined;
  #alarm: boolean;
  #keepPower: boolean;

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

  private constructor(options: Dlt645StationOptions, checkpoint: Checkpoint | undefined, state: State | undefined) {
    const save = () => this.#save();
    this.#checkpoint = checkpoint;
    this.#alarm = state?.alarm ?? false;
    this.#keepPower = state?.keepPower ?? false;
    this.station = new Dlt645Station(options, state?.written, save);
    this.freezes = new InstantFreezes(state?.freezes ?? [], save);
  }

  get alarm(): boolean {
    return this.#alarm;
  }

  setAlarm(on: boolean): void {
    this.#alarm = on;
    this.#save();
  }

  get keepPower(): boolean {
    return this.#keepPower;
  }

  setKeepPower(on: boolean): void {
    this.#keepPower = on;
    this.#save();
  }

  #save(): void {
    this.#checkpoint?.write(
      encode({
        alarm: this.#alarm,
        keepPower: this.#keepPower,
        written: this.station.written,
        freezes: this.freezes.kept,
      }),
    );
  }
}

function encode({ alarm, keepPower, written, freezes }: State): Uint8Array {
  const { address, passwords } = written;
  const flags =
    (alarm ? FLAG.alarm : 0) | (keepPower ? FLAG.keepPower : 0) | (address === undefined ? 0 : FLAG.address);
  const bytes = [VERSION, flags, ...(address === undefined ? [] : bytesOfDigits(address)), passwords.size];
  for (const [level, digits] of passwords) bytes.push(level, ...bytesOfDigits(digits));
  bytes.push(freezes.length);
  for (const freeze of freezes) {
    bytes.push(freeze.size);
    for (const [item, data] of freeze) bytes.push(item, data.length, ...data);
  }
  return Uint8Array.from(bytes);
}

/** Of a payload whose CRC was good. */
function decode(bytes: Uint8Array): Result<State, string> {
  let at = 0;
  const next = () => bytes[at++] ?? 0;
  const take = (length: number) => {
    at += length;
    return bytes.slice(at - length, at);
  };
  const version = next();
  if (version !== VERSION)
    return failure(`the DL/T 645 memory has layout ${version}; this version reads layout ${VERSION}`);
  const flags = next();
  const address = (flags & FLAG.address) === 0 ? undefined : digitsAt(take(ADDRESS_BYTES), 0, ADDRESS_BYTES);
  const passwords = new Map<number, string>();
  for (let left = next(); left > 0; left--) passwords.set(next(), digitsAt(take(PASSWORD_BYTES), 0, PASSWORD_BYTES));
  const freezes: Freeze[] = [];
  for (let left = next(); left > 0; left--) {
    const freeze = new Map<number, Uint8Array>();
    for (let items = next(); items > 0; items--) freeze.set(next(), take(next()));
    freezes.push(freeze);
  }
  if (at !== bytes.length) return failure(`the DL/T 645 memory has ${bytes.length} bytes instead of ${at}`);
  const alarm = (flags & FLAG.alarm) !== 0;
  const keepPower = (flags & FLAG.keepPower) !== 0;
  return success({ alarm, keepPower, written: { address, passwords }, freezes });
}
