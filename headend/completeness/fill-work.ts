/** What a meter has of the intervals that were open, as work for the store. */
import type { Books } from "../books.ts";
import type { Work } from "../committer.ts";
import type { ProfilePiece } from "./interval-book.ts";

/**
 * The readings move no baseline, no balance and no relay: their energy is in what was read since. One that the store refuses
 * is asked for again, since its interval stays open.
 */
export function fillWork(books: Books, piece: ProfilePiece): Work {
  const { meter } = piece;
  return {
    apply(draft, now) {
      const readings = books.intervals?.fill(piece, books.baselines.get(meter), draft, now) ?? [];
      for (const reading of readings) {
        draft.records.push({ kind: "reading", reading });
        draft.after.push({ kind: "notify", notice: { kind: "reading", reading } });
      }
      const invalid = readings.filter(({ quality }) => quality === "invalid").length;
      if (invalid > 0)
        draft.after.push({
          kind: "log",
          level: "warn",
          event: "intervals-invalid",
          fields: { meter, intervals: invalid },
        });
    },
    abandoned: (reason) => [{ kind: "log", level: "error", event: "intervals-not-stored", fields: { meter, reason } }],
  };
}
