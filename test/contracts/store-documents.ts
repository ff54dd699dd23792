/** The part of the store contract that is about documents. */
import { expect, test } from "vitest";
import type { Store } from "../../headend/ports.ts";
import type { StoreHarness } from "./store.ts";

export function documentContract(harness: () => StoreHarness): void {
  test("a document replaces the one of its key, and the snapshot holds those that are live", async () => {
    const document = (collection: string, key: string, text: string, live = true) =>
      ({ kind: "document", document: { collection, key, live, text } }) as const;
    const { store } = harness();
    await store.commit([document("alarm", "2", "two"), document("alarm", "1", "one"), document("plan", "1", "p")]);
    await store.commit([document("alarm", "1", "one, over", false), document("alarm", "~", "last")]);
    const [one, two, last, plan] = [
      { collection: "alarm", key: "1", live: false, text: "one, over" },
      { collection: "alarm", key: "2", live: true, text: "two" },
      { collection: "alarm", key: "~", live: true, text: "last" },
      { collection: "plan", key: "1", live: true, text: "p" },
    ];
    const check = async ({ query, snapshot }: { query: Store["query"]; snapshot: Store["snapshot"] }) => {
      expect(await query.document("alarm", "1")).toEqual(one);
      expect(await query.document("alarm", "3")).toBeUndefined();
      expect(await query.documents("alarm", null, "up", 10)).toEqual([one, two, last]);
      expect(await query.documents("alarm", "1", "up", 1)).toEqual([two]);
      expect(await query.documents("alarm", null, "down", 2)).toEqual([last, two]);
      expect(await query.documents("alarm", "2", "down", 10)).toEqual([one]);
      expect(await query.documents("none", null, "up", 10)).toEqual([]);
      expect((await snapshot()).documents).toEqual([two, last, plan]);
    };
    await check({ query: store.query, snapshot: () => store.snapshot() });
    const again = await harness().reopen();
    await check({ query: again.query, snapshot: () => again.snapshot() });
  });
}
