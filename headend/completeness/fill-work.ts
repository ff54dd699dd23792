/** What a meter has of the intervals that were open, as work for the store. */
import { type Civil, civil, MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { Books, Draft } from "../books.ts";
import { isDoubted } from "../clock/records.ts";
import type { Work } from "../committer.ts";
import type { MeterId, MeterReading } from "../ports.ts";
import type { ProfilePiece } from "./interval-book.ts";

/** Another device took over at a time: see {@link IntervalBook.exchanged}. In the batch that records the exchange. */
export function exchangeIntervals(
  books: Books,
  meter: MeterId,
  exchange: { readonly at: Civil; readonly opening: number },
  draft: Draft,
  now: Now,
): void {
  put(books.intervals?.exchanged(meter, exchange.at, exchange.opening, draft, now) ?? [], draft);
}

function put(readings: readonly MeterReading[], draft: Draft): void {
  for (const reading of readings) {
    draft.records.push({ kind: "reading", reading });
    draft.after.push({ kind: "notify", notice: { kind: "reading", reading } });
  }
}

/** Times are the meter's own: about a jump of its clock they are in doubt. */
function doubted(books: Books, reading: MeterReading): MeterReading {
  const length = (books.intervals?.config.minutes ?? 0) * 60 * MICROS_PER_SECOND;
  const isKept = reading.quality === "good" || reading.quality === "late";
  if (!isKept || !isDoubted(books.clocks.get(reading.meter), civil(reading.time - length), reading.time))
    return reading;
  return { ...reading, quality: "clock-doubt" };
}

/**
 * The readings move no baseline, no balance and no relay: their energy is in what was read since. One that the store refuses
 * is asked for again, since its interval stays open.
 */
export function fillWork(books: Books, piece: ProfilePiece): Work {
  const { meter } = piece;
  return {
    apply(draft, now) {
      const filled = books.intervals?.fill(piece, books.baselines.get(meter), draft, now) ?? [];
      const readings = filled.map((reading) => doubted(books, reading));
      put(readings, draft);
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
