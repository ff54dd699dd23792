/** What was heard on an optical head, for people: text, with control characters in angle brackets. */
import { toText } from "../../../../protocols/iec62056-21/frame.ts";
import type { Heard } from "../../probe.ts";
import { fail, type Verdict } from "../check.ts";

const MOST_SHOWN = 120;
const NAMES: ReadonlyMap<string, string> = new Map([
  ...([
    ["\x01", "SOH"],
    ["\x02", "STX"],
    ["\x03", "ETX"],
    ["\x04", "EOT"],
  ] as const),
  ...([
    ["\x06", "ACK"],
    ["\x15", "NAK"],
    ["\r", "CR"],
    ["\n", "LF"],
  ] as const),
]);

function nameOf(character: string): string {
  return `<${NAMES.get(character) ?? character.charCodeAt(0).toString(16).padStart(2, "0")}>`;
}

/** Text and names of control characters; only the beginning of a long one. */
export function shown(bytes: Uint8Array): string {
  if (bytes.length === 0) return "nothing";
  const text = toText(bytes.subarray(0, MOST_SHOWN)).replace(/[^\x20-\x7e]/g, nameOf);
  return bytes.length > MOST_SHOWN ? `${text} … (${bytes.length} bytes)` : text;
}

/** A fail on what was heard. */
export function failed({ bytes }: Heard, why: string): Verdict {
  return fail(shown(bytes), why);
}
