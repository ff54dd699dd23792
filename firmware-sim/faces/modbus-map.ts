/** A meter behind its model's Modbus map: the data model that the protocol's server asks. */

import { EXCEPTION } from "../../protocols/modbus/errors.ts";
import type { DeviceObjects } from "../../protocols/modbus/identification.ts";
import type { ModbusDataModel } from "../../protocols/modbus/server.ts";
import type { ModbusControl } from "../../protocols/models/model.ts";
import type { Now } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import { ModbusControlBlock } from "./modbus-control.ts";
import { exceptionStatusOf, objectsOf, serverIdOf } from "./modbus-identity.ts";
import type { ModbusLineMemory } from "./modbus-line.ts";
import { RegisterImage } from "./register-image.ts";

export class ModbusMapFace implements ModbusDataModel {
  readonly #meter: Meter;
  readonly #holding: RegisterImage;
  readonly #input: RegisterImage;
  readonly #control: ModbusControlBlock | undefined;
  /** Absent on models without a relay, which then answer exception 01 as the real ones do. */
  readonly readBits?: NonNullable<ModbusDataModel["readBits"]>;
  readonly writeBits?: NonNullable<ModbusDataModel["writeBits"]>;
  readonly exceptionStatus?: NonNullable<ModbusDataModel["exceptionStatus"]>;
  readonly serverId?: Uint8Array;
  readonly objects?: DeviceObjects;
  readonly #line: ModbusLineMemory | undefined;
  #now: Now;

  /** @param line unit and rate, where the model lets them be written; undefined: this installation fixes them */
  constructor(meter: Meter, now: Now, line?: ModbusLineMemory) {
    const map = meter.model.modbus;
    this.#meter = meter;
    this.#now = now;
    this.#control = map.control === undefined ? undefined : new ModbusControlBlock(meter, map.control, now);
    this.#line = line;
    const control = [...(this.#control?.registers() ?? []), ...(line?.registers() ?? [])];
    if (map.tables === "shared") {
      this.#holding = new RegisterImage(meter, map.registers, control);
      this.#input = this.#holding;
    } else {
      const of = (table: "holding" | "input") => map.registers.filter((entry) => entry.table === table);
      this.#holding = new RegisterImage(meter, of("holding"), control);
      this.#input = new RegisterImage(meter, of("input"), []);
    }
    if (map.control !== undefined && this.#control !== undefined) {
      const relay = new RelayBits(meter, map.control, this.#control);
      this.readBits = (table, address, quantity, out, at) => relay.read(table, address, quantity, out, at);
      this.writeBits = (address, quantity, bytes, at) => relay.write(address, quantity, bytes, at);
    }
    const functions = map.functions ?? [];
    if (functions.includes(0x07))
      this.exceptionStatus = () => exceptionStatusOf(meter, this.#control?.unlocked === true);
    if (functions.includes(0x11)) this.serverId = serverIdOf(meter);
    if (functions.includes(0x2b)) this.objects = objectsOf(meter);
  }

  /** Call before bytes are given to the server: the instant at which its requests are answered. */
  at(now: Now): void {
    this.#now = now;
    this.#control?.at(now);
  }

  readRegisters(table: "holding" | "input", address: number, quantity: number, out: Uint8Array, at: number): number {
    this.#meter.refresh(this.#now);
    return (table === "holding" ? this.#holding : this.#input).read(address, quantity, out, at);
  }

  writeRegisters(address: number, quantity: number, bytes: Uint8Array, at: number): number {
    const inLine = this.#line !== undefined && isOfLine(this.#meter, address);
    if (inLine && this.#control?.unlocked === false) return EXCEPTION.serverDeviceFailure;
    return (
      (inLine ? this.#line?.write(address, quantity, bytes, at) : undefined) ??
      this.#control?.writeRegisters(address, quantity, bytes, at) ??
      EXCEPTION.illegalDataAddress
    );
  }
}

function isOfLine({ model }: Meter, address: number): boolean {
  const { line } = model.modbus;
  return address === line?.unit.address || address === line?.baud.address;
}

/** Coil: the relay, 1 closed. Discrete inputs: the same, and at the next address 1 while the order window is open. */
class RelayBits {
  readonly #meter: Meter;
  readonly #coil: number;
  readonly #control: ModbusControlBlock;

  constructor(meter: Meter, map: ModbusControl, control: ModbusControlBlock) {
    this.#meter = meter;
    this.#coil = map.relayCoil;
    this.#control = control;
  }

  read(table: "coil" | "discrete", address: number, quantity: number, out: Uint8Array, at: number): number {
    const bits = table === "coil" ? [this.#meter.relayClosed] : [this.#meter.relayClosed, this.#control.unlocked];
    const from = address - this.#coil;
    if (from < 0 || from + quantity > bits.length) return EXCEPTION.illegalDataAddress;
    let byte = 0;
    for (let i = 0; i < quantity; i++) if (bits[from + i]) byte |= 1 << i;
    out[at] = byte;
    return 0;
  }

  write(address: number, quantity: number, bytes: Uint8Array, at: number): number {
    if (address !== this.#coil || quantity !== 1) return EXCEPTION.illegalDataAddress;
    return this.#control.writeRelay(((bytes[at] as number) & 1) === 1);
  }
}
