/** A meter behind DL/T 645: what the protocol's server asks and orders, done through the meter. */

import type { ClockFields } from "../../protocols/dlt645/clock.ts";
import { fieldsOf, instantOf, showDate, weekdayOf } from "../../protocols/dlt645/clock.ts";
import type { Combinations } from "../../protocols/dlt645/combination.ts";
import { DEFAULT_COMBINATIONS } from "../../protocols/dlt645/combination.ts";
import { ERR } from "../../protocols/dlt645/errors.ts";
import { baudFeature, OPERATION } from "../../protocols/dlt645/functions.ts";
import { type Identifier, identifier } from "../../protocols/dlt645/identifier.ts";
import { behindOf, findItem } from "../../protocols/dlt645/identifiers.ts";
import type { Dlt645Request, FreezeMoment } from "../../protocols/dlt645/message.ts";
import type { Dlt645Model } from "../../protocols/dlt645/respond.ts";
import { bcdByte, toBcd } from "../../protocols/dlt645/values.ts";
import { type Civil, MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import { type Dlt645Device, readData } from "./dlt645-data.ts";
import type { Dlt645Memory } from "./dlt645-memory.ts";

export interface Dlt645MeterOptions {
  /** Of the serial line; absent over TCP. */
  readonly baud?: number;
  /** Minutes that the meter's clock shows ahead of UTC; default 0. */
  readonly zone?: number;
  readonly combinations?: Combinations;
  /** Whether somebody presses the key as soon as a close is allowed (1B); otherwise the relay waits, open. Default true. */
  readonly keyPressed?: boolean;
}

/** Broadcast time is carried out only this near to the meter's clock, and once a day (recalled). */
const BROADCAST_REACH = 5 * 60 * MICROS_PER_SECOND;
const DATE = identifier(0x0400_0101);
const TIME = identifier(0x0400_0102);

/** Bits of status word 3. */
const STATUS = { relayOpen: 4, openCommanded: 6, alarm: 7, keepPower: 12, openedRemotely: 15 } as const;

export class Dlt645Meter implements Dlt645Model, Dlt645Device {
  readonly combinations: Combinations;
  readonly #meter: Meter;
  readonly #memory: Dlt645Memory;
  readonly #options: Dlt645MeterOptions;
  readonly #zone: number;
  #now: Now;
  /** Of the serial line; undefined over TCP, where there is none to change. */
  #baud: number | undefined;
  #agreed: number | undefined;

  constructor(meter: Meter, memory: Dlt645Memory, options: Dlt645MeterOptions, now: Now) {
    this.#meter = meter;
    this.#memory = memory;
    this.#options = options;
    this.#zone = options.zone ?? 0;
    this.#baud = options.baud;
    this.combinations = options.combinations ?? DEFAULT_COMBINATIONS;
    this.#now = now;
  }

  /** The instant of the request that is being answered; call it before. */
  at(now: Now): void {
    this.#now = now;
  }

  read(request: Extract<Dlt645Request, { kind: "read" }>): Uint8Array | number {
    return this.#data(request.identifier) ?? ERR.noSuchData;
  }

  /** Only date and time can be written. */
  write(id: Identifier, data: Uint8Array): number {
    if (id === DATE) return this.#writeDate(data);
    if (id === TIME) return this.#writeTime(data);
    const item = findItem(id);
    const known = item !== undefined && behindOf(item, id).kind !== "absent";
    return known ? ERR.notAuthorised : ERR.noSuchData;
  }

  setTime(time: ClockFields): void {
    const clock = this.#meter.clock(this.#now);
    const wanted = instantOf(time, this.#zone);
    const day = showDate(this.#clock());
    if (wanted === undefined || Math.abs(wanted - clock) > BROADCAST_REACH || day === this.#memory.broadcastDay) return;
    if (this.#setClock(wanted) === 0) this.#memory.broadcastDay = day;
  }

  /** At once; freezes at a time of day need a schedule that the meter does not have. */
  freeze(moment: FreezeMoment): number {
    if (Object.values(moment).some((field) => field !== null)) return ERR.noSuchData;
    const { minute, hour, day, month, year } = this.#clock();
    const stamp = Uint8Array.from([minute, hour, day, month, year], toBcd);
    this.#memory.freezes.take(stamp, (id) => this.#data(id));
    return 0;
  }

  /** An order whose time is over, or no time, is refused; so is a trip while power is to be kept. */
  control(order: Extract<Dlt645Request, { kind: "control" }>): number {
    const until = instantOf(order.until, this.#zone);
    if (until === undefined || until < this.#meter.clock(this.#now)) return ERR.other;
    switch (order.operation) {
      case OPERATION.trip:
        return this.#memory.keepPower ? ERR.other : this.#switch(false);
      case OPERATION.allowClose:
        return this.#options.keyPressed === false && this.#meter.hasRelay ? 0 : this.#switch(true);
      case OPERATION.close:
        return this.#switch(true);
      case OPERATION.alarm:
      case OPERATION.alarmOff:
        this.#memory.setAlarm(order.operation === OPERATION.alarm);
        return 0;
      case OPERATION.keepPower:
      case OPERATION.release:
        this.#memory.setKeepPower(order.operation === OPERATION.keepPower);
        return 0;
      default:
        return ERR.other;
    }
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

  relayStatus(): number {
    const open = this.#meter.hasRelay && !this.#meter.relayClosed;
    const bit = (position: number, set: boolean) => (set ? 1 << position : 0);
    return (
      bit(STATUS.relayOpen, open) |
      bit(STATUS.openCommanded, open) |
      bit(STATUS.openedRemotely, open) |
      bit(STATUS.alarm, this.#memory.alarm) |
      bit(STATUS.keepPower, this.#memory.keepPower)
    );
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

  frozen(id: Identifier): Uint8Array | undefined {
    return this.#memory.freezes.read(id);
  }

  #data(id: Identifier): Uint8Array | undefined {
    this.#meter.refresh(this.#now);
    return readData(this.#meter, this, id);
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

  #switch(closed: boolean): number {
    const verdict = this.#meter.orderRelay(closed ? "close" : "trip", this.#now);
    if (verdict === undefined) return ERR.noSuchData;
    return verdict === "kept" ? ERR.other : 0;
  }
}
