/**
 * A head-end's line session on a line of 9600 bit/s with real meter faces, in virtual time: what became of each scheduled
 * read, and who had the line for how long. Both are told from outside, from what is on the wire and what the session gives.
 */
import { ModbusSerialFace } from "../../../../firmware-sim/faces/modbus-serial.ts";
import { Meter } from "../../../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, mainsOf } from "../../../../firmware-sim/metrology/mains.ts";
import { MemoryNvram } from "../../../../firmware-sim/nvram/nvram.ts";
import type { LineConfig } from "../../../../headend/config.ts";
import type { Order } from "../../../../headend/ports.ts";
import { LineSession } from "../../../../headend/sessions/line-session.ts";
import type { SessionOutput, TaskMaker } from "../../../../headend/sessions/line-task.ts";
import type { TaskKind, WorkKind } from "../../../../headend/sessions/work-kinds.ts";
import { rtuTiming } from "../../../../protocols/modbus/timing.ts";
import { findModel } from "../../../../protocols/models/index.ts";
import type { MeterModel } from "../../../../protocols/models/model.ts";
import { type Actor, type LinkEffect, type LinkEvent, linkId } from "../../../../src/core/actor.ts";
import { Random } from "../../../../src/core/random.ts";
import { civil, mono, type Now } from "../../../../src/core/time.ts";
import { VirtualLine } from "../../../../src/simulation/line.ts";
import { SimHost, type SimLink, World } from "../../../../src/simulation/world.ts";
import { meterId } from "../../fakes.ts";

export const SECOND = 1_000_000;
/** 2026-11-24T16:00:00Z. */
const START = 1_795_881_600_000_000;
const BAUD = 9_600;
const BITS_PER_CHAR = 10;
const PER = 10_000;
const LINK = linkId("bus");

export type MeterKind = "healthy" | "noisy" | "slow" | "dead";
/** µs by which a slow meter answers later than it could. */
const SLOW = 800_000;

export interface LineOptions {
  /** By unit, from 1. */
  readonly kinds: readonly MeterKind[];
  readonly model: string;
  /** µs between two reads of a meter. */
  readonly pollEvery: number;
  /** Of 10,000 replies of a noisy meter: so many are lost, and as many have a bit flipped. */
  readonly noise: number;
  /** Of 10,000 frames of anyone: the same. */
  readonly background?: number;
  /** µs after its time at which a read counts as late. */
  readonly lateAfter: number;
  readonly seed: number;
}

export interface KindFigures {
  scheduled: number;
  done: number;
  late: number;
  /** Of the whole time, 0..1. */
  share: number;
}

/** Hands out what the session gives, beside what goes to the line. */
class SessionActor implements Actor {
  readonly session: LineSession;
  readonly #take: (output: SessionOutput, now: Now) => void;

  constructor(config: LineConfig, take: (output: SessionOutput, now: Now) => void) {
    this.session = new LineSession(config);
    this.#take = take;
  }

  handle(event: LinkEvent, now: Now) {
    if (event.kind === "bytes") return this.taken(this.session.receive(event.bytes, now), now);
    return event.kind === "opened" ? this.taken(this.session.opened(now), now) : [];
  }

  wake(now: Now) {
    return this.taken(this.session.wake(now), now);
  }

  nextWake() {
    return this.session.nextWake();
  }

  taken(outputs: readonly SessionOutput[], now: Now): readonly LinkEffect[] {
    for (const output of outputs) this.#take(output, now);
    return outputs.filter((output): output is LinkEffect => output.kind === "send");
  }
}

export class PacedLine {
  readonly world = new World(civil(START));
  /** Units in the order in which they were asked. */
  readonly asked: { readonly unit: number; readonly at: number }[] = [];
  readonly kinds: MeterKind[];
  /** Reads of other kinds than polls that came to something. */
  readonly others: { readonly unit: number; readonly purpose: WorkKind }[] = [];
  readonly #options: LineOptions;
  readonly #config: LineConfig;
  readonly #random: Random;
  readonly #actor: SessionActor;
  readonly #host: SimHost<LinkEvent, LinkEffect>;
  #end: SimLink | undefined;
  /** The request on the wire, or the one before. */
  #exchange: { readonly unit: number; readonly from: number; until: number } | undefined;
  readonly #lineTime = new Map<number, number>();
  /** By unit: how long after its time each slot was read, µs. */
  readonly #slots = new Map<number, Map<number, number>>();
  #from = 0;

