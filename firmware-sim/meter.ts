/**
 * The meter: chip, energy registers, relay, clock, orders and their memory, put together. It knows no protocol; faces ask it
 * for measures and hand it orders. It is told `now` and says when it wants to be woken.
 *
 * What a face shows has always been checkpointed first (write-ahead): with a non-volatile memory that survives, a register
 * once read never runs backwards, whenever the process is killed.
 */

import type { MeterModel } from "../protocols/models/model.ts";
import type { MeterOrder, OrderOutcome, OrderStatus } from "../protocols/orders.ts";
import { type LogEffect, NO_EFFECTS } from "../src/core/actor.ts";
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
  wakeAtMono,
} from "../src/core/time.ts";
import { OrderJournal } from "./control/journal.ts";
import type { Bench } from "./factory/calibrate.ts";
import { constantsOf } from "./factory/constants.ts";
import { computeMeasure, type MeasureSource } from "./measures.ts";
import type { Calibration } from "./metrology/calibration.ts";
import type { MeteringChip, PhaseEnergy, WindowSpan } from "./metrology/chip.ts";
import { EnergyRegisters } from "./metrology/energy.ts";
import { PulsePort } from "./metrology/pulses.ts";
import { Checkpoint } from "./nvram/checkpoint.ts";
import type { Nvram } from "./nvram/nvram.ts";
import { decodeState, encodeState, type MeterState } from "./nvram/state.ts";

export interface MeterConfig {
  /** Serial number, `[A-Za-z0-9_.-]{1,64}`. */
  readonly id: string;
  readonly model: MeterModel;
  /** Makes the chip, running from `start` on, with what its correction stage is to hold: nothing in an uncalibrated meter. */
  readonly chip: (start: Civil, calibration: Calibration | undefined) => MeteringChip;
  /** Where the first power on is: a meter without stored constants is calibrated there. Without it, it stays as it is. */
  readonly factory?: Bench;
  readonly nvram: Nvram;
  /** Opens the order window on Modbus, 0 .. 2^32 − 1. */
  readonly password: number;
  /** The longest time between two checkpoints of a meter that nobody reads, µs of wall time. */
  readonly checkpointEvery: number;
}

/** Registers are refreshed once a second of meter time, and at high `--speed` not more often than this in wall time. */
const REFRESH_MIN = 2 * MICROS_PER_MS;
/** The chip fills its first windows before the meter counts, as a booting meter does; their energy is discarded. */
const BOOT_SETTLE = 2 * MICROS_PER_SECOND;
/** Clock-set takes 2000-01-01 to 2099-12-31: what the protocols' two-digit years can say. */
const CLOCK_EARLIEST = 946_684_800 * MICROS_PER_SECOND;
const CLOCK_END = 4_102_444_800 * MICROS_PER_SECOND;
const LOG_LIMIT = 100;

export class Meter {
  readonly id: string;
  readonly model: MeterModel;
  readonly password: number;
  /** The test outputs, for whoever watches them. */
  readonly pulses: PulsePort;
  readonly #chip: MeteringChip;
  readonly #checkpoint: Checkpoint;
  readonly #checkpointEvery: number;
  readonly #energy: EnergyRegisters;
  readonly #journal: OrderJournal;
  readonly #values = new Map<MeasureKey, number | null>();
  #log: LogEffect[] = [];
  #relayClosed = true;
  #clockOffset = 0;
  #sequence = 0;
  #revision = 0;
  #shownSecond = Number.NEGATIVE_INFINITY;
  #shownMono = Number.NEGATIVE_INFINITY;
  #checkpointedMono: number;
  #civil: Civil;

  /**
   * Power on: what the memory holds is taken up, the chip gets its calibration and settles, the relay is driven to its
   * remembered state.
   * @returns the meter, or why its memory can't be used: a meter never starts from zero over a memory it can't read.
   */
  static powerOn(config: MeterConfig, now: Now): Result<Meter, string> {
    const checkpoint = new Checkpoint(config.nvram, "meter");
    const recovered = checkpoint.recover();
    if (!recovered.ok) return recovered;
    const constants = constantsOf(config.nvram, config.model, config.factory);
    if (!constants.ok) return constants;
    const chip = config.chip(civil(now.civil - BOOT_SETTLE), constants.value);
    const energy = new EnergyRegisters(config.model.phases, config.model.polyphaseTotal);
    if (recovered.value === undefined) return success(new Meter(config, chip, checkpoint, energy, undefined, now));
    const state = decodeState(recovered.value);
    if (!state.ok) return state;
    const restored = energy.restore(state.value.energy);
    return restored.ok ? success(new Meter(config, chip, checkpoint, energy, state.value, now)) : restored;
  }

