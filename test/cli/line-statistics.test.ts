/** What `watch` counts of a line, and that reading goes on over whatever happens to it. */
import { expect, test } from "vitest";
import type { MeterReader, ReadingOutcome } from "../../src/cli/meter-reader.ts";
import { LineStatistics } from "../../src/cli/watch/line-statistics.ts";
import { RepeatedReads, type WatchEvent } from "../../src/cli/watch/repeated-reads.ts";
import { type LinkEvent, linkId } from "../../src/core/actor.ts";
import { civil, mono, NEVER, type Now } from "../../src/core/time.ts";

const ASK = Uint8Array.of(1, 4, 0, 0, 0, 2);
const OTHER = Uint8Array.of(1, 4, 0, 9, 0, 2);

test("replies are timed to their last byte", () => {
  const line = new LineStatistics();
  expect(line.percentile(0.5)).toBeUndefined();
  for (let i = 1; i <= 100; i++) {
    line.sent(10_000 * i, i % 2 === 0 ? ASK : OTHER);
    line.heard(10_000 * i + 1);
    line.heard(10_000 * i + i);
  }
  line.succeeded();
  expect([line.requests, line.percentile(0.5), line.percentile(0.99), line.errors]).toEqual([100, 50, 99, []]);
});

test("errors are told apart: no reply, a damaged one, a refusal, a line that is gone", () => {
  const line = new LineStatistics();
  line.sent(0, ASK);
  line.sent(1_000, ASK);
  line.heard(1_500);
  line.sent(2_000, ASK);
  line.heard(2_500);
  line.failed("unit 1 on /dev/x: exception 02 illegal data address");
  line.sent(3_000, ASK);
  line.failed("unit 1 on /dev/x: no reply in time");
  line.lineLost();
  line.failed("unit 1 on /dev/x: the link is down");
  expect(line.errors).toEqual([
    ["no reply", 2],
    ["damaged reply", 1],
    ["exception 02 illegal data address", 1],
    ["line down", 1],
  ]);
});

const LINK = linkId("line");

function at(micros: number): Now {
  return { mono: mono(micros), civil: civil(micros) };
}

/** A reader that asks once and takes any bytes for the reading. */
function reader(): MeterReader {
  return {
    subject: "meter",
    serial: { baudRate: 9600, parity: "none", dataBits: 8, stopBits: 1 },
    precise: false,
    once: (link, done: (outcome: ReadingOutcome) => void) => ({
      handle: (event: LinkEvent, now: Now) => {
        if (event.kind === "opened") return [{ kind: "send" as const, link, bytes: ASK }];
        if (event.kind === "bytes") done({ ok: true, time: now.civil, values: { voltageL1: 230_000 } });
        if (event.kind === "closed") done({ ok: false, reason: "the link is down", hint: "" });
        return [];
      },
      wake: () => [],
      nextWake: () => NEVER,
    }),
  };
}

test("readings begin on their grid, wait while paused, and go on when the line is back", () => {
  const told: string[] = [];
  const tell = (event: WatchEvent) =>
    told.push(
      event.kind === "line" ? `line ${event.reason ?? "up"}` : event.outcome.ok ? "good" : event.outcome.reason,
    );
  const reads = new RepeatedReads(reader(), LINK, 1_000_000, new LineStatistics(), tell);
  const reply: LinkEvent = { kind: "bytes", link: LINK, bytes: ASK };
  expect(reads.nextWake().mono).toBe(Number.POSITIVE_INFINITY);
  expect(reads.handle({ kind: "opened", link: LINK }, at(100)).length).toBe(1);
  reads.handle(reply, at(5_000));
  expect(reads.nextWake().mono).toBe(1_000_100);
  reads.pause(true);
  expect([reads.nextWake().mono, reads.wake(at(1_000_100))]).toEqual([Number.POSITIVE_INFINITY, []]);
  reads.pause(false);
  expect(reads.wake(at(1_500_000)).length).toBe(1);
  reads.handle({ kind: "closed", link: LINK, reason: "unplugged" }, at(1_600_000));
  reads.handle({ kind: "closed", link: LINK, reason: "no such device" }, at(1_700_000));
  expect(reads.nextWake().mono).toBe(Number.POSITIVE_INFINITY);
  expect(reads.handle({ kind: "opened", link: LINK }, at(1_800_000)).length).toBe(1);
  reads.handle(reply, at(1_900_000));
  expect(told).toEqual(["good", "the link is down", "line unplugged", "line up", "good"]);
});
