/**
 * The clocks of the meters. Each contact that tells a meter's time is measured; small deviations are corrected by an order,
 * once a day at most, large ones are told to people, and jumps are kept. Readings by a clock that has just jumped are in doubt.
 */
import { type Civil, civil, MICROS_PER_SECOND, type Now, SECONDS_PER_DAY, toIso } from "../../src/core/time.ts";
import type { Books, Draft } from "../books.ts";
import { requestOrder } from "../commands/orders.ts";
import type { ClockConfig, Limits } from "../config.ts";
import { inability, type KnownMeter } from "../directory.ts";
import type { MeterId, Order } from "../ports.ts";
import { type Contact, type Measured, MessageOffset, measure } from "./offset.ts";
import { type ClockJump, type ClockState, putJump } from "./records.ts";

const DAY = SECONDS_PER_DAY * MICROS_PER_SECOND;
/** What a meter's crystal may lose or gain without a jump, of the time passed: far beyond what the standards allow. */
const DRIFT = 200e-6;
const JUMP = 5 * MICROS_PER_SECOND;
/** A state is stored when it has changed by this, or is so old. */
const NOTABLE = MICROS_PER_SECOND;
const STORED_EVERY = 3_600 * MICROS_PER_SECOND;
/** A clock that seems wrong is asked for again after this. */
const CHECK_EVERY = 600 * MICROS_PER_SECOND;
/** An order that is not carried out soon would set a time that has passed. */
const ORDER_EXPIRY = 60 * MICROS_PER_SECOND;

/** Keys of orders that are made here. */
export const CLOCK_KEY = "clock:";

export class ClockDesk {
  readonly #config: ClockConfig;
  readonly #books: Books;
  readonly #limits: Limits;
  readonly #heard = new Map<MeterId, MessageOffset>();
  /** Meters whose next reading by their own clock is in doubt. */
  readonly #doubted = new Set<MeterId>();
  readonly #checked = new Map<MeterId, Civil>();
  readonly #toCheck = new Set<MeterId>();

  constructor(config: ClockConfig, books: Books, limits: Limits) {
    this.#config = config;
    this.#books = books;
    this.#limits = { ...limits, orderExpiry: ORDER_EXPIRY };
  }

  /**
   * A message that a meter sent by itself.
   * @returns whether its reading is in doubt: the clock has jumped since the one before
   */
  heard(meter: MeterId, shown: Civil, now: Now): boolean {
    const messages = this.#heard.get(meter) ?? new MessageOffset();
    this.#heard.set(meter, messages);
    const known = this.#books.clocks.get(meter);
    // Nothing makes a message come before it was sent: this one can only be by a clock that was moved forward.
    const forward = known !== undefined && shown - now.civil > known.offset + JUMP;
    if (forward) messages.reset();
    const offset = messages.heard(shown, now.civil);
    const before = known?.offset ?? 0;
    if (offset !== undefined && Math.abs(offset - before) > JUMP) this.#check(meter, now);
    return this.#doubted.delete(meter) || forward;
  }

