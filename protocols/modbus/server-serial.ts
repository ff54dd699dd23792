/** The server's side of a serial line, RTU or ASCII: one unit that hears everything, and speaks only when asked. */
import { assert } from "../../src/core/result.ts";
import { type LineCounters, LineDiagnostics } from "./diagnostics.ts";
import { EXCEPTION } from "./errors.ts";
import { BROADCAST, MAX_PDU, MAX_UNIT } from "./frame.ts";
import {
  EXCEPTION_BIT,
  FUNCTIONS,
  READ_EXCEPTION_STATUS,
  replyAduLength,
  requestAduLength,
  UNKNOWN,
} from "./functions.ts";
import { type ModbusDataModel, putException, respond } from "./respond.ts";
import type { FrameUser, SerialFramer } from "./rtu-framer.ts";
import { type SerialFraming, type SerialLine, serialLine } from "./serial-line.ts";

/**
 * The caller owes it wakes at {@link nextWake}; a reply is due when the line is silent: t3.5 after the last byte of its
 * request in RTU, at once in ASCII.
 */
export class ModbusSerialServer {
  readonly #unit: number;
  readonly #model: ModbusDataModel;
  readonly #line: SerialLine;
  readonly #framer: SerialFramer;
  readonly #diagnostics: LineDiagnostics;
  readonly #out = new Uint8Array(1 + MAX_PDU);
  #reply: Uint8Array | undefined;
  #heardAt = 0;

  constructor(unit: number, model: ModbusDataModel, framing: SerialFraming) {
    assert(Number.isInteger(unit) && unit >= 1 && unit <= MAX_UNIT, "a unit is 1 .. 247");
    this.#unit = unit;
    this.#model = model;
    this.#line = serialLine(framing);
    this.#diagnostics = new LineDiagnostics(framing.framing === "ascii");
    const user: FrameUser = {
      frame: (bytes, at, length) => this.#take(bytes, at, length),
      damaged: () => this.#diagnostics.damaged(),
      lengthAt: (bytes, at, end, shape) =>
        shape === "request"
          ? requestAduLength(bytes, at, end)
          : this.#hears(bytes[at] as number)
            ? UNKNOWN
            : replyAduLength(bytes, at, end),
      concerns: (addressed, code) => this.#hears(addressed) && FUNCTIONS[code] !== undefined,
    };
    this.#framer = this.#line.framer(user);
  }

  get counters(): Readonly<LineCounters> {
    return this.#diagnostics.counters;
  }

  /** One or more bytes, the last of which ended at `mono`. */
  receive(bytes: Uint8Array, mono: number): void {
    this.#heardAt = mono;
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
    return this.#reply !== undefined && this.#framer.idle ? this.#heardAt : this.#framer.nextWake();
  }

  /** Whether a request to `unit` is one to this server. */
  #hears(unit: number): boolean {
    return unit === this.#unit || unit === BROADCAST;
  }

  #take(bytes: Uint8Array, at: number, length: number): void {
    const diagnostics = this.#diagnostics;
    diagnostics.count("busMessages");
    // The master has gone on: a reply that still waits would answer a question nobody asks any more.
    this.#reply = undefined;
    const unit = bytes[at] as number;
    if (!this.#hears(unit)) return;
    const broadcast = unit === BROADCAST;
    diagnostics.received(broadcast);
    if (broadcast || diagnostics.listenOnly) diagnostics.count("noResponses");
    const size = diagnostics.listenOnly
      ? this.#listen(bytes, at + 1, length - 1, broadcast)
      : broadcast
        ? this.#obey(bytes, at + 1, length - 1)
        : this.#answer(bytes, at + 1, length - 1);
    if (size === 0) return;
    this.#out[0] = unit;
    this.#reply = this.#line.frame(this.#out, 1 + size);
    diagnostics.finish(bytes, at + 1, this.#out, 1);
    if (diagnostics.delimiter !== undefined) this.#line.setDelimiter?.(diagnostics.delimiter);
  }

  /** Listen-only mode: nothing is done or answered, but a restart ends it, in silence too (V1.1b3, 6.8.1). */
  #listen(bytes: Uint8Array, from: number, length: number, broadcast: boolean): 0 {
    if (!broadcast) this.#diagnostics.restartIfAsked(bytes, from, length);
    return 0;
  }

  /** A write to all, which nobody answers. */
  #obey(bytes: Uint8Array, from: number, length: number): 0 {
    if (FUNCTIONS[bytes[from] as number]?.write !== true) return 0;
    respond(this.#model, bytes, from, length, this.#out, 1);
    if (((this.#out[1] as number) & EXCEPTION_BIT) === 0) this.#diagnostics.answered(this.#out, 1);
    return 0;
  }

  /** Builds the reply PDU behind the unit; returns its length, 0 for none. */
  #answer(bytes: Uint8Array, from: number, length: number): number {
    const out = this.#out;
    const own =
      this.#diagnostics.answer(bytes, from, length, out, 1) ??
      exceptionStatus(this.#model, bytes, from, length, out, 1);
    if (own === 0) return 0;
    const size =
      own === undefined
        ? respond(this.#model, bytes, from, length, out, 1)
        : own > 0
          ? own
          : putException(bytes[from] as number, -own, out, 1);
    this.#diagnostics.answered(out, 1);
    return size;
  }
}

/** Function 07, which exists on serial lines only; undefined for every other. */
function exceptionStatus(
  model: ModbusDataModel,
  request: Uint8Array,
  from: number,
  length: number,
  out: Uint8Array,
  at: number,
): number | undefined {
  if (request[from] !== READ_EXCEPTION_STATUS) return undefined;
  if (model.exceptionStatus === undefined) return -EXCEPTION.illegalFunction;
  if (length !== 1) return -EXCEPTION.illegalDataValue;
  out[at] = READ_EXCEPTION_STATUS;
  out[at + 1] = model.exceptionStatus();
  return 2;
}
