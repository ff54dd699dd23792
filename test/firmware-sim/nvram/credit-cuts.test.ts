/** Credit, purchase records and the memory of orders in one checkpoint, with the power cut at any byte of any write. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { OrderJournal } from "../../../firmware-sim/control/journal.ts";
import { ByteReader, ByteWriter } from "../../../firmware-sim/nvram/bytes.ts";
import { Checkpoint } from "../../../firmware-sim/nvram/checkpoint.ts";
import type { Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { Credit } from "../../../firmware-sim/prepayment/credit.ts";
import { defaultCredit } from "../../../firmware-sim/prepayment/settings.ts";
import type { OrderNumber, OrderStatus } from "../../../protocols/orders.ts";
import { pricePerKwh } from "../../../src/core/money.ts";
import { CuttingNvram, PowerCut } from "./cutting-nvram.ts";

const AT = localSecond(1_800_000_000);
const UNIT = 3_600_000_000_000_000_000n;
const SETTINGS = { ...defaultCredit("money"), opening: 500, overdraftLimit: 100_000, hoardingLimit: 2_000 };

/** The parts put together as a meter does it: one checkpoint for all, and the naive sum of energy × price beside them. */
class Composed {
  readonly credit: Credit;
  readonly #checkpoint: Checkpoint;
  readonly #journal: OrderJournal;
  spent = 0n;
  #price = 0n;

  constructor(nvram: Nvram) {
    this.#checkpoint = new Checkpoint(nvram, "parts");
    const stored = this.#checkpoint.recover();
    if (!stored.ok) throw new Error(stored.error);
    this.credit = new Credit(SETTINGS, nvram, AT);
    const reader = new ByteReader(stored.value ?? new Uint8Array(0));
    this.#journal = OrderJournal.fromBytes(stored.value === undefined ? new Uint8Array(0) : reader.block());
    if (stored.value === undefined) return;
    const restored = this.credit.restore(reader.block(), AT);
    if (!restored.ok) throw new Error(restored.error);
    this.spent = reader.big();
    this.#price = reader.big();
  }

  save(): void {
    const writer = new ByteWriter().block(this.#journal.toBytes()).block(this.credit.snapshot());
    this.#checkpoint.write(writer.big(this.spent).big(this.#price).bytes());
    this.credit.commit();
  }

  use(micro: number): void {
    if (this.credit.consume(micro)) this.credit.edge(AT);
    this.spent += BigInt(micro) * this.#price;
  }

  price(price: bigint): void {
    this.credit.price(pricePerKwh(price));
    this.#price = price;
  }

  order(id: number, amount: number): OrderStatus {
    const before = this.#journal.find(id as OrderNumber);
    if (before !== undefined) return before.status;
    const booked = amount > 0 ? this.credit.topUp(amount, id, AT) : this.credit.refund(-amount, id, AT);
    const status = booked === "booked" ? "done" : booked === "bad-amount" ? "bad-argument" : "refused";
    this.#journal.remember({ id: id as OrderNumber, status, relay: 1 });
    this.save();
    return status;
  }
}

const step = fc.record({
  amount: fc.oneof(fc.integer({ min: -400, max: -1 }), fc.integer({ min: 1, max: 900 })),
  micro: fc.integer({ min: 0, max: 2 ** 45 }),
  price: fc.bigInt({ min: 0n, max: 60_000_000n }),
  acknowledged: fc.boolean(),
  cut: fc.option(fc.integer({ min: 0, max: 900 }), { nil: undefined, freq: 2 }),
});

test("wherever a write is cut: nothing acknowledged is lost, nothing is booked twice, and money is conserved", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.constantFrom("old bytes stay", "cell is cut off"),
      (steps, tail) => {
        const nvram = new CuttingNvram(tail);
        let meter = new Composed(nvram);
        const done: { readonly id: number; readonly amount: number }[] = [];
        for (const [i, { amount, micro, price, acknowledged, cut }] of steps.entries()) {
          const id = i + 1;
          if (cut !== undefined) nvram.cutAfter(cut);
          // The head-end repeats the order until an answer reaches it.
          for (let heard = false, answers = acknowledged ? 1 : 0; !heard; ) {
            try {
              meter.price(price);
              meter.use(micro);
              const status = meter.order(id, amount);
              if (answers > 0) {
                heard = true;
                if (status === "done") done.push({ id, amount });
              }
              answers += 1;
              meter.save();
            } catch (error) {
              if (!(error instanceof PowerCut)) throw error;
              nvram.powerOn();
              meter = new Composed(nvram);
            }
          }
          const { totals } = meter.credit;
          const sum = (sign: 1 | -1) => done.reduce((all, d) => all + BigInt(Math.max(d.amount * sign, 0)), 0n);
          expect([totals.added, totals.refunded]).toEqual([500n + sum(1), sum(-1)]);
          expect(totals.topUps + totals.refunds).toBe(done.length);
          expect((totals.added - totals.refunded) * UNIT - meter.credit.balanceFine).toBe(meter.spent);
          const records = Array.from({ length: meter.credit.purchases }, (_, age) => meter.credit.purchase(age)?.order);
          expect(records).toEqual(
            done
              .slice(-10)
              .reverse()
              .map((d) => d.id),
          );
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("a snapshot of another layout, mode or length is refused, and changes nothing", () => {
  const credit = new Credit(SETTINGS, new CuttingNvram("old bytes stay"), AT);
  const bytes = credit.snapshot();
  for (const bad of [bytes.with(0, 9), bytes.with(1, 1), bytes.subarray(0, 9), new Uint8Array(0)])
    expect(credit.restore(bad, AT).ok).toBe(false);
  expect(credit.snapshot()).toEqual(bytes);
});
