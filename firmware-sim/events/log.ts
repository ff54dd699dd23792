/** The records of one event of one phase: the last ten ended ones in a ring, the open one, how many and how long in all. */
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import type { LocalSecond } from "../clock/local-time.ts";
import type { EnergyAmount } from "../metrology/energy.ts";
import type { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import type { Nvram } from "../nvram/nvram.ts";
import { RecordRing } from "../nvram/ring.ts";
import {
  decodeEnded,
  type EndedEvent,
  encodeEnded,
  type OpenEvent,
  RECORD_SIZE,
  readOpen,
  writeOpen,
} from "./record.ts";

/** Ended records of each kind and phase that are kept. */
export const EVENT_DEPTH = 10;

/** A log as the checkpoint has it. */
export interface LogState {
  readonly count: number;
  readonly seconds: number;
  readonly written: number;
  readonly cleared: number;
  readonly open: OpenEvent | undefined;
}

export class EventLog {
  readonly #ring: RecordRing;
  #count: number;
  #seconds: number;
  /** Of the ring's records, those before this one are cleared. */
  #cleared: number;
  #open: OpenEvent | undefined;

  constructor(nvram: Nvram, name: string, state?: LogState) {
    this.#ring = new RecordRing(nvram, { name, depth: EVENT_DEPTH, recordSize: RECORD_SIZE }, state?.written ?? 0);
    this.#count = state?.count ?? 0;
    this.#seconds = state?.seconds ?? 0;
    this.#cleared = state?.cleared ?? 0;
    this.#open = state?.open;
  }

  /** Events that have begun since the last clearing. */
  get count(): number {
    return this.#count;
  }

  get open(): OpenEvent | undefined {
    return this.#open;
  }

  /** Ends ever, and beginnings where the kind has a length; no clearing takes any back. */
  turns(hasLength: boolean): number {
    return hasLength ? 2 * this.#ring.written + (this.#open === undefined ? 0 : 1) : this.#ring.written;
  }

  /** Seconds of all of them; of an open one up to `at`. */
  secondsAt(at: LocalSecond): number {
    return this.#seconds + (this.#open === undefined ? 0 : Math.max(0, at - this.#open.start));
  }

  begin(event: OpenEvent): void {
    assert(this.#open === undefined, "an event that is open does not begin");
    this.#open = event;
    this.#count += 1;
  }

  end(at: LocalSecond, endEnergies: readonly EnergyAmount[]): void {
    const open = this.#open;
    assert(open !== undefined, "an event that ends is open");
    this.#open = undefined;
    // A clock that was put back makes no negative time.
    this.#seconds += Math.max(0, at - open.start);
    this.#ring.append(encodeEnded({ ...open, end: at, endEnergies }));
  }

  /** An ended record by age, 0 the newest; undefined where there is none or the part has lost it. */
  ended(age: number): EndedEvent | undefined {
    if (age >= this.#ring.written - this.#cleared) return undefined;
    const bytes = this.#ring.read(age);
    const record = bytes === undefined ? undefined : decodeEnded(bytes);
    return record?.ok ? record.value : undefined;
  }

  /** Forgets everything but an event that goes on, which counts as the first. */
  clear(): void {
    this.#cleared = this.#ring.written;
    this.#seconds = 0;
    this.#count = this.#open === undefined ? 0 : 1;
  }

  commit(): void {
    this.#ring.commit();
  }

  save(writer: ByteWriter): void {
    writer.u32(this.#count).f64(this.#seconds).f64(this.#ring.written).f64(this.#cleared);
    writer.flag(this.#open !== undefined);
    if (this.#open !== undefined) writeOpen(writer, this.#open);
  }
}

export function readLogState(reader: ByteReader): Result<LogState, string> {
  const count = reader.u32();
  const seconds = reader.f64();
  const written = reader.f64();
  const cleared = reader.f64();
  const open = reader.flag() ? readOpen(reader) : undefined;
  if (![seconds, written, cleared].every((n) => Number.isSafeInteger(n) && n >= 0) || cleared > written)
    return failure("an event log of the checkpoint is out of range");
  return success({ count, seconds, written, cleared, open });
}