  /** Meters whose clock is to be asked for now; each is named once. */
  checks(): readonly MeterId[] {
    const meters = [...this.#toCheck];
    this.#toCheck.clear();
    return meters;
  }

  get hasChecks(): boolean {
    return this.#toCheck.size > 0;
  }

  /** An order was carried out. A clock that was set: what the meter shows next covers the jump. */
  done(order: Order): void {
    if (order.operation !== "clock-set") return;
    this.#doubted.add(order.meter);
    this.#heard.get(order.meter)?.reset();
    this.#toCheck.add(order.meter);
  }

  /** A contact of known length, in the batch of `draft`: what it says of the clock, and what follows. */
  contact(meter: KnownMeter, contact: Contact, draft: Draft, now: Now): void {
    const measured = measure(contact);
    if (measured === undefined) return;
    const { id } = meter.registration;
    const known = this.#books.clocks.get(id);
    const jumped = known !== undefined && this.#jumped(known, measured, contact.answered);
    let lastJump = known?.lastJump ?? null;
    if (known !== undefined && jumped) lastJump = this.#noteJump(known, measured, contact, draft, now);
    let { corrected = null, alarm = null } = known ?? {};
    const off = Math.abs(measured.offset);
    if (off > this.#config.alarmBeyond) {
      if (alarm === null) this.#alarm(id, measured, draft, now);
      alarm ??= now.civil;
    } else {
      alarm = null;
      if (off > this.#config.correctBeyond && (corrected === null || now.civil - corrected >= DAY))
        if (this.#correct(meter, measured, draft, now)) corrected = now.civil;
    }
    const state: ClockState = { meter: id, ...measured, measuredAt: contact.answered, corrected, alarm, lastJump };
    if (known === undefined || isNotable(known, state) || jumped) this.#books.clocks.set(id, state, draft);
  }

  #jumped(known: ClockState, measured: Measured, at: Civil): boolean {
    const drift = DRIFT * Math.max(0, at - known.measuredAt);
    return Math.abs(measured.offset - known.offset) > JUMP + known.uncertainty + measured.uncertainty + drift;
  }

  #noteJump(known: ClockState, { offset }: Measured, contact: Contact, draft: Draft, now: Now): ClockJump {
    const { meter, measuredAt: from, offset: before } = known;
    const to = contact.answered;
    const cause = known.corrected !== null && known.corrected >= from - ORDER_EXPIRY ? "order" : "unknown";
    const jump: ClockJump = { from, to, before, after: offset, cause };
    putJump(meter, jump, draft);
    this.#doubted.add(meter);
    const detail = `from ${seconds(before)} to ${seconds(offset)} between ${toIso(from)} and ${toIso(to)}, ${
      cause === "order" ? "by a correction" : "not by an order of this head-end's correction"
    }`;
    const entry = { at: now.civil, actor: "clock", action: "clock jumped", meter, order: null, detail };
    draft.records.push({ kind: "audit", entry });
    draft.after.push({ kind: "log", level: "warn", event: "clock-jumped", fields: { meter, detail } });
    return jump;
  }

  #alarm(meter: MeterId, { offset }: Measured, draft: Draft, now: Now): void {
    const detail = `the meter's clock is off by ${seconds(offset)}, more than is corrected without a person: set it by an order`;
    const entry = { at: now.civil, actor: "clock", action: "clock alarm", meter, order: null, detail };
    draft.records.push({ kind: "audit", entry });
    draft.after.push({ kind: "log", level: "warn", event: "clock-alarm", fields: { meter, detail } });
  }

  /** @returns whether an order was made */
  #correct(meter: KnownMeter, { offset }: Measured, draft: Draft, now: Now): boolean {
    const { id } = meter.registration;
    if (!this.#config.correct || inability(meter, "clock-set") !== undefined) return false;
    // The second that is nearest when the meter has it, half a second from now.
    const argument = Math.round((now.civil + MICROS_PER_SECOND / 2) / MICROS_PER_SECOND);
    const key = `${CLOCK_KEY}${id}:${toIso(now.civil)}`;
    const request = {
      ...({ meter: id, operation: "clock-set", argument, key, actor: "clock" } as const),
      reason: `the meter's clock is off by ${seconds(offset)}`,
    };
    return requestOrder(this.#books, this.#limits, request, draft, now).ok;
  }

  #check(meter: MeterId, now: Now): void {
    const last = this.#checked.get(meter);
    if (last !== undefined && Math.abs(now.civil - last) < CHECK_EVERY) return;
    this.#checked.set(meter, now.civil);
    this.#toCheck.add(meter);
  }
}

function isNotable(known: ClockState, state: ClockState): boolean {
  return (
    Math.abs(state.offset - known.offset) >= NOTABLE ||
    state.measuredAt - known.measuredAt >= STORED_EVERY ||
    state.corrected !== known.corrected ||
    state.alarm !== known.alarm
  );
}

function seconds(micros: number): string {
  return `${(micros / MICROS_PER_SECOND).toFixed(1)} s`;
}

/** A clock that a register shows in whole seconds: it has shown this one for half a second, give or take as much. */
export function registerContact(shown: number, taken: Civil, answered: Civil): Contact {
  const half = MICROS_PER_SECOND / 2;
  const way = Math.max(0, answered - taken);
  return {
    asked: civil(taken - way - half),
    answered: civil(taken + way + half),
    shown: civil(shown * MICROS_PER_SECOND + half),
  };
}
