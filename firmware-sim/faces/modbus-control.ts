/**
 * Control over Modbus as the native models have it: a password opens a window; inside it an order may be put into the mailbox
 * (one FC 10 is the commit) or the relay's coil written. The outcome registers show the newest order.
 */

import { EXCEPTION } from "../../protocols/modbus/errors.ts";
import type { ModbusControl } from "../../protocols/models/model.ts";
import { ORDER_OPERATIONS, ORDER_STATUSES, type OrderNumber, type OrderOperation } from "../../protocols/orders.ts";
import type { Now } from "../../src/core/time.ts";
import { MICROS_PER_SECOND } from "../../src/core/time.ts";
import { STRONGEST } from "../control/programming.ts";
import type { Meter } from "../meter.ts";
import { ModbusFunctionBlocks } from "./modbus-functions.ts";
import { ModbusProfileBlocks } from "./modbus-profile.ts";
import type { ExtraRegisters } from "./register-image.ts";

const WIRE = "modbus";
const UNLOCK_REGISTERS = 2;
const MAILBOX_REGISTERS = 9;
const OUTCOME_REGISTERS = 6;

const OPERATION_BY_CODE = new Map<number, OrderOperation>(
  Object.entries(ORDER_OPERATIONS).map(([operation, code]) => [code, operation as OrderOperation]),
);

export class ModbusControlBlock {
  readonly #meter: Meter;
  readonly #map: ModbusControl;
  readonly #functions: ModbusFunctionBlocks | undefined;
  readonly #profile: ModbusProfileBlocks | undefined;
  #unlockedUntil = Number.NEGATIVE_INFINITY;
  #now: Now;

  constructor(meter: Meter, map: ModbusControl, now: Now) {
    this.#meter = meter;
    this.#map = map;
    this.#now = now;
    const { functions } = map;
    if (functions === undefined) return;
    this.#functions = new ModbusFunctionBlocks(meter.functions, functions);
    this.#profile = new ModbusProfileBlocks(meter, functions);
  }

  /** The instant of the request that is being answered; the data model's calls carry none. */
  at(now: Now): void {
    this.#now = now;
  }

  /** Readable registers: seconds left of the window, an empty mailbox, the newest outcome. */
  registers(): readonly ExtraRegisters[] {
    return [
      { address: this.#map.unlock, count: UNLOCK_REGISTERS, write: (out, at) => this.#writeSecondsLeft(out, at) },
      {
        address: this.#map.mailbox,
        count: MAILBOX_REGISTERS,
        write: (out, at) => out.fill(0, at, at + MAILBOX_REGISTERS * 2),
      },
      { address: this.#map.outcome, count: OUTCOME_REGISTERS, write: (out, at) => this.#writeOutcome(out, at) },
      ...(this.#functions?.registers() ?? []),
      ...(this.#profile?.registers() ?? []),
    ];
  }

  get unlocked(): boolean {
    return this.#now.mono < this.#unlockedUntil;
  }

  /** FC 06/10: 0, or the exception code. Password and mailbox are written whole, of the selectors any part. */
  writeRegisters(address: number, quantity: number, bytes: Uint8Array, at: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, quantity * 2);
    if (address === this.#map.unlock && quantity === UNLOCK_REGISTERS) return this.#unlock(view.getUint32(0));
    if (address === this.#map.mailbox && quantity === MAILBOX_REGISTERS) return this.#order(view);
    return (
      this.#functions?.select(address, quantity, bytes, at) ??
      this.#profile?.select(address, quantity, bytes, at) ??
      EXCEPTION.illegalDataAddress
    );
  }

  /** FC 05/0F on the relay's coil. */
  writeRelay(closed: boolean): number {
    if (!this.unlocked) return EXCEPTION.serverDeviceFailure;
    const verdict = this.#meter.orderRelay(closed ? "close" : "trip", this.#now);
    if (verdict === undefined) return EXCEPTION.illegalDataAddress;
    if (verdict === "kept") return EXCEPTION.serverDeviceFailure;
    this.#meter.programming.record(
      { wire: WIRE, level: STRONGEST, operator: 0, items: [ORDER_OPERATIONS[closed ? "relay-close" : "relay-open"]] },
      this.#now,
    );
    return 0;
  }

  /** Wrong passwords are counted; while the wire is locked for too many of them even the right one is exception 04. */
  #unlock(password: number): number {
    const verdict = this.#meter.programming.ask(
      WIRE,
      STRONGEST,
      STRONGEST,
      password === this.#meter.password,
      this.#now,
    );
    if (verdict !== "granted") {
      this.#unlockedUntil = Number.NEGATIVE_INFINITY;
      return verdict === "locked" ? EXCEPTION.serverDeviceFailure : EXCEPTION.illegalDataValue;
    }
    // The window is a timeout of the wire: wall time, whatever the simulated speed.
    this.#unlockedUntil = this.#now.mono + this.#map.unlockSeconds * MICROS_PER_SECOND;
    return 0;
  }

  #order(view: DataView): number {
    // Without the window nothing is remembered: the id stays free for the same order after an unlock.
    if (!this.unlocked) return EXCEPTION.serverDeviceFailure;
    const id = Number(view.getBigUint64(0));
    const operation = OPERATION_BY_CODE.get(view.getUint16(8));
    const argument = Number(view.getBigInt64(10));
    if (!Number.isSafeInteger(id) || id < 1 || operation === undefined || !Number.isSafeInteger(argument))
      return EXCEPTION.illegalDataValue;
    this.#meter.execute({ id: id as OrderNumber, operation, argument }, this.#now);
    return 0;
  }

  #writeSecondsLeft(out: Uint8Array, at: number): void {
    const left = Math.max(0, Math.ceil((this.#unlockedUntil - this.#now.mono) / MICROS_PER_SECOND));
    new DataView(out.buffer, out.byteOffset + at).setUint32(0, Number.isFinite(left) ? left : 0);
  }

  #writeOutcome(out: Uint8Array, at: number): void {
    const outcome = this.#meter.lastOutcome;
    const view = new DataView(out.buffer, out.byteOffset + at);
    view.setBigUint64(0, BigInt(outcome?.id ?? 0));
    view.setUint16(8, ORDER_STATUSES[outcome?.status ?? "none"]);
    view.setUint16(10, this.#meter.relayClosed ? 1 : 0);
  }
}
