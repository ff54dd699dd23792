/** Explains captured bytes of DL/T 645: every field with its place, what it means, and what is wrong with it. */
import { toHex } from "../../src/core/bytes.ts";
import { measure } from "../../src/core/measures.ts";
import type { ExplainedField, ExplainedReading, Explanation } from "../explain.ts";
import { decodeData } from "./decode.ts";
import { type Described, describeReply, describeRequest } from "./describe.ts";
import type { FrameFault } from "./errors.ts";
import { checksum, frameAt, frameLength, inspect, MAX_DATA, PREAMBLE } from "./frame.ts";
import { controlHex, controlText, FROM_METER } from "./functions.ts";
import { type Identifier, showIdentifier } from "./identifier.ts";
import { behindOf, findItem } from "./identifiers.ts";
import { parseRequest } from "./parse-request.ts";
import { type Dlt645Reply, parseReply } from "./reply.ts";

export interface Dlt645Explanation extends Explanation {
  /** 12 digits, AA for any; null where the bytes do not reach that far. The others likewise. */
  readonly address: string | null;
  /** Two hex digits. */
  readonly control: string | null;
  /** Eight hex digits, DI3 first; null where the message has none. */
  readonly identifier: string | null;
}

/** Takes one frame, whichever way it went; bytes before and behind it are named and make it refused. */
export function explainDlt645(bytes: Uint8Array): Dlt645Explanation {
  return new Explainer(bytes).explain();
}

class Explainer {
  readonly #bytes: Uint8Array;
  readonly #fields: ExplainedField[] = [];
  #readings: readonly ExplainedReading[] = [];
  #address: string | null = null;
  #control: string | null = null;
  #identifier: string | null = null;
  /** Of the frame's first 68. */
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  explain(): Dlt645Explanation {
    const fault = this.#findFrame();
    if (fault === "no-start")
      this.#field(this.#at, this.#bytes.length - this.#at, "no frame", "", "a frame begins with 68");
    else if (fault === undefined) this.#wholeFrame();
    else this.#brokenFrame(fault);
    const error = this.#fields.find((field) => field.fault !== undefined);
    return {
      ok: error === undefined,
      ...(error === undefined ? {} : { error: `${error.name}: ${error.fault}` }),
      address: this.#address,
      control: this.#control,
      identifier: this.#identifier,
      fields: this.#fields,
      readings: error === undefined ? this.#readings : [],
    };
  }

