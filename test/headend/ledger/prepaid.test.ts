import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { balanceOf, levelOf, openAccount, settle, topUp } from "../../../headend/ledger/prepaid.ts";
import type { PrepaidAccount } from "../../../headend/ports.ts";
import { minor, pricePerKwh } from "../../../src/core/money.ts";
import { civil } from "../../../src/core/time.ts";
import { meterId } from "../fakes.ts";

const NOW = civil(0);

const account = (price: bigint): PrepaidAccount =>
  openAccount({
    meter: meterId("m"),
    currency: "EUR",
    price: pricePerKwh(price),
    warnAt: minor(100n),
    cutAt: minor(0n),
  });

describe("settle", () => {
  test("money taken is the whole energy at the price, whatever the sequence of readings", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 10n }),
        fc.nat({ max: 2 ** 31 - 1 }),
        fc.array(fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 10 ** 9 })), { maxLength: 60 }),
        fc.boolean(),
        (price, start, steps, rolls) => {
          const modulus = 10 ** 9 + 7;
          let current = account(price);
          let used = 0n;
          let register = start % modulus;
          let booked = 0n;
          for (const step of [0, ...steps.map((s) => (rolls ? s % (modulus >> 1) : s))]) {
            used += BigInt(step);
            register = rolls ? (register + step) % modulus : register + step;
            const settled = settle(current, register, rolls ? modulus : undefined, NOW);
            booked += settled?.posting?.amount ?? 0n;
            current = settled?.account ?? current;
            // The price is millionths of a minor unit per kWh, the energy mWh: one part in 10^12.
            expect(current.charged).toBe((used * price) / 10n ** 12n);
            expect(booked).toBe(current.charged);
          }
        },
      ),
    );
  });

  test("the first reading is where the account begins, and charges nothing", () => {
    const settled = settle(account(25_000_000n), 7_000_000, undefined, NOW);
    expect(settled?.posting).toBeUndefined();
    expect(settled?.account).toMatchObject({ energyFrom: 7_000_000, energyTo: 7_000_000, charged: 0n });
  });

  test("a fraction of a cent waits until it is one", () => {
    let current = settle(account(25_000_000n), 0, undefined, NOW)?.account as PrepaidAccount;
    const amounts: (bigint | undefined)[] = [];
    for (let mWh = 10_000; mWh <= 80_000; mWh += 10_000) {
      const settled = settle(current, mWh, undefined, NOW);
      amounts.push(settled?.posting?.amount);
      current = settled?.account as PrepaidAccount;
    }
    // 40 Wh are one cent at 25 cents a kWh.
    expect(amounts).toEqual([undefined, undefined, undefined, 1n, undefined, undefined, undefined, 1n]);
  });

  test("a register behind what is settled changes nothing, on the way back over zero neither", () => {
    const current = { ...account(25_000_000n), energyFrom: 0, energyTo: 1_000_010 };
    expect(settle(current, 1_000_009, undefined, NOW)).toBeUndefined();
    expect(settle(current, 1_000_010, undefined, NOW)).toBeUndefined();
    expect(settle(current, 999_990, 1_000_000, NOW)).toBeUndefined();
    expect(settle(current, 20, 1_000_000, NOW)?.account.energyTo).toBe(1_000_020);
  });

  test("each charge has a key of its own", () => {
    const current = { ...account(25_000_000n), energyFrom: 0, energyTo: 0 };
    expect(settle(current, 40_000, undefined, NOW)?.posting).toEqual({
      key: "charge:m:40000",
      meter: "m",
      at: 0,
      kind: "charge",
      amount: 1n,
      energyTo: 40_000,
    });
  });
});

test("levels: at the limit counts as below it", () => {
  const level = (toppedUp: bigint) => levelOf({ ...account(1n), toppedUp: minor(toppedUp) });
  expect([101n, 100n, 1n, 0n, -1n].map(level)).toEqual(["good", "warning", "warning", "empty", "empty"]);
});

test("a top-up raises the balance by its amount", () => {
  const { account: after, posting } = topUp({ ...account(1n), charged: minor(30n) }, minor(100n), "k", NOW);
  expect(balanceOf(after)).toBe(70n);
  expect(posting).toMatchObject({ kind: "topup", amount: 100n, key: "k", energyTo: null });
});
