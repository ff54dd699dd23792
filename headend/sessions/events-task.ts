/**
 * Reads what a native meter has noted since it was asked last: how often each kind of event has begun, then those events that
 * are new and those that went on. Selected and read in one request each, since a meter has one selector for all who ask.
 */
import { failureText, type ModbusFailure } from "../../protocols/modbus/errors.ts";
import type { ModbusReply } from "../../protocols/modbus/message.ts";
import { EVENT_KIND_NAMES, PHASE_EVENT_KINDS } from "../../protocols/models/event-kinds.ts";
import { FUNCTION_BLOCKS } from "../../protocols/models/function-blocks.ts";
import type { MeasureKey, MeasureValues } from "../../src/core/measures.ts";
import type { Result } from "../../src/core/result.ts";
import type { Civil, Now } from "../../src/core/time.ts";
import type { PolledMeterConfig } from "../config.ts";
import type { EventsSeen, MeterEventRecord } from "../events/records.ts";
import { END, type LineTask, type SessionOutput, type TaskMove } from "./line-task.ts";

/** Events of one kind and phase that are read at most: the meter keeps ten. */
const MOST = 10;
const ENERGIES: readonly MeasureKey[] = [
  "activeEnergyImport",
  "activeEnergyExport",
  "reactiveEnergyImport",
  "reactiveEnergyExport",
];
const NONE = 0;
const GOES_ON = 2;

interface Wanted {
  readonly kind: number;
  readonly phase: number;
  readonly ages: number;
}

export class EventsTask implements LineTask {
  readonly #meter: PolledMeterConfig;
  readonly #seen: EventsSeen | undefined;
  #counts: readonly number[] | undefined;
  #wanted: Wanted[] = [];
  #age = 0;
  #events: MeterEventRecord[] = [];
  #open: [number, number][] = [];

  /** @param seen what was read last; undefined at the first time */
  constructor(meter: PolledMeterConfig, seen?: EventsSeen) {
    this.#meter = meter;
    this.#seen = seen;
  }

  resume(): TaskMove {
    this.#counts = undefined;
    this.#events = [];
    this.#open = [];
    const { offset, count } = FUNCTION_BLOCKS.counts;
    return { kind: "ask", request: { function: 3, address: this.#base + offset, quantity: count } };
  }

  answer(result: Result<ModbusReply, ModbusFailure>, _taken: Civil, _now: Now, out: SessionOutput[]): TaskMove {
    const meter = this.#meter.id;
    if (!result.ok) {
      out.push({ kind: "pollFailed", meter, purpose: "events", reason: failureText(result.error) });
      return END;
    }
    const view = new DataView(result.value.data.buffer, result.value.data.byteOffset, result.value.data.byteLength);
    if (this.#counts === undefined) this.#counted(EVENT_KIND_NAMES.map((_, i) => view.getUint16(2 * i)));
    else this.#took(view);
    const next = this.#wanted[0];
    if (next !== undefined) return this.#ask(next);
    const seen = { counts: this.#counts ?? [], open: this.#open };
    out.push({ kind: "eventsRead", meter, events: this.#events, seen });
    return END;
  }

  get #base(): number {
    return this.#meter.model.modbus.control?.functions ?? 0;
  }

  /** Counts of 16 bits begin anew after the last. */
  #counted(counts: readonly number[]): void {
    this.#counts = counts;
    this.#age = 0;
    this.#wanted = counts.flatMap((count, kind) => {
      const begun = (count - (this.#seen?.counts[kind] ?? 0) + 0x1_0000) % 0x1_0000;
      const phases = kind < PHASE_EVENT_KINDS ? [1, 2, 3] : [0];
      return phases.flatMap((phase) => {
        const wentOn = this.#seen?.open.some(([k, p]) => k === kind && p === phase) === true ? 1 : 0;
        const ages = Math.min(MOST, begun + wentOn);
        return ages === 0 ? [] : [{ kind, phase, ages }];
      });
    });
  }

  #took(view: DataView): void {
    const { kind, phase, ages } = this.#wanted[0] as Wanted;
    const state = view.getUint16(0);
    if (state !== NONE) this.#note(kind, phase, state === GOES_ON, view);
    this.#age += 1;
    if (state !== NONE && this.#age < ages) return;
    this.#wanted.shift();
    this.#age = 0;
  }

  #note(kind: number, phase: number, goesOn: boolean, view: DataView): void {
    const [start, end] = [view.getUint32(2), view.getUint32(6)];
    const of = { meter: this.#meter.id, event: EVENT_KIND_NAMES[kind] as string, phase, source: "modbus" } as const;
    const common = { ...of, sequence: null, start };
    const energies = (at: number): MeasureValues =>
      Object.fromEntries(ENERGIES.map((key, i) => [key, Number(view.getBigUint64(at + 8 * i))]));
    if (goesOn) this.#open.push([kind, phase]);
    if (!goesOn && end === start) this.#events.push({ ...common, state: "done", end, values: energies(10) });
    else {
      this.#events.push({ ...common, state: "begin", end: null, values: energies(10) });
      if (!goesOn) this.#events.push({ ...common, state: "end", end, values: energies(42) });
    }
  }

  #ask({ kind, phase }: Wanted): TaskMove {
    const { selector, event } = FUNCTION_BLOCKS;
    const words = Uint8Array.of(0, 0, 0, kind, 0, phase, 0, this.#age);
    return {
      kind: "ask",
      request: {
        function: 23,
        address: this.#base + event.offset,
        quantity: event.count,
        target: this.#base + selector.offset,
        words,
      },
    };
  }
}
