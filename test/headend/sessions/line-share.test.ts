/** The account of a line's failed attempts, and the standing of a meter. */
import { describe, expect, test } from "vitest";
import { LineShare, Standing } from "../../../headend/sessions/line-share.ts";
import { Random } from "../../../src/core/random.ts";

const SECOND = 1_000_000;

describe("the share of failed attempts", () => {
  test("three seconds are free", () => {
    const share = new LineShare();
    for (let now = SECOND; now <= 3 * SECOND; now += SECOND) {
      share.spend(SECOND, now);
      expect(share.from).toBeLessThanOrEqual(now);
    }
    share.spend(SECOND, 4 * SECOND);
    expect(share.from).toBeGreaterThan(4 * SECOND);
  });

  test.each([1, 0.2, 3])("whoever takes what there is, gets an eighth: attempts of %f s", (seconds) => {
    const share = new LineShare();
    const took = seconds * SECOND;
    let [now, failed] = [0, 0];
    while (now < 1_000 * SECOND) {
      now = Math.max(now, share.from) + took;
      failed += took;
      share.spend(took, now);
    }
    expect(failed / now).toBeGreaterThan(0.125);
    expect(failed).toBeLessThanOrEqual(now / 8 + 3 * SECOND + took);
  });

  test("what was not used for long is not saved up beyond the free part", () => {
    const share = new LineShare();
    share.spend(SECOND, SECOND);
    const later = 10_000 * SECOND;
    let failed = 0;
    for (let now = later; share.from <= now; now += SECOND) {
      failed += 1;
      share.spend(SECOND, now + SECOND);
    }
    expect(failed).toBeLessThanOrEqual(4);
  });
});

describe("the standing of a meter", () => {
  test("two failures in a row put it in doubt, some answers clear it", () => {
    const standing = new Standing();
    standing.failed();
    expect(standing.inDoubt).toBe(false);
    standing.failed();
    expect(standing.inDoubt).toBe(true);
    standing.answered();
    expect(standing.inDoubt).toBe(false);
    for (let i = 0; i < 1_000; i++) standing.failed();
    for (let i = 0; i < 5; i++) standing.answered();
    expect(standing.inDoubt).toBe(false);
  });

  test.each([
    [2, 0, 0.01],
    [40, 0.7, 1],
  ])("of a meter that loses %i replies in a hundred", (lost, least, most) => {
    const standing = new Standing();
    const random = new Random(5);
    let doubtful = 0;
    for (let i = 0; i < 10_000; i++) {
      if (random.chance(lost, 100)) standing.failed();
      else standing.answered();
      if (standing.inDoubt) doubtful += 1;
    }
    expect(doubtful / 10_000).toBeGreaterThanOrEqual(least);
    expect(doubtful / 10_000).toBeLessThan(most);
  });
});
