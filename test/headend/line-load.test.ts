/** The share of a line's time, worked out by hand. */
import { expect, test } from "vitest";
import { LineLoad } from "../../headend/line-load.ts";
import type { RequestOutcome } from "../../headend/observations.ts";
import { linkId } from "../../src/core/actor.ts";
import { meterId } from "./fakes.ts";

const SECOND = 1_000_000;
const BUS = linkId("bus");

test("over the last five minutes, or since the beginning, answered and failed apart", () => {
  const load = new LineLoad([BUS], 100 * SECOND);
  const request = (outcome: RequestOutcome, took: number, at: number) =>
    load.observe({ kind: "request", line: BUS, meter: meterId("a"), outcome, took: took * SECOND }, at * SECOND);
  request("answer", 5, 110);
  request("exception", 1, 115);
  request("timeout", 2, 119);
  expect(load.shares(BUS, 120 * SECOND)).toEqual({ answered: 0.3, failed: 0.1 });
  request("bad-reply", 30, 500);
  // From 210 on: the window begins with a whole bucket.
  expect(load.shares(BUS, 509 * SECOND)).toEqual({ answered: 0, failed: 30 / 299 });
  expect(load.shares("unknown", 509 * SECOND)).toEqual({ answered: 0, failed: 0 });
});
