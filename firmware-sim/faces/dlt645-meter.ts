/** A meter behind DL/T 645: what the protocol's server asks and orders, done through the meter. */

import type { ClockFields } from "../../protocols/dlt645/clock.ts";
import { fieldsOf, instantOf, weekdayOf } from "../../protocols/dlt645/clock.ts";
import type { Combinations } from "../../protocols/dlt645/combination.ts";
import { DEFAULT_COMBINATIONS } from "../../protocols/dlt645/combination.ts";
import { ERR } from "../../protocols/dlt645/errors.ts";
import { baudFeature, OPERATION } from "../../protocols/dlt645/functions.ts";
import { byteOf, type Identifier, identifier } from "../../protocols/dlt645/identifier.ts";
import { behindOf, findItem } from "../../protocols/dlt645/identifiers.ts";
import type { Credentials, Dlt645Request, FreezeMoment } from "../../protocols/dlt645/message.ts";
import type { Dlt645Model } from "../../protocols/dlt645/respond.ts";
import { bcdByte, toBcd } from "../../protocols/dlt645/values.ts";
import type { Civil, Now } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import { clearEvents, clearMeter } from "../meter-clear.ts";
import { ByteWriter } from "../nvram/bytes.ts";
import type { RelayOrder } from "../relay/relay.ts";
import { readData, WRITERS } from "./dlt645-data.ts";
import { eventOf } from "./dlt645-events.ts";
import { type Dlt645Device, unpack } from "./dlt645-fields.ts";
import { readLoadRecords } from "./dlt645-load.ts";
import type { Dlt645Memory } from "./dlt645-memory.ts";

export interface Dlt645MeterOptions {
  /** Of the serial line; absent over TCP. */
  readonly baud?: number;
  /** Minutes that the face's clock shows ahead of UTC; default that of the meter's settings. */
  readonly zone?: number;
  readonly combinations?: Combinations;
  /** Whether somebody presses the key as soon as a close is allowed (1B); otherwise the relay waits, open. Default true. */
  readonly keyPressed?: boolean;
}

const DATE = identifier(0x0400_0101);
const TIME = identifier(0x0400_0102);
/** DI3 of load records. */
const LOAD_RECORDS = 0x06;
const ALL_EVENTS = identifier(0xffff_ffff);

/** An order of function 1C for the relay. */
const RELAY_ORDERS: Readonly<Record<number, RelayOrder>> = {
  [OPERATION.trip]: "trip",
  [OPERATION.allowClose]: "allowClose",
  [OPERATION.close]: "close",
  [OPERATION.alarm]: "warn",
  [OPERATION.alarmOff]: "endWarning",
  [OPERATION.keepPower]: "keepPower",
  [OPERATION.release]: "releaseKeep",
};

export class Dlt645Meter implements Dlt645Model, Dlt645Device {
  readonly combinations: Combinations;
  readonly #meter: Meter;
  readonly #memory: Dlt645Memory;
  readonly #options: Dlt645MeterOptions;
  #now: Now;
  /** Of the serial line; undefined over TCP, where there is none to change. */
  #baud: number | undefined;
  #agreed: number | undefined;

  constructor(meter: Meter, memory: Dlt645Memory, options: Dlt645MeterOptions, now: Now) {
    this.#meter = meter;
    this.#memory = memory;
    this.#options = options;
    this.#baud = options.baud;
    this.combinations = options.combinations ?? DEFAULT_COMBINATIONS;
    this.#now = now;
  }

  /** The instant of the request that is being answered; call it before. */
  at(now: Now): void {
    this.#now = now;
  }

