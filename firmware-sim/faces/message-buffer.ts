/**
 * What a meter has to say while its broker is away: messages oldest first, some on their way, never more than a bound. With a
 * memory each message is written before it is offered, so that it outlives a power loss.
 *
 * A cell holds one message as a checkpoint record: its number, the number of the oldest message not acknowledged when it was
 * written, its channel, the payload. A cell torn by a power cut costs that one message, which nobody had been sent yet.
 */
import { assert } from "../../src/core/result.ts";
import { encodeRecord, readRecord } from "../nvram/checkpoint.ts";
import type { Nvram } from "../nvram/nvram.ts";

/** Messages sent and not yet acknowledged; with so many the meter waits. */
export const SENDING_LIMIT = 16;
/** Of the number of the oldest message and the channel. */
const MARK = 5;
const CHANNELS = ["telemetry", "event"] as const;
/** Where a message is published. */
export type MessageChannel = (typeof CHANNELS)[number];

interface Entry {
  readonly number: number;
  readonly channel: MessageChannel;
  readonly payload: Uint8Array;
  /** The cell it is kept in; undefined without a memory. */
  readonly cell: number | undefined;
}

export class MessageBuffer {
  readonly #capacity: number;
  readonly #nvram: Nvram | undefined;
  /** A stack, so that a meter that is online uses the same few cells. */
  readonly #freeCells: number[] = [];
  readonly #waiting: Entry[] = [];
  readonly #sending = new Map<number, Entry>();
  #next = 1;
  #dropped = 0;
  #newestKept: Entry | undefined;

  /** `capacity` counts the messages that wait; those being sent come on top. What `nvram` kept waits again. */
  constructor(capacity: number, nvram?: Nvram) {
    this.#capacity = capacity;
    this.#nvram = nvram;
    if (nvram !== undefined) this.#recover(nvram);
  }

  /** Messages that nobody has acknowledged. */
  get size(): number {
    return this.#waiting.length + this.#sending.size;
  }

  /** Messages that had to go since power on, and at it, because the broker was away too long. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The newest message that the memory held at power on, acknowledged or not. */
  get newestKept(): { readonly channel: MessageChannel; readonly payload: Uint8Array } | undefined {
    return this.#newestKept;
  }

  /** Takes a message; where too many wait the oldest is given up. */
  push(channel: MessageChannel, payload: Uint8Array): void {
    if (this.#waiting.length >= this.#capacity) {
      this.#release(this.#waiting.shift() as Entry);
      this.#dropped += 1;
    }
    const number = this.#next;
    this.#next += 1;
    const cell = this.#nvram === undefined ? undefined : this.#write(this.#nvram, number, channel, payload);
    this.#waiting.push({ number, channel, payload, cell });
  }

  /** The oldest waiting message, now being sent under its number; undefined when none may be sent. */
  take(): Omit<Entry, "cell"> | undefined {
    if (this.#sending.size >= SENDING_LIMIT) return undefined;
    const entry = this.#waiting.shift();
    if (entry !== undefined) this.#sending.set(entry.number, entry);
    return entry;
  }

  /** The message of this number is safe elsewhere. */
  acknowledge(number: number): void {
    const entry = this.#sending.get(number);
    if (entry === undefined) return;
    this.#sending.delete(number);
    this.#release(entry);
  }

  #write(nvram: Nvram, number: number, channel: MessageChannel, payload: Uint8Array): number {
    const cell = this.#freeCells.pop();
    assert(cell !== undefined, "there is a cell for every message that may be kept");
    // A map keeps the order of insertion: its first entry is the oldest being sent.
    const oldest = this.#sending.keys().next().value ?? this.#waiting[0]?.number ?? number;
    const record = new Uint8Array(MARK + payload.length);
    new DataView(record.buffer).setUint32(0, oldest, true);
    record[MARK - 1] = CHANNELS.indexOf(channel);
    record.set(payload, MARK);
    nvram.write(cellName(cell), encodeRecord(number, record));
    return cell;
  }

  #release(entry: Entry): void {
    if (entry.cell !== undefined) this.#freeCells.push(entry.cell);
  }

  #recover(nvram: Nvram): void {
    const found: Entry[] = [];
    let acknowledged = 0;
    const free: number[] = [];
    const own = this.#capacity + SENDING_LIMIT;
    // The lowest free cell is always the next, so the first that was never written ends them: also those of a buffer that
    // was longer before the power went.
    for (let cell = 0; ; cell++) {
      const record = readRecord(nvram.read(cellName(cell)));
      if (record.kind === "unwritten" && cell >= own) break;
      if (record.kind === "valid" && record.payload.length > MARK) {
        const oldest = new DataView(record.payload.buffer, record.payload.byteOffset).getUint32(0, true);
        const channel = CHANNELS[record.payload[MARK - 1] as number] ?? "telemetry";
        acknowledged = Math.max(acknowledged, oldest);
        found.push({ number: record.sequence, channel, payload: record.payload.subarray(MARK), cell });
      } else if (cell < own) free.push(cell);
    }
    for (const cell of free.reverse()) this.#freeCells.push(cell);
    found.sort((a, b) => a.number - b.number);
    this.#next = (found.at(-1)?.number ?? 0) + 1;
    this.#newestKept = found.at(-1);
    const open = found.filter(({ number }) => number >= acknowledged);
    const kept = new Set(open.slice(-this.#capacity));
    this.#dropped = open.length - kept.size;
    for (const entry of found) {
      if (kept.has(entry)) this.#waiting.push(entry);
      else this.#release(entry);
    }
  }
}

function cellName(cell: number): string {
  return `mqtt-${cell}`;
}
