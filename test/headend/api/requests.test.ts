/** The routes that ask for something: top-ups and orders. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ApiRequest } from "../../../headend/api/context.ts";
import type { OrderReceipt, Refusal, TopupReceipt } from "../../../headend/ports.ts";
import { minor } from "../../../src/core/money.ts";
import { failure, success } from "../../../src/core/result.ts";
import { meterId, order } from "../../contracts/store.ts";
import { type Fixture, fixture } from "./api-support.ts";

let api: Fixture;
/** For requests that never get as far as the collector. */
let strict: Fixture;
beforeAll(async () => {
  strict = await fixture();
});
afterEach(async () => {
  if (api !== strict) await api.app.close();
});
afterAll(() => strict.app.close());
const post = (path: string, payload: object | string) =>
  api.call({ method: "POST", url: `/api/v1/meters/${path}`, payload, headers: { "content-type": "application/json" } });

const TOPUP = { amount: "10.00", currency: "EUR", key: "k1" };
const RELAY = { operation: "relay-open", key: "k2" };
const topup = (booked: boolean): TopupReceipt => ({
  kind: "topup",
  meter: meterId("prepaid"),
  amount: minor(1000n),
  balance: minor(797n),
  currency: "EUR",
  booked,
});
const receipt = (created: boolean): OrderReceipt => ({ kind: "order", order: order(7, "a", { key: "k2" }), created });

test("a top-up reaches the collector in minor units and is answered by the new balance", async () => {
  api = await fixture(() => success(topup(true)));
  const answer = await post("prepaid/topups", TOPUP);
  expect(answer.statusCode).toBe(201);
  expect(answer.json()).toEqual({ meter: "prepaid", amount: "10.00", balance: "7.97", currency: "EUR", booked: true });
  expect(api.asked).toEqual<ApiRequest[]>([
    { kind: "topup", meter: meterId("prepaid"), amount: minor(1000n), key: "k1", actor: "operator" },
  ]);
});

test("a repeated top-up is 200: nothing was booked again", async () => {
  api = await fixture(() => success(topup(false)));
  const answer = await post("prepaid/topups", TOPUP);
  expect(answer.statusCode).toBe(200);
  expect(answer.json().booked).toBe(false);
});

test.each([
  ["10", 1000n],
  ["0.07", 7n],
  ["999999999999999.99", 99_999_999_999_999_999n],
])("an amount of %s is %s cents", async (amount, cents) => {
  api = await fixture(() => success(topup(true)));
  await post("prepaid/topups", { ...TOPUP, amount });
  expect(api.asked[0]).toMatchObject({ amount: cents });
});

test("an order reaches the collector; 202 and where to follow it", async () => {
  api = await fixture(() => success(receipt(true)));
  const answer = await post("a/orders", RELAY);
  expect(answer.statusCode).toBe(202);
  expect(answer.headers.location).toBe("/api/v1/orders/7");
  expect(answer.json()).toMatchObject({ created: true, order: { id: 7, state: "queued", key: "k2" } });
  expect(api.asked).toEqual<ApiRequest[]>([
    { kind: "order", meter: meterId("a"), operation: "relay-open", argument: 0, key: "k2", actor: "operator" },
  ]);
});

test("a repeated order is 200 and the same order", async () => {
  api = await fixture(() => success(receipt(false)));
  const answer = await post("a/orders", RELAY);
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({ created: false, order: { id: 7 } });
});

test("clock-set carries its time", async () => {
  api = await fixture(() => success(receipt(true)));
  await post("a/orders", { operation: "clock-set", argument: 1_795_881_600, key: "k3" });
  expect(api.asked[0]).toMatchObject({ operation: "clock-set", argument: 1_795_881_600 });
});

const REFUSALS: readonly (readonly [Refusal["reason"], number])[] = [
  ["unknown-meter", 404],
  ["no-relay", 422],
  ["no-clock", 422],
  ["not-prepaid", 422],
  ["bad-amount", 422],
  ["key-used-differently", 409],
  ["too-many-orders", 429],
  ["store-failed", 503],
];

test.each(REFUSALS)("the refusal %s is a %i with the collector's sentence", async (reason, status) => {
  api = await fixture(() => failure({ reason, detail: `because of ${reason}` }));
  for (const answer of [await post("prepaid/topups", TOPUP), await post("a/orders", RELAY)]) {
    expect(answer.statusCode).toBe(status);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect(answer.json()).toMatchObject({ status, reason, detail: `because of ${reason}`, type: "about:blank" });
    expect(answer.headers["retry-after"]).toBe(status === 429 || status === 503 ? "5" : undefined);
  }
});

