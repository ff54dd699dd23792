/** What the doctor asks, and what it makes of what comes back: one question that a meter surely answers, and longer ones. */

/** What was heard in place of one answer, without the echo. */
export type Answer =
  | {
      readonly kind: "good" | "refused";
      /** Bytes before and behind the answer that belong to nothing. */
      readonly lead: Uint8Array;
      readonly trail: Uint8Array;
      readonly frame: Uint8Array;
      /** A second whole answer to the one question. */
      readonly twice: boolean;
    }
  | { readonly kind: "damaged" }
  | { readonly kind: "silent" };

export interface Question {
  readonly bytes: Uint8Array;
  /** Of what was heard, without the echo. */
  judge(heard: Uint8Array): Answer;
}

/** A protocol as far as the doctor speaks it: every question only reads. */
export interface Tongue {
  /** The least that a meter can be asked. */
  readonly short: Question;
  /** Whose answer is long: for statistics. */
  readonly long: Question;
  /** µs in which a meter begins its answer, where the protocol allows it longer than usual. */
  readonly patience?: number;
}

/** Finds the first whole answer in bytes: `lengthAt` says how long one is that starts there, 0 for none. */
export function findAnswer(
  heard: Uint8Array,
  lengthAt: (bytes: Uint8Array, at: number) => number,
  refused: (frame: Uint8Array) => boolean,
): Answer {
  if (heard.length === 0) return { kind: "silent" };
  for (let at = 0; at < heard.length; at++) {
    const length = lengthAt(heard, at);
    if (length === 0) continue;
    const frame = heard.slice(at, at + length);
    const trail = heard.slice(at + length);
    let twice = false;
    for (let next = 0; next < trail.length && !twice; next++) twice = lengthAt(trail, next) > 0;
    return { kind: refused(frame) ? "refused" : "good", lead: heard.slice(0, at), trail, frame, twice };
  }
  return { kind: "damaged" };
}
