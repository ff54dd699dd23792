/**
 * Who may change the meter. Levels as in DL/T 645: 0 is the strongest, a password opens its own level and all weaker ones.
 * Modbus's order window and the programming mode of IEC 62056-21 ask for a level of their own and count here too, each
 * for itself: guessing on one wire locks that wire only.
 *
 * Failures survive a power loss, the end of a lock does not: it is a timeout of the wires (monotonic), and a lock that was
 * running when the power went runs again in full.
 */
import { failure, type Result, success } from "../../src/core/result.ts";
import { MICROS_PER_SECOND, type Monotonic } from "../../src/core/time.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import type { Nvram } from "../nvram/nvram.ts";
import { RecordRing, type RingShape } from "../nvram/ring.ts";

const WIRES = ["modbus", "dlt645", "iec62056-21"] as const;
/** Where somebody asks to be let in. */
export type AuthorityWire = (typeof WIRES)[number];
/** Where somebody has been let in: on MQTT it is the broker that asks who they are. */
const PROGRAMMED_ON = [...WIRES, "mqtt"] as const;
export type ProgrammingWire = (typeof PROGRAMMED_ON)[number];

export interface AuthoritySettings {
  /** Wrong passwords in a row after which a wire is locked; 0: never. */
  readonly attempts: number;
  readonly lockMinutes: number;
}

export const DEFAULT_AUTHORITY: AuthoritySettings = { attempts: 5, lockMinutes: 30 };

/** What a person or program changed in one go. */
export interface ProgrammingRecord {
  readonly at: LocalSecond;
  readonly wire: ProgrammingWire;
  /** Of the password that was used. */
  readonly level: number;
  /** As the protocol carries it; 0 where it carries none. */
  readonly operator: number;
  /** Identifiers of what was written, as the protocol numbers them: the last {@link MOST_ITEMS}. */
  readonly items: readonly number[];
}

/** `denied` tells nothing of how it was wrong; `locked` says that even the right password is not looked at. */
export type Verdict = "granted" | "denied" | "locked";

const MOST_ITEMS = 10;
const PROGRAMMING: RingShape = { name: "programming", depth: 10, recordSize: 24 + 4 * MOST_ITEMS };
const LAYOUT = 1;
const MOST_ATTEMPTS = 255;
const MOST_MINUTES = 1_440;

/** The settings, or what is wrong with them. */
export function checkAuthority(value: AuthoritySettings): Result<AuthoritySettings, string> {
  const { attempts, lockMinutes } = value;
  if (!Number.isInteger(attempts) || attempts < 0 || attempts > MOST_ATTEMPTS)
    return failure(`attempts before a lock are 0 (never) to ${MOST_ATTEMPTS}, not ${attempts}`);
  if (!Number.isInteger(lockMinutes) || lockMinutes < 1 || lockMinutes > MOST_MINUTES)
    return failure(`a lock lasts 1 to ${MOST_MINUTES} minutes, not ${lockMinutes}`);
  return success(value);
}

export class Authority {
  readonly #nvram: Nvram;
  #settings: AuthoritySettings;
  readonly #failures = new Uint8Array(WIRES.length);
  readonly #lockedUntil = new Float64Array(WIRES.length).fill(Number.NEGATIVE_INFINITY);
  #records: RecordRing;

  constructor(settings: AuthoritySettings, nvram: Nvram) {
    this.#settings = settings;
    this.#nvram = nvram;
    this.#records = new RecordRing(nvram, PROGRAMMING, 0);
  }

  configure(settings: AuthoritySettings): void {
    this.#settings = settings;
  }

  /**
   * Somebody shows a password of `level` for something that takes `needed`. A checkpoint must follow a denial before it is
   * told, so that a power cut gives no free attempts.
   * @param right whether it is the password of `level`
   */
  ask(wire: AuthorityWire, level: number, needed: number, right: boolean, now: Monotonic): Verdict {
    const w = WIRES.indexOf(wire);
    if (this.locked(wire, now)) return "locked";
    if (right && level <= needed) {
      this.#failures[w] = 0;
      return "granted";
    }
    // The right password of a level too weak is an honest mistake: denied, not counted.
    if (!right) this.#fail(w, now);
    return "denied";
  }

  locked(wire: AuthorityWire, now: Monotonic): boolean {
    return now < (this.#lockedUntil[WIRES.indexOf(wire)] as number);
  }

  /** Wrong passwords in a row on a wire. */
  failures(wire: AuthorityWire): number {
    return this.#failures[WIRES.indexOf(wire)] as number;
  }

  /** Leaves a programming record; it counts with the next checkpoint. */
  record(entry: ProgrammingRecord): void {
    const items = entry.items.slice(-MOST_ITEMS);
    const writer = new ByteWriter()
      .u8(PROGRAMMED_ON.indexOf(entry.wire))
      .u8(entry.level)
      .u32(entry.operator)
      .f64(entry.at);
    for (const item of items) writer.u32(item);
    this.#records.append(writer.bytes());
  }

  /** Programming records ever left. */
  get programmings(): number {
    return this.#records.written;
  }

  /** A programming record by age, 0 the newest; undefined where there is none. */
  programming(age: number): ProgrammingRecord | undefined {
    const bytes = this.#records.read(age);
    if (bytes === undefined) return undefined;
    const reader = new ByteReader(bytes);
    const wire = PROGRAMMED_ON[reader.u8()];
    const level = reader.u8();
    const operator = reader.u32();
    const at = localSecond(reader.f64());
    const items: number[] = [];
    while (reader.left > 0) items.push(reader.u32());
    return wire && { at, wire, level, operator, items };
  }

  /** The checkpoint with the snapshot is on the part. */
  commit(): void {
    this.#records.commit();
  }

  snapshot(): Uint8Array {
    return new ByteWriter().u8(LAYOUT).raw(this.#failures).f64(this.#records.written).bytes();
  }

  /** Takes over a {@link snapshot}; on a failure nothing has changed. */
  restore(bytes: Uint8Array, now: Monotonic): Result<void, string> {
    const reader = new ByteReader(bytes);
    const layout = reader.u8();
    if (layout !== LAYOUT) return failure(`the authority has layout ${layout}; this version reads ${LAYOUT}`);
    const failures = reader.raw(WIRES.length);
    const written = reader.f64();
    const end = reader.end("the record of the authority");
    if (!end.ok) return end;
    if (!Number.isSafeInteger(written) || written < 0) return failure("the stored authority counts no records");
    this.#failures.set(failures);
    this.#records = new RecordRing(this.#nvram, PROGRAMMING, written);
    for (let w = 0; w < WIRES.length; w++) this.#lockIfDue(w, now);
    return success(undefined);
  }

  #fail(w: number, now: Monotonic): void {
    // After a lock has ended the count starts again.
    const before = this.#isDue(w) ? 0 : (this.#failures[w] as number);
    this.#failures[w] = Math.min(before + 1, MOST_ATTEMPTS);
    this.#lockIfDue(w, now);
  }

  #isDue(w: number): boolean {
    const { attempts } = this.#settings;
    return attempts > 0 && (this.#failures[w] as number) >= attempts;
  }

  #lockIfDue(w: number, now: Monotonic): void {
    this.#lockedUntil[w] = this.#isDue(w)
      ? now + this.#settings.lockMinutes * 60 * MICROS_PER_SECOND
      : Number.NEGATIVE_INFINITY;
  }
}