const LONG = "k".repeat(129);
test.each([
  ["prepaid/topups", {}, /"amount" is missing/],
  ["prepaid/topups", { amount: "10.00", currency: "EUR" }, /"key" is missing/],
  ["prepaid/topups", { ...TOPUP, amount: 10 }, /"amount" must be a decimal string.*"10\.00"/],
  ["prepaid/topups", { ...TOPUP, amount: "-5" }, /"amount" must be a decimal string/],
  ["prepaid/topups", { ...TOPUP, amount: "1e3" }, /"amount" must be a decimal string/],
  ["prepaid/topups", { ...TOPUP, amount: "1,50" }, /"amount" must be a decimal string/],
  ["prepaid/topups", { ...TOPUP, amount: "1".repeat(16) }, /"amount" must be a decimal string/],
  ["prepaid/topups", { ...TOPUP, currency: "euro" }, /"currency" must be the account's ISO 4217 code/],
  ["prepaid/topups", { ...TOPUP, key: "" }, /"key" must be an idempotency key/],
  ["prepaid/topups", { ...TOPUP, key: LONG }, /"key" must be an idempotency key/],
  ["prepaid/topups", { ...TOPUP, key: "with blank" }, /"key" must be an idempotency key/],
  ["prepaid/topups", { ...TOPUP, note: "thanks" }, /"note" is not known; it takes amount, currency, key/],
  ["prepaid/topups", [], /body must be a JSON object/],
  ["prepaid/topups", "null", /body must be a JSON object/],
  ["prepaid/topups", '{"amount":', /not valid JSON/],
  ["prepaid/topups", "", /body is empty/],
  ["prepaid/topups", '{"__proto__":{},"amount":"1","currency":"EUR","key":"k"}', /not valid JSON|__proto__/],
  [
    "a/orders",
    { operation: "explode", key: "k" },
    /"operation" must be one of relay-open, relay-close, relay-allow, clock-set/,
  ],
  ["a/orders", { operation: "clock-set", key: "k" }, /"argument" is missing: clock-set needs the time/],
  ["a/orders", { operation: "clock-set", key: "k", argument: "1795881600" }, /"argument" must be for clock-set/],
  ["a/orders", { operation: "clock-set", key: "k", argument: 1.5 }, /"argument" must be for clock-set/],
  ["a/orders", { operation: "relay-open", key: "k", argument: 1 }, /"argument" belongs to clock-set only/],
  ["no%20such/orders", RELAY, /path: "id" must be a meter id/],
])("POST %s %j is refused with what to do", async (path, payload, words) => {
  api = strict;
  const answer = await post(path, payload);
  expect(answer.statusCode, answer.body).toBe(400);
  expect(answer.json().detail).toMatch(words);
  expect(api.asked).toEqual([]);
});

test("an amount in another currency, or with more decimals than it has, is refused before it is asked for", async () => {
  api = strict;
  const foreign = await post("prepaid/topups", { ...TOPUP, currency: "USD" });
  expect(foreign.statusCode).toBe(422);
  expect(foreign.json()).toMatchObject({
    reason: "wrong-currency",
    detail: expect.stringMatching(/in EUR, not in USD/),
  });
  const fine = await post("prepaid/topups", { ...TOPUP, amount: "1.005" });
  expect(fine.statusCode).toBe(422);
  expect(fine.json()).toMatchObject({ reason: "bad-amount", detail: expect.stringMatching(/more than 2 decimals/) });
});

test("a body beyond 64 KiB is 413, one that is not JSON is 415", async () => {
  api = strict;
  const large = await post("prepaid/topups", { ...TOPUP, key: "k".repeat(65_536) });
  expect(large.statusCode).toBe(413);
  expect(large.json().detail).toMatch(/64 KiB/);
  for (const type of ["text/plain", "application/xml"]) {
    const request = { method: "POST", url: "/api/v1/meters/a/orders", payload: "x" } as const;
    const answer = await api.call({ ...request, headers: { "content-type": type } });
    expect(answer.statusCode).toBe(415);
    expect(answer.json().detail).toMatch(/application\/json/);
  }
});

test("a fault inside is a 500 without its secrets, and the log has them", async () => {
  api = await fixture(() => {
    throw new Error("secret detail");
  });
  const answer = await post("a/orders", RELAY);
  expect(answer.statusCode).toBe(500);
  expect(answer.body).not.toContain("secret");
  const failures = api.logged.filter((entry) => (entry as { event: string }).event === "api.failed");
  expect(failures).toEqual([
    {
      kind: "log",
      level: "error",
      event: "api.failed",
      fields: {
        request: answer.headers["x-request-id"],
        route: "/api/v1/meters/:id/orders",
        reason: expect.stringContaining("secret detail"),
      },
    },
  ]);
});
