/** Every list that can grow is paged the same way: nothing twice, nothing left out, and a cursor that is none is refused. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeIncident, type Incident, incidentId } from "../../../headend/alarms/incident.ts";
import { civil } from "../../../src/core/time.ts";
import { type Fixture, fakeStore, fixture, NOW } from "./api-support.ts";

const SECOND = 1_000_000;
const incident = (n: number, open = false): Incident => {
  const since = civil(NOW + n * SECOND);
  return {
    ...{ id: incidentId(since, n), kind: "line-down", place: { part: "line", name: "a" }, cause: "x", since },
    ...{ until: open ? null : civil(since + SECOND), lasted: SECOND, count: 1, meters: 1, within: null },
    acknowledged: null,
  };
};
const STORED = [1, 2, 3, 4, 5].map((n) => incident(n, n === 5));
/** Not in the store yet, and one that is there in an older form. */
const LASTING = [{ ...(STORED[4] as Incident), count: 7 }, incident(6, true)];

let api: Fixture;
beforeAll(async () => {
  const documents = STORED.map((one) => ({
    ...{ collection: "incidents", key: one.id, live: one.until === null, text: encodeIncident(one) },
  })).reverse();
  const store = fakeStore({
    documents: async (collection, after, direction, limit) =>
      collection === "incidents" && direction === "down"
        ? documents.filter(({ key }) => after === null || key < after).slice(0, limit)
        : [],
    document: async (_collection, key) => documents.find((document) => document.key === key),
  });
  const alarms = { open: () => LASTING, unlisted: 3, places: () => [] };
  api = await fixture(undefined, { store, alarms });
});
afterAll(() => api.app.close());

const LISTS: readonly (readonly [string, string, string])[] = [
  ["/api/v1/meters", "meters", "id"],
  ["/api/v1/meters/a/readings", "readings", "time"],
  ["/api/v1/meters/prepaid/postings", "postings", "key"],
  ["/api/v1/orders?meter=a", "orders", "id"],
  ["/api/v1/audit", "entries", "number"],
  ["/api/v1/alarms", "alarms", "id"],
  ["/api/v1/alarms?state=all", "alarms", "id"],
];

test.each(LISTS)("%s in pages of one is the same as at once", async (url, list, field) => {
  const by = (more: string) => `${url}${url.includes("?") ? "&" : "?"}${more}`;
  const whole = (await api.call({ url: by("limit=500") })).json();
  expect(whole.next).toBeNull();
  expect(whole[list].length).toBeGreaterThan(1);
  const pieces: unknown[] = [];
  for (let next: string | null = ""; next !== null; ) {
    const cursor: string = next === "" ? "" : `&cursor=${encodeURIComponent(next)}`;
    const page = (await api.call({ url: by(`limit=1${cursor}`) })).json();
    expect(page[list]).toHaveLength(1);
    pieces.push(...page[list]);
    next = page.next;
  }
  expect(pieces).toEqual(whole[list]);
  expect(new Set(pieces.map((piece) => (piece as Record<string, unknown>)[field])).size).toBe(pieces.length);
});

test.each(LISTS)("%s refuses a cursor that is damaged or of another list", async (url) => {
  const other = (await api.call({ url: "/api/v1/meters?limit=1" })).json().next;
  const own = url === "/api/v1/meters" ? [] : [other];
  for (const cursor of ["x", "AAAAAAAA", `${other.slice(0, -2)}AA`, ...own]) {
    const answer = await api.call({ url: `${url}${url.includes("?") ? "&" : "?"}cursor=${cursor}` });
    expect([answer.statusCode, answer.json().reason]).toEqual([400, "bad-cursor"]);
  }
});

test("what lasts is shown as it is now, not as it was stored, and what is over comes from the store", async () => {
  const all = (await api.call({ url: "/api/v1/alarms?state=all" })).json();
  expect(all.alarms.map(({ count }: { count: number }) => count)).toEqual([1, 7, 1, 1, 1, 1]);
  expect(all.unlisted).toBe(3);
  const [, , over] = all.alarms;
  expect((await api.call({ url: `/api/v1/alarms/${over.id}` })).json()).toEqual(over);
  expect((await api.call({ url: "/api/v1/alarms/0000000000000000-1" })).statusCode).toBe(404);
});
