/** What the CPU keeps, as Modbus registers of the native models; the layout is that of protocols/models/function-blocks.ts. */
import { EXCEPTION } from "../../protocols/modbus/errors.ts";
import { FUNCTION_BLOCKS } from "../../protocols/models/function-blocks.ts";
import { alarmWord, eventCount } from "../alarms.ts";
import { DemandMaxima } from "../demand/maxima.ts";
import { DEMAND_REGISTERS } from "../demand/settings.ts";
import { EVENT_KINDS, type EventPhase, PHASE_KINDS } from "../events/kinds.ts";
import type { EndedEvent, OpenEvent } from "../events/record.ts";
import type { MeterFunctions } from "../functions.ts";
import type { EnergyAmount, EnergyRegister } from "../metrology/energy.ts";
import { RELAY_REASONS } from "../relay/relay.ts";
import { SETTLEMENTS_KEPT } from "../tariff/settlement.ts";
import { Words } from "./modbus-words.ts";
import type { ExtraRegisters } from "./register-image.ts";

const RATES = [0, 1, 2, 3, 4] as const;
const NONE_32 = 0xffff_ffff;
const EVENT_ENERGIES = 4;
const EVENTS_KEPT = 10;
const CREDIT_MODES = { none: 0, money: 1, energy: 2 } as const;
const RELAY = { closed: 1, pending: 2, waiting: 4, kept: 8, warning: 16 } as const;
const SETTLEMENT = { there: 1, clockDoubt: 2, late: 4 } as const;

/** Of what the register blocks show: a settlement or now, and one event. */
interface Selection {
  readonly settlement: number;
  readonly kind: number;
  readonly phase: number;
  /** 0 is the open event, or the newest where none is open. */
  readonly age: number;
}

export class ModbusFunctionBlocks {
  readonly #functions: MeterFunctions;
  readonly #base: number;
  #selected: Selection = { settlement: 0, kind: 0, phase: 0, age: 0 };

  constructor(functions: MeterFunctions, base: number) {
    this.#functions = functions;
    this.#base = base;
  }

  registers(): readonly ExtraRegisters[] {
    const writers: Readonly<Record<keyof typeof FUNCTION_BLOCKS, (words: Words) => void>> = {
      state: (words) => this.#writeState(words),
      selector: (words) => this.#writeSelector(words),
      counts: (words) => this.#writeCounts(words),
      event: (words) => this.#writeEvent(words),
      settlement: (words) => this.#writeSettlement(words),
      registers: (words) => this.#writeRegisters(words),
    };
    return Object.entries(FUNCTION_BLOCKS).map(([name, { offset, count }]) => ({
      address: this.#base + offset,
      count,
      write: (out, at) => writers[name as keyof typeof FUNCTION_BLOCKS](new Words(out, at, count)),
    }));
  }

  /** A write of some of the selector's registers: 0, or the exception code; undefined where it is none of them. */
  select(address: number, quantity: number, bytes: Uint8Array, at: number): number | undefined {
    const { offset, count } = FUNCTION_BLOCKS.selector;
    const first = address - this.#base - offset;
    if (first < 0 || first + quantity > count) return undefined;
    const { settlement, kind, phase, age } = this.#selected;
    const values = [settlement, kind, phase, age];
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    for (let i = 0; i < quantity; i++) values[first + i] = view.getUint16(2 * i);
    const [s, k, p, a] = values as [number, number, number, number];
    if (s > SETTLEMENTS_KEPT || k >= EVENT_KINDS.length || p > 3 || a > EVENTS_KEPT) return EXCEPTION.illegalDataValue;
    this.#selected = { settlement: s, kind: k, phase: p, age: a };
    return 0;
  }

