/**
 * The relay's control: what was ordered, by whom, and when it happens. It drives nothing itself: {@link RelayControl.closed} is
 * the place that the coil shall have.
 *
 * A trip comes after its delay, under a warning; while a current is above the guard it is put off, at most for the guard's time.
 * *Allow close* leaves the closing to the customer's button. While power is to be kept, trips are refused. All of it survives a
 * power loss: a delay ends by the clock, the outage included, and a trip that fell due meanwhile is done at once.
 */
import { failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import type { RelaySettings } from "./settings.ts";

const ORDERS = ["none", "trip", "close", "allowClose", "keepPower", "releaseKeep", "warn", "endWarning"] as const;
export type RelayOrder = Exclude<(typeof ORDERS)[number], "none">;

/** Who or what ordered it; all but `remote` happens in the meter. */
export const RELAY_REASONS = ["none", "remote", "local", "credit", "overload", "overCurrent", "button"] as const;
export type RelayReason = Exclude<(typeof RELAY_REASONS)[number], "none" | "button">;

/** `done` is in place now (or was before), `pending` is under way, `waiting` is for the button. */
export type RelayVerdict = "done" | "pending" | "waiting" | "kept";

/** For the event log. `late`: the guard's time was over and a current still flowed. */
export type RelayNote =
  | { readonly kind: "trip"; readonly at: LocalSecond; readonly reason: string; readonly late: boolean }
  | { readonly kind: "close"; readonly at: LocalSecond; readonly reason: string }
  | { readonly kind: "loadWhileOpen"; readonly at: LocalSecond; readonly on: boolean };

export interface RelayStatus {
  readonly closed: boolean;
  /** The last order and who gave it; `none` in a new meter. */
  readonly lastOrder: (typeof ORDERS)[number];
  readonly lastReason: (typeof RELAY_REASONS)[number];
  /** Of the present position: what opened or closed it. */
  readonly reason: (typeof RELAY_REASONS)[number];
  /** When a trip under way falls due. */
  readonly tripAt: LocalSecond | undefined;
  /** What ordered the trip under way; `none` without one. */
  readonly tripReason: (typeof RELAY_REASONS)[number];
  /** Until when a trip that has fallen due is put off at most. */
  readonly deferredUntil: LocalSecond | undefined;
  readonly closeAllowed: boolean;
  readonly keepPower: boolean;
  /** The alarm before a trip, or one by order. */
  readonly warning: boolean;
}

const VERSION = 1;
const NEVER = Number.POSITIVE_INFINITY;
const UNKNOWN = -1;

export class RelayControl {
  #settings: RelaySettings;
  #closed = true;
  #closeAllowed = false;
  #keepPower = false;
  #warning = false;
  #lastOrder = 0;
  #lastReason = 0;
  #reason = 0;
  #pendingReason = 0;
  /** When a trip falls due, and from then until when it is put off. */
  #tripAt = NEVER;
  #deferredUntil = NEVER;
  /** When a load that flows while open becomes an event, and whether it is one. */
  #loadAt = NEVER;
  #loadEvent = false;
  /** The largest current, µA, as last observed; below 0 before the first look after power on. */
  #current = UNKNOWN;
  /** When it was last called: nothing is done earlier. */
  #seen = UNKNOWN;
  #notes: RelayNote[] = [];

  constructor(settings: RelaySettings) {
    this.#settings = settings;
  }

  /** The place that the relay shall have. */
  get closed(): boolean {
    return this.#closed;
  }

  /** @param delay of a trip, seconds, instead of the settings' */
  order(order: RelayOrder, reason: RelayReason, at: LocalSecond, delay = this.#settings.tripDelay): RelayVerdict {
    this.#pass(at, false);
    if (order === "trip" && this.#keepPower) return "kept";
    this.#lastOrder = ORDERS.indexOf(order);
    this.#lastReason = RELAY_REASONS.indexOf(reason);
    switch (order) {
      case "trip":
        return this.#trip(RELAY_REASONS.indexOf(reason), localSecond(at + delay), at);
      case "close":
        this.#close(RELAY_REASONS.indexOf(reason), at);
        return "done";
      case "allowClose":
        this.#callOff();
        this.#closeAllowed = !this.#closed;
        return this.#closed ? "done" : "waiting";
      case "keepPower":
        this.#callOff();
        this.#keepPower = true;
        return "done";
      case "releaseKeep":
        this.#keepPower = false;
        return "done";
      default:
        this.#warning = order === "warn";
        return "done";
    }
  }

  /** The customer presses the button; true when it closed the relay. */
  button(at: LocalSecond): boolean {
    this.#pass(at, false);
    if (!this.#closeAllowed) return false;
    this.#close(RELAY_REASONS.indexOf("button"), at);
    return true;
  }

  /** The currents that flow from `at` on, µA of each phase. What fell due before is done first, by what flowed then. */
  observe(currents: readonly number[], at: LocalSecond): void {
    this.#pass(at, false);
    let current = 0;
    for (let p = 0; p < currents.length; p++) if ((currents[p] as number) > current) current = currents[p] as number;
    this.#current = current;
    if (!this.#closed) this.#watchLoad(at);
    this.#pass(at, true);
  }

  /** When it wants to be observed next though no current changes; Infinity when nothing is under way. */
  nextEdge(): number {
    return Math.min(this.#deferredUntil === NEVER ? this.#tripAt : this.#deferredUntil, this.#loadAt);
  }

  status(): RelayStatus {
    const timeOrNone = (time: number) => (time === NEVER ? undefined : localSecond(time));
    return {
      closed: this.#closed,
      lastOrder: ORDERS[this.#lastOrder] ?? "none",
      lastReason: RELAY_REASONS[this.#lastReason] ?? "none",
      reason: RELAY_REASONS[this.#reason] ?? "none",
      tripAt: timeOrNone(this.#tripAt),
      tripReason: this.#tripAt === NEVER ? "none" : (RELAY_REASONS[this.#pendingReason] ?? "none"),
      deferredUntil: timeOrNone(this.#deferredUntil),
      closeAllowed: this.#closeAllowed,
      keepPower: this.#keepPower,
      warning: this.#warning || this.#tripAt !== NEVER,
    };
  }

  /** What has happened since the last call, in order; the caller takes it after every call that may bring some. */
  takeNotes(): readonly RelayNote[] {
    if (this.#notes.length === 0) return NO_NOTES;
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }

  /** New settings; a trip under way keeps its times. */
  configure(settings: RelaySettings): void {
    this.#settings = settings;
  }

  /** The clock was set by so many seconds: delays keep their length. */
  clockMoved(seconds: number): void {
    this.#tripAt += seconds;
    this.#deferredUntil += seconds;
    this.#loadAt += seconds;
    this.#seen += seconds;
  }

  snapshot(): Uint8Array {
    const flags = [this.#closed, this.#closeAllowed, this.#keepPower, this.#warning, this.#loadEvent];
    return new ByteWriter()
      .u8(VERSION)
      .u8(flags.reduce((bits, flag, i) => (flag ? bits | (1 << i) : bits), 0))
      .u8(this.#lastOrder)
      .u8(this.#lastReason)
      .u8(this.#reason)
      .u8(this.#pendingReason)
      .f64(this.#tripAt)
      .f64(this.#deferredUntil)
      .bytes();
  }

  /** Takes over a {@link snapshot}; on a failure nothing has changed. */
  restore(bytes: Uint8Array): Result<void, string> {
    const reader = new ByteReader(bytes);
    const version = reader.u8();
    if (version !== VERSION) return failure(`relay snapshot layout ${version} is not known`);
    const flags = reader.u8();
    const order = reader.u8();
    const reasons = [reader.u8(), reader.u8(), reader.u8()] as const;
    const times = [reader.f64(), reader.f64()] as const;
    const whole = reader.end("the relay snapshot");
    if (!whole.ok) return whole;
    if (order >= ORDERS.length || reasons.some((r) => r >= RELAY_REASONS.length) || flags >= 32)
      return failure("the relay snapshot is out of range");
    if (times.some((time) => time !== NEVER && !Number.isSafeInteger(time)))
      return failure("the relay snapshot has a time that is none");
    const bit = (i: number) => (flags & (1 << i)) !== 0;
    this.#closed = bit(0);
    this.#closeAllowed = bit(1);
    this.#keepPower = bit(2);
    this.#warning = bit(3);
    this.#loadEvent = bit(4);
    this.#lastOrder = order;
    [this.#lastReason, this.#reason, this.#pendingReason] = reasons;
    [this.#tripAt, this.#deferredUntil] = times;
    this.#loadAt = NEVER;
    this.#current = UNKNOWN;
    this.#seen = UNKNOWN;
    return success(undefined);
  }

  #trip(reason: number, due: LocalSecond, at: LocalSecond): RelayVerdict {
    this.#closeAllowed = false;
    if (!this.#closed) {
      // Already open, but from now on for this reason too: a customer's button no longer closes it.
      this.#reason = reason;
      return "done";
    }
    this.#pendingReason = reason;
    // A second order never makes it later.
    this.#tripAt = Math.min(this.#tripAt, due);
    this.#pass(at, true);
    return this.#closed ? "pending" : "done";
  }

  #callOff(): void {
    this.#tripAt = NEVER;
    this.#deferredUntil = NEVER;
  }

  #close(reason: number, at: LocalSecond): void {
    this.#callOff();
    this.#closeAllowed = false;
    if (this.#closed) return;
    this.#closed = true;
    this.#reason = reason;
    this.#notes.push({ kind: "close", at, reason: RELAY_REASONS[reason] as string });
    this.#endLoad(at);
  }

  /** Does what falls due before `until`, or at it too. */
  #pass(until: LocalSecond, inclusive: boolean): void {
    // What fell due while the power was off is done now, not then.
    if (this.#seen === UNKNOWN) this.#seen = until;
    const due = (time: number) => time < until || (inclusive && time === until);
    if (due(this.#tripAt)) this.#fallDue(until);
    if (due(this.#loadAt)) this.#beginLoad();
    this.#seen = until;
  }

  /** A trip is due: it opens as soon as the guard lets it. */
  #fallDue(until: LocalSecond): void {
    const { guardCurrent, guardSeconds } = this.#settings;
    const guards = guardCurrent > 0 && guardSeconds > 0;
    // After power on the guard looks first.
    if (guards && this.#current === UNKNOWN) return;
    const guarded = guards && this.#current > guardCurrent;
    if (this.#deferredUntil === NEVER && guarded) this.#deferredUntil = this.#tripAt + guardSeconds;
    if (this.#deferredUntil <= until) this.#open(this.#deferredUntil, guarded);
    else if (!guarded) this.#open(this.#deferredUntil === NEVER ? this.#tripAt : until, false);
  }

  #open(due: number, late: boolean): void {
    const at = localSecond(Math.max(due, this.#seen));
    this.#callOff();
    this.#closed = false;
    this.#reason = this.#pendingReason;
    this.#notes.push({ kind: "trip", at, reason: RELAY_REASONS[this.#reason] as string, late });
    // Until the next look the load flows on, as it does behind contacts that have welded.
    this.#watchLoad(at);
  }

  #watchLoad(at: LocalSecond): void {
    const { loadCurrent, loadSeconds } = this.#settings;
    if (loadCurrent === 0 || this.#current <= loadCurrent) this.#endLoad(at);
    else if (!this.#loadEvent && this.#loadAt === NEVER) this.#loadAt = at + loadSeconds;
  }

  #beginLoad(): void {
    this.#notes.push({ kind: "loadWhileOpen", at: localSecond(this.#loadAt), on: true });
    this.#loadAt = NEVER;
    this.#loadEvent = true;
  }

  #endLoad(at: LocalSecond): void {
    this.#loadAt = NEVER;
    if (this.#loadEvent) this.#notes.push({ kind: "loadWhileOpen", at, on: false });
    this.#loadEvent = false;
  }
}

const NO_NOTES: readonly RelayNote[] = [];
