/** Captured bytes of an IEC 62056-21 line or a P1 port, message by message: every field with its place, value and fault. */
import type { ExplainedField, ExplainedReading, Explanation } from "../explain.ts";
import { type DataSet, errorMessage, formatGroup, parseDataSets } from "./dataset.ts";
import { errorText, type Iec62056Error } from "./errors.ts";
import { ACK, blockCheck, EOT, ETX, evenParity, NAK, SOH, STX, toBytes, toText } from "./frame.ts";
import { IDENT_LIMIT, parseIdentification, parseRequest } from "./message.ts";
import { closingMark, promisesCrc, telegramCrc, telegramVersion } from "./p1.ts";
import { readingsOf } from "./readings.ts";

/** A day's telegrams fit; longer captures are to be cut. */
const INPUT_LIMIT = 1_048_576;

/**
 * Explains a capture. Parity bits are checked and taken off where there are any; text whose line ends an editor changed is
 * checked as it was on the wire. A block or telegram without check character is read with a note, one with a wrong one is
 * refused: no readings, and `error` says why.
 */
export function explainIec62056(bytes: Uint8Array): Explanation {
  if (bytes.length > INPUT_LIMIT)
    return { ok: false, error: errorText({ kind: "too-long", limit: INPUT_LIMIT }), fields: [], readings: [] };
  const capture = new Capture(bytes);
  capture.read();
  const error = capture.error;
  return error === undefined
    ? { ok: true, fields: capture.fields, readings: capture.readings }
    : { ok: false, error, fields: capture.fields, readings: [] };
}

/** Event logs of P1 stand on one line. */
const LONGEST_LINE = 4096;

const COMMANDS: Readonly<Record<string, string>> = {
  P: "password",
  R: "read",
  W: "write",
  E: "execute",
  B: "break",
};

class Capture {
  readonly fields: ExplainedField[] = [];
  readonly readings: ExplainedReading[] = [];
  error: string | undefined;
  readonly #bytes: Uint8Array;
  readonly #text: string;
  #at = 0;
  #skippedFrom: number | undefined;
  /** The identification before the data at hand: a telegram is checked from there on. */
  #telegramFrom: number | undefined;
  #messages = 0;

  constructor(bytes: Uint8Array) {
    let marked = 0;
    for (const byte of bytes) if (byte > 0x7f) marked++;
    // Half of the characters of a text have their parity bit set; fewer are noise.
    const parity = marked * 8 > bytes.length;
    this.#bytes = parity ? bytes.map((byte) => byte & 0x7f) : bytes;
    this.#text = toText(this.#bytes);
    if (!parity) return;
    const wrong = bytes.findIndex((byte) => !evenParity(byte));
    const fault = wrong < 0 ? undefined : errorText({ kind: "bad-parity", offset: wrong });
    this.#field(0, bytes.length, "parity", fault === undefined ? "even, taken off" : "not even", fault);
    this.error = fault;
  }

