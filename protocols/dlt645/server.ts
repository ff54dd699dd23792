/** The meter's side of one line: hears every byte, answers what it is asked after the response delay Td. */
import { assert } from "../../src/core/result.ts";
import { MICROS_PER_MS } from "../../src/core/time.ts";
import { type Dlt645Frame, encodeFrame } from "./frame.ts";
import { Dlt645Framer } from "./framer.ts";
import { baudOf, FROM_METER, FUNCTION } from "./functions.ts";
import { type Dlt645Model, Dlt645Responder } from "./respond.ts";
import type { Dlt645Station } from "./station.ts";

export interface Dlt645ServerOptions {
  /** Td, µs from the last byte of the request: 20 to 500 ms (recalled). Default 30 ms. */
  readonly replyDelay?: number;
  /** FE before a reply; captures show 0 to 4. Default 4. */
  readonly preamble?: number;
}

const DELAY_MIN = 20 * MICROS_PER_MS;
const DELAY_MAX = 500 * MICROS_PER_MS;

/** The caller owes it wakes at {@link nextWake}. Requests are carried out as soon as their frame is there. */
export class Dlt645Server {
  readonly #responder: Dlt645Responder;
  readonly #framer: Dlt645Framer;
  readonly #delay: number;
  readonly #preamble: number;
  readonly #station: Dlt645Station;
  readonly #model: Dlt645Model;
  #reply: Uint8Array | undefined;
  /** The rate that the waiting reply agrees to. */
  #rate: number | undefined;
  #due = Number.POSITIVE_INFINITY;

  constructor(station: Dlt645Station, model: Dlt645Model, options: Dlt645ServerOptions = {}) {
    this.#delay = options.replyDelay ?? 30 * MICROS_PER_MS;
    assert(this.#delay >= DELAY_MIN && this.#delay <= DELAY_MAX, "a meter replies after 20 to 500 ms");
    this.#preamble = options.preamble ?? 4;
    this.#station = station;
    this.#model = model;
    this.#responder = new Dlt645Responder(station, model);
    this.#framer = new Dlt645Framer((frame) => this.#take(frame));
  }

  /** Bytes, the last of which ended at `mono`. */
  receive(bytes: Uint8Array, mono: number): void {
    this.#framer.receive(bytes, mono);
  }

  /** The reply to send now, if one is due. */
  wake(mono: number): Uint8Array | undefined {
    this.#framer.wake(mono);
    if (mono < this.#due) return undefined;
    const reply = this.#reply;
    const rate = this.#rate;
    this.#forget();
    if (rate !== undefined) this.#model.baudAgreed?.(rate);
    return reply;
  }

  /** When to be woken, monotonic µs; Infinity when idle. */
  nextWake(): number {
    return Math.min(this.#framer.nextWake(), this.#due);
  }

  #take(frame: Dlt645Frame): void {
    // The line has gone on: a reply that still waits would answer a question nobody asks any more.
    this.#forget();
    const reply = this.#responder.take(frame);
    if (reply === undefined) return;
    this.#reply = encodeFrame(reply, this.#preamble);
    if (reply.control === (FROM_METER | FUNCTION.changeBaud))
      this.#rate = baudOf(reply.data[0] as number, this.#station.baudCoding);
    this.#due = this.#framer.lastByteAt + this.#delay;
  }

  #forget(): void {
    this.#reply = undefined;
    this.#rate = undefined;
    this.#due = Number.POSITIVE_INFINITY;
  }
}