  constructor(options: LineOptions) {
    this.#options = options;
    this.kinds = [...options.kinds];
    this.#random = new Random(options.seed);
    const model = findModel(options.model) as MeterModel;
    this.#config = {
      ...{ link: LINK, framing: "rtu", baud: BAUD, bitsPerChar: BITS_PER_CHAR, pollEvery: options.pollEvery },
      meters: options.kinds.map((_, i) => ({ id: meterId(`m${i + 1}`), unit: i + 1, model })),
    };
    const background = options.background ?? 0;
    const faults = { lost: background, flipped: background, cut: 0, noise: 0, late: 0 };
    const line = new VirtualLine(this.world, LINK, BAUD, BITS_PER_CHAR, faults, this.#random.fork("line"));
    for (let unit = 1; unit <= options.kinds.length; unit++) this.#joinMeter(line, model, unit);
    this.#actor = new SessionActor(this.#config, (output, now) => this.#take(output, now));
    this.#host = new SimHost(this.world, this.#actor, (effect: LinkEffect) => this.#perform(effect));
    this.#end = line.join(this, (event) => {
      if (event.kind === "bytes" && this.#exchange !== undefined) this.#exchange.until = this.#mono;
      this.#host.post(event);
    });
  }

  get #mono(): number {
    return this.world.now().mono;
  }

  run(micros: number): void {
    this.world.run(mono(this.#mono + micros));
  }

  /** Gives an order to a meter's session at this moment. */
  order(order: Order): void {
    const now = this.world.now();
    for (const effect of this.#actor.taken(this.#actor.session.startOrder(order, now), now)) this.#perform(effect);
    this.#host.touch();
  }

  /** Gives the session a piece of work with a meter at this moment. */
  task(unit: number, kind: TaskKind, make: TaskMaker): void {
    const now = this.world.now();
    const outputs = this.#actor.session.startTask(meterId(`m${unit}`), kind, make, now);
    for (const effect of this.#actor.taken(outputs, now)) this.#perform(effect);
    this.#host.touch();
  }

  cancel(order: Order): void {
    this.#actor.session.cancelOrder(order);
  }

  /** Begins to count anew. */
  reset(): void {
    this.#settle();
    this.#from = this.#mono;
    this.#slots.clear();
    this.#lineTime.clear();
  }

  /** Since the last reset; only slots whose whole interval is over count. */
  figures(kind: MeterKind): KindFigures {
    this.#settle();
    const figures = { scheduled: 0, done: 0, late: 0, share: 0 };
    for (const [i, own] of this.kinds.entries()) {
      if (own !== kind) continue;
      const { scheduled, done, late, share } = this.#ofUnit(i + 1);
      figures.scheduled += scheduled;
      figures.done += done;
      figures.late += late;
      figures.share += share;
    }
    return figures;
  }

  /** The lowest part of its scheduled reads that a meter of the kind got. */
  worst(kind: MeterKind): number {
    const parts = this.kinds.flatMap((own, i) => {
      const { scheduled, done } = own === kind ? this.#ofUnit(i + 1) : { scheduled: 0, done: 0 };
      return scheduled === 0 ? [] : [done / scheduled];
    });
    return Math.min(...parts);
  }

  #ofUnit(unit: number): KindFigures {
    const { pollEvery, lateAfter } = this.#options;
    const figures = {
      scheduled: 0,
      done: 0,
      late: 0,
      share: (this.#lineTime.get(unit) ?? 0) / (this.#mono - this.#from),
    };
    const first = Math.ceil((this.#from - this.#offset(unit)) / pollEvery);
    const behind = Math.floor((this.#mono - this.#offset(unit)) / pollEvery);
    for (let slot = first; slot < behind; slot++) {
      const passed = this.#slots.get(unit)?.get(slot);
      figures.scheduled += 1;
      if (passed === undefined) continue;
      figures.done += 1;
      if (passed > lateAfter) figures.late += 1;
    }
    return figures;
  }

  /** The first slot of a unit: meters come due one after the other. */
  #offset(unit: number): number {
    return Math.floor(((unit - 1) * this.#options.pollEvery) / this.kinds.length);
  }

  #perform(effect: LinkEffect): void {
    if (effect.kind !== "send") return;
    this.#settle();
    const unit = effect.bytes[0] as number;
    this.asked.push({ unit, at: this.#mono });
    this.#exchange = { unit, from: this.#mono, until: Number.NaN };
    this.#end?.perform(effect);
  }

  /** An exchange without any answer takes the line until its time is over, or the next one begins. */
  #settle(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    const until = Number.isNaN(exchange.until) ? Math.min(this.#mono, exchange.from + 1.1 * SECOND) : exchange.until;
    const from = Math.max(exchange.from, this.#from);
    this.#lineTime.set(exchange.unit, (this.#lineTime.get(exchange.unit) ?? 0) + Math.max(0, until - from));
  }

  #take(output: SessionOutput, now: Now): void {
    if (output.kind !== "polled") return;
    if (output.purpose !== "instantaneous") {
      this.others.push({ unit: Number(output.meter.slice(1)), purpose: output.purpose });
      return;
    }
    const unit = Number(output.meter.slice(1));
    const since = now.mono - this.#offset(unit);
    const slot = Math.floor(since / this.#options.pollEvery);
    const slots = this.#slots.get(unit) ?? new Map<number, number>();
    this.#slots.set(unit, slots);
    if (!slots.has(slot)) slots.set(slot, since - slot * this.#options.pollEvery);
  }

  #joinMeter(line: VirtualLine, model: MeterModel, unit: number): void {
    const load = constantLoad(mainsOf({ phases: model.phases, voltage: 230, current: 5 }));
    const meter = Meter.powerOn(
      {
        ...{ id: `m${unit}`, model, nvram: new MemoryNvram(), password: 0, checkpointEvery: 1e15 },
        chip: (start) => new ClosedFormChip({ plate: model.plate, phases: model.phases, load, start, seed: unit }),
      },
      this.world.now(),
    );
    if (!meter.ok) throw new Error(meter.error);
    const framing = { framing: "rtu", timing: rtuTiming(BAUD, { bitsPerChar: BITS_PER_CHAR }) } as const;
    const face = new ModbusSerialFace(meter.value, unit, LINK, framing, this.world.now());
    const host = new SimHost(this.world, face, (effect: LinkEffect) => {
      if (effect.kind !== "send") return;
      const bytes = this.#asHeard(unit, effect.bytes);
      if (bytes === undefined) return;
      this.world.after(this.kinds[unit - 1] === "slow" ? SLOW : 0, () => end.perform({ ...effect, bytes }));
    });
    const end = line.join(face, (event) => {
      // Only the one that is asked has to take a frame apart: 31 others would do it for nothing.
      if (event.kind !== "bytes" || event.bytes[0] === unit) host.post(event);
    });
  }

  /** What is left of a meter's reply; its fault is its own: a bad joint at the end of a stub. */
  #asHeard(unit: number, bytes: Uint8Array): Uint8Array | undefined {
    const kind = this.kinds[unit - 1];
    if (kind === "dead") return undefined;
    if (kind !== "noisy") return bytes;
    const drawn = this.#random.below(PER);
    if (drawn < this.#options.noise) return undefined;
    if (drawn >= 2 * this.#options.noise) return bytes;
    const heard = bytes.slice();
    const at = this.#random.below(heard.length);
    heard[at] = (heard[at] as number) ^ (1 << this.#random.below(8));
    return heard;
  }
}
