/**
 * The reader's side of one DL/T 645 line. One request at a time; following frames are fetched and joined; repeating a
 * request that failed is for whoever asked.
 */
import { joinBytes } from "../../src/core/bytes.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { MICROS_PER_MS, MICROS_PER_SECOND } from "../../src/core/time.ts";
import { refusalOf } from "./check-request.ts";
import type { Dlt645Failure } from "./errors.ts";
import { addressMatches, BROADCAST, type Dlt645Frame, encodeFrame, MAX_FRAME } from "./frame.ts";
import { BYTE_GAP, Dlt645Framer } from "./framer.ts";
import { controlHex, FROM_METER, functionOf } from "./functions.ts";
import { type Dlt645Request, encodeRequest, FUNCTION_OF } from "./message.ts";
import { type Dlt645Reply, parseReply } from "./reply.ts";

export interface Dlt645ClientOptions {
  /** µs from the end of the request until the reply must have begun; a meter may take 500 ms. */
  readonly responseTimeout: number;
  /** Of a serial line, 11 bits a byte; absent over TCP. */
  readonly baud?: number;
  /** FE before a request; default 4. */
  readonly preamble?: number;
  /** µs of silence before a request; default 20 ms. */
  readonly gap?: number;
  /** µs that the meters get to carry out what nobody answers; default 100 ms. */
  readonly turnaround?: number;
}

/** `address` is the meter's own, also where the request had AA in its place. */
interface Dlt645Answer {
  readonly address: string;
  readonly reply: Exclude<Dlt645Reply, { kind: "refused" }>;
}

export type Dlt645Result = Result<Dlt645Answer, Dlt645Failure>;

export type Dlt645ClientEffect =
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** `latency`: µs from the first send to the last byte of the last reply, or to the failure; 0 when never sent. */
  | { readonly kind: "done"; readonly ticket: number; readonly result: Dlt645Result; readonly latency: number };

/** Requests that may wait behind the one in flight. */
const QUEUE_LIMIT = 256;
const BITS_PER_BYTE = 11;
const LAST_SEQUENCE = 255;

interface Asked {
  readonly ticket: number;
  readonly address: string;
  readonly request: Dlt645Request;
}

/** A request and what has come of it so far. */
interface InFlight extends Asked {
  /** The meter's own once it has answered. */
  address: string;
  /** What is asked just now: the request, or a following frame of it. */
  request: Dlt645Request;
  sentAt: number;
  /** Infinity until it was sent. */
  deadline: number;
  readonly parts: Uint8Array[];
}

export class Dlt645Client {
  readonly #options: Required<Omit<Dlt645ClientOptions, "baud">>;
  readonly #byteTime: number;
  readonly #framer = new Dlt645Framer((frame) => this.#frame(frame));
  readonly #queue: Asked[] = [];
  #inFlight: InFlight | undefined;
  #result: Dlt645Result | undefined;
  /** What was wrong with a frame of the meter that was asked: the reason given if no good one follows. */
  #doubt: string | undefined;
  #up = false;
  /** When the line was last heard, or ended our own frame. */
  #activeAt = 0;
  #waitingSince = 0;

  constructor(options: Dlt645ClientOptions) {
    this.#options = { preamble: 4, gap: 20 * MICROS_PER_MS, turnaround: 100 * MICROS_PER_MS, ...options };
    this.#byteTime = options.baud === undefined ? 0 : (BITS_PER_BYTE * MICROS_PER_SECOND) / options.baud;
  }

  /** Requests queued and in flight. */
  get outstanding(): number {
    return this.#queue.length + (this.#inFlight === undefined ? 0 : 1);
  }

