/**
 * The client's side of a serial line, RTU or ASCII. One request at a time; in RTU t3.5 of silence before each frame; what
 * comes while nothing is asked is thrown away.
 */
import { failure, success } from "../../src/core/result.ts";
import { EchoFilter } from "../echo.ts";
import {
  type ClientEffect,
  type ClientResult,
  done,
  LINK_DOWN,
  type LinkClient,
  type Pending,
  QUEUE_LIMIT,
  refused,
  TIMEOUT,
} from "./client-link.ts";
import { BROADCAST, MAX_UNIT } from "./frame.ts";
import { EXCEPTION_BIT, FUNCTIONS, replyAduLength, UNKNOWN } from "./functions.ts";
import { LateReplies } from "./late-replies.ts";
import { isUnanswered, type ModbusRequest, putRequest, refusalOf, requestSize, unanswered } from "./message.ts";
import { parseReply } from "./reply.ts";
import type { FrameUser, SerialFramer } from "./rtu-framer.ts";
import { type SerialFraming, type SerialLine, serialLine } from "./serial-line.ts";

interface SerialOptions {
  /** µs from the end of the request until the reply must have begun. */
  readonly responseTimeout: number;
  /** µs that the units get to carry out a broadcast; default 100 ms. */
  readonly turnaround?: number;
  /**
   * The line's adapter hears what it sends: each request must come back before its reply, and is taken away. To be set where
   * it is so and only there, because the reply to a write of one value is equal to the request.
   */
  readonly echo?: boolean;
}

export type SerialClientOptions = SerialOptions & SerialFraming;

const CHANGE_DELIMITER = 3;

interface InFlight extends Pending {
  readonly sentAt: number;
  readonly deadline: number;
}

export class SerialClient implements LinkClient, FrameUser {
  readonly #line: SerialLine;
  readonly #responseTimeout: number;
  readonly #turnaround: number;
  readonly #framer: SerialFramer;
  readonly #echo: EchoFilter | undefined;
  /** When the last byte came that is kept back as an echo. */
  #echoAt = 0;
  readonly #queue: Pending[] = [];
  readonly #late: LateReplies;
  #inFlight: InFlight | undefined;
  #result: ClientResult | undefined;
  /** What was wrong with the unit's frames so far: the reason given if no good one follows. */
  #doubt: ClientResult | undefined;
  #up = false;
  /** When the line was last heard, or ended our own frame. */
  #activeAt = 0;
  /** The silence that must pass before the next frame. */
  #silence: number;
  /** When the first request in the queue started to wait for silence. */
  #waitingSince = 0;

  constructor(options: SerialClientOptions) {
    this.#line = serialLine(options);
    this.#responseTimeout = options.responseTimeout;
    this.#turnaround = options.turnaround ?? 100_000;
    this.#late = new LateReplies(options.responseTimeout);
    this.#silence = this.#line.silence;
    this.#framer = this.#line.framer(this);
    this.#echo = options.echo === true ? new EchoFilter() : undefined;
  }

  get outstanding(): number {
    return this.#queue.length + (this.#inFlight === undefined ? 0 : 1);
  }

