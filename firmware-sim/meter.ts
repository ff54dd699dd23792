/**
 * The meter: chip, energy registers, relay, clock, orders and their memory, put together. It knows no protocol; faces ask it
 * for measures and hand it orders. It is told `now` and says when it wants to be woken.
 *
 * What a face shows has always been checkpointed first (write-ahead): with a non-volatile memory that survives, a register
 * once read never runs backwards, whenever the process is killed.
 */

import type { MeterModel } from "../protocols/models/model.ts";
import {
  type MeterOrder,
  ORDER_OPERATIONS,
  type OrderNumber,
  type OrderOperation,
  type OrderOutcome,
  type OrderStatus,
} from "../protocols/orders.ts";
import type { LogEffect } from "../src/core/actor.ts";
import { EMPTY_BYTES } from "../src/core/bytes.ts";
import type { MeasureKey } from "../src/core/measures.ts";
import { type Result, success } from "../src/core/result.ts";
import {
  type Civil,
  civil,
  earlier,
  MICROS_PER_MS,
  MICROS_PER_SECOND,
  type Now,
  type Wake,
  wakeAtCivil,
  wakeAtMono,
} from "../src/core/time.ts";
import { type Booted, boot, type MeterConfig } from "./boot.ts";
import { type LocalSecond, localSecond } from "./clock/local-time.ts";
import type { MeterClock } from "./clock/meter-clock.ts";
import type { ProgrammingWire } from "./control/authority.ts";
import { OrderJournal } from "./control/journal.ts";
import { OrderPairing } from "./control/pairing.ts";
import { leaveRecord, Programming, STRONGEST } from "./control/programming.ts";
import type { MeterFunctions } from "./functions.ts";
import { computeMeasure, type MeasureSource } from "./measures.ts";
import { MeterLog } from "./meter-log.ts";
import type { MeteringChip, PhaseEnergy, WindowSpan } from "./metrology/chip.ts";
import { PulsePort } from "./metrology/pulses.ts";
import { ByteWriter } from "./nvram/bytes.ts";
import type { Checkpoint } from "./nvram/checkpoint.ts";
import { encodeState, type StatePart } from "./nvram/state.ts";
import type { BookingStatus } from "./prepayment/credit.ts";
import type { RelayOrder, RelayVerdict } from "./relay/relay.ts";

/** Registers are refreshed once a second of meter time, and at high `--speed` not more often than this in wall time. */
const REFRESH_MIN = 2 * MICROS_PER_MS;
/** The chip fills its first windows before the meter counts, as a booting meter does; their energy is discarded. */
const BOOT_SETTLE = 2 * MICROS_PER_SECOND;

export class Meter {
  readonly id: string;
  readonly model: MeterModel;
  readonly password: number;
  /** The test outputs, for whoever watches them. */
  readonly pulses: PulsePort;
  readonly programming: Programming;
  /** Whose orders over MQTT are taken. */
  readonly pairing: OrderPairing;
  readonly #chip: MeteringChip;
  readonly #checkpoint: Checkpoint;
  readonly #checkpointEvery: number;
  readonly #functions: MeterFunctions;
  readonly #journal: OrderJournal;
  readonly #values = new Map<MeasureKey, number | null>();
  readonly #log: MeterLog;
  readonly #clock: MeterClock;
  /** Where the relay is: it follows what the functions want once that is on the memory. */
  #relayClosed: boolean;
  #sequence = 0;
  #revision = 0;
  #shownSecond = Number.NEGATIVE_INFINITY;
  #shownMono = Number.NEGATIVE_INFINITY;
  #checkpointedMono: number;
  #civil: Civil;
  /** Civil µs of the next edge of the functions or of a jump of the clock, and the functions' second that it was found for. */
  #edge = 0;
  #edgeSecond = Number.NaN;
  #jump = Number.POSITIVE_INFINITY;