  read(): void {
    while (this.#at < this.#text.length) {
      const before = this.#at;
      this.#message();
      if (this.#at === before) this.#skip();
    }
    this.#endSkipped();
    if (this.#messages === 0) this.error ??= "no message of IEC 62056-21 and no data set in these bytes";
  }

  #message(): void {
    const code = this.#bytes[this.#at] as number;
    const line = /^\/[^\r\n]*/.exec(this.#text.slice(this.#at, this.#at + 128))?.[0];
    if (line !== undefined) this.#line(line);
    else if (code === SOH || code === STX) this.#block();
    else if (code === ACK) this.#acknowledgement();
    else if (code === NAK) this.#take(1, "NAK", "repeat, or refused");
    else if (/[\x21-\x7e]/.test(this.#text[this.#at] as string)) this.#plain();
  }

  #line(line: string): void {
    const address = parseRequest(line);
    if (address !== undefined) {
      this.#take(line.length, "request", address === "" ? "to any meter" : `to the meter ${address}`);
      return;
    }
    const identification = parseIdentification(line);
    if (!identification.ok) return;
    const { manufacturer, z, mode, baud, enhanced, ident } = identification.value;
    const start = this.#at;
    this.#take(line.length, "identification", line);
    this.#field(start + 1, 3, "manufacturer", manufacturer);
    this.#field(
      start + 4,
      1,
      "baud code",
      `${z}: ${mode === "A" ? "mode A, no change" : `mode ${mode}, ${baud} baud`}`,
    );
    if (enhanced !== "") this.#field(start + 5, 2 * enhanced.length, "enhanced sequences", enhanced);
    const fault = ident.length > IDENT_LIMIT ? `longer than ${IDENT_LIMIT} characters` : undefined;
    this.#field(start + line.length - ident.length, ident.length, "ident", ident, fault);
    this.#telegramFrom = start;
  }

  #crc(from: number, end: number): void {
    const found = this.#text.slice(end + 1, end + 5);
    const between = this.#text.slice(from, end + 1);
    const computed = telegramCrc(toBytes(between));
    const good = [computed, telegramCrc(toBytes(wireLines(between)))].includes(found.toUpperCase());
    const fault = good ? undefined : errorText({ kind: "bad-crc", found, computed });
    this.#field(end + 1, 4, "CRC-16", good ? `${found}: good` : found, fault);
    this.error ??= fault;
  }

  #acknowledgement(): void {
    const option = /^([0-9A-Z])([0-9A-Z])([0-9A-Z])\r?\n/.exec(this.#text.slice(this.#at + 1, this.#at + 6));
    if (option === null) {
      this.#take(1, "ACK", "acknowledged");
      return;
    }
    const [whole, v, z, y] = option;
    const wish = y === "0" ? "data readout" : y === "1" ? "programming mode" : "a mode of the manufacturer";
    const procedure = v === "0" ? "normal" : v === "1" ? "secondary" : v === "2" ? "HDLC" : "reserved";
    this.#take(1 + whole.length, "option select", `V ${v} (${procedure}), Z ${z}, Y ${y} (${wish})`);
  }

  /** From SOH or STX to the check character, as far as the capture goes. */
  #block(): void {
    const start = this.#at;
    const command = /^[A-Z]\d/.exec(this.#text.slice(start + 1, start + 3))?.[0];
    const isCommand = this.#bytes[start] === SOH;
    if (isCommand && command === undefined) return;
    const head = isCommand ? (this.#bytes[start + 3] === STX ? 4 : 3) : 1;
    const what = isCommand ? `${command}: ${COMMANDS[command?.[0] ?? ""] ?? "unknown command"}` : "data";
    this.#take(head, "block", what);
    const dataAt = this.#at;
    const stop = this.#controlFrom(dataAt);
    const ended = this.#bytes[stop] === ETX || this.#bytes[stop] === EOT;
    const fault = this.#checkCharacter(start, ended ? stop + 1 : undefined, stop);
    const closed = ended ? -1 : closingMark(this.#text.slice(dataAt, stop), 0);
    const end = closed < 0 ? stop : dataAt + closed + 1;
    this.#data(dataAt, end, isCommand, fault === undefined);
    this.#at = ended ? Math.min(this.#text.length, stop + 2) : end;
    this.#telegramFrom = undefined;
  }

  /** Where the next framing character stands, or the end of the capture. */
  #controlFrom(from: number): number {
    let at = from;
    while (at < this.#bytes.length && !isFraming(this.#bytes[at] as number)) at++;
    return at;
  }

  /** @returns what is wrong with it, if something is. */
  #checkCharacter(start: number, at: number | undefined, dataEnd: number): string | undefined {
    const found = at === undefined ? undefined : this.#bytes[at];
    if (at === undefined || found === undefined) {
      this.#field(at ?? dataEnd, 0, "check character", "none: the data could not be checked");
      return undefined;
    }
    const computed = blockCheck(this.#bytes, start + 1, at);
    const onWire = toBytes(wireLines(this.#text.slice(start + 1, at)));
    const good = found === computed || found === blockCheck(onWire, 0, onWire.length);
    const fault = good ? undefined : errorText({ kind: "bad-check", found, computed });
    this.#field(at, 1, "check character", good ? `${hex(found)}: good` : hex(found), fault);
    this.error ??= fault;
    return fault;
  }

  /** Data without STX, up to its `!`: of modes A and D, of P1, or what a log kept of a block. */
  #plain(): void {
    const start = this.#at;
    const lineEnd = /[\r\n]/.exec(this.#text.slice(start, start + LONGEST_LINE))?.index ?? LONGEST_LINE;
    const line = this.#text.slice(start, start + lineEnd);
    // Noise between messages is skipped; a line that has a value in it is meant to be data.
    if (!line.includes("(") && line !== "!") {
      this.#skippedFrom ??= start;
      this.#at = Math.min(start + line.length, this.#controlFrom(start));
      return;
    }
    const stop = this.#controlFrom(start);
    const mark = closingMark(this.#text.slice(start, stop), 0);
    const end = mark < 0 ? stop : start + mark + 1;
    const crc = /^[0-9A-Fa-f]{4}(?=\s|$)/.exec(this.#text.slice(end, end + 5))?.[0] ?? "";
    if (crc !== "") this.#crc(this.#telegramFrom ?? start, end - 1);
    const sets = this.#data(start, end, false, true);
    this.#at = end + crc.length;
    this.#telegramFrom = undefined;
    if (crc !== "") return;
    const version = telegramVersion(sets);
    const due = promisesCrc(version) ? `; P1 version ${(version ?? 0) / 10} should end with one` : "";
    this.#field(end, 0, "check character", `none: the data could not be checked${due}`);
  }

  #data(from: number, to: number, command: boolean, readable: boolean): readonly DataSet[] {
    const sets = parseDataSets(this.#text.slice(from, to));
    this.#messages++;
    if (!sets.ok) {
      const error: Iec62056Error =
        "offset" in sets.error ? { ...sets.error, offset: from + sets.error.offset } : sets.error;
      const offset = "offset" in error ? error.offset : from;
      this.#field(
        offset,
        Math.max(0, to - offset),
        "data",
        this.#text.slice(offset, Math.min(to, offset + 40)),
        errorText(error),
      );
      this.error ??= errorText(error);
      return [];
    }
    const refused = command ? undefined : errorMessage(sets.value);
    for (const set of sets.value) {
      const name = refused !== undefined ? "error message" : set.address === "" ? "value" : set.address;
      this.#field(from + set.offset, set.length, name, refused ?? set.groups.map(formatGroup).join(""));
    }
    if (!command && readable && refused === undefined) this.readings.push(...readingsOf(sets.value));
    return sets.value;
  }

  #take(length: number, name: string, value: string): void {
    this.#messages++;
    this.#field(this.#at, length, name, value);
    this.#at += length;
  }

  /** Line ends and fill are nothing to tell about; other bytes that belong to no message are. */
  #skip(): void {
    if (!/[\r\n\0 ]/.test(this.#text[this.#at] as string)) this.#skippedFrom ??= this.#at;
    else this.#endSkipped();
    this.#at++;
  }

  #endSkipped(): void {
    const from = this.#skippedFrom;
    this.#skippedFrom = undefined;
    if (from === undefined) return;
    const length = this.#at - from;
    this.fields.push({ offset: from, length, name: "skipped", value: "belongs to no message" });
  }

  #field(offset: number, length: number, name: string, value: string, fault?: string): void {
    this.#endSkipped();
    this.fields.push({ offset, length, name, value: printable(value), ...(fault === undefined ? {} : { fault }) });
  }
}

function isFraming(byte: number): boolean {
  return (byte >= SOH && byte <= ACK) || byte === NAK;
}

/** Line ends as they are on the wire: CR LF. */
function wireLines(text: string): string {
  return text.replace(/\r?\n/g, "\r\n");
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** What was captured reaches a terminal: without control characters. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
