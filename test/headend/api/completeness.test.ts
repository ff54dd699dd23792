/** Completeness as the API tells it: sums by meter, line and day, and runs of one meter. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INTERVALS_CODEC, INTERVALS_COLLECTION } from "../../../headend/completeness/meter-intervals.ts";
import type { IntervalState, Runs } from "../../../headend/completeness/runs.ts";
import type { RegisteredMeter, StoredDocument } from "../../../headend/ports.ts";
import { civil } from "../../../src/core/time.ts";
import { meterId } from "../../contracts/store.ts";
import { type Fixture, fakeStore, fixture } from "./api-support.ts";

/** Quarters of an hour since 1970. */
const quarter = (iso: string) => Date.parse(iso) / 900_000;
const NOON = quarter("2026-11-27T12:00:00Z");

function document(key: string, first: number, ...lengths: readonly (readonly [IntervalState | "open", number])[]) {
  const runs: Runs[number][] = [];
  let next = first;
  for (const [state, length] of lengths) {
    if (state !== "open") runs.push({ from: next, to: next + length - 1, state });
    next += length;
  }
  const state = { minutes: 15, first, until: null, runs, anchor: [null, null, null, null] };
  return { collection: INTERVALS_COLLECTION, key, live: true, text: INTERVALS_CODEC.encode(state) };
}

const MANY = Array.from({ length: 501 }, (_, i) => `p${String(i).padStart(3, "0")}`);
const meter = (id: string, via: string): RegisteredMeter => ({ id: meterId(id), model: "x", ratio: 1, via });
/** From noon of the 27th to 16:00 of the 28th are 112 quarters. */
const METERS = [meter("a", "line bus 1 unit 1"), meter("b", "line bus 1 unit 2"), meter("c", "mqtt")];
const DOCUMENTS: readonly StoredDocument[] = [
  document("a", NOON + 1, ["read", 112]),
  document("b", NOON + 1, ["read", 40], ["late", 8], ["missing", 4], ["open", 12], ["read", 48]),
  document("c", NOON + 1, ["read", 100]),
];

function storeOf(meters: readonly RegisteredMeter[], documents: readonly StoredDocument[]) {
  return fakeStore({
    meters: async () => meters,
    meter: async (id) => meters.find((m) => m.id === id),
    document: async (_, key) => documents.find((d) => d.key === key),
    documents: async (collection, after, direction, limit) => {
      expect([collection, direction]).toEqual([INTERVALS_COLLECTION, "up"]);
      return documents.filter(({ key }) => after === null || key > after).slice(0, limit);
    },
  });
}

/** Five minutes after an end it counts. */
const now = () => civil(Date.parse("2026-11-28T16:05:00Z") * 1_000);

let api: Fixture;
beforeAll(async () => {
  api = await fixture(undefined, {
    store: storeOf([...METERS, meter("new", "mqtt")], DOCUMENTS),
    now,
  });
});
afterAll(() => api.app.close());

const get = async (url: string) => (await api.call({ url: `/api/v1${url}` })).json();
const figures = (expected: number, read: number, late: number, missing: number, percent: string) => ({
  ...{ expected, read, late, missing, open: expected - read - late - missing, percent },
});

describe("the overview", () => {
  test("by meter, the worst first, with the sum", async () => {
    expect(await get("/completeness")).toEqual({
      by: "meter",
      from: "2026-10-24",
      to: "2026-11-28",
      total: figures(336, 300, 8, 4, "91.666"),
      rows: [
        { key: "b", ...figures(112, 88, 8, 4, "85.714") },
        { key: "c", ...figures(112, 100, 0, 0, "89.285") },
        { key: "a", ...figures(112, 112, 0, 0, "100.000") },
      ],
    });
  });

  test("by line", async () => {
    const { rows } = await get("/completeness?by=line");
    expect(rows).toEqual([
      { key: "mqtt", ...figures(112, 100, 0, 0, "89.285") },
      { key: "bus 1", ...figures(224, 200, 8, 4, "92.857") },
    ]);
  });

  test("by day: midnight belongs to the day that ends with it", async () => {
    const { rows } = await get("/completeness?by=day");
    expect(rows).toEqual([
      { key: "2026-11-27", ...figures(144, 136, 8, 0, "100.000") },
      { key: "2026-11-28", ...figures(192, 164, 0, 4, "85.416") },
    ]);
  });

  test("of one day, and no more rows than asked for", async () => {
    const answer = await get("/completeness?day=2026-11-28&limit=1");
    expect(answer).toMatchObject({ from: "2026-11-28", to: "2026-11-28", total: { expected: 192 } });
    expect(answer.rows).toEqual([{ key: "b", ...figures(64, 48, 0, 4, "75.000") }]);
    expect((await get("/completeness?day=2026-11-20")).total).toEqual({ ...figures(0, 0, 0, 0, ""), percent: null });
  });

  test("reads on behind the first page of the store", async () => {
    const documents = MANY.map((id) => document(id, NOON + 1, ["read", 112]));
    const many = await fixture(undefined, { store: storeOf([], documents), now });
    const answer = (await many.call({ url: "/api/v1/completeness?limit=1" })).json();
    expect(answer.total.expected).toBe(501 * 112);
    await many.app.close();
  });
});

describe("one meter", () => {
  test("in full", async () => {
    const answer = await get("/meters/b/completeness");
    expect(answer).toMatchObject({ meter: "b", minutes: 15, total: figures(112, 88, 8, 4, "85.714") });
    expect(answer.runs).toEqual([
      { from: "2026-11-27T12:00:00Z", to: "2026-11-27T22:00:00Z", state: "read" },
      { from: "2026-11-27T22:00:00Z", to: "2026-11-28T00:00:00Z", state: "late" },
      { from: "2026-11-28T00:00:00Z", to: "2026-11-28T01:00:00Z", state: "missing" },
      { from: "2026-11-28T01:00:00Z", to: "2026-11-28T04:00:00Z", state: "open" },
      { from: "2026-11-28T04:00:00Z", to: "2026-11-28T16:00:00Z", state: "read" },
    ]);
  });

  test("of a span", async () => {
    const answer = await get("/meters/b/completeness?from=2026-11-28T00:30:00Z&to=2026-11-28T01:30:00Z");
    expect(answer.runs).toEqual([
      { from: "2026-11-28T00:30:00Z", to: "2026-11-28T01:00:00Z", state: "missing" },
      { from: "2026-11-28T01:00:00Z", to: "2026-11-28T01:30:00Z", state: "open" },
    ]);
    expect(answer.total).toEqual(figures(4, 0, 0, 2, "0.000"));
  });

  test("that was never heard of has no intervals yet", async () => {
    expect(await get("/meters/new/completeness")).toMatchObject({ minutes: null, runs: [] });
  });
});

test.each([
  ["/completeness?day=2026-02-30", /2026-02-30.*no day/],
  ["/completeness?day=today", /no day such as/],
  ["/completeness?by=week", /one of meter, line, day/],
  ["/meters/b/completeness?from=yesterday", /"from".*ISO 8601/],
  ["/meters/b/completeness?from=2026-11-28T00:00:00Z&to=2026-11-27T00:00:00Z", /"from" must be before "to"/],
])("%s is refused with the reason", async (url, reason) => {
  const answer = await api.call({ url: `/api/v1${url}` });
  expect(answer.statusCode).toBe(400);
  expect(answer.json().detail).toMatch(reason);
});

test("a meter that does not exist", async () => {
  expect((await api.call({ url: "/api/v1/meters/none/completeness" })).statusCode).toBe(404);
});
