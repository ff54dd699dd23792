import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LocalSecond, localOf, localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { Credit } from "../../../firmware-sim/prepayment/credit.ts";
import { type CreditSettings, checkCredit, defaultCredit } from "../../../firmware-sim/prepayment/settings.ts";
import { pricePerKwh } from "../../../src/core/money.ts";

const START = localOf(2026, 11, 25);
/** 0.50 per kWh, in millionths of a hundredth. */
const HALF = pricePerKwh(50_000_000n);
const KWH = 3_600_000_000_000;

function credit(more: Partial<CreditSettings> = {}, at: LocalSecond = START): Credit {
  const made = new Credit({ ...defaultCredit("money"), ...more }, new MemoryNvram(), at);
  made.price(HALF);
  return made;
}

function use(c: Credit, micro: number, at: LocalSecond = START): void {
  if (c.consume(micro)) c.edge(at);
}

describe("levels", () => {
  test("light, one trip that the customer undoes, overdraft shown apart, a trip that stays, the overdraft filled first", () => {
    const c = credit({ opening: 1_500, overdraftLimit: 300 });
    expect([c.alarm1, c.wantsTrip, c.mayClose]).toEqual([false, undefined, "allowed"]);
    use(c, 10 * KWH - 1);
    expect([c.alarm1, c.shown.remaining]).toEqual([false, 1_000n]);
    use(c, 1);
    expect([c.alarm1, c.alarm2, c.wantsTrip]).toEqual([true, false, undefined]);
    use(c, 10 * KWH);
    expect([c.alarm2, c.wantsTrip, c.mayClose]).toEqual([true, "alarm-2", "allowed"]);
    c.closedByCustomer();
    expect(c.wantsTrip).toBeUndefined();
    use(c, 14 * KWH);
    expect([c.shown, c.wantsTrip]).toEqual([{ remaining: 0n, overdraft: 200n }, undefined]);
    use(c, 2 * KWH - 1);
    expect(c.wantsTrip).toBeUndefined();
    use(c, 1);
    expect([c.shown.overdraft, c.wantsTrip, c.mayClose]).toEqual([300n, "overdraft-limit", "overdraft-limit"]);
    c.closedByCustomer();
    expect(c.wantsTrip).toBe("overdraft-limit");
    expect(c.topUp(400, 7, START)).toBe("booked");
    expect([c.shown, c.wantsTrip, c.mayClose]).toEqual([{ remaining: 100n, overdraft: 0n }, undefined, "allowed"]);
    expect(c.purchase(0)).toEqual({ kind: "top-up", order: 7, at: START, amount: 400, before: -300n, after: 100n });
    expect(c.topUp(401, 8, START)).toBe("booked");
    use(c, KWH);
    expect(c.wantsTrip).toBe("alarm-2");
  });

  test("a relay that credit opened is not closed below the close-allowed amount", () => {
    const c = credit({ opening: 10, closeAllowed: 200 });
    use(c, KWH);
    c.topUp(199, 1, START);
    expect(c.mayClose).toBe("below-close-allowed");
    c.topUp(41, 2, START);
    expect(c.mayClose).toBe("allowed");
  });

  test("hoarding, refunds and amounts that are none are refused and change nothing", () => {
    const c = credit({ opening: 100, hoardingLimit: 150 });
    expect([c.topUp(51, 1, START), c.topUp(50, 2, START)]).toEqual(["above-hoarding-limit", "booked"]);
    expect([c.refund(151, 3, START), c.refund(150, 4, START)]).toEqual(["not-enough-credit", "booked"]);
    for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      expect([c.topUp(bad, 5, START), c.refund(bad, 5, START)]).toEqual(["bad-amount", "bad-amount"]);
    }
    expect(c.totals).toEqual({ added: 150n, refunded: 150n, topUps: 1, refunds: 1 });
    expect([c.purchases, c.purchase(0)?.kind, c.purchase(1)?.kind]).toEqual([2, "refund", "top-up"]);
  });

  test("export is not credited, and energy mode counts mWh whatever the price", () => {
    const c = new Credit({ ...defaultCredit("energy"), opening: 20_000_000 }, new MemoryNvram(), START);
    c.price(HALF);
    expect(c.consume(-KWH)).toBe(false);
    expect(c.shown.remaining).toBe(20_000_000n);
    use(c, 10 * KWH);
    expect([c.shown.remaining, c.alarm1]).toEqual([10_000_000n, true]);
  });
});

