/** The line as a scan sees it: how it is set, what was odd about it, and how long a silence must be. */

import { EchoFilter } from "../../../protocols/echo.ts";
import { EMPTY_BYTES } from "../../core/bytes.ts";
import { type LineFormat, wireTime } from "../../core/line-format.ts";
import { MICROS_PER_MS } from "../../core/time.ts";
import type { Heard, Listening, Probe } from "../probe.ts";

/** Beyond the 16 ms for which USB adapters hold bytes back. */
const LUMPS = 20 * MICROS_PER_MS;
/** A frame ends at 3.5 characters of silence (Modbus serial line V1.02, 2.5.1.1); drivers are not exact. */
const SILENT_CHARACTERS = 5;
/** Servers hang up on what they can't read: that alone is no loss. */
const LOST_FOR_GOOD = 4;
/** One stray byte is what a line without bias makes by itself. */
const LEAST_GARBLE = 2;
const LONGEST_READOUT_PAUSE = 1_500 * MICROS_PER_MS;

export class ScanLine {
  /** Undefined on TCP. */
  format: LineFormat | undefined;
  readonly patience: number;
  /** µs of exchanges so far. */
  spent = 0;
  connected = false;
  /** Why there is no connection, from the start or any more. */
  unreachable: string | undefined;
  echoes = false;
  #transaction = 0;
  /** Exchanges one after the other that ended with the connection. */
  #lost = 0;

  constructor(format: LineFormat | undefined, patience: number) {
    this.format = format;
    this.patience = patience;
  }

  /** Requests of Modbus TCP are told apart by numbers, so a late reply does no harm. */
  nextTransaction(): number {
    this.#transaction = (this.#transaction + 1) & 0xffff;
    return this.#transaction;
  }

  /** µs after which nothing more of a frame comes. */
  get quiet(): number {
    return this.format === undefined ? LUMPS : Math.max(LUMPS, wireTime(SILENT_CHARACTERS, this.format));
  }

  /** µs that a request without an answer takes. */
  cost(characters: number, first = this.patience): number {
    return first + (this.format === undefined ? 0 : wireTime(characters, this.format));
  }

  *set(format: LineFormat | undefined): Probe<void> {
    if (format === undefined || same(format, this.format)) return;
    this.format = format;
    yield { kind: "format", format };
  }

  /** Sends, and gives what came without the echo of what was sent. */
  *exchange(send: Uint8Array, listening: Partial<Listening> = {}): Probe<Heard> {
    const { enough } = listening;
    const listen: Listening = {
      first: this.patience,
      quiet: this.quiet,
      ...listening,
      ...(enough === undefined ? {} : { enough: (bytes: Uint8Array) => enough(withoutEcho(send, bytes)) }),
    };
    const heard = yield* this.#hear(send, listen);
    const bytes = withoutEcho(send, heard.bytes);
    if (send.length === 0 || heard.bytes.length - bytes.length !== send.length) return { ...heard, bytes };
    this.echoes = true;
    // The echo ended the waiting, and the answer is still to come.
    return bytes.length === 0 && heard.ended === "quiet"
      ? yield* this.exchange(EMPTY_BYTES, listening)
      : { ...heard, bytes };
  }

  *#hear(send: Uint8Array, listen: Listening): Probe<Heard> {
    const heard = yield { kind: "exchange", send, listen };
    this.spent += heard.endedAt - heard.sentAt;
    // What was sent at its very end was never sent: there was no connection.
    if (heard.ended !== "closed" || heard.sentAt < heard.endedAt) this.connected = true;
    this.#lost = heard.ended === "closed" ? this.#lost + 1 : 0;
    if (this.#lost >= (this.connected ? LOST_FOR_GOOD : 1)) this.unreachable = heard.reason ?? "no connection";
    return heard;
  }

  /** Waits until nobody talks any more, at most for `longest` µs. */
  *settle(longest = LONGEST_READOUT_PAUSE): Probe<void> {
    yield* this.exchange(EMPTY_BYTES, { first: this.quiet, longest });
  }
}

/** Whether something came that is no answer and more than a stray byte. */
export function isGarble(bytes: Uint8Array): boolean {
  return bytes.length >= LEAST_GARBLE;
}

function withoutEcho(sent: Uint8Array, heard: Uint8Array): Uint8Array {
  const echo = new EchoFilter();
  echo.expect(sent);
  const passed: number[] = [];
  for (const byte of heard) passed.push(...echo.pass(byte));
  // What was kept back may be the start of an answer that begins like the request.
  return Uint8Array.from(passed.length === 0 && echo.held > 0 ? heard : passed);
}

function same(a: LineFormat, b: LineFormat | undefined): boolean {
  return a.baud === b?.baud && a.parity === b.parity && a.dataBits === b.dataBits && a.stopBits === b.stopBits;
}
