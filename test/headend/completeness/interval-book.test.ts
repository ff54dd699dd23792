/** What readings and records of load profiles make of the intervals, and how a value that is filled in is judged. */
import { describe, expect, test } from "vitest";
import type { Draft } from "../../../headend/books.ts";
import { IntervalBook, type ProfileEntry } from "../../../headend/completeness/interval-book.ts";
import { INTERVALS_CODEC } from "../../../headend/completeness/meter-intervals.ts";
import { describe as describeRuns } from "../../../headend/completeness/runs.ts";
import type { MeterId, MeterReading, StoredDocument } from "../../../headend/ports.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";

const M = "m" as MeterId;
const MINUTE = 60_000_000;
/** Interval 0 of the test ends here; times are in minutes from it. */
const ZERO = 1_800_000;
const at = (minutes: number) => civil((ZERO * 15 + minutes) * MINUTE);
const now = (minutes: number): Now => ({ mono: mono(0), civil: at(minutes) });

/** A book, and the states of the intervals 1, 2, … as letters: read, late, missing, open. */
function site(from: "any" | "profile" = "any", documents: readonly StoredDocument[] = []) {
  const book = new IntervalBook({ minutes: 15, from }, documents);
  const kept = new Map<string, StoredDocument>(documents.map((document) => [document.key, document]));
  let writes = 0;
  const draft = (): Draft => ({ records: [], after: [] });
  const take = ({ records }: Draft, commit = true) => {
    for (const record of records) {
      if (record.kind !== "document" || !commit) continue;
      kept.set(record.document.key, record.document);
      writes += 1;
    }
    if (commit) book.commit();
    else book.rollback();
  };
  return {
    book,
    get writes() {
      return writes;
    },
    documents: () => [...kept.values()],
    poll(minutes: number, imported: number, change: Partial<MeterReading> = {}, arrived = minutes, keeps = true) {
      const values = { activeEnergyImport: imported, reactiveEnergyImport: 5 };
      const origin = {
        meter: M,
        time: at(minutes),
        source: "modbus",
        sequence: null,
        quality: "good",
        values,
      } as const;
      const batch = draft();
      book.note({ ...origin, ...change }, keeps, batch, now(arrived));
      take(batch);
    },
    fill(
      from: number,
      proven: number,
      entries: Readonly<Record<number, Partial<ProfileEntry>>>,
      minutes = 600,
      commit = true,
    ) {
      const records = Object.entries(entries).map(([interval, entry]) => ({
        ...{ interval: ZERO + Number(interval), clockDoubt: false, energies: [0, 0, 5, 0] },
        ...entry,
      }));
      const batch = draft();
      const newest = { values: { activeEnergyImport: 1_000 }, time: at(240), arrived: at(240) };
      const piece = { meter: M, from: ZERO + from, proven: ZERO + proven, records };
      const readings = book.fill(piece, newest, batch, now(minutes));
      take(batch, commit);
      return readings.map(({ time, quality }) => `${(time - at(0)) / MINUTE} ${quality}`);
    },
    in(act: (batch: Draft) => unknown) {
      const batch = draft();
      const result = act(batch);
      take(batch);
      return result;
    },
    states(last: number): string {
      const state = INTERVALS_CODEC.decode(kept.get(M)?.text ?? "");
      return describeRuns(state.runs, { from: ZERO + 1, to: ZERO + last })
        .map((run) => run.state[0]?.repeat(run.to - run.from + 1))
        .join("");
    },
  };
}

const energies = (imported: number | null): Partial<ProfileEntry> => ({ energies: [imported, 0, 5, 0] });

describe("readings", () => {
  test("one that lies in an interval makes it read, its end belongs to it", () => {
    const s = site();
    s.poll(1, 10);
    s.poll(15, 11);
    s.poll(16, 12);
    s.poll(46, 13);
    expect(s.states(4)).toBe("rror");
    // One document for each interval, not one for each reading.
    expect(s.writes).toBe(3);
  });

  test("one that comes an hour after the end makes it late; invalid and missing ones make nothing", () => {
    const s = site();
    s.poll(1, 10);
    s.poll(20, 11, {}, 30 + 61);
    s.poll(40, 12, { quality: "invalid" });
    s.poll(50, 12, { quality: "missing" });
    s.poll(70, 12, { quality: "clock-doubt" });
    expect(s.states(5)).toBe("rloor");
  });

  test("one of a clock that is far ahead opens no gap", () => {
    const s = site();
    s.poll(1, 10);
    s.poll(60 * 24 * 400, 11, {}, 20);
    s.poll(21, 12);
    expect(s.states(2)).toBe("rr");
  });

  test("what was noted while the head-end's clock was ahead is forgotten once it is right", () => {
    const s = site();
    s.poll(1, 10);
    for (const ahead of [300, 315]) s.poll(ahead, 11);
    s.poll(17, 12);
    expect(s.states(24)).toBe(`rr${"o".repeat(22)}`);
    s.poll(301, 20);
    expect(s.states(24)).toBe(`rr${"o".repeat(18)}rooo`);
  });

  test("a clock that was months ahead does not stop it for months", () => {
    const s = site();
    s.poll(1, 10);
    s.poll(60 * 24 * 100, 11);
    s.poll(31, 12);
    expect(s.book.hole(M, at(90), 96)).toEqual({ from: ZERO + 4, to: ZERO + 6 });
  });

  test("where the profile counts, a poll makes an interval read at its very end alone, or where none is kept", () => {
    const s = site("profile");
    s.poll(1, 10);
    s.poll(30, 11);
    s.poll(31, 11, {}, 31, false);
    expect(s.states(3)).toBe("orr");
  });
});

