/**
 * The doctor's question in IEC 62056-21: the sign-on, which a meter answers with its identification. A new sign-on ends
 * whatever the meter was about to do, so none of its offers is taken up.
 */
import { CR, LF, toText } from "../../../protocols/iec62056-21/frame.ts";
import { buildRequest, parseIdentification, RESPONSE_LIMIT } from "../../../protocols/iec62056-21/message.ts";
import { findAnswer, type Question, type Tongue } from "./question.ts";

const SLASH = 0x2f;
/** A meter may take so long to begin, and its first character is on the line for a while. */
const PATIENCE = RESPONSE_LIMIT + 100_000;

/** @param address empty: whoever is there */
export function iec62056Tongue(address: string): Tongue {
  const signOn: Question = {
    bytes: buildRequest(address),
    judge: (heard) => findAnswer(heard, identificationLength, () => false),
  };
  return { short: signOn, long: signOn, patience: PATIENCE };
}

/** Modes A and B go on with their data at once: all that comes is the answer. */
function identificationLength(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== SLASH) return 0;
  const end = bytes.findIndex((byte, i) => i > at && byte === CR && bytes[i + 1] === LF);
  if (end < 0) return 0;
  const identification = parseIdentification(toText(bytes, at, end));
  if (!identification.ok) return 0;
  return identification.value.mode === "C" ? end + 2 - at : bytes.length - at;
}
