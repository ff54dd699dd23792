/** What every store must do with lists that are read in pages, newest first: nothing twice, nothing left out. */
import { expect, test } from "vitest";
import type { Store, StoreRecord } from "../../headend/ports.ts";
import { account, at, audit, meterId, order, posting } from "./records.ts";

const M = meterId("m");

async function inPages<T, C>(page: (limit: number, before?: C) => Promise<readonly T[]>, cursor: (item: T) => C) {
  const found: T[] = [];
  for (let next: C | undefined; ; ) {
    const some = next === undefined ? await page(2) : await page(2, next);
    found.push(...some);
    const last = some.at(-1);
    if (last === undefined) return found;
    next = cursor(last);
  }
}

/** Part of the contract of stores. @param store the one under test, once it is there */
export function pagingContract(store: () => Store): void {
  test("orders, postings and the audit in pages are the same as at once, also when the list has grown meanwhile", async () => {
    const numbers = [1, 2, 3, 4, 5];
    const of = (meter: string, from: number): StoreRecord[] =>
      numbers.flatMap((n): StoreRecord[] => [
        { kind: "order", order: order(from + n, meter) },
        { kind: "posting", posting: posting(`p${from + n}`, meter, { at: at(n) }) },
        { kind: "audit", entry: audit(`a${from + n}`) },
      ]);
    await store().commit([{ kind: "account", account: account("m") }, ...of("m", 0), ...of("other", 10)]);
    const { query } = store();
    const [orders, postings] = [await query.orders(M, 100), await query.postings(M, 100)];
    expect(orders.map(({ id }) => id)).toEqual([5, 4, 3, 2, 1]);
    expect(
      await inPages(
        (limit, before?: (typeof orders)[0]["id"]) => query.orders(M, limit, before),
        ({ id }) => id,
      ),
    ).toEqual(orders);
    expect(
      await inPages(
        (limit, before?: string) => query.postings(M, limit, before),
        ({ key }) => key,
      ),
    ).toEqual(postings);
    expect(postings.map(({ key }) => key)).toEqual(["p5", "p4", "p3", "p2", "p1"]);
    const entries = await query.audit(100);
    expect(entries.map(({ action }) => action)).toEqual([15, 14, 13, 12, 11, 5, 4, 3, 2, 1].map((n) => `a${n}`));
    await store().commit([{ kind: "audit", entry: audit("later") }]);
    const older = await query.audit(100, entries[0]?.number);
    expect(older).toEqual(entries.slice(1));
    expect(
      await inPages(
        (limit, before?: number) => query.audit(limit, before),
        ({ number }) => number,
      ),
    ).toHaveLength(11);
  });
}