describe("filled in", () => {
  const gap = () => {
    const s = site();
    s.poll(14, 100);
    s.poll(240, 1_000);
    return s;
  };

  test("late, missing, and what was read is left as it was", () => {
    const s = gap();
    const done = s.fill(1, 16, { 1: energies(7), 2: energies(200), 4: energies(400), 16: energies(999) });
    expect(done.slice(0, 3)).toEqual(["30 late", "45 missing", "60 late"]);
    expect(done).toHaveLength(14);
    expect(s.states(16)).toBe(`rlml${"m".repeat(11)}r`);
    expect(s.fill(1, 16, { 3: energies(300) })).toEqual([]);
  });

  test("within an hour it is good", () => {
    const s = gap();
    expect(s.fill(2, 3, { 2: energies(200), 3: energies(201) }, 100)).toEqual(["30 late", "45 good"]);
    expect(s.states(3)).toBe("rlr");
  });

  test.each([
    ["below the reading before the gap", { 2: energies(99), 3: energies(150) }, ["30 invalid", "45 late"]],
    ["above the reading behind it", { 2: energies(150), 3: energies(1_001) }, ["30 late", "45 invalid"]],
    ["below the record before it", { 2: energies(500), 3: energies(499) }, ["30 late", "45 invalid"]],
    ["another register that falls", { 2: { energies: [150, 0, 4, 0] }, 3: energies(151) }, ["30 invalid", "45 late"]],
    ["no +A", { 2: energies(null), 3: energies(150) }, ["30 missing", "45 late"]],
    [
      "a clock in doubt",
      { 2: { ...energies(150), clockDoubt: true }, 3: energies(151) },
      ["30 clock-doubt", "45 late"],
    ],
  ])("%s", (_, entries, expected) => {
    const s = gap();
    expect(s.fill(2, 3, entries)).toEqual(expected);
    expect(s.states(3)).toBe(`r${expected.map((text) => (/late|doubt/.test(text) ? "l" : "m")).join("")}`);
  });

  test("a batch that the store refuses leaves it open", () => {
    const s = gap();
    s.fill(2, 3, { 2: energies(200) }, 600, false);
    expect(s.book.hole(M, at(240), 96)).toEqual({ from: ZERO + 2, to: ZERO + 15 });
    expect(s.fill(2, 2, { 2: energies(200) })).toEqual(["30 late"]);
  });

  test("a new head-end goes on from the documents", () => {
    const s = gap();
    s.fill(2, 3, { 2: energies(200), 3: energies(300) });
    const again = site("any", s.documents());
    expect(again.book.hole(M, at(240), 4)).toEqual({ from: ZERO + 4, to: ZERO + 7 });
    expect(again.fill(4, 5, { 4: energies(299), 5: energies(301) })).toEqual(["60 invalid", "75 late"]);
  });
});

describe("a meter of the registry", () => {
  test("is expected from its beginning on, heard or not, and not after its end", () => {
    const s = site();
    s.in((batch) => s.book.begin(M, batch, now(7)));
    expect(s.book.hole(M, at(61), 96)).toEqual({ from: ZERO + 1, to: ZERO + 4 });
    s.in((batch) => s.book.end(M, batch, now(40)));
    expect(s.book.hole(M, at(61), 96)).toEqual({ from: ZERO + 1, to: ZERO + 2 });
    s.in((batch) => s.book.begin(M, batch, now(90)));
    expect(s.book.hole(M, at(120), 96)).toEqual({ from: ZERO + 7, to: ZERO + 8 });
  });

  test("that is exchanged: what was open is missing, and the new device begins at its opening read", () => {
    const s = site();
    s.poll(14, 100);
    const gone = s.in((batch) => s.book.exchanged(M, at(50), 3, batch, now(70))) as MeterReading[];
    expect(gone.map(({ time, quality }) => [(time - at(0)) / MINUTE, quality])).toEqual([
      [30, "missing"],
      [45, "missing"],
    ]);
    expect(s.fill(4, 5, { 4: energies(2), 5: energies(4) })).toEqual(["60 invalid", "75 late"]);
  });
});
