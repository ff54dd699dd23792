/** The map file of a DL/T 645-2007 meter: its address, and what may be tried on it beyond reading. */
import { isAddress } from "../../../../protocols/dlt645/frame.ts";
import { type Identifier, identifier, parseIdentifier } from "../../../../protocols/dlt645/identifier.ts";
import type { Credentials } from "../../../../protocols/dlt645/message.ts";
import { failure, type Result, success } from "../../../core/result.ts";
import type { Declarations } from "../check.ts";
import { isObject, type JsonObject, parseMapFile, parseMapHeader, wholeNumber } from "../map-file.ts";

/**
 * What a map can declare, and what it lets the checks do:
 * - `long`: an identifier whose data need following frames
 * - `password`: the right one, and the operator, are shown to the meter
 * - `write`: identifiers that are written, with what they have already
 * - `wrong-password`: functions are tried with a wrong one. Most meters count those and lock after some
 * - `clear`: clears are tried with a wrong password. A meter that takes it is cleared
 * - `clock`: the clock is set to the time that it shows
 * - `freeze`: an instant freeze is ordered
 * - `baud`: a rate that does not exist is asked for
 */
export const FEATURES = ["long", "password", "write", "wrong-password", "clear", "clock", "freeze", "baud"] as const;
const ALLOWED = ["wrong-password", "clear", "clock", "freeze", "baud"] as const;

export interface Dlt645Map extends Declarations {
  readonly device: string | undefined;
  readonly address: string | undefined;
  /** An identifier that the meter surely does not have. */
  readonly absent: Identifier;
  readonly long: { readonly identifier: Identifier; readonly blocks: number | undefined } | undefined;
  readonly writable: readonly Identifier[];
  readonly credentials: Credentials | undefined;
}

/** Far outside of every table. */
const ABSENT = identifier(0x0f0f_0f0f);
const KEYS = ["address", "absent", "long", "blocks", "write", "password", "allow"];

/** What holds without a map file: nothing is declared. */
export const NO_MAP: Dlt645Map = {
  ...{ given: false, notSupported: new Map<string, string>(), declares: () => false, device: undefined },
  ...{ address: undefined, absent: ABSENT, long: undefined, writable: [], credentials: undefined },
};

/** Reads a map file's text; a failure is a sentence for people. */
export function parseDlt645Map(text: string): Result<Dlt645Map, string> {
  const parsed = parseMapFile(text, "dlt645", KEYS);
  if (!parsed.ok) return parsed;
  const json = parsed.value;
  const header = parseMapHeader(json, (feature) => (FEATURES as readonly string[]).includes(feature));
  if (!header.ok) return header;
  const { address, absent = "0F0F0F0F", write = [], allow = [] } = json as Record<string, unknown>;
  if (address !== undefined && !(typeof address === "string" && isAddress(address)))
    return failure('"address" is not 12 digits');
  const nobody = identifierOf(absent);
  if (nobody === undefined) return failure('"absent" is not 8 hex digits');
  const long = longOf(json);
  if (!long.ok) return long;
  const writable = Array.isArray(write) ? write.map(identifierOf) : [undefined];
  if (writable.includes(undefined)) return failure('"write" is no list of identifiers of 8 hex digits');
  const credentials = credentialsOf(json["password"]);
  if (!credentials.ok) return credentials;
  const allowed = Array.isArray(allow) ? allow : [""];
  const odd = allowed.find((name) => !(ALLOWED as readonly unknown[]).includes(name));
  if (odd !== undefined) return failure(`"allow" is a list of ${ALLOWED.join(", ")}`);
  const declared = new Set<string>(allowed as string[]);
  if (long.value !== undefined) declared.add("long");
  if (writable.length > 0) declared.add("write");
  if (credentials.value !== undefined) declared.add("password");
  return success({
    ...header.value,
    given: true,
    declares: (feature) => declared.has(feature),
    address,
    absent: nobody,
    long: long.value,
    writable: writable as readonly Identifier[],
    credentials: credentials.value,
  });
}

function identifierOf(value: unknown): Identifier | undefined {
  return typeof value === "string" ? parseIdentifier(value) : undefined;
}

function longOf(json: JsonObject): Result<Dlt645Map["long"], string> {
  const { long, blocks } = json as { long?: unknown; blocks?: unknown };
  if (long === undefined) return success(undefined);
  const id = identifierOf(long);
  const count = wholeNumber(blocks, 1, 99);
  if (id === undefined) return failure('"long" is not 8 hex digits');
  if (blocks !== undefined && count === undefined) return failure('"blocks" is not 1 to 99');
  return success({ identifier: id, blocks: count });
}

function credentialsOf(value: unknown): Result<Credentials | undefined, string> {
  if (value === undefined) return success(undefined);
  const { level, digits, operator = "00000000" } = isObject(value) ? value : {};
  const whole = wholeNumber(level, 0, 99);
  if (whole === undefined || !isDigits(digits, 6) || !isDigits(operator, 8))
    return failure('"password" has "level" 0 to 99, "digits" of 6 digits and "operator" of 8');
  return success({ password: { level: whole, digits }, operator });
}

function isDigits(value: unknown, count: number): value is string {
  return typeof value === "string" && value.length === count && /^\d*$/.test(value);
}
