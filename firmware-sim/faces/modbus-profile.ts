/** The load profile as Modbus registers of the native models; the layout is that of protocols/models/load-profile-blocks.ts. */
import { EXCEPTION } from "../../protocols/modbus/errors.ts";
import {
  ENERGY_CLASS,
  LOAD_PROFILE_BLOCKS,
  NO_PROFILE_VALUE,
  RECORD_STATUS,
  WINDOW_RECORDS,
} from "../../protocols/models/load-profile-blocks.ts";
import { isMeasureKey, measure } from "../../src/core/measures.ts";
import type { Meter } from "../meter.ts";
import { type RecordChoice, recordsInUtc, type UtcRecord } from "../profile/in-utc.ts";
import { type ClassSettings, MAX_CAPTURES, PROFILE_CLASSES } from "../profile/settings.ts";
import { Words } from "./modbus-words.ts";
import type { ExtraRegisters } from "./register-image.ts";

const BY_AGE = 0;
const BY_TIME = 1;
const LONGEST_STEP = 1440;
const NEVER = Number.POSITIVE_INFINITY;
/** OBIS codes C.D of what is captured under a name of its own. */
const DEMANDS: Readonly<Record<string, number>> = { demandActive: 0x0104, demandReactive: 0x0304 };

/** What the window shows. */
interface Selection {
  readonly place: number;
  readonly channels: number;
  readonly stepMinutes: number;
  readonly how: number;
  readonly start: number;
}

export class ModbusProfileBlocks {
  readonly #meter: Meter;
  readonly #base: number;
  #selected: Selection = { place: ENERGY_CLASS - 1, channels: 0, stepMinutes: 0, how: BY_AGE, start: 0 };

  constructor(meter: Meter, base: number) {
    this.#meter = meter;
    this.#base = base;
  }

  registers(): readonly ExtraRegisters[] {
    const writers: Readonly<Record<keyof typeof LOAD_PROFILE_BLOCKS, (words: Words) => void>> = {
      selector: (words) => this.#writeSelector(words),
      class: (words) => this.#writeClass(words),
      window: (words) => this.#writeWindow(words),
    };
    return Object.entries(LOAD_PROFILE_BLOCKS).map(([name, { offset, count }]) => ({
      address: this.#base + offset,
      count,
      write: (out, at) => writers[name as keyof typeof LOAD_PROFILE_BLOCKS](new Words(out, at, count)),
    }));
  }

  /** A write of some of the selector's registers: 0, or the exception code; undefined where it is none of them. */
  select(address: number, quantity: number, bytes: Uint8Array, at: number): number | undefined {
    const { offset, count } = LOAD_PROFILE_BLOCKS.selector;
    const first = address - this.#base - offset;
    if (first < 0 || first + quantity > count) return undefined;
    const registers = new Uint8Array(2 * count);
    this.#writeSelector(new Words(registers, 0, count));
    registers.set(bytes.subarray(at, at + 2 * quantity), 2 * first);
    const view = new DataView(registers.buffer);
    const [number, channels, stepMinutes, how] = [0, 2, 4, 6].map((i) => view.getUint16(i)) as [
      number,
      number,
      number,
      number,
    ];
    if (number < 1 || number > PROFILE_CLASSES || channels >= 1 << MAX_CAPTURES) return EXCEPTION.illegalDataValue;
    if (stepMinutes > LONGEST_STEP || how > BY_TIME) return EXCEPTION.illegalDataValue;
    this.#selected = { place: number - 1, channels, stepMinutes, how, start: view.getUint32(8) };
    return 0;
  }

  get #settings(): ClassSettings | null {
    return this.#meter.functions.profile.settings.classes[this.#selected.place] ?? null;
  }

  /** The places of the chosen values among those captured. */
  #columns(): readonly number[] {
    const { channels } = this.#selected;
    const captured = [...(this.#settings?.captures ?? []).keys()];
    return channels === 0 ? captured : captured.filter((i) => (channels >> i) & 1);
  }

  #writeSelector(words: Words): void {
    const { place, channels, stepMinutes, how, start } = this.#selected;
    words
      .u16(place + 1)
      .u16(channels)
      .u16(stepMinutes)
      .u16(how)
      .u32(start);
  }

  #writeClass(words: Words): void {
    const settings = this.#settings;
    const captures = settings?.captures ?? [];
    words.u16(settings?.intervalMinutes ?? 0).u32(this.#meter.functions.profile.count(this.#selected.place));
    words.u16(captures.length);
    for (const key of captures) words.u16(codeOf(key));
  }

  #writeWindow(words: Words): void {
    const columns = this.#columns();
    const records = this.#records();
    words.u16(records.length).u16(3 + 4 * columns.length);
    for (const { utc, flags, values } of records) {
      let status = 0;
      for (const [name, bit] of Object.entries(RECORD_STATUS)) if (flags[name as keyof typeof flags]) status |= bit;
      words.u32(utc).u16(status);
      for (const column of columns) words.i64(values[column] ?? NO_PROFILE_VALUE);
    }
  }

  #records(): readonly UtcRecord[] {
    const { place, stepMinutes, how, start } = this.#selected;
    const from: RecordChoice["from"] = how === BY_AGE ? { age: start } : { utc: start };
    const choice = { from, to: NEVER, step: 60 * stepMinutes, limit: WINDOW_RECORDS };
    return recordsInUtc(
      this.#meter.functions.profile,
      place,
      (local, after) => this.#meter.utcOf(local, after),
      choice,
    );
  }
}

/** C × 256 + D of what is captured. */
function codeOf(key: string): number {
  const demand = DEMANDS[key];
  if (demand !== undefined || !isMeasureKey(key)) return demand ?? 0;
  const [c, d] = measure(key).obis.slice("1-0:".length).split(".").map(Number);
  return (c as number) * 256 + (d as number);
}
