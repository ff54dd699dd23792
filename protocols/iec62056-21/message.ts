/** The messages of IEC 62056-21 as values: request, identification, option select, commands; baud codes (clause 6.3, facts 1). */
import { failure, type Result, success } from "../../src/core/result.ts";
import { buildBlock, CRLF, toBytes } from "./frame.ts";

/** A sign-on begins at this rate, whatever the meter can do. */
export const SIGN_ON_BAUD = 300;

/** Reaction, and the pause between two characters, are never longer; µs. */
export const RESPONSE_LIMIT = 1_500_000;
export const SLOW_REACTION = 200_000;
/** Where the third letter of the identification is lower case. */
export const FAST_REACTION = 20_000;

const ADDRESS_LIMIT = 32;
/** The most characters the standard gives the ident; readers meet longer ones. */
export const IDENT_LIMIT = 16;

const BAUDS_C = [300, 600, 1200, 2400, 4800, 9600, 19_200];
const BAUDS_B = [600, 1200, 2400, 4800, 9600, 19_200];

export interface BaudCode {
  readonly mode: "A" | "B" | "C";
  readonly baud: number;
}

/** What the character Z of an identification says: mode C digits, mode B letters, anything else is mode A. */
export function baudCode(z: string): BaudCode {
  const c = BAUDS_C["0123456".indexOf(z)];
  if (c !== undefined && z !== "") return { mode: "C", baud: c };
  const b = BAUDS_B["ABCDEF".indexOf(z)];
  if (b !== undefined && z !== "") return { mode: "B", baud: b };
  return { mode: "A", baud: SIGN_ON_BAUD };
}

/** The character Z of a meter with this rate; undefined where the mode has no such rate. */
export function baudCharacter(mode: BaudCode["mode"], baud: number): string | undefined {
  if (mode === "A") return "-";
  return mode === "C" ? "0123456"[BAUDS_C.indexOf(baud)] : "ABCDEF"[BAUDS_B.indexOf(baud)];
}

export interface Identification extends BaudCode {
  /** FLAG manufacturer id. */
  readonly manufacturer: string;
  /** The baud character Z as it stands. */
  readonly z: string;
  /** Characters of the `\W` sequences; `2` offers mode E. */
  readonly enhanced: string;
  readonly ident: string;
  /** The shortest time until it answers, µs. */
  readonly reaction: number;
}

/** Reads `/XXXZ[\W…]ident` without its CR LF. */
export function parseIdentification(line: string): Result<Identification, string> {
  const m = /^\/([A-Za-z]{3})([\x21-\x7e])((?:\\[\x20-\x7e])*)([\x20-\x7e]*)$/.exec(line);
  if (m === null) return failure("an identification is / three letters, a baud character and the ident");
  const [, manufacturer = "", z = "", enhanced = "", ident = ""] = m;
  return success({
    ...baudCode(z),
    manufacturer,
    z,
    enhanced: enhanced.replace(/\\(.)/g, "$1"),
    ident,
    reaction: /[a-z]$/.test(manufacturer) ? FAST_REACTION : SLOW_REACTION,
  });
}

/** The identification of our meter. */
export function buildIdentification(manufacturer: string, z: string, ident: string): Uint8Array {
  return toBytes(`/${manufacturer}${z}${ident}${CRLF}`);
}

/** Reads `/?address!` without its CR LF; the address is empty for "whoever is there". */
export function parseRequest(line: string): string | undefined {
  return /^\/\?([\x20-\x7e]{0,32})!$/.exec(line)?.[1];
}

/** What is wrong with a device address, if something is. */
export function refusalOfAddress(address: string): string | undefined {
  if (address.length > ADDRESS_LIMIT) return `an address has at most ${ADDRESS_LIMIT} characters`;
  return /^[\x20-\x7e]*$/.test(address) && !/[/!]/.test(address) ? undefined : "an address is ASCII without / and !";
}

export function buildRequest(address: string): Uint8Array {
  return toBytes(`/?${address}!${CRLF}`);
}

/** Leading zeros of an address say nothing; a request without an address means every meter. */
export function addresses(request: string, own: string): boolean {
  const bare = (text: string) => text.trim().replace(/^0+/, "");
  return request === "" || bare(request) === bare(own);
}

export type OptionMode = "readout" | "programming";

/** `ACK V Z Y`: normal protocol procedure (V = 0) at the rate of `z`. */
export function buildOption(z: string, mode: OptionMode): Uint8Array {
  return toBytes(`\x060${z}${mode === "readout" ? "0" : "1"}${CRLF}`);
}

/** Reads V Z Y; undefined for what our meter does not speak: other procedures, mode B letters, manufacturer modes. */
export function parseOption(text: string): { readonly baud: number; readonly mode: OptionMode } | undefined {
  const m = /^0([0-6])([01])$/.exec(text);
  if (m === null) return undefined;
  return { baud: baudCode(m[1] as string).baud, mode: m[2] === "0" ? "readout" : "programming" };
}

/** A command of programming mode: password, read, write, execute. */
export interface Command {
  readonly operation: string;
  /** Identification of the data; empty for a password. */
  readonly address: string;
  readonly value: string;
}

/** What is wrong with a command, if something is. B0 is no command of a job: every session ends with it. */
export function refusalOfCommand({ operation, address, value }: Command): string | undefined {
  if (!/^(P[12]|R[1-6]|W[1-5]|E2)$/.test(operation)) return `${operation} is no command (P1-2, R1-6, W1-5, E2)`;
  if (!/^[\x20-\x7e]{0,128}$/.test(value) || /[()]/.test(value))
    return "a value is up to 128 characters without ( and )";
  if (!/^[\x21-\x7e]{0,32}$/.test(address) || /[()/!]/.test(address)) return "an address is ASCII without ( ) / and !";
  return undefined;
}

export function buildCommand({ operation, address, value }: Command): Uint8Array {
  return buildBlock(operation, `${address}(${value})`);
}

/** Ends a session; nobody answers it. */
export function buildBreak(): Uint8Array {
  return buildBlock("B0", undefined);
}