  private constructor(
    config: MeterConfig,
    chip: MeteringChip,
    checkpoint: Checkpoint,
    energy: EnergyRegisters,
    state: MeterState | undefined,
    now: Now,
  ) {
    this.id = config.id;
    this.model = config.model;
    this.password = config.password;
    this.pulses = new PulsePort(config.model);
    this.#checkpoint = checkpoint;
    this.#checkpointEvery = config.checkpointEvery;
    this.#checkpointedMono = now.mono;
    this.#energy = energy;
    this.#journal = OrderJournal.fromBytes(state?.journal ?? EMPTY_BYTES);
    this.#clockOffset = state?.clockOffset ?? 0;
    this.#sequence = state?.sequence ?? 0;
    this.#relayClosed = state?.relayClosed ?? true;
    this.#chip = chip;
    this.#chip.setRelay(this.#relayClosed);
    this.#chip.advance(now.civil, () => {});
    this.#civil = now.civil;
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

  /** The meter's own clock: mains time plus what clock-set orders moved it by. */
  clock(now: Now): Civil {
    return civil(now.civil + this.#clockOffset);
  }

  /** Outcome of the newest order, for the faces that show it. */
  get lastOutcome(): OrderOutcome | undefined {
    return this.#journal.last;
  }

  /**
   * Carries an order out at most once: an id seen before gets its first outcome again and nothing is done.
   * The id, its outcome and the new state are on the memory in one write before the relay moves.
   */
  execute(order: MeterOrder, now: Now): OrderOutcome {
    const before = this.#journal.find(order.id);
    if (before !== undefined) {
      // Shown last again, so that a head-end that reads the outcome registers after a repeat sees this order.
      this.#journal.promote(before);
      this.#revision += 1;
      return before;
    }
    this.#advance(now);
    const status = this.#apply(order, now);
    const outcome: OrderOutcome = { id: order.id, status, relay: this.#relayClosed ? 1 : 0 };
    this.#journal.remember(outcome);
    this.#save(now);
    this.#chip.setRelay(this.#relayClosed);
    this.#note("info", "order", { order: order.id, operation: order.operation, status });
    return outcome;
  }

  /** Switches the relay at once, without an order id: a coil write inside the unlock window. False without a relay. */
  switchRelay(closed: boolean, now: Now): boolean {
    if (!this.hasRelay) return false;
    this.#advance(now);
    this.#relayClosed = closed;
    this.#save(now);
    this.#chip.setRelay(closed);
    this.#note("info", "relay", { closed });
    return true;
  }

  /**
   * Sets the meter's clock at once, without an order id: what local protocols do behind their password. False for a time
   * outside the years 2000 to 2099; the new clock is on the memory when it returns.
   */
  setClock(wanted: Civil, now: Now): boolean {
    if (!isClockTime(wanted)) return false;
    this.#advance(now);
    this.#clockOffset = wanted - now.civil;
    this.#save(now);
    this.#note("info", "clock", { offsetSeconds: this.#clockOffset / MICROS_PER_SECOND });
    return true;
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
    return earlier(this.#chip.nextWake(), wakeAtMono(this.#checkpointedMono + this.#checkpointEvery));
  }

  wake(now: Now): void {
    const checkpointDue = now.mono >= this.#checkpointedMono + this.#checkpointEvery;
    if (!checkpointDue && now.civil < this.#chip.nextWake().civil) return;
    this.#advance(now);
    this.#save(now);
  }

  /** What happened since the last call, for the log. */
  takeLog(): readonly LogEffect[] {
    if (this.#log.length === 0) return NO_EFFECTS;
    const taken = this.#log;
    this.#log = [];
    return taken;
  }

  readonly #count = (phases: readonly PhaseEnergy[], span: WindowSpan): void => {
    this.#energy.add(phases);
    this.pulses.add(phases, span);
  };

  #advance(now: Now): void {
    this.#civil = now.civil;
    this.#chip.advance(now.civil, this.#count);
    this.#values.clear();
    this.#revision += 1;
  }

  #apply(order: MeterOrder, now: Now): OrderStatus {
    if (order.operation === "clock-set") {
      const wanted = order.argument * MICROS_PER_SECOND;
      if (!isClockTime(wanted)) return "bad-argument";
      this.#clockOffset = wanted - now.civil;
      return "done";
    }
    if (!this.hasRelay) return "refused";
    this.#relayClosed = order.operation === "relay-close";
    return "done";
  }

  #source(): MeasureSource {
    return {
      model: this.model,
      chip: this.#chip.readings(),
      energy: this.#energy,
      relayClosed: this.#relayClosed,
      clockSeconds: Math.floor((this.#civil + this.#clockOffset) / MICROS_PER_SECOND),
    };
  }

  #save(now: Now): void {
    this.#checkpointedMono = now.mono;
    this.#checkpoint.write(
      encodeState({
        energy: this.#energy.snapshot(),
        journal: this.#journal.toBytes(),
        relayClosed: this.#relayClosed,
        clockOffset: this.#clockOffset,
        sequence: this.#sequence,
      }),
    );
  }

  #note(level: LogEffect["level"], event: string, fields: NonNullable<LogEffect["fields"]>): void {
    // A meter whose host never takes the log must not grow: the newest say enough.
    if (this.#log.length >= LOG_LIMIT) this.#log.shift();
    this.#log.push({ kind: "log", level, event: `meter.${event}`, fields: { meter: this.id, ...fields } });
  }
}

function isClockTime(micros: number): boolean {
  return micros >= CLOCK_EARLIEST && micros < CLOCK_END;
}