  submit(ticket: number, unit: number, request: ModbusRequest, mono: number): readonly ClientEffect[] {
    const refusal = refusalOf(request) ?? refusalOfUnit(unit, request);
    if (refusal !== undefined) return refused(ticket, refusal);
    if (!this.#up) return [done(ticket, LINK_DOWN, 0)];
    if (this.#queue.length >= QUEUE_LIMIT) return refused(ticket, `${QUEUE_LIMIT} requests wait already`);
    if (this.#queue.length === 0) this.#waitingSince = mono;
    this.#queue.push({ ticket, unit, request });
    return this.#sendNext(mono, []);
  }

  receive(bytes: Uint8Array, mono: number): readonly ClientEffect[] {
    this.#activeAt = mono;
    if (this.#inFlight === undefined || this.#inFlight.unit === BROADCAST) return [];
    if (this.#echo === undefined) this.#framer.receive(bytes, mono);
    else this.#hearBehind(this.#echo, bytes, mono);
    return this.#progress(mono);
  }

  wake(mono: number): readonly ClientEffect[] {
    if (this.#inFlight !== undefined) this.#framer.wake(mono);
    return this.#progress(mono);
  }

  nextWake(): number {
    if (this.#inFlight !== undefined) {
      const end = this.#framer.idle ? this.#inFlight.deadline : this.#lastDeadline(this.#inFlight);
      return Math.min(end, this.#framer.nextWake());
    }
    if (this.#queue.length === 0) return Number.POSITIVE_INFINITY;
    return Math.min(this.#sendableAt(), this.#giveUpAt());
  }

  linkUp(mono: number): readonly ClientEffect[] {
    this.#up = true;
    this.#activeAt = mono;
    return [];
  }

  linkDown(mono: number): readonly ClientEffect[] {
    this.#up = false;
    this.#late.clear();
    const effects: ClientEffect[] = [];
    if (this.#inFlight !== undefined) this.#finish(this.#inFlight, LINK_DOWN, mono, effects);
    for (const waiting of this.#queue.splice(0)) effects.push(done(waiting.ticket, LINK_DOWN, 0));
    return effects;
  }

  frame(bytes: Uint8Array, at: number, length: number): void {
    const asked = this.#inFlight;
    // A reply of another unit leaves the timer running (serial line V1.02, master state diagram).
    if (asked === undefined || this.#result !== undefined || bytes[at] !== asked.unit) return;
    const result = parseReply(asked.request, bytes, at + 1, length - 1);
    // A good frame of this unit that does not fit is most likely its late reply to an earlier request. Failing at once
    // would send the next request while this one's reply is still to come, and so on for ever.
    if (!result.ok && result.error.kind === "bad-reply") this.#doubt = result;
    else this.#result = result;
  }

  damaged(bytes: Uint8Array, at: number, length: number, unfinished = false): void {
    const asked = this.#inFlight;
    if (asked === undefined || this.#result !== undefined || length < 2) return;
    // Noise before the reply does not end the wait; what begins as the reply does was the reply.
    const code = (bytes[at + 1] as number) & ~EXCEPTION_BIT;
    if (bytes[at] !== asked.unit || code !== asked.request.function) return;
    const result = failure({
      kind: "bad-reply",
      detail: "the reply is damaged: its check bytes, length or gaps are wrong",
    } as const);
    // A request must not be sent into the rest of a reply; and what only began like one may have been noise before it.
    if (unfinished) this.#doubt = result;
    else this.#result = result;
  }

  lengthAt(bytes: Uint8Array, at: number, end: number, shape: "request" | "reply"): number {
    return shape === "reply" ? replyAduLength(bytes, at, end) : UNKNOWN;
  }

  concerns(unit: number, code: number): boolean {
    const asked = this.#inFlight;
    return asked !== undefined && unit === asked.unit && (code & ~EXCEPTION_BIT) === asked.request.function;
  }

  /** Hears what is behind the echo; what began like it and went on otherwise is heard at its time after all. */
  #hearBehind(echo: EchoFilter, bytes: Uint8Array, mono: number): void {
    const { held } = echo;
    const heard = Uint8Array.from([...bytes].flatMap((byte) => echo.pass(byte)));
    const earlier = heard.length > bytes.length ? held : 0;
    this.#framer.receive(heard.subarray(0, earlier), this.#echoAt);
    this.#framer.receive(heard.subarray(earlier), mono);
    this.#echoAt = mono;
  }

  #progress(mono: number): readonly ClientEffect[] {
    const effects: ClientEffect[] = [];
    const asked = this.#inFlight;
    if (asked !== undefined) {
      const result = this.#result ?? this.#overdue(asked, mono);
      if (result === undefined) return effects;
      this.#finish(asked, result, mono, effects);
    }
    return this.#sendNext(mono, effects);
  }

  #overdue(asked: InFlight, mono: number): ClientResult | undefined {
    const end = this.#framer.idle ? asked.deadline : this.#lastDeadline(asked);
    if (mono < end) return undefined;
    if (asked.unit === BROADCAST || isUnanswered(asked.request)) return success(unanswered(asked.request));
    return this.#doubt ?? TIMEOUT;
  }

  /** A reply that began in time may end after the deadline, but noise must not keep the line for ever. */
  #lastDeadline(asked: InFlight): number {
    return asked.deadline + this.#line.wireTime(this.#line.longest) + this.#line.settled;
  }

  #finish(asked: InFlight, result: ClientResult, mono: number, effects: ClientEffect[]): void {
    const answered = this.#result !== undefined;
    const end = answered ? this.#framer.lastByteAt : mono;
    effects.push(done(asked.ticket, result, end - asked.sentAt));
    this.#inFlight = undefined;
    this.#result = undefined;
    this.#doubt = undefined;
    this.#framer.clear();
    this.#waitingSince = mono;
    if (result.ok) this.#followDelimiter(asked.request);
    if (answered) this.#late.answered(asked.unit, asked.request, asked.sentAt);
    if (answered || asked.unit === BROADCAST) return;
    this.#late.missed(asked.unit, asked.request, asked.sentAt);
    // A late reply may be under way in the host: the line is listened to before the next request.
    this.#silence = this.#line.settled;
    this.#activeAt = mono;
  }

  /** A unit that was told to end its frames otherwise (08/03) expects it of ours too. */
  #followDelimiter(request: ModbusRequest): void {
    if (request.function === 8 && request.subfunction === CHANGE_DELIMITER)
      this.#line.setDelimiter?.(request.data[0] as number);
  }

  /** A line that is never silent fails its requests instead of holding them. */
  #giveUpAt(): number {
    return Math.max(this.#waitingSince + this.#silence, this.#lateAt()) + this.#responseTimeout;
  }

  #sendableAt(): number {
    return Math.max(this.#activeAt + this.#silence, this.#lateAt());
  }

  #lateAt(): number {
    const next = this.#queue[0];
    return next === undefined ? 0 : this.#late.clearAt(next.unit, next.request);
  }

  #sendNext(mono: number, effects: ClientEffect[]): readonly ClientEffect[] {
    const next = this.#queue[0];
    if (next === undefined || this.#inFlight !== undefined) return effects;
    if (mono >= this.#sendableAt()) {
      this.#queue.shift();
      effects.push({ kind: "send", bytes: this.#send(next, mono) });
    } else if (mono >= this.#giveUpAt()) {
      this.#queue.shift();
      this.#waitingSince = mono;
      effects.push(done(next.ticket, TIMEOUT, 0));
    }
    return effects;
  }

  #send(next: Pending, mono: number): Uint8Array {
    const size = requestSize(next.request);
    const body = new Uint8Array(1 + size);
    body[0] = next.unit;
    putRequest(next.request, body, 1);
    const bytes = this.#line.frame(body, body.length);
    const end = mono + this.#line.wireTime(bytes.length);
    const wait = next.unit === BROADCAST ? this.#turnaround : this.#responseTimeout;
    this.#inFlight = { ...next, sentAt: mono, deadline: end + wait };
    this.#framer.clear();
    this.#echo?.expect(bytes);
    this.#activeAt = end;
    this.#silence = this.#line.silence;
    return bytes;
  }
}

function refusalOfUnit(unit: number, request: ModbusRequest): string | undefined {
  if (!Number.isInteger(unit) || unit < 0 || unit > MAX_UNIT) return `unit ${unit} is not 0 .. ${MAX_UNIT}`;
  if (unit === BROADCAST && FUNCTIONS[request.function]?.write !== true) return "nobody answers a read from unit 0";
  return undefined;
}