  /**
   * Power on: what the memory holds is taken up, the chip gets its calibration and settles, the relay is driven to its
   * remembered state.
   * @returns the meter, or why its memory can't be used: a meter never starts from zero over a memory it can't read.
   */
  static powerOn(config: MeterConfig, now: Now): Result<Meter, string> {
    const booted = boot(config, now);
    if (!booted.ok) return booted;
    const chip = config.chip(civil(now.civil - BOOT_SETTLE), booted.value.calibration);
    return success(new Meter(config, chip, booted.value, now));
  }

  private constructor(
    config: MeterConfig,
    chip: MeteringChip,
    { checkpoint, functions, clock, settings, state }: Booted,
    now: Now,
  ) {
    this.id = config.id;
    this.model = config.model;
    this.password = config.password;
    this.pulses = new PulsePort(config.model);
    this.#checkpoint = checkpoint;
    this.#checkpointEvery = config.checkpointEvery;
    this.#checkpointedMono = now.mono;
    this.#functions = functions;
    this.#journal = OrderJournal.fromBytes(state.parts.get("journal") ?? EMPTY_BYTES);
    this.pairing = new OrderPairing(config.orderKey, state.parts.get("pairing"));
    this.#clock = clock;
    this.#log = new MeterLog(config.id);
    this.programming = new Programming(config.model, settings, clock, functions, (act, now) => this.perform(act, now));
    this.#relayClosed = functions.relay.closed;
    this.#sequence = state.sequence;
    this.#chip = chip;
    this.#chip.setRelay(this.#relayClosed);
    this.#chip.advance(now.civil, () => {});
    this.#civil = now.civil;
    this.#findEdge();
    this.refresh(now);
  }

