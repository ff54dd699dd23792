/** What can go wrong in IEC 62056-21: refused bytes, the codes of our meter's error messages, a reader's failures. */

/** Why received bytes are refused: a closed list. Offsets count from the first byte of what was parsed. */
export type Iec62056Error =
  | { readonly kind: "bad-check"; readonly found: number; readonly computed: number }
  | { readonly kind: "bad-crc"; readonly found: string; readonly computed: string }
  /** A telegram whose version promises a CRC ends without one. */
  | { readonly kind: "missing-crc"; readonly version: number }
  | { readonly kind: "bad-parity"; readonly offset: number }
  | { readonly kind: "bad-frame"; readonly offset: number; readonly detail: string }
  | { readonly kind: "bad-data"; readonly offset: number; readonly detail: string }
  | { readonly kind: "too-long"; readonly limit: number };

const byteText = (value: number): string => value.toString(16).padStart(2, "0");

/** One sentence for people and logs. */
export function errorText(error: Iec62056Error): string {
  switch (error.kind) {
    case "bad-check":
      return `the check character is ${byteText(error.found)}, the block's is ${byteText(error.computed)}`;
    case "bad-crc":
      return `the CRC is ${error.found}, the telegram's is ${error.computed}`;
    case "missing-crc":
      return `P1 version ${error.version / 10} ends with a CRC and this telegram has none`;
    case "bad-parity":
      return `byte ${error.offset} has odd parity`;
    case "bad-frame":
    case "bad-data":
      return `byte ${error.offset}: ${error.detail}`;
    case "too-long":
      return `longer than ${error.limit} bytes`;
  }
}

/** Error messages of our meter, sent as `STX (ERnn) ETX BCC`; the standard leaves their wording to the manufacturer. */
export const METER_ERRORS = {
  "unknown-register": "ER01",
  "bad-value": "ER02",
  locked: "ER03",
  "unknown-command": "ER04",
  "wrong-password": "ER05",
  "read-only": "ER06",
  "locked-out": "ER07",
} as const;
export type MeterErrorKind = keyof typeof METER_ERRORS;

/** How a reader's job can end without its result. */
export type ReaderFailure =
  /** No answer, or a pause of more than 1.5 s inside of one. */
  | { readonly kind: "timeout"; readonly detail: string }
  | { readonly kind: "bad-reply"; readonly detail: string }
  /** The meter's error message, as it sent it. */
  | { readonly kind: "refused"; readonly code: string }
  /** NAK to every repeat. */
  | { readonly kind: "not-acknowledged" }
  /** The meter ended the session with B0. */
  | { readonly kind: "break" }
  | { readonly kind: "link-down" }
  | { readonly kind: "bad-request"; readonly detail: string };

export function failureText(failed: ReaderFailure): string {
  switch (failed.kind) {
    case "timeout":
      return `no reply in time: ${failed.detail}`;
    case "bad-reply":
      return `unusable reply: ${failed.detail}`;
    case "refused":
      return `the meter refused: ${failed.code}`;
    case "not-acknowledged":
      return "the meter did not acknowledge the command";
    case "break":
      return "the meter ended the session";
    case "link-down":
      return "the link is down";
    case "bad-request":
      return `not sent: ${failed.detail}`;
  }
}
