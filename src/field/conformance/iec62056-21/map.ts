/** The map file of an IEC 62056-21 meter: its device address, and what may be tried on it beyond reading. */
import { refusalOfAddress } from "../../../../protocols/iec62056-21/message.ts";
import { failure, type Result, success } from "../../../core/result.ts";
import type { Declarations } from "../check.ts";
import { parseMapFile, parseMapHeader } from "../map-file.ts";

/**
 * What a map can declare, and what it lets the checks do:
 * - `choice`: a rate is chosen with ACK V Z Y (mode C); `programming`: the meter has programming mode. Both hold without a
 *   map too, and a map can say that they are not supported
 * - `address`: the meter is called by its device address
 * - `password`: the right one is shown to the meter
 * - `write`: addresses that are written, with what they have already
 * - `wrong-password`: a wrong one is shown. Most meters count those and lock after some
 * - `slow`: checks that wait for minutes
 */
const FEATURES = ["choice", "programming", "address", "password", "write", "wrong-password", "slow"];
const HOLD_ANYHOW = ["choice", "programming"];
const ALLOWED: readonly unknown[] = ["wrong-password", "slow"];

export interface Iec62056Map extends Declarations {
  readonly device: string | undefined;
  /** Device address. */
  readonly address: string | undefined;
  /** A data set that programming mode reads. */
  readonly read: string;
  /** An address that the meter surely does not have. */
  readonly absent: string;
  readonly writable: readonly string[];
  readonly password: string | undefined;
}

const KEYS = ["address", "read", "absent", "write", "password", "allow"];
/** Import of active energy, total. */
const READ = "1.8.0";
const ABSENT = "199.199.199";

/** What holds without a map file. */
export const NO_MAP: Iec62056Map = {
  ...{ given: false, notSupported: new Map<string, string>(), declares: (feature) => HOLD_ANYHOW.includes(feature) },
  ...{ device: undefined, address: undefined, read: READ, absent: ABSENT, writable: [], password: undefined },
};

/** Reads a map file's text; a failure is a sentence for people. */
export function parseIec62056Map(text: string): Result<Iec62056Map, string> {
  const parsed = parseMapFile(text, "iec62056-21", KEYS);
  if (!parsed.ok) return parsed;
  const header = parseMapHeader(parsed.value, (feature) => FEATURES.includes(feature));
  if (!header.ok) return header;
  const { address, read = READ, absent = ABSENT, write = [], password, allow = [] } = parsed.value as Partial<Wish>;
  if (address !== undefined && !isDeviceAddress(address)) return failure('"address" is no device address');
  if (!isDataAddress(read)) return failure('"read" is no address of a data set, such as "1.8.0"');
  if (!isDataAddress(absent)) return failure('"absent" is no address of a data set');
  if (!Array.isArray(write) || !write.every(isDataAddress)) return failure('"write" is no list of addresses');
  if (password !== undefined && !isText(password, /^[\x20-\x27\x2a-\x7e]{1,32}$/))
    return failure('"password" is no text without ( and )');
  if (!Array.isArray(allow) || !allow.every((name) => ALLOWED.includes(name)))
    return failure(`"allow" is a list of ${ALLOWED.join(", ")}`);
  const declared = new Set<string>([...HOLD_ANYHOW, ...allow]);
  if (address !== undefined) declared.add("address");
  if (write.length > 0) declared.add("write");
  if (password !== undefined) declared.add("password");
  return success({
    ...header.value,
    given: true,
    declares: (feature) => declared.has(feature),
    ...{ address, read, absent, password, writable: write },
  });
}

type Wish = Readonly<Record<"address" | "read" | "absent" | "write" | "password" | "allow", unknown>>;

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === "string" && form.test(value);
}

function isDeviceAddress(value: unknown): value is string {
  return typeof value === "string" && value !== "" && refusalOfAddress(value) === undefined;
}

function isDataAddress(value: unknown): value is string {
  return isText(value, /^[\x22-\x27\x2a-\x2e\x30-\x7e]{1,32}$/);
}