  #writeState(words: Words): void {
    const { relay, tariff, credit } = this.#functions;
    const { closed, tripAt, closeAllowed, keepPower, warning, reason } = relay.status();
    const bits =
      (closed ? RELAY.closed : 0) |
      (tripAt !== undefined ? RELAY.pending : 0) |
      (closeAllowed ? RELAY.waiting : 0) |
      (keepPower ? RELAY.kept : 0) |
      (warning ? RELAY.warning : 0);
    words.u32(alarmWord(this.#functions)).u16(bits).u16(RELAY_REASONS.indexOf(reason));
    words.u16(tariff.moment.rate).u16(tariff.position.step).u64(tariff.price);
    words.u64(credit?.shown.remaining ?? 0n).u64(credit?.shown.overdraft ?? 0n);
    words.u16(CREDIT_MODES[credit?.settings.mode ?? "none"]).u32(tariff.settlements.count);
  }

  #writeSelector(words: Words): void {
    const { settlement, kind, phase, age } = this.#selected;
    words.u16(settlement).u16(kind).u16(phase).u16(age);
  }

  #writeCounts(words: Words): void {
    for (const kind of EVENT_KINDS) words.u16(eventCount(this.#functions, kind));
  }

  #writeEvent(words: Words): void {
    const event = this.#event();
    if (event === undefined) return;
    const ended = "end" in event ? (event as EndedEvent) : undefined;
    words
      .u16(ended === undefined ? 2 : 1)
      .u32(event.start)
      .u32(ended?.end ?? 0);
    writeEnergies(words, event.startEnergies);
    writeEnergies(words, ended?.endEnergies ?? []);
  }

  /** Age 0 is the event that is open, if there is one; else ages count from the newest that ended. */
  #event(): OpenEvent | undefined {
    const { events } = this.#functions;
    const kind = EVENT_KINDS[this.#selected.kind] as (typeof EVENT_KINDS)[number];
    const phase = this.#selected.phase as EventPhase;
    if (phase > 0 !== (PHASE_KINDS as readonly string[]).includes(kind)) return undefined;
    const open = events.open(kind, phase);
    const { age } = this.#selected;
    if (open !== undefined && age === 0) return open;
    return events.ended(kind, phase, open === undefined ? age : age - 1);
  }

  #writeSettlement(words: Words): void {
    const { settlement } = this.#selected;
    const past = settlement === 0 ? undefined : this.#functions.tariff.settlements.read(settlement - 1);
    if (past === undefined) return;
    const { clockDoubt, late, number, at } = past.note;
    words.u16(SETTLEMENT.there | (clockDoubt ? SETTLEMENT.clockDoubt : 0) | (late ? SETTLEMENT.late : 0));
    words.u16(number).u32(at);
  }

  #writeRegisters(words: Words): void {
    if (this.#selected.settlement > 0) {
      this.#writePast(words, this.#selected.settlement - 1);
      return;
    }
    const functions = this.#functions;
    for (const register of DEMAND_REGISTERS) {
      for (const rate of RATES) words.u64(functions.rateEnergy(register, rate));
      const { power, at } = functions.demand.maximum(register);
      words.u32(power).u32(at ?? 0);
      words.u32(functions.presentDemand(register) ?? NONE_32);
      words.u32(functions.demand.last(register)?.power ?? NONE_32);
    }
  }

  #writePast(words: Words, age: number): void {
    const past = this.#functions.tariff.settlements.read(age);
    if (past === undefined) return;
    const maxima = DemandMaxima.fromBytes(past.note.demand);
    for (const register of DEMAND_REGISTERS) {
      for (const rate of RATES) words.u64(past.amount(register, rate).quanta);
      writeMaximum(words, maxima.ok ? maxima.value : undefined, register);
      words.u32(NONE_32).u32(NONE_32);
    }
  }
}

function writeMaximum(words: Words, maxima: DemandMaxima | undefined, register: EnergyRegister): void {
  const maximum = maxima?.of(register);
  words.u32(maximum?.power ?? NONE_32).u32(maximum?.at ?? 0);
}

/** +A, −A, +R and −R as the record of an event has them. */
function writeEnergies(words: Words, energies: readonly EnergyAmount[]): void {
  for (let i = 0; i < EVENT_ENERGIES; i++) words.u64(energies[i]?.quanta ?? 0);
}