test("in friendly hours and days it never trips; at their end it does, if it is still due", () => {
  const friendly = { hours: [{ from: 0, to: 420 }], weekdays: [0], days: [{ month: 12, day: 25 }] };
  const at = localOf(2026, 11, 25, 6);
  const c = credit({ opening: 10, friendly }, at);
  use(c, KWH, at);
  expect([c.friendly, c.wantsTrip, c.nextEdge]).toEqual([true, undefined, localOf(2026, 11, 25, 7)]);
  c.edge(c.nextEdge);
  expect([c.friendly, c.wantsTrip, c.nextEdge]).toEqual([false, "overdraft-limit", localOf(2026, 11, 26)]);
  const sunday = localOf(2026, 11, 29, 12);
  c.edge(sunday);
  expect([c.friendly, c.nextEdge]).toEqual([true, localOf(2026, 11, 30)]);
  c.edge(localOf(2026, 12, 25, 23, 59, 59));
  expect([c.friendly, c.nextEdge]).toEqual([true, localOf(2026, 12, 26)]);
});

test("friendly time is the same whether asked each minute or at its edges only", () => {
  const friendly = {
    hours: [
      { from: 90, to: 200 },
      { from: 150, to: 600 },
      { from: 1_380, to: 1_440 },
    ],
    weekdays: [6],
    days: [],
  };
  const c = credit({ opening: 1, friendly });
  for (let minute = 0; minute < 9 * 1440; minute++) {
    const at = localSecond(START + minute * 60);
    if (at >= c.nextEdge) c.edge(at);
    const ofDay = minute % 1440;
    const inHours = friendly.hours.some((h) => ofDay >= h.from && ofDay < h.to);
    // 2026-11-25 is a Wednesday.
    const saturday = (3 + Math.floor(minute / 1440)) % 7 === 6;
    expect([minute, c.friendly]).toEqual([minute, inHours || saturday]);
  }
});

test("what left is Σ energy × price to the last fraction, and every level is seen in the window that reaches it", () => {
  const step = fc.record({
    micro: fc.oneof(fc.integer({ min: -1_000, max: 5_000 }), fc.integer({ min: 0, max: 2 ** 50 - 1 })),
    price: fc.option(fc.bigInt({ min: 0n, max: 2_000_000_000n }), { nil: undefined, freq: 6 }),
    topUp: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined, freq: 8 }),
    closes: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 0, max: 3_000 }), (steps, opening) => {
      const c = credit({ opening, overdraftLimit: 700 });
      const UNIT = 3_600_000_000_000_000_000n;
      let left = BigInt(opening) * UNIT;
      let spent = 0n;
      let price = 50_000_000n;
      let once = false;
      for (const s of steps) {
        if (s.price !== undefined) {
          price = s.price;
          c.price(pricePerKwh(price));
        }
        if (s.topUp !== undefined && c.topUp(s.topUp, 1, START) === "booked") left += BigInt(s.topUp) * UNIT;
        c.commit();
        if (left > 500n * UNIT) once = false;
        use(c, s.micro);
        if (s.micro > 0) {
          left -= BigInt(s.micro) * price;
          spent += BigInt(s.micro) * price;
        }
        if (s.closes && left <= 500n * UNIT) once = true;
        if (s.closes) c.closedByCustomer();
        expect(c.balanceFine).toBe(left);
        expect(c.spentFine).toBe(spent);
        expect(c.shown.remaining - c.shown.overdraft).toBe(left / UNIT);
        expect(c.alarm1).toBe(left <= 1_000n * UNIT);
        const due = left <= -700n * UNIT ? "overdraft-limit" : left <= 500n * UNIT && !once ? "alarm-2" : undefined;
        expect(c.wantsTrip).toBe(due);
      }
    }),
    { numRuns: 400 },
  );
});

test("settings are refused with a reason", () => {
  const good = defaultCredit("money");
  const bad: readonly (readonly [Partial<CreditSettings>, RegExp])[] = [
    [{ mode: "coal" as "money" }, /credit mode is "money" or "energy"/],
    [{ alarm1: 5, alarm2: 6 }, /alarm2 \(6\) is above alarm1/],
    [{ overdraftLimit: -1 }, /overdraftLimit is a whole amount/],
    [{ opening: 200_000_000 }, /above the hoarding limit/],
    [{ friendly: { ...good.friendly, hours: [{ from: 600, to: 500 }] } }, /a friendly period/],
    [{ friendly: { ...good.friendly, weekdays: [7] } }, /friendly weekday/],
    [{ friendly: { ...good.friendly, days: [{ month: 2, day: 30 }] } }, /no friendly day 2-30/],
  ];
  expect(checkCredit(good).ok).toBe(true);
  for (const [change, reason] of bad) {
    const result = checkCredit({ ...good, ...change });
    expect(result.ok ? "accepted" : result.error).toMatch(reason);
  }
});
