/** The server's side of an RTU line: one unit that hears everything, and speaks only when asked. */
import { assert } from "../../src/core/result.ts";
import { BROADCAST, MAX_RTU_ADU, MAX_UNIT, putCrc } from "./frame.ts";
import { EXCEPTION_BIT, FUNCTIONS, replyAduLength, requestAduLength, UNKNOWN } from "./functions.ts";
import { type ModbusDataModel, respond } from "./respond.ts";
import { type FrameUser, type RtuFramer, rtuFramer } from "./rtu-framer.ts";
import type { RtuTiming } from "./timing.ts";

/** What the unit has counted since it started. */
export interface RtuServerCounters {
  /** Frames with a good CRC, to any unit. */
  busMessages: number;
  /** Bursts that were no good frame: CRC, length, gaps. */
  crcErrors: number;
  /** Frames to this unit or to all. */
  serverMessages: number;
  exceptions: number;
  /** Frames to all, which get no reply. */
  noResponses: number;
}

/** The caller owes it wakes at {@link nextWake}; a reply is due t3.5 after the last byte of its request. */
export class ModbusRtuServer {
  readonly counters: RtuServerCounters = {
    busMessages: 0,
    crcErrors: 0,
    serverMessages: 0,
    exceptions: 0,
    noResponses: 0,
  };
  readonly #unit: number;
  readonly #model: ModbusDataModel;
  readonly #framer: RtuFramer;
  readonly #out = new Uint8Array(MAX_RTU_ADU);
  #reply: Uint8Array | undefined;

  constructor(unit: number, model: ModbusDataModel, timing: RtuTiming) {
    assert(Number.isInteger(unit) && unit >= 1 && unit <= MAX_UNIT, "a unit is 1 .. 247");
    this.#unit = unit;
    this.#model = model;
    const user: FrameUser = {
      frame: (bytes, at, length) => this.#take(bytes, at, length),
      damaged: () => {
        this.counters.crcErrors++;
      },
      lengthAt: (bytes, at, end, shape) =>
        shape === "request"
          ? requestAduLength(bytes, at, end)
          : this.#hears(bytes[at] as number)
            ? UNKNOWN
            : replyAduLength(bytes, at, end),
      concerns: (addressed, code) => this.#hears(addressed) && FUNCTIONS[code] !== undefined,
    };
    this.#framer = rtuFramer(timing, user);
  }

  /** One or more bytes, the last of which ended at `mono`. */
  receive(bytes: Uint8Array, mono: number): void {
    this.#framer.receive(bytes, mono);
  }

  /** The reply to send now, if one is due. */
  wake(mono: number): Uint8Array | undefined {
    this.#framer.wake(mono);
    if (this.#reply === undefined || !this.#framer.idle) return undefined;
    const reply = this.#reply;
    this.#reply = undefined;
    return reply;
  }

  /** When to be woken, monotonic µs; Infinity when idle. */
  nextWake(): number {
    return this.#framer.nextWake();
  }

  /** Whether a request to `unit` is one to this server. */
  #hears(unit: number): boolean {
    return unit === this.#unit || unit === BROADCAST;
  }

  #take(bytes: Uint8Array, at: number, length: number): void {
    this.counters.busMessages++;
    // The master has gone on: a reply that still waits would answer a question nobody asks any more.
    this.#reply = undefined;
    const unit = bytes[at] as number;
    if (!this.#hears(unit)) return;
    this.counters.serverMessages++;
    if (unit === BROADCAST) {
      this.counters.noResponses++;
      if (FUNCTIONS[bytes[at + 1] as number]?.write !== true) return;
    }
    const out = this.#out;
    const size = respond(this.#model, bytes, at + 1, length - 3, out, 1);
    if (unit === BROADCAST) return;
    if ((out[1] as number) & EXCEPTION_BIT) this.counters.exceptions++;
    out[0] = unit;
    this.#reply = out.slice(0, putCrc(out, 0, 1 + size));
  }
}