  /**
   * Sends `request` to the meter, now or when its turn comes. What can't be sent is done at once. A broadcast, and a time
   * to one meter, is done after the turnaround: nobody answers it.
   */
  submit(ticket: number, address: string, request: Dlt645Request, mono: number): readonly Dlt645ClientEffect[] {
    const refusal = refusalOf(address, request);
    if (refusal !== undefined) return [done(ticket, failure({ kind: "bad-request", detail: refusal }), 0)];
    if (!this.#up) return [done(ticket, failure({ kind: "link-down" }), 0)];
    if (this.#queue.length >= QUEUE_LIMIT) {
      const detail = `${QUEUE_LIMIT} requests wait already`;
      return [done(ticket, failure({ kind: "bad-request", detail }), 0)];
    }
    this.#queue.push({ ticket, address, request });
    return this.#progress(mono);
  }

  /** Bytes from the link, the last of which came at `mono`. */
  receive(bytes: Uint8Array, mono: number): readonly Dlt645ClientEffect[] {
    this.#activeAt = Math.max(this.#activeAt, mono);
    if (this.#inFlight === undefined || this.#inFlight.deadline === Number.POSITIVE_INFINITY) return [];
    this.#framer.receive(bytes, mono);
    return this.#progress(mono);
  }

  /** To be called at {@link nextWake}; does nothing when nothing is due. */
  wake(mono: number): readonly Dlt645ClientEffect[] {
    this.#framer.wake(mono);
    return this.#progress(mono);
  }

  nextWake(): number {
    const asked = this.#inFlight;
    if (asked === undefined) return Number.POSITIVE_INFINITY;
    if (asked.deadline === Number.POSITIVE_INFINITY)
      return Math.min(this.#activeAt + this.#options.gap, this.#giveUpAt());
    return Math.min(this.#endOf(asked), this.#framer.nextWake());
  }

  linkUp(mono: number): readonly Dlt645ClientEffect[] {
    this.#up = true;
    this.#activeAt = mono;
    return [];
  }

  /** Everything outstanding is done with `link-down`. */
  linkDown(mono: number): readonly Dlt645ClientEffect[] {
    this.#up = false;
    const effects: Dlt645ClientEffect[] = [];
    if (this.#inFlight !== undefined) this.#finish(this.#inFlight, failure({ kind: "link-down" }), mono, effects);
    for (const { ticket } of this.#queue.splice(0)) effects.push(done(ticket, failure({ kind: "link-down" }), 0));
    return effects;
  }

  #frame(frame: Dlt645Frame): void {
    const asked = this.#inFlight;
    if (asked === undefined || this.#result !== undefined || asked.deadline === Number.POSITIVE_INFINITY) return;
    // Our own echo, and what other meters say.
    if ((frame.control & FROM_METER) === 0 || !addressMatches(asked.address, frame.address)) return;
    if (functionOf(frame.control) !== FUNCTION_OF[asked.request.kind]) {
      this.#doubt = `the reply has control ${controlHex(frame.control)}`;
      return;
    }
    const parsed = parseReply(frame.control, frame.data);
    if (!parsed.ok) this.#doubt = parsed.error.detail;
    else this.#take(asked, frame.address, parsed.value);
  }

  /** A reply that does not fit is most likely a late one to an earlier request: the wait goes on. */
  #take(asked: InFlight, address: string, reply: Dlt645Reply): void {
    if (reply.kind === "refused") {
      this.#result = failure(reply);
      return;
    }
    if (reply.kind !== "data") {
      this.#result = success({ address, reply });
      return;
    }
    const { request } = asked;
    if (!("identifier" in request) || reply.identifier !== request.identifier) {
      this.#doubt = "the reply has another identifier";
      return;
    }
    const sequence = request.kind === "read-following" ? request.sequence : 0;
    if ((reply.sequence ?? 0) !== sequence) {
      this.#doubt = `following frame ${reply.sequence} came instead of ${sequence}`;
      return;
    }
    asked.address = address;
    asked.parts.push(reply.data);
    if (!reply.more) this.#result = success({ address, reply: { ...reply, data: joinBytes(asked.parts) } });
    else if (sequence === LAST_SEQUENCE)
      this.#result = failure({ kind: "bad-reply", detail: "the data has no end after 255 following frames" });
    else this.#askNext(asked, { kind: "read-following", identifier: reply.identifier, sequence: sequence + 1 });
  }

  #askNext(asked: InFlight, request: Dlt645Request): void {
    asked.request = request;
    asked.deadline = Number.POSITIVE_INFINITY;
    this.#doubt = undefined;
    this.#waitingSince = this.#framer.lastByteAt;
  }

  #progress(mono: number): readonly Dlt645ClientEffect[] {
    const effects: Dlt645ClientEffect[] = [];
    const asked = this.#inFlight;
    if (asked !== undefined) {
      const result = this.#result ?? this.#overdue(asked, mono);
      if (result !== undefined) this.#finish(asked, result, mono, effects);
    }
    this.#startNext(mono);
    this.#sendWhenQuiet(mono, effects);
    return effects;
  }

  #overdue(asked: InFlight, mono: number): Dlt645Result | undefined {
    if (asked.deadline === Number.POSITIVE_INFINITY) {
      const quiet = mono >= this.#activeAt + this.#options.gap;
      return quiet || mono < this.#giveUpAt() ? undefined : failure({ kind: "timeout" });
    }
    if (mono < this.#endOf(asked)) return undefined;
    if (isUnanswered(asked)) return success({ address: asked.address, reply: { kind: "done" } });
    if (this.#doubt !== undefined) return failure({ kind: "bad-reply", detail: this.#doubt });
    const { junk } = this.#framer;
    if (junk > 0) return failure({ kind: "bad-reply", detail: `${junk} bytes came that are no good frame` });
    return failure({ kind: "timeout" });
  }

  /** A reply that began in time may end after the deadline, but noise must not keep the line for ever. */
  #endOf(asked: InFlight): number {
    return this.#framer.idle ? asked.deadline : asked.deadline + this.#byteTime * MAX_FRAME + BYTE_GAP;
  }

  /** A line that is never silent fails its requests instead of holding them. */
  #giveUpAt(): number {
    return this.#waitingSince + this.#options.gap + this.#options.responseTimeout;
  }

  #finish(asked: InFlight, result: Dlt645Result, mono: number, effects: Dlt645ClientEffect[]): void {
    const end = this.#result === undefined ? mono : this.#framer.lastByteAt;
    effects.push(done(asked.ticket, result, Number.isFinite(asked.sentAt) ? end - asked.sentAt : 0));
    this.#inFlight = undefined;
    this.#result = undefined;
    this.#framer.clear();
  }

  #startNext(mono: number): void {
    if (this.#inFlight !== undefined) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#inFlight = { ...next, sentAt: Number.NaN, deadline: Number.POSITIVE_INFINITY, parts: [] };
    this.#doubt = undefined;
    this.#waitingSince = mono;
  }

  #sendWhenQuiet(mono: number, effects: Dlt645ClientEffect[]): void {
    const asked = this.#inFlight;
    if (asked === undefined || asked.deadline !== Number.POSITIVE_INFINITY) return;
    if (mono < this.#activeAt + this.#options.gap) return;
    const data = encodeRequest(asked.request);
    const frame = { address: asked.address, control: FUNCTION_OF[asked.request.kind], data };
    const bytes = encodeFrame(frame, this.#options.preamble);
    this.#framer.clear();
    this.#activeAt = mono + Math.ceil(this.#byteTime * bytes.length);
    if (Number.isNaN(asked.sentAt)) asked.sentAt = mono;
    const { turnaround, responseTimeout } = this.#options;
    asked.deadline = this.#activeAt + (isUnanswered(asked) ? turnaround : responseTimeout);
    effects.push({ kind: "send", bytes });
  }
}

function isUnanswered(asked: Asked): boolean {
  return asked.address === BROADCAST || asked.request.kind === "set-time";
}

function done(ticket: number, result: Dlt645Result, latency: number): Dlt645ClientEffect {
  return { kind: "done", ticket, result, latency };
}
