/**
 * Watches the readings and keeps the records of events.
 *
 * A condition that has held for its delay raises its event, and the event begins then, with the energies of then; it ends, with
 * those of then, when the condition has been gone for the same delay. So both ends lie the delay behind the mains, and the
 * length is the condition's own. An observation holds until the next one: the records are the same whether the meter looks every
 * second or only when its readings change and at {@link EventMonitor.nextEdge}.
 *
 * Of each event and phase the last ten, the count and the time are kept, made when the first one comes. Open events survive a
 * power loss and go on after it; delays that were running begin again.
 */
import { EMPTY_BYTES } from "../../src/core/bytes.ts";
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import type { EnergyAmount } from "../metrology/energy.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import type { Nvram } from "../nvram/nvram.ts";
import {
  DEMAND,
  DEMAND_EXPORT,
  DEMAND_IMPORT,
  type EventReadings,
  mayBegin,
  phaseWord,
  systemWord,
  type VoltageAngles,
} from "./conditions.ts";
import {
  type EventKind,
  type EventPhase,
  hasLength,
  type InputKind,
  type InstantKind,
  rowSlot,
  SLOTS,
  SYSTEM_ROW,
  slotName,
  slotOf,
  WATCHED_SLOTS,
} from "./kinds.ts";
import { EventLog, type LogState, readLogState } from "./log.ts";
import type { EventPlan } from "./plan.ts";
import { type EndedEvent, MOST_ENERGIES, MOST_EXTRA, type OpenEvent } from "./record.ts";

export interface EventMonitorOptions {
  readonly plan: EventPlan;
  readonly nvram: Nvram;
  /** The totals that go into records: +A, −A, combined reactive; at most {@link MOST_ENERGIES}. */
  readonly energies: () => readonly EnergyAmount[];
}

/** An event began, ended, or was done. */
export interface EventNotice {
  /** Counts all notices of the meter, whether anybody took them, across power losses and clearings. */
  readonly number: number;
  readonly kind: EventKind;
  readonly phase: EventPhase;
  readonly start: LocalSecond;
  /** Undefined of a beginning. */
  readonly end: LocalSecond | undefined;
  readonly energies: readonly EnergyAmount[];
}

/** Notices since power on that are kept for who asks. */
const NOTICES_KEPT = 64;
const NO_NOTICES: EventNotice[] = [];
const VERSION = 1;
const ROWS = SYSTEM_ROW + 1;
const NEVER = Number.POSITIVE_INFINITY;

export class EventMonitor {
  readonly #nvram: Nvram;
  readonly #energies: () => readonly EnergyAmount[];
  #plan: EventPlan;
  /** Events that have begun, by row. */
  readonly #active = new Int32Array(ROWS);
  /** What the conditions say: differs from {@link #active} while a delay runs. */
  readonly #heading = new Int32Array(ROWS);
  /** Ends of the running delays, by place. */
  #deadlines: Float64Array | undefined;
  #edge = NEVER;
  #demand = 0;
  #angles: VoltageAngles;
  #logs: (EventLog | undefined)[] = [];
  #due = false;
  #noticed = 0;
  #notices = NO_NOTICES;

  constructor({ plan, nvram, energies }: EventMonitorOptions) {
    this.#plan = plan;
    this.#nvram = nvram;
    this.#energies = energies;
  }

