/** What a meter lets be programmed, whatever the wire: who is let in, what holds from now on, and the record of it. */
import type { MeterModel } from "../../protocols/models/model.ts";
import { type Result, success } from "../../src/core/result.ts";
import type { Now } from "../../src/core/time.ts";
import type { LocalSecond } from "../clock/local-time.ts";
import type { MeterClock } from "../clock/meter-clock.ts";
import { configurePart } from "../configure.ts";
import type { MeterFunctions } from "../functions.ts";
import { checkSettings, type MeterSettings } from "../settings.ts";
import type { SettingsMemory } from "../settings-memory.ts";
import type { Authority, AuthorityWire, ProgrammingRecord, Verdict } from "./authority.ts";

/** Acts with all energy up to now counted; what it changed is on the memory when it returns. */
type Perform = <T>(act: (functions: MeterFunctions, at: LocalSecond) => T, now: Now) => T;

/** The level of the wires that know one password, Modbus and the optical head: it opens everything. */
export const STRONGEST = 0;

export class Programming {
  readonly #model: MeterModel;
  readonly #memory: SettingsMemory;
  readonly #clock: MeterClock;
  readonly #authority: Authority;
  readonly #perform: Perform;

  constructor(
    model: MeterModel,
    memory: SettingsMemory,
    clock: MeterClock,
    { authority }: MeterFunctions,
    perform: Perform,
  ) {
    this.#authority = authority;
    this.#model = model;
    this.#memory = memory;
    this.#clock = clock;
    this.#perform = perform;
  }

  /** As they hold now: the factory's, or the file's, with what was programmed since. */
  get settings(): MeterSettings {
    return this.#memory.settings;
  }

  /**
   * Programs one part of the settings, by whoever has the right to: it holds from now on and survives a power loss.
   * @returns for people, why it can't be: then nothing has changed
   */
  configure<P extends keyof MeterSettings>(part: P, value: MeterSettings[P], now: Now): Result<void, string> {
    const wanted = checkSettings({ ...this.settings, [part]: value }, this.#model);
    if (!wanted.ok) return wanted;
    return this.#perform((functions, at) => {
      const done = configurePart(functions, this.#model, part, wanted.value, at);
      if (!done.ok) return done;
      if (part === "clock") {
        this.#clock.configure(wanted.value.clock, now.civil);
        functions.clockChanged(at, this.#clock.local(now.civil), this.#clock.lost);
      }
      this.#memory.program(part, wanted.value);
      return success(undefined);
    }, now);
  }

  /** Somebody shows a password on a wire, see `Authority.ask`: a denial is on the memory before it is told. */
  ask(wire: AuthorityWire, level: number, needed: number, right: boolean, now: Now): Verdict {
    // Nothing is counted while a lock runs, nor for the right password of one who has not failed: no need to write either.
    if (this.#authority.locked(wire, now.mono)) return "locked";
    if (right && level <= needed && this.#authority.failures(wire) === 0) return "granted";
    return this.#perform((functions) => functions.authority.ask(wire, level, needed, right, now.mono), now);
  }

  /** Leaves a record of what was programmed, by whom, and the event. */
  record(record: Omit<ProgrammingRecord, "at">, now: Now): void {
    this.#perform((functions, at) => {
      leaveRecord(functions, { ...record, at });
    }, now);
  }
}

/** The record of what was programmed, and the event; they count with the next checkpoint. */
export function leaveRecord({ authority, events }: MeterFunctions, record: ProgrammingRecord): void {
  authority.record(record);
  events.note("programming", record.at);
}