  read(request: Extract<Dlt645Request, { kind: "read" }>): Uint8Array | number {
    this.#meter.refresh(this.#now);
    const load = byteOf(request.identifier, 3) === LOAD_RECORDS && findItem(request.identifier) !== undefined;
    const data = load ? readLoadRecords(this.#meter, this, request) : readData(this.#meter, this, request.identifier);
    return data ?? ERR.noSuchData;
  }

  /** What is written leaves a programming record, with the operator. */
  write(id: Identifier, data: Uint8Array, by: Credentials): number {
    const error = this.#write(id, data);
    if (error === 0) this.#recordProgramming(by, id);
    return error;
  }

  admits(level: number, needed: number, right: boolean): boolean {
    return this.#meter.programming.ask("dlt645", level, needed, right, this.#now) === "granted";
  }

  /** A broadcast, within the clock's limits. */
  setTime(time: ClockFields): void {
    const wanted = instantOf(time, this.#zone);
    if (wanted !== undefined) this.#meter.setClock(wanted, this.#now, "broadcast");
  }

  /** At once, or from now on whenever the pattern fits, which survives a power loss. */
  freeze({ minute, hour, day, month }: FreezeMoment): number {
    if (minute === null && hour === null && day === null && month === null) {
      this.#meter.perform((functions, at) => functions.freeze(at), this.#now);
      return 0;
    }
    if (minute === null) return ERR.other;
    const settings = { ...this.#meter.programming.settings.freezes, timed: { minute, hour, day, month } };
    return this.#meter.programming.configure("freezes", settings, this.#now).ok ? 0 : ERR.other;
  }

  /** An order whose time is over, or no time, is refused; so is a trip while power is to be kept. */
  control({ operation, until }: Extract<Dlt645Request, { kind: "control" }>): number {
    const end = instantOf(until, this.#zone);
    const order = RELAY_ORDERS[operation];
    if (end === undefined || end < this.#meter.clock(this.#now) || order === undefined) return ERR.other;
    const verdict = this.#meter.orderRelay(order, this.#now);
    if (verdict === undefined) return ERR.noSuchData;
    if (verdict === "waiting" && this.#options.keyPressed !== false) this.#meter.pressButton(this.#now);
    return verdict === "kept" ? ERR.other : 0;
  }

  /** Each leaves its record, with the operator. */
  clear(what: "demand" | "meter" | "events", id: Identifier | undefined, by: Credentials): number {
    const operator = operatorOf(by);
    if (id !== undefined) return this.#clearEvents(id, operator);
    const note = new ByteWriter().u32(operator).bytes();
    this.#meter.perform((functions, at) => {
      if (what === "demand") functions.clearDemand(at, note);
      else clearMeter(functions, at, note);
    }, this.#now);
    return 0;
  }

  address(): string {
    return this.#memory.station.address;
  }

  date(): Uint8Array {
    const { day, month, year } = this.#clock();
    return Uint8Array.from([weekdayOf(this.#meter.clock(this.#now), this.#zone), day, month, year], toBcd);
  }

  time(): Uint8Array {
    const { second, minute, hour } = this.#clock();
    return Uint8Array.from([second, minute, hour], toBcd);
  }

  baudFeature(): number | undefined {
    return this.#baud === undefined ? undefined : baudFeature(this.#baud, this.#memory.station.baudCoding);
  }

  changeBaud(): number {
    return this.#baud === undefined ? ERR.baudFixed : 0;
  }

  baudAgreed(baud: number): void {
    this.#baud = baud;
    this.#agreed = baud;
  }

  /** The rate that the reply just given agrees to, once. */
  takeAgreedBaud(): number | undefined {
    const agreed = this.#agreed;
    this.#agreed = undefined;
    return agreed;
  }

  #clearEvents(id: Identifier, operator: number): number {
    const kind = eventOf(byteOf(id, 3), byteOf(id, 2), byteOf(id, 1));
    if (kind === undefined && id !== ALL_EVENTS) return ERR.noSuchData;
    const note = new ByteWriter().u32(operator).u32(id).bytes();
    this.#meter.perform((functions, at) => clearEvents(functions, kind, at, note), this.#now);
    return 0;
  }

  get ahead(): number {
    return 60 * (this.#zone - this.#meter.programming.settings.clock.zoneMinutes);
  }

  get #zone(): number {
    return this.#options.zone ?? this.#meter.programming.settings.clock.zoneMinutes;
  }

  #write(id: Identifier, data: Uint8Array): number {
    if (id === DATE) return this.#writeDate(data);
    if (id === TIME) return this.#writeTime(data);
    const item = findItem(id);
    const behind = item && behindOf(item, id);
    if (item === undefined || behind === undefined || behind.kind === "absent") return ERR.noSuchData;
    const writer = behind.kind === "function" ? WRITERS[behind.function] : undefined;
    if (writer === undefined) return ERR.notAuthorised;
    const fields = unpack(item, data);
    if (fields === undefined) return ERR.other;
    const meter = this.#meter;
    return writer({ meter, device: this, id, fields, now: this.#now, at: meter.functions.at });
  }

  #recordProgramming(by: Credentials, id: Identifier): void {
    const record = { wire: "dlt645", level: by.password.level, operator: operatorOf(by), items: [id] } as const;
    this.#meter.programming.record(record, this.#now);
  }

  #clock(): ClockFields {
    return fieldsOf(this.#meter.clock(this.#now), this.#zone);
  }

  /** The weekday is the meter's own business. */
  #writeDate(data: Uint8Array): number {
    const [, day, month, year] = Array.from(data, bcdByte);
    if (data.length !== 4 || day === undefined || month === undefined || year === undefined) return ERR.other;
    return this.#writeClock({ ...this.#clock(), day, month, year });
  }

  #writeTime(data: Uint8Array): number {
    const [second, minute, hour] = Array.from(data, bcdByte);
    if (data.length !== 3 || second === undefined || minute === undefined || hour === undefined) return ERR.other;
    return this.#writeClock({ ...this.#clock(), second, minute, hour });
  }

  #writeClock(fields: ClockFields): number {
    const wanted = instantOf(fields, this.#zone);
    return wanted === undefined ? ERR.other : this.#setClock(wanted);
  }

  #setClock(wanted: Civil): number {
    return this.#meter.setClock(wanted, this.#now) ? 0 : ERR.other;
  }
}

/** Eight digits as a number; an operator who is none has 0. */
function operatorOf({ operator }: Credentials): number {
  return /^\d{8}$/.test(operator) ? Number(operator) : 0;
}