  /** What the chip shows from `at` on; delays that have passed are settled first, by what was shown before. */
  observe(readings: EventReadings, at: LocalSecond): void {
    if (at >= this.#edge) this.#settle(at);
    const plan = this.#plan;
    const active = this.#active;
    const { voltage, current } = readings;
    let high = voltage[0] as number;
    let load = current[0] as number;
    for (let p = 1; p < plan.phases; p++) {
      if ((voltage[p] as number) > high) high = voltage[p] as number;
      if ((current[p] as number) > load) load = current[p] as number;
    }
    const begin = mayBegin(plan, high);
    for (let p = 0; p < plan.phases; p++) {
      const word = phaseWord(plan, readings, p, active[p] as number, begin, load);
      if (word !== this.#heading[p]) this.#steer(p, word, at);
    }
    const word =
      systemWord(plan, readings, this.#angles, active[SYSTEM_ROW] as number, high, load) |
      (this.#demand & plan.systemMask);
    if (word !== this.#heading[SYSTEM_ROW]) this.#steer(SYSTEM_ROW, word, at);
  }

  /** The angles of the voltages, which take the chip some work: the sequences are judged by them until the next ones come. */
  angles(angles: VoltageAngles): void {
    this.#angles = angles;
  }

  /** When it wants to be observed next though nothing changes; Infinity when no delay runs. */
  nextEdge(): number {
    return this.#edge;
  }

  /** A completed demand window, mW averaged over it: the limits are judged by it until the next one. */
  demand(direction: "import" | "export", milliwatts: number, at: LocalSecond): void {
    if (at >= this.#edge) this.#settle(at);
    const bit = direction === "import" ? DEMAND_IMPORT : DEMAND_EXPORT;
    const over = milliwatts > (direction === "import" ? this.#plan.demandImport : this.#plan.demandExport);
    this.#demand = over ? this.#demand | bit : this.#demand & ~bit;
    const heading = this.#heading[SYSTEM_ROW] as number;
    const word = (heading & ~DEMAND) | (this.#demand & this.#plan.systemMask);
    if (word !== heading) this.#steer(SYSTEM_ROW, word, at);
  }

  /** A cover, a magnet, a fault: begins or ends its event; saying the same again changes nothing. */
  input(kind: InputKind, on: boolean, at: LocalSecond, extra: Uint8Array = EMPTY_BYTES): void {
    const slot = slotOf(kind, 0);
    if (on === (this.#logs[slot]?.open !== undefined)) return;
    if (on) this.#begin(slot, at, extra);
    else this.#end(slot, at);
  }

  /** Something was done at `at`; `extra` is what the kind adds, at most {@link MOST_EXTRA} bytes. */
  note(kind: InstantKind, at: LocalSecond, extra: Uint8Array = EMPTY_BYTES): void {
    const slot = slotOf(kind, 0);
    this.#begin(slot, at, extra);
    this.#end(slot, at);
  }

  /** The power is back after an outage that began at `failedAt`. */
  powerRestored(failedAt: LocalSecond, at: LocalSecond): void {
    const { outageDelay } = this.#plan;
    if (outageDelay < 0 || at - failedAt < outageDelay) return;
    const slot = slotOf("powerOutage", 0);
    this.#begin(slot, failedAt, EMPTY_BYTES);
    this.#end(slot, at);
  }

  /** The clock was set by so many seconds: running delays keep their length. */
  clockMoved(seconds: number): void {
    if (this.#deadlines === undefined) return;
    for (let slot = 0; slot < WATCHED_SLOTS; slot++)
      this.#deadlines[slot] = (this.#deadlines[slot] as number) + seconds;
    this.#edge += seconds;
  }

  /** New thresholds and delays hold from the next observation on; a delay that runs goes on as it began. */
  configure(plan: EventPlan): void {
    assert(plan.phases === this.#plan.phases, "a meter keeps its phases");
    this.#plan = plan;
  }

  /** Forgets the records of a kind, or of all but `eventClear`, which records that. Open events go on. */
  clear(kind?: EventKind): void {
    for (const [slot, log] of this.#logs.entries()) {
      const name = slotName(slot).kind;
      if (kind === undefined ? name !== "eventClear" : name === kind) log?.clear();
    }
    this.#due = true;
  }

  count(kind: EventKind, phase: EventPhase = 0): number {
    return this.#logs[slotOf(kind, phase)]?.count ?? 0;
  }

  /** Seconds that the kind's events have lasted, an open one up to `at`. */
  seconds(kind: EventKind, phase: EventPhase, at: LocalSecond): number {
    return this.#logs[slotOf(kind, phase)]?.secondsAt(at) ?? 0;
  }

  open(kind: EventKind, phase: EventPhase = 0): OpenEvent | undefined {
    return this.#logs[slotOf(kind, phase)]?.open;
  }

  /** An ended record by age, 0 the newest of at most ten. */
  ended(kind: EventKind, phase: EventPhase, age: number): EndedEvent | undefined {
    return this.#logs[slotOf(kind, phase)]?.ended(age);
  }

  /** Notices since power on with a number above `number`, the newest {@link NOTICES_KEPT} at most. */
  noticesSince(number: number): readonly EventNotice[] {
    return this.#noticed > number ? this.#notices.filter((notice) => notice.number > number) : NO_NOTICES;
  }

  /** True when records have changed since {@link commit}: the meter's checkpoint comes before the next observation or note. */
  get due(): boolean {
    return this.#due;
  }

  /** The checkpoint with {@link snapshot} is on the part. */
  commit(): void {
    for (const log of this.#logs) log?.commit();
    this.#due = false;
  }

  snapshot(): Uint8Array {
    const logs = [...this.#logs.entries()].filter((entry): entry is [number, EventLog] => entry[1] !== undefined);
    const writer = new ByteWriter().u8(VERSION).u8(this.#plan.phases).u8(logs.length);
    for (const [slot, log] of logs) {
      writer.u8(slot);
      log.save(writer);
    }
    return writer.bytes();
  }

  /** Takes over a {@link snapshot}, in a meter that has seen nothing yet; on a failure nothing has changed. */
  restore(bytes: Uint8Array): Result<void, string> {
    const reader = new ByteReader(bytes);
    const version = reader.u8();
    if (version !== VERSION) return failure(`event snapshot layout ${version} is not known`);
    const phases = reader.u8();
    if (phases !== this.#plan.phases) return failure(`the event snapshot is of a meter with ${phases} phase(s)`);
    const states: [number, LogState][] = [];
    for (let left = reader.u8(); left > 0; left--) {
      const slot = reader.u8();
      const state = readLogState(reader);
      if (!state.ok) return state;
      if (slot >= SLOTS) return failure(`event ${slot} of the snapshot is not known`);
      states.push([slot, state.value]);
    }
    const whole = reader.end("the event snapshot");
    if (!whole.ok) return whole;
    this.#logs = [];
    for (const [slot, state] of states) {
      const log = new EventLog(this.#nvram, ringName(slot), state);
      this.#logs[slot] = log;
      this.#noticed += log.turns(hasLength(slotName(slot).kind));
    }
    this.#resume();
    return success(undefined);
  }

  /** What was open is active, and nothing is pending. */
  #resume(): void {
    for (let row = 0; row < ROWS; row++) {
      const width = row === SYSTEM_ROW ? WATCHED_SLOTS - rowSlot(SYSTEM_ROW, 0) : rowSlot(1, 0);
      let word = 0;
      for (let bit = 0; bit < width; bit++) if (this.#logs[rowSlot(row, bit)]?.open !== undefined) word |= 1 << bit;
      this.#active[row] = word;
      this.#heading[row] = word;
    }
    this.#demand = (this.#active[SYSTEM_ROW] as number) & DEMAND;
    this.#deadlines = undefined;
    this.#edge = NEVER;
  }

  /** The conditions of a row have become `word`: delays begin, or are called off. */
  #steer(row: number, word: number, at: LocalSecond): void {
    const changed = word ^ (this.#heading[row] as number);
    this.#heading[row] = word;
    this.#deadlines ??= new Float64Array(WATCHED_SLOTS).fill(NEVER);
    for (let rest = changed; rest !== 0; rest &= rest - 1) {
      const bit = 31 - Math.clz32(rest & -rest);
      const slot = rowSlot(row, bit);
      const waits = ((word ^ (this.#active[row] as number)) & (1 << bit)) !== 0;
      const delay = this.#plan.delays[slot] as number;
      this.#deadlines[slot] = waits ? at + delay : NEVER;
      if (waits && delay === 0) this.#turn(row, bit, at);
      else if (waits && at + delay < this.#edge) this.#edge = at + delay;
    }
    // A delay that was called off leaves its edge: coming once in vain costs less than looking for the next at each flicker.
  }

  /** Raises and ends what has waited long enough. */
  #settle(at: LocalSecond): void {
    const deadlines = this.#deadlines as Float64Array;
    for (let row = 0; row < ROWS; row++) {
      for (let rest = (this.#active[row] as number) ^ (this.#heading[row] as number); rest !== 0; rest &= rest - 1) {
        const bit = 31 - Math.clz32(rest & -rest);
        const deadline = deadlines[rowSlot(row, bit)] as number;
        if (deadline <= at) this.#turn(row, bit, localSecond(deadline));
      }
    }
    this.#findEdge();
  }

  #turn(row: number, bit: number, at: LocalSecond): void {
    const slot = rowSlot(row, bit);
    (this.#deadlines as Float64Array)[slot] = NEVER;
    this.#active[row] = (this.#active[row] as number) ^ (1 << bit);
    if (((this.#active[row] as number) & (1 << bit)) !== 0) this.#begin(slot, at, EMPTY_BYTES);
    else this.#end(slot, at);
  }

  #findEdge(): void {
    let edge = NEVER;
    for (const deadline of this.#deadlines as Float64Array) if (deadline < edge) edge = deadline;
    this.#edge = edge;
  }

  #begin(slot: number, start: LocalSecond, extra: Uint8Array): void {
    assert(extra.length <= MOST_EXTRA, `an event adds at most ${MOST_EXTRA} bytes`);
    this.#logs[slot] ??= new EventLog(this.#nvram, ringName(slot));
    const startEnergies = this.#totals();
    this.#logs[slot].begin({ start, startEnergies, extra });
    if (hasLength(slotName(slot).kind)) this.#notice(slot, start, undefined, startEnergies);
    this.#due = true;
  }

  #end(slot: number, at: LocalSecond): void {
    const start = this.#logs[slot]?.open?.start ?? at;
    const energies = this.#totals();
    this.#logs[slot]?.end(at, energies);
    this.#notice(slot, start, at, energies);
    this.#due = true;
  }

  #notice(slot: number, start: LocalSecond, end: LocalSecond | undefined, energies: readonly EnergyAmount[]): void {
    this.#noticed += 1;
    if (this.#notices.length === 0) this.#notices = [];
    if (this.#notices.length >= NOTICES_KEPT) this.#notices.shift();
    this.#notices.push({ number: this.#noticed, ...slotName(slot), start, end, energies });
  }

  #totals(): readonly EnergyAmount[] {
    const energies = this.#energies();
    assert(energies.length <= MOST_ENERGIES, `a record holds at most ${MOST_ENERGIES} energies`);
    return energies;
  }
}

function ringName(slot: number): string {
  const { kind, phase } = slotName(slot);
  return phase === 0 ? `event.${kind}` : `event.${kind}.${phase}`;
}
