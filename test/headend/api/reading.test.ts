/** The routes that read. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { account, at } from "../../contracts/store.ts";
import { type Fixture, fakeStore, fixture } from "./api-support.ts";

let api: Fixture;
beforeAll(async () => {
  api = await fixture();
});
afterAll(() => api.app.close());
const get = async (url: string) => {
  const answer = await api.call({ url });
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json();
};
const problem = async (url: string) => {
  const answer = await api.call({ url });
  expect(answer.headers["content-type"]).toContain("application/problem+json");
  return { status: answer.statusCode, detail: answer.json().detail as string, reason: answer.json().reason as string };
};

const READING_3 = {
  time: "2026-11-28T16:00:03Z",
  source: "mqtt",
  sequence: 3,
  quality: "good",
};

test("meters, page by page", async () => {
  const first = await get("/api/v1/meters?limit=2");
  expect(first.meters.map((m: { id: string }) => m.id)).toEqual(["a", "b"]);
  expect(first.meters[0]).toEqual({ id: "a", model: "meterworks-1p", ratio: 1, via: "line bus-1 unit 3" });
  const second = await get(`/api/v1/meters?limit=2&cursor=${first.next}`);
  expect(second).toEqual({ meters: [expect.objectContaining({ id: "prepaid" })], next: null });
  expect((await get("/api/v1/meters")).meters).toHaveLength(3);
});

test("one meter with its newest reading, values as decimal strings in shown units", async () => {
  const { meter, latest } = await get("/api/v1/meters/a");
  expect(meter.id).toBe("a");
  const time = latest.time;
  expect(latest.values).toEqual([
    { measure: "activePower", obis: "1-0:16.7.0", value: "-2760", unit: "W", time, quality: "good" },
    { measure: "frequency", obis: "1-0:14.7.0", value: null, unit: "Hz", time, quality: "missing" },
    { measure: "voltageL1", obis: "1-0:32.7.0", value: "230.1", unit: "V", time, quality: "good" },
    { measure: "activeEnergyImport", obis: "1-0:1.8.0", value: "12.345678", unit: "kWh", time, quality: "good" },
  ]);
  expect((await get("/api/v1/meters/b")).latest).toBeNull();
});

describe("readings", () => {
  const sequences = (page: { readings: { sequence: number }[] }) => page.readings.map((r) => r.sequence);

  test("all of them, oldest first", async () => {
    const page = await get("/api/v1/meters/a/readings");
    expect(sequences(page)).toEqual([0, 1, 2, 3, 4]);
    expect(page.next).toBeNull();
    expect(page.readings[3]).toMatchObject(READING_3);
  });

  test("from is included, to is not; offsets count, also with an unencoded plus", async () => {
    const base = "/api/v1/meters/a/readings";
    expect(sequences(await get(`${base}?from=2026-11-28T16:00:01Z&to=2026-11-28T16:00:03Z`))).toEqual([1, 2]);
    expect(sequences(await get(`${base}?from=2026-11-28T17:00:03+01:00`))).toEqual([3, 4]);
    expect(sequences(await get(`${base}?from=2026-11-28T17:00:03%2B01:00`))).toEqual([3, 4]);
    expect(sequences(await get(`${base}?from=2026-11-28T16:00:00.000001Z&to=2026-11-28T16:00:01.000001Z`))).toEqual([
      1,
    ]);
  });

  test("the pages join without a gap or a repetition", async () => {
    const all: number[] = [];
    let cursor: string | null = "";
    let pages = 0;
    while (cursor !== null) {
      const page = await get(`/api/v1/meters/a/readings?limit=2${cursor && `&cursor=${cursor}`}`);
      all.push(...sequences(page));
      cursor = page.next;
      pages++;
    }
    expect(all).toEqual([0, 1, 2, 3, 4]);
    expect(pages).toBe(3);
  });

  test("what is wrong with the times is said", async () => {
    const base = "/api/v1/meters/a/readings";
    expect(await problem(`${base}?from=yesterday`)).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/"from".*"yesterday" is not an ISO 8601/),
    });
    expect(await problem(`${base}?to=2026-02-30T00:00:00Z`)).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/"to".*not a time that exists/),
    });
    expect(await problem(`${base}?cursor=17`)).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/"cursor"/),
    });
    expect(await problem(`${base}?from=2026-11-28T16:00:01Z&to=2026-11-28T16:00:01Z`)).toMatchObject({
      status: 400,
      detail: expect.stringMatching(/"from" must be before "to"/),
    });
  });
});

test("a prepaid account in decimal strings of its currency, with the balance", async () => {
  expect(await get("/api/v1/meters/prepaid/account")).toEqual({
    meter: "prepaid",
    currency: "EUR",
    balance: "-2.03",
    toppedUp: "10.00",
    charged: "12.03",
    warnAt: "2.00",
    cutAt: "0.00",
    pricePerKwh: "0.315",
    energyFrom: "0",
    energyTo: "0.095238",
    energyUnit: "kWh",
  });
});

test.each([
  ["JPY", "1000"],
  ["KWD", "1.000"],
])("money in %s has the decimals of that currency", async (currency, shown) => {
  const store = fakeStore({ account: async () => account("prepaid", { currency }) });
  const other = await fixture(undefined, { store });
  const answer = await other.call({ url: "/api/v1/meters/prepaid/account" });
  expect(answer.json()).toMatchObject({ currency, balance: shown });
  await other.app.close();
});

test("postings", async () => {
  const { postings } = await get("/api/v1/meters/prepaid/postings");
  expect(postings).toEqual([
    expect.objectContaining({ key: "c1", kind: "charge", amount: "0.03", currency: "EUR", energyTo: "0.095238" }),
    expect.objectContaining({ key: "t1", kind: "topup", amount: "10.00", energyTo: null, at: "2026-11-28T16:00:00Z" }),
  ]);
  expect((await get("/api/v1/meters/prepaid/postings?limit=1")).postings).toHaveLength(1);
});

test("orders, one and by meter", async () => {
  expect(await get("/api/v1/orders/8")).toMatchObject({ id: 8, key: "key-8", state: "done", relayReadBack: 0 });
  expect((await get("/api/v1/orders?meter=a")).orders.map((o: { id: number }) => o.id)).toEqual([8, 7]);
  expect((await get("/api/v1/orders?meter=a&limit=1")).orders).toHaveLength(1);
});

test("audit and status", async () => {
  const { entries } = await get("/api/v1/audit");
  expect(entries.map((e: { action: string }) => e.action)).toEqual(["b", "a"]);
  expect(entries[0]).toMatchObject({ actor: "operator", meter: "a", order: 7 });
  expect(await get("/api/v1/status")).toEqual({
    version: "1.2.3",
    lines: [{ link: "bus-1", open: true }],
    readings: { modbus: 3, mqtt: 5, profile: 0 },
  });
});

test("what is not there is a 404 that says where to look", async () => {
  for (const path of [
    "meters/none",
    "meters/none/readings",
    "meters/none/account",
    "meters/none/postings",
    "orders?meter=none",
  ])
    expect(await problem(`/api/v1/${path}`)).toMatchObject({
      status: 404,
      reason: "unknown-meter",
      detail: expect.stringMatching(/GET \/api\/v1\/meters/),
    });
  for (const path of ["meters/a/account", "meters/a/postings"])
    expect(await problem(`/api/v1/${path}`)).toMatchObject({ status: 404, reason: "not-prepaid" });
  for (const id of ["9", "9999999999999999"])
    expect(await problem(`/api/v1/orders/${id}`)).toMatchObject({ status: 404, reason: "unknown-order" });
  expect(await problem("/api/v2/meters")).toMatchObject({
    status: 404,
    detail: expect.stringMatching(/openapi\.json/),
  });
});

test.each([
  ["meters?limit=0", /"limit" must be a whole number from 1 to 500/],
  ["meters?limit=501", /"limit" must be a whole number/],
  ["meters?limit=999999999999", /"limit" must be a whole number/],
  ["meters?limit=ten", /"limit" must be a whole number/],
  ["meters?limit=1&limit=2", /"limit" must be a whole number/],
  ["meters?colour=red", /"colour" is not known; it takes limit, cursor/],
  ["meters?__proto__=1", /"__proto__" is not known/],
  ["audit?limit=-1", /"limit" must be a whole number/],
  ["orders", /"meter" is missing/],
  ["orders/zero", /path: "id" must be an order number/],
  ["meters/no%20such", /path: "id" must be a meter id/],
  [`meters/${"x".repeat(65)}`, /path: "id" must be a meter id/],
])("GET %s is refused with what belongs there", async (path, words) => {
  const { status, detail } = await problem(`/api/v1/${path}`);
  expect(status).toBe(400);
  expect(detail).toMatch(words);
});

test("a store that does not answer is 503 with its sentence", async () => {
  const broken = new Proxy(fakeStore(), { get: () => async () => Promise.reject(new Error("the disk is full")) });
  const other = await fixture(undefined, { store: broken });
  for (const path of ["meters", "meters/a", "orders/1", "audit", "status"]) {
    const answer = await other.call({ url: `/api/v1/${path}` });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers["retry-after"]).toBe("5");
    expect(answer.json().detail).toMatch(/disk is full/);
  }
  await other.app.close();
});

test("the fixture's times are what the ISO strings above say", () => {
  expect(at(0)).toBe(Date.UTC(2026, 10, 28, 16, 0, 0) * 1000);
});
