/** What can go wrong in DL/T 645-2007: the error byte of a meter, and the closed lists of refusals on our side. */

/** Bits of the error byte ERR in an abnormal reply. Bits 1 and 2 are seen in captures, the others recalled. */
export const ERR = {
  other: 0x01,
  noSuchData: 0x02,
  notAuthorised: 0x04,
  baudFixed: 0x08,
  tooManyZones: 0x10,
  tooManySlots: 0x20,
  tooManyTariffs: 0x40,
} as const;

const TEXTS: readonly (readonly [number, string])[] = [
  [ERR.other, "other error"],
  [ERR.noSuchData, "no such data"],
  [ERR.notAuthorised, "password wrong or not authorised"],
  [ERR.baudFixed, "the baud rate can't be changed"],
  [ERR.tooManyZones, "too many yearly time zones"],
  [ERR.tooManySlots, "too many daily time slots"],
  [ERR.tooManyTariffs, "too many tariffs"],
];

/** What the bits of an error byte mean, for people. */
export function errText(bits: number): string {
  const named = TEXTS.filter(([bit]) => (bits & bit) !== 0).map(([, text]) => text);
  return named.length === 0 ? `error ${bits.toString(16).padStart(2, "0")}, which names no cause` : named.join(", ");
}

/** Why bytes are no frame. "cut": they end before the frame does. */
export type FrameFault = "no-start" | "no-second-start" | "too-long" | "cut" | "checksum" | "end" | "surplus";

/** Why a good frame carries no message of this standard. */
export interface MessageFault {
  readonly kind: "unknown-function" | "bad-length" | "bad-value";
  readonly detail: string;
}

/** How a request can end without its reply. */
export type Dlt645Failure =
  | { readonly kind: "timeout" }
  /** `code`: {@link ERR} bits; the two-byte SERR of the prepaid functions where `wide` is set. */
  | { readonly kind: "refused"; readonly code: number; readonly wide: boolean }
  | { readonly kind: "bad-reply"; readonly detail: string }
  | { readonly kind: "link-down" }
  | { readonly kind: "bad-request"; readonly detail: string };

/** A failure in one sentence. */
export function failureText(failure: Dlt645Failure): string {
  switch (failure.kind) {
    case "timeout":
      return "no answer";
    case "refused":
      return failure.wide
        ? `the meter refused it: SERR ${failure.code.toString(16).padStart(4, "0")}`
        : `the meter refused it: ${errText(failure.code)}`;
    case "link-down":
      return "the line is down";
    case "bad-reply":
      return `bad reply: ${failure.detail}`;
    case "bad-request":
      return `bad request: ${failure.detail}`;
  }
}
