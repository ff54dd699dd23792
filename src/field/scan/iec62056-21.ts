/** Finds a meter by the sign-on of IEC 62056-21 and lets it say what it has to say, so that the line is free again. */
import { parseDataSets } from "../../../protocols/iec62056-21/dataset.ts";
import { ETX, toText } from "../../../protocols/iec62056-21/frame.ts";
import {
  buildOption,
  buildRequest,
  type Identification,
  parseIdentification,
  RESPONSE_LIMIT,
} from "../../../protocols/iec62056-21/message.ts";
import { EMPTY_BYTES, joinBytes } from "../../core/bytes.ts";
import { MICROS_PER_MS, MICROS_PER_SECOND } from "../../core/time.ts";
import type { Probe } from "../probe.ts";
import type { FoundMeter } from "./found.ts";
import type { ScanLine } from "./line.ts";

/** µs until a meter has answered with its first character, for which 300 baud need 33 ms. */
export const SIGN_ON_PATIENCE = RESPONSE_LIMIT + 100 * MICROS_PER_MS;
/** Characters of `/?!` CR LF. */
export const SIGN_ON_LENGTH = 5;
/** A readout at 300 baud takes its time. */
const LONGEST_READOUT = 90 * MICROS_PER_SECOND;
/** Behind its last character the acknowledgement is on its way before the port goes to another rate. */
const LAST_BIT = 10 * MICROS_PER_MS;

export interface SignOn {
  readonly meter: FoundMeter | undefined;
  readonly garble: Uint8Array;
}

/** Signs on to whoever is there; where somebody is, reads it out once. */
export function* signOn(line: ScanLine): Probe<SignOn> {
  const begun = line.format;
  const heard = yield* line.exchange(buildRequest(""), {
    first: SIGN_ON_PATIENCE,
    quiet: RESPONSE_LIMIT,
    enough: (bytes) => identificationIn(bytes) !== undefined,
  });
  const told = identificationIn(heard.bytes);
  if (told === undefined) return { meter: undefined, garble: heard.bytes };
  const identification = parseIdentification(told);
  if (!identification.ok) return { meter: undefined, garble: heard.bytes };
  const text = yield* readOut(line, identification.value);
  const serial = serialIn(text);
  yield* line.set(begun);
  const { manufacturer, ident, mode } = identification.value;
  const name = `${manufacturer} ${ident.trim()}`.trim();
  const meter: FoundMeter = {
    protocol: "iec62056-21",
    ...(begun === undefined ? {} : { format: begun }),
    ...(serial === undefined ? {} : { address: serial }),
    alternatives: [],
    name,
    confidence: 99,
    ...(isPushed(text, mode)
      ? { pushes: true, reason: `it sends ${told} by itself, without being asked` }
      : { reason: `it answered the sign-on with ${told}: mode ${mode}` }),
  };
  return { meter, garble: new Uint8Array(0) };
}

/** The line from `/` to before CR LF. */
function identificationIn(bytes: Uint8Array): string | undefined {
  return /(\/[A-Za-z]{3}[\x21-\x7e][\x20-\x7e]*)\r\n/.exec(toText(bytes.map((byte) => byte & 0x7f)))?.[1];
}

/** What it says of itself. In mode C the meter waits for an acknowledgement, in the others it goes on by itself. */
function* readOut(line: ScanLine, { mode, z, baud, reaction }: Identification): Probe<string> {
  const begun = line.format;
  // A line without speeds, such as a PTY, brings the data before the acknowledgement would have left.
  let early: Uint8Array = EMPTY_BYTES;
  if (mode === "C") {
    yield* line.exchange(new Uint8Array(0), { first: reaction, longest: reaction });
    early = (yield* line.exchange(buildOption(z, "readout"), { first: LAST_BIT, longest: LAST_BIT })).bytes;
  }
  if (mode !== "A" && begun !== undefined) yield* line.set({ ...begun, baud });
  const { bytes } = yield* line.exchange(new Uint8Array(0), {
    first: SIGN_ON_PATIENCE,
    quiet: RESPONSE_LIMIT,
    longest: LONGEST_READOUT,
    enough: (all) => all[all.length - 2] === ETX,
  });
  return toText(joinBytes([early, bytes]).map((byte) => byte & 0x7f));
}

/** An answer in mode C is a block that begins with STX; a telegram that was under way anyway (mode D, P1) has none. */
function isPushed(text: string, mode: Identification["mode"]): boolean {
  return mode === "C" && text.includes("(") && !text.includes("\x02");
}

/** The device address or serial number: 0.0.0, also as C.1.0, or 0-0:96.1.0, of P1 96.1.1. */
function serialIn(text: string): string | undefined {
  const start = text.indexOf("\x02") + 1;
  const end = text.indexOf("!", start);
  const sets = parseDataSets(text.slice(start, end < 0 ? undefined : end));
  if (!sets.ok) return undefined;
  const set = sets.value.find(({ address }) => /(^|[-:])(0\.0\.0|C\.1\.0|96\.1\.[01])(\*\d+)?$/.test(address));
  const serial = set?.groups[0]?.value.trim();
  return serial === undefined || serial === "" ? undefined : serial;
}