  /** Brings what the faces show up to date, at most once a second of meter time, and checkpoints it before it is shown. */
  refresh(now: Now): void {
    const second = Math.floor(now.civil / MICROS_PER_SECOND);
    if (second === this.#shownSecond || now.mono - this.#shownMono < REFRESH_MIN) return;
    this.#shownSecond = second;
    this.#shownMono = now.mono;
    this.#advance(now);
    this.#save(now);
  }

  /** Rises whenever a measure may have changed; faces cache by it. */
  get revision(): number {
    return this.#revision;
  }

  /** A measure as last refreshed: an integer at its decimals, null where it has no value. */
  value(key: MeasureKey): number | null {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = computeMeasure(key, this.#source());
    this.#values.set(key, value);
    return value;
  }

  get relayClosed(): boolean {
    return this.#relayClosed;
  }

  get hasRelay(): boolean {
    return this.model.plate.relayAmps !== null;
  }

  /** The meter's own clock, in UTC. */
  clock(now: Now): Civil {
    return this.#clock.at(now.civil);
  }

  /** The UTC second of a local one that lies behind the UTC second `after`: see {@link MeterClock.utcOf}. */
  utcOf(local: LocalSecond, after: number): number {
    return this.#clock.utcOf(local, after);
  }

  /** Outcome of the newest order, for the faces that show it. */
  get lastOutcome(): OrderOutcome | undefined {
    return this.#journal.last;
  }

  /** Whether an order of this id was carried out or refused before. */
  knows(id: OrderNumber): boolean {
    return this.#journal.find(id) !== undefined;
  }

  /**
   * Carries an order out at most once: an id seen before gets its first outcome again and nothing is done.
   * The id, its outcome and the new state are on the memory in one write before the relay moves.
   * @param wire where it came from, for the programming record that an order leaves when it is done
   */
  execute(order: MeterOrder, now: Now, wire: ProgrammingWire = "modbus"): OrderOutcome {
    const before = this.#journal.find(order.id);
    if (before !== undefined) {
      // Shown last again, so that a head-end that reads the outcome registers after a repeat sees this order.
      this.#journal.promote(before);
      this.#revision += 1;
      return before;
    }
    const outcome = this.perform((functions, at): OrderOutcome => {
      const status = this.#apply(order, now);
      if (status === "done") {
        const items = [ORDER_OPERATIONS[order.operation]];
        leaveRecord(functions, { at, wire, level: STRONGEST, operator: 0, items });
      }
      const { relay } = functions;
      return this.#journal.remember({ id: order.id, status, relay: relay.closed ? 1 : 0 });
    }, now);
    this.#log.note("info", "order", { order: order.id, operation: order.operation, status: outcome.status });
    return outcome;
  }

  /**
   * Orders the relay without an order id: a coil write inside the unlock window, a command behind a password.
   * @returns what became of it; undefined without a relay
   */
  orderRelay(order: RelayOrder, now: Now): RelayVerdict | undefined {
    if (!this.hasRelay) return undefined;
    const verdict = this.perform((functions, at) => functions.orderRelay(order, "remote", at), now);
    this.#log.note("info", "relay", { order, verdict });
    return verdict;
  }

  /** The customer's button beside the display. @returns whether it closed the relay */
  pressButton(now: Now): boolean {
    return this.perform((functions, at) => functions.button(at), now);
  }

  /**
   * Sets the meter's clock at once, without an order id: what local protocols do behind their password. False for a time
   * outside the years 2000 to 2099, and for a broadcast beyond what {@link MeterClock.broadcast} allows; the new clock is on the
   * memory when it returns.
   */
  setClock(wanted: Civil, now: Now, how: "set" | "broadcast" = "set"): boolean {
    if (!this.perform(() => this.#moveClock(wanted, now, how), now)) return false;
    this.#log.note("info", "clock", { offsetSeconds: (wanted - now.civil) / MICROS_PER_SECOND });
    return true;
  }

  /** Does what changes registers or records by order, with all that was before it counted, and has it on the memory. */
  perform<T>(act: (functions: MeterFunctions, at: LocalSecond) => T, now: Now): T {
    this.#advance(now);
    const outcome = act(this.#functions, this.#clock.local(now.civil));
    this.#settleOrder(now);
    return outcome;
  }

  /** Registers, rates, settlements: what measures do not name. */
  get functions(): MeterFunctions {
    return this.#functions;
  }

  /** The last telemetry sequence number that was used. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Remembers that a number was used; to be called before the message leaves, so that no number is ever given twice. */
  useSequence(sequence: number, now: Now): void {
    if (sequence <= this.#sequence) return;
    this.#sequence = sequence;
    this.#save(now);
  }

  /** The power-fail interrupt: the last checkpoint of an orderly stop. */
  powerFail(now: Now): void {
    this.#advance(now);
    this.#save(now);
  }

  /** The chip's own need, and the checkpoint of a meter that nobody reads. */
  nextWake(): Wake {
    const level = this.#civil + this.#functions.microsToLevel(this.#chip.readings());
    const edge = wakeAtCivil(Math.min(this.#edge, this.#chip.nextWake().civil, level));
    return earlier(edge, wakeAtMono(this.#checkpointedMono + this.#checkpointEvery));
  }

  wake(now: Now): void {
    const checkpointDue = now.mono >= this.#checkpointedMono + this.#checkpointEvery;
    if (!checkpointDue && now.civil < this.nextWake().civil) return;
    this.#advance(now);
    if (checkpointDue) this.#save(now);
  }

  /** What happened since the last call, for the log. */
  takeLog(): readonly LogEffect[] {
    return this.#log.take();
  }

  readonly #count = (phases: readonly PhaseEnergy[], span: WindowSpan): void => {
    this.#functions.count(phases);
    this.pulses.add(phases, span);
  };

  /** Runs the chip from edge to edge up to now, and does at each what is due there. */
  #advance(now: Now): void {
    do {
      let until = Math.min(now.civil, this.#edge, this.#chip.nextWake().civil);
      if (until - this.#civil > MICROS_PER_SECOND)
        until = Math.min(until, this.#civil + this.#functions.microsToLevel(this.#chip.readings()));
      this.#civil = civil(Math.max(until, this.#civil));
      this.#chip.advance(this.#civil, this.#count);
      if (this.#civil >= this.#jump) this.#clockJumps(now);
      if (this.#functions.step(this.#chip.readings(), this.#clock.local(this.#civil))) {
        this.#save(now);
        this.#driveRelay();
      }
      if (this.#civil >= this.#edge || this.#functions.nextEdge() !== this.#edgeSecond) this.#findEdge();
    } while (this.#civil < now.civil);
    this.#values.clear();
    this.#revision += 1;
  }

  #findEdge(): void {
    this.#edgeSecond = this.#functions.nextEdge();
    this.#jump = this.#clock.nextJump(this.#civil);
    this.#edge = Math.min(this.#jump, this.#clock.civilOf(localSecond(this.#edgeSecond), this.#civil));
  }

  /** Daylight saving: what ends at the old time ends first. */
  #clockJumps(now: Now): void {
    const from = localSecond(this.#clock.local(civil(this.#civil - 1)) + 1);
    if (this.#functions.step(this.#chip.readings(), from)) this.#save(now);
    this.#clock.jumped();
    this.#functions.clockChanged(from, this.#clock.local(this.#civil), this.#clock.lost);
    this.#findEdge();
  }

  /** An order has been carried out: it is on the memory first, then the coil moves, and something else may be due next. */
  #settleOrder(now: Now): void {
    this.#save(now);
    this.#driveRelay();
    this.#findEdge();
  }

  /** The coil follows what is on the memory. */
  #driveRelay(): void {
    if (this.#relayClosed === this.#functions.relay.closed) return;
    this.#relayClosed = this.#functions.relay.closed;
    this.#chip.setRelay(this.#relayClosed);
  }

  #apply(order: MeterOrder, now: Now): OrderStatus {
    if (order.operation === "clock-set")
      return this.#moveClock(order.argument * MICROS_PER_SECOND, now) ? "done" : "bad-argument";
    const at = this.#clock.local(now.civil);
    if (order.operation === "credit-add") return statusOf(this.#functions.topUp(order.argument, order.id, at));
    if (order.operation === "credit-refund") return statusOf(this.#functions.refund(order.argument, order.id, at));
    if (!this.hasRelay) return "refused";
    return this.#functions.orderRelay(RELAY_ORDERS[order.operation], "remote", at) === "kept" ? "refused" : "done";
  }

  /** False for a time that the clock does not take. */
  #moveClock(wanted: number, now: Now, how: "set" | "broadcast" = "set"): boolean {
    const from = this.#clock.local(now.civil);
    if (this.#clock[how](civil(wanted), now.civil) !== "set") return false;
    const to = this.#clock.local(now.civil);
    this.#functions.clockChanged(from, to, this.#clock.lost);
    this.#functions.events.note("clockSet", to, new ByteWriter().f64(from).f64(to).bytes());
    this.#findEdge();
    return true;
  }

  #source(): MeasureSource {
    return {
      model: this.model,
      chip: this.#chip.readings(),
      energy: this.#functions.energy,
      relayClosed: this.#relayClosed,
      clockSeconds: Math.floor(this.#clock.at(this.#civil) / MICROS_PER_SECOND),
      booked: this.#functions,
    };
  }

  #save(now: Now): void {
    this.#checkpointedMono = now.mono;
    const parts = new Map<StatePart, Uint8Array>(this.#functions.parts());
    parts.set("journal", this.#journal.toBytes());
    parts.set("clock", this.#clock.snapshot());
    parts.set("pairing", this.pairing.toBytes());
    this.#checkpoint.write(encodeState({ sequence: this.#sequence, savedAt: this.#civil, parts }));
    this.#functions.commit();
  }
}

/** What orders by id ask of the relay. */
const RELAY_ORDERS = {
  "relay-open": "trip",
  "relay-close": "close",
  "relay-allow": "allowClose",
} as const satisfies Partial<Record<OrderOperation, RelayOrder>>;

/** What a credit order comes to; undefined from a meter that has no credit of its own. */
function statusOf(booking: BookingStatus | undefined): OrderStatus {
  if (booking === "booked") return "done";
  return booking === "bad-amount" ? "bad-argument" : "refused";
}