  /** Stops at the frame that will be explained: a good one wherever it is, else what begins behind the FE. */
  #findFrame(): FrameFault | undefined {
    const end = this.#bytes.length;
    let start = 0;
    while (this.#bytes[start] === PREAMBLE) start++;
    let at = start;
    while (at < end && inspect(this.#bytes, at, end) !== undefined) at++;
    this.#at = at < end ? at : start;
    if (start > 0) this.#field(0, start, "preamble", `${start} x FE`);
    if (this.#at > start) this.#field(start, at - start, "noise", this.#hex(start, at), "belongs to no frame");
    return inspect(this.#bytes, this.#at, end);
  }

  #wholeFrame(): void {
    const end = this.#at + frameLength(this.#bytes, this.#at);
    this.#header();
    this.#message();
    this.#field(end - 2, 1, "checksum", this.#hex(end - 2, end - 1));
    this.#field(end - 1, 1, "end", "16");
    const surplus = this.#bytes.length - end;
    if (surplus > 0) this.#field(end, surplus, "surplus", this.#hex(end, end + surplus), "bytes behind the frame");
  }

  /** As far as the bytes can be trusted, which is not to their meaning. */
  #brokenFrame(fault: FrameFault): void {
    const { length } = this.#bytes;
    const at = this.#at;
    const header = Math.min(length - at, 10);
    if (fault === "no-second-start") {
      this.#field(at, 1, "start", "68");
      this.#field(at + 7, 1, "second start", this.#hex(at + 7, at + 8), "68 must come 7 bytes behind the first 68");
      return;
    }
    if (header < 10) {
      this.#field(at, header, "start of a frame", this.#hex(at, length), "the frame is cut off before its length");
      return;
    }
    this.#header(fault === "too-long" ? `more than the ${MAX_DATA} that a frame may carry` : undefined);
    if (fault === "too-long") return;
    const end = at + frameLength(this.#bytes, at);
    if (fault === "cut") {
      this.#field(
        at + 10,
        length - at - 10,
        "data",
        this.#hex(at + 10, length),
        `the frame is cut off: ${end - length} bytes are missing`,
      );
      return;
    }
    if (end - at > 12) this.#field(at + 10, end - at - 12, "data", this.#hex(at + 10, end - 2));
    const sum = this.#hex(end - 2, end - 1);
    const right = checksum(this.#bytes, at, end - 2)
      .toString(16)
      .padStart(2, "0");
    this.#field(
      end - 2,
      1,
      "checksum",
      sum,
      fault === "checksum" ? `${sum} stands here, the bytes add up to ${right}` : undefined,
    );
    this.#field(end - 1, 1, "end", this.#hex(end - 1, end), fault === "end" ? "a frame ends with 16" : undefined);
  }

  #header(lengthFault?: string): void {
    const at = this.#at;
    // The data is not looked at yet: a length that reaches beyond the bytes does no harm here.
    const { address, control } = frameAt(this.#bytes, at);
    this.#address = address;
    this.#control = controlHex(control);
    this.#field(at, 1, "start", "68");
    this.#field(at + 1, 6, "address", address);
    this.#field(at + 7, 1, "second start", "68");
    this.#field(at + 8, 1, "control", `${this.#control} ${controlText(control)}`);
    this.#field(at + 9, 1, "length", String(this.#bytes[at + 9]), lengthFault);
  }

  #message(): void {
    const { control, data } = frameAt(this.#bytes, this.#at);
    const fault = (control & FROM_METER) === 0 ? this.#request(control, data) : this.#reply(control, data);
    if (fault !== undefined) this.#field(this.#at + 10, data.length, "data", toHex(data), fault);
  }

  #request(control: number, data: Uint8Array): string | undefined {
    const parsed = parseRequest(control, data);
    if (!parsed.ok) return parsed.error.detail;
    if ("identifier" in parsed.value) this.#identifier = showIdentifier(parsed.value.identifier);
    this.#list(this.#at + 10, describeRequest(parsed.value));
    return undefined;
  }

  #reply(control: number, data: Uint8Array): string | undefined {
    const parsed = parseReply(control, data);
    if (!parsed.ok) return parsed.error.detail;
    const reply = parsed.value;
    const end = this.#list(this.#at + 10, describeReply(reply));
    if (reply.kind !== "data") return undefined;
    this.#identifier = showIdentifier(reply.identifier);
    this.#data(end, reply);
    if (reply.sequence !== undefined) this.#field(end + reply.data.length, 1, "sequence", String(reply.sequence));
    return undefined;
  }

  /** Data that goes on in another frame, or began in one, can't be taken apart alone. */
  #data(at: number, reply: Dlt645Reply & { kind: "data" }): void {
    if (reply.more || reply.sequence !== undefined) {
      this.#field(at, reply.data.length, "part of the data", toHex(reply.data));
      return;
    }
    const parts = decodeData(reply.identifier, reply.data);
    for (const part of parts) {
      const shown = part.value === null ? "no value" : `${part.value} ${part.unit}`.trimEnd();
      this.#field(at + part.offset, part.length, part.name, part.fault === undefined ? shown : "", part.fault);
    }
    this.#readings = parts
      .filter((part) => part.reading)
      .map((part) => ({
        id: showIdentifier(part.identifier),
        ...obisOf(part.identifier),
        value: part.value,
        unit: part.unit,
      }));
  }

  #list(from: number, described: readonly Described[]): number {
    let at = from;
    for (const [length, name, value] of described) {
      this.#field(at, length, name, value);
      at += length;
    }
    return at;
  }

  #field(offset: number, length: number, name: string, value: string, fault?: string): void {
    this.#fields.push({ offset, length, name, value, ...(fault === undefined ? {} : { fault }) });
  }

  #hex(from: number, to: number): string {
    return toHex(this.#bytes.subarray(from, to));
  }
}

function obisOf(id: Identifier): { readonly obis?: string } {
  const item = findItem(id);
  const behind = item === undefined ? undefined : behindOf(item, id);
  return behind?.kind === "measure" ? { obis: measure(behind.measure).obis } : {};
}
