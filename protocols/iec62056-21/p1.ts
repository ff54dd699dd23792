/**
 * Pushed telegrams, `/identification CRLF CRLF data ! [CRC] CRLF`: mode D, and the consumer port P1 of DSMR meters, which from
 * version 4 on ends with a CRC-16. P1 does not keep the line limit of the standard.
 */
import { failure, type Result, success } from "../../src/core/result.ts";
import { type DataSet, parseDataSets } from "./dataset.ts";
import type { Iec62056Error } from "./errors.ts";
import { LF, toText } from "./frame.ts";
import { type Identification, parseIdentification } from "./message.ts";
import { parseObis } from "./obis.ts";

export interface Telegram {
  readonly identification: Identification;
  readonly sets: readonly DataSet[];
  /** Ten times the P1 version (`1-3:0.2.8(50)` is 5.0); undefined where the telegram does not say. */
  readonly version: number | undefined;
  readonly check: "good" | "none";
}

/** Telegrams of four M-Bus channels with messages are below 4 KiB. */
export const TELEGRAM_LIMIT = 16_384;
const FIRST_VERSION_WITH_CRC = 40;
const VERSION_CODE = "1-3:0.2.8";
const SLASH = 0x2f;
const BANG = 0x21;

/** CRC-16 with polynomial A001 (reflected) and initial value 0 over `/` to `!`, as P1 prints it: four capital hex digits. */
export function telegramCrc(bytes: Uint8Array): string {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc.toString(16).toUpperCase().padStart(4, "0");
}

/** The P1 version a telegram names, times ten. */
export function telegramVersion(sets: readonly DataSet[]): number | undefined {
  const value = sets.find((set) => parseObis(set.address)?.code === VERSION_CODE)?.groups[0]?.value;
  return value !== undefined && /^\d{2}$/.test(value) ? Number(value) : undefined;
}

export function promisesCrc(version: number | undefined): boolean {
  return version !== undefined && version >= FIRST_VERSION_WITH_CRC;
}

/** Reads one telegram from its `/` to its end. A CRC that is there must be right; one that its version promises must be there. */
export function parseTelegram(bytes: Uint8Array): Result<Telegram, Iec62056Error> {
  if (bytes.length > TELEGRAM_LIMIT) return failure({ kind: "too-long", limit: TELEGRAM_LIMIT });
  const text = toText(bytes);
  const line = /^[^\r\n]*/.exec(text)?.[0] ?? "";
  const identification = parseIdentification(line);
  if (!identification.ok) return failure({ kind: "bad-frame", offset: 0, detail: identification.error });
  const end = closingMark(text, line.length);
  if (end < 0) return failure({ kind: "bad-frame", offset: text.length, detail: "the telegram ends without !" });
  const tail = /^([0-9A-Fa-f]{4})?\s*$/.exec(text.slice(end + 1));
  if (tail === null)
    return failure({ kind: "bad-frame", offset: end + 1, detail: "only four hex digits follow the !" });
  const found = tail[1];
  const computed = telegramCrc(bytes.subarray(0, end + 1));
  if (found !== undefined && found.toUpperCase() !== computed) return failure({ kind: "bad-crc", found, computed });
  const sets = parseDataSets(text.slice(line.length, end));
  if (!sets.ok)
    return "offset" in sets.error ? failure({ ...sets.error, offset: line.length + sets.error.offset }) : sets;
  const version = telegramVersion(sets.value);
  if (found === undefined && version !== undefined && promisesCrc(version))
    return failure({ kind: "missing-crc", version });
  return success({
    identification: identification.value,
    sets: sets.value,
    version,
    check: found === undefined ? "none" : "good",
  });
}

/** The `!` that closes the data: the first one outside of parentheses; −1 where there is none. */
export function closingMark(text: string, from: number): number {
  let inside = false;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === "(") inside = true;
    else if (character === ")") inside = false;
    else if (character === "!" && !inside) return at;
  }
  return -1;
}

/** Cuts telegrams out of a stream with a bounded memory; what is not between `/` and the line of the `!` is skipped. */
export class TelegramStream {
  readonly #buffer = new Uint8Array(TELEGRAM_LIMIT);
  #length = 0;
  #inside = false;
  #closing = false;

  clear(): void {
    this.#length = 0;
    this.#inside = false;
    this.#closing = false;
  }

  /** The telegram that this character completes; its bytes are its own. */
  feed(byte: number): Uint8Array | undefined {
    const lineStart = this.#length > 0 && this.#buffer[this.#length - 1] === LF;
    // A slash that begins a line begins a telegram, even inside of one whose end was lost.
    if (byte === SLASH && (this.#length === 0 || lineStart)) this.clear();
    else if (this.#length === 0) return undefined;
    if (this.#length === TELEGRAM_LIMIT) {
      this.clear();
      return undefined;
    }
    this.#buffer[this.#length++] = byte;
    if (byte === 0x28) this.#inside = true;
    else if (byte === 0x29) this.#inside = false;
    else if (byte === BANG && !this.#inside) this.#closing = true;
    if (!this.#closing || byte !== LF) return undefined;
    const telegram = this.#buffer.slice(0, this.#length);
    this.clear();
    return telegram;
  }
}
