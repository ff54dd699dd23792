/** A reader and a face on one connection in virtual time, whatever they speak: how `read` ends before a misbehaving meter. */
import { type Actor, type LinkEffect, linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";

export const LINE = linkId("line");
const TRAVEL = 500;
/** Of a readout at 300 baud with all its repeats. */
const LONGEST = 900_000_000;

/**
 * Runs both until `over` says so.
 * @param start when it begins, seconds since 1970
 * @returns µs that it took; undefined when it did not end within 15 minutes, or turns without end
 */
export function duet(reader: Actor, face: Actor, start: number, over: () => boolean): number | undefined {
  let at = 0;
  let queue: { readonly at: number; readonly to: Actor; readonly bytes: Uint8Array }[] = [];
  const now = (): Now => ({ mono: mono(at), civil: civil(start * 1_000_000 + at) });
  const perform = (from: Actor, effects: readonly LinkEffect[]): void => {
    for (const effect of effects) {
      if (effect.kind === "send") {
        queue.push({ at: at + TRAVEL, to: from === reader ? face : reader, bytes: effect.bytes.slice() });
      } else if (effect.kind === "close") {
        queue = [];
        for (const kind of ["closed", "opened"] as const)
          for (const party of [reader, face])
            perform(party, party.handle({ kind, link: LINE, reason: effect.reason } as never, now()));
      }
    }
  };
  for (const party of [face, reader]) perform(party, party.handle({ kind: "opened", link: LINE }, now()));
  for (let turns = 0; turns < 500_000 && at < LONGEST; turns++) {
    if (over()) return at;
    const [first] = queue;
    const [r, f] = [reader.nextWake(), face.nextWake()];
    const next = Math.min(first?.at ?? Number.POSITIVE_INFINITY, r.mono, f.mono);
    if (next === Number.POSITIVE_INFINITY) return undefined;
    at = Math.max(at, next);
    if (first !== undefined && first.at <= at) {
      queue.shift();
      perform(first.to, first.to.handle({ kind: "bytes", link: LINE, bytes: first.bytes }, now()));
    } else if (r.mono <= at) perform(reader, reader.wake(now()));
    else perform(face, face.wake(now()));
  }
  return undefined;
}
