/** The client's side of a Modbus TCP connection: several requests in flight, told apart by their transaction ids. */
import { assert, failure } from "../../src/core/result.ts";
import { ByteArena } from "./arena.ts";
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
import { MBAP_LENGTH, putMbap, uint16At } from "./frame.ts";
import { MbapReader } from "./mbap.ts";
import { type ModbusRequest, putRequest, refusalOf, requestSize } from "./message.ts";
import { parseReply } from "./reply.ts";

export interface TcpClientOptions {
  readonly framing: "tcp";
  /** µs from the send to the reply, for each request by itself. */
  readonly responseTimeout: number;
  /** Requests sent before the first is answered, 1 .. 64; default 1, because many meters serve one at a time. */
  readonly maxInFlight?: number;
}

interface InFlight extends Pending {
  readonly transaction: number;
  readonly sentAt: number;
}

const MAX_IN_FLIGHT = 64;

/** Of all clients: what one builds it takes before another begins. */
const ARENA = new ByteArena();

export class TcpClient implements LinkClient {
  readonly #responseTimeout: number;
  readonly #maxInFlight: number;
  readonly #queue: Pending[] = [];
  /** In the order of sending, so the first is the first to time out. */
  readonly #inFlight: InFlight[] = [];
  readonly #reader = new MbapReader();
  #transaction = 0;
  #up = false;

  constructor(options: TcpClientOptions) {
    const max = options.maxInFlight ?? 1;
    assert(Number.isInteger(max) && max >= 1 && max <= MAX_IN_FLIGHT, "maxInFlight is 1 .. 64");
    this.#responseTimeout = options.responseTimeout;
    this.#maxInFlight = max;
  }

  get outstanding(): number {
    return this.#queue.length + this.#inFlight.length;
  }

  submit(ticket: number, unit: number, request: ModbusRequest, mono: number): readonly ClientEffect[] {
    const refusal =
      refusalOf(request) ?? (unit >= 0 && unit <= 255 && Number.isInteger(unit) ? undefined : "no such unit");
    if (refusal !== undefined) return refused(ticket, refusal);
    if (!this.#up) return [done(ticket, LINK_DOWN, 0)];
    if (this.#inFlight.length < this.#maxInFlight)
      return [{ kind: "send", bytes: this.#send({ ticket, unit, request }, mono) }];
    if (this.#queue.length >= QUEUE_LIMIT) return refused(ticket, `${QUEUE_LIMIT} requests wait already`);
    this.#queue.push({ ticket, unit, request });
    return [];
  }

  receive(bytes: Uint8Array, mono: number): readonly ClientEffect[] {
    const effects: ClientEffect[] = [];
    const reader = this.#reader;
    reader.offer(bytes);
    while (reader.next()) this.#match(reader.bytes, reader.at, reader.pduLength, mono, effects);
    if (reader.fault !== undefined) {
      // Nothing that was asked can be trusted to find its reply any more.
      this.#failInFlight(failure({ kind: "bad-reply", detail: reader.fault }), mono, effects);
      reader.clear();
    }
    return this.#sendNext(mono, effects);
  }

  wake(mono: number): readonly ClientEffect[] {
    const effects: ClientEffect[] = [];
    while (mono >= this.#firstDeadline()) {
      const late = this.#inFlight.shift() as InFlight;
      effects.push(done(late.ticket, TIMEOUT, mono - late.sentAt));
    }
    return this.#sendNext(mono, effects);
  }

  nextWake(): number {
    return this.#firstDeadline();
  }

  linkUp(_mono: number): readonly ClientEffect[] {
    this.#up = true;
    this.#reader.clear();
    return [];
  }

  linkDown(mono: number): readonly ClientEffect[] {
    this.#up = false;
    const effects: ClientEffect[] = [];
    this.#failInFlight(LINK_DOWN, mono, effects);
    for (const waiting of this.#queue.splice(0)) effects.push(done(waiting.ticket, LINK_DOWN, 0));
    return effects;
  }

  #firstDeadline(): number {
    const first = this.#inFlight[0];
    return first === undefined ? Number.POSITIVE_INFINITY : first.sentAt + this.#responseTimeout;
  }

  #failInFlight(result: ClientResult, mono: number, effects: ClientEffect[]): void {
    for (const asked of this.#inFlight.splice(0)) effects.push(done(asked.ticket, result, mono - asked.sentAt));
  }

  #sendNext(mono: number, effects: ClientEffect[]): readonly ClientEffect[] {
    while (this.#queue.length > 0 && this.#inFlight.length < this.#maxInFlight)
      effects.push({ kind: "send", bytes: this.#send(this.#queue.shift() as Pending, mono) });
    return effects;
  }

  #send(next: Pending, mono: number): Uint8Array {
    do this.#transaction = (this.#transaction + 1) & 0xffff;
    while (this.#indexOf(this.#transaction) >= 0);
    const size = requestSize(next.request);
    ARENA.reserve(MBAP_LENGTH + size);
    putMbap(ARENA.bytes, ARENA.end, this.#transaction, next.unit, size);
    putRequest(next.request, ARENA.bytes, ARENA.end + MBAP_LENGTH);
    ARENA.end += MBAP_LENGTH + size;
    this.#inFlight.push({
      ticket: next.ticket,
      unit: next.unit,
      request: next.request,
      transaction: this.#transaction,
      sentAt: mono,
    });
    return ARENA.take();
  }

  #indexOf(transaction: number): number {
    for (let i = 0; i < this.#inFlight.length; i++) if (this.#inFlight[i]?.transaction === transaction) return i;
    return -1;
  }

  #match(bytes: Uint8Array, at: number, length: number, mono: number, effects: ClientEffect[]): void {
    const index = this.#indexOf(uint16At(bytes, at));
    // A late reply, whose request has timed out, or one to nobody.
    if (index < 0) return;
    const asked = this.#inFlight[index] as InFlight;
    if (index === 0) this.#inFlight.shift();
    else this.#inFlight.splice(index, 1);
    const unit = bytes[at + 6] as number;
    const result: ClientResult =
      unit === asked.unit
        ? parseReply(asked.request, bytes, at + MBAP_LENGTH, length)
        : failure({ kind: "bad-reply", detail: `unit ${unit} answers for unit ${asked.unit}` });
    effects.push(done(asked.ticket, result, mono - asked.sentAt));
  }
}
