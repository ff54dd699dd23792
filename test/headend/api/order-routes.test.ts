/** The routes of orders with terms, decisions on them, and mass orders. */
import { afterEach, expect, test } from "vitest";
import { type MassOrder, NO_ENDS } from "../../../headend/commands/mass-order.ts";
import type { Receipt, Refusal } from "../../../headend/ports.ts";
import { minor } from "../../../src/core/money.ts";
import { failure, success } from "../../../src/core/result.ts";
import { at, order } from "../../contracts/store.ts";
import { type Fixture, fakeStore, fixture } from "./api-support.ts";

let api: Fixture;
afterEach(() => api.app.close());
const post = (path: string, payload?: object) =>
  api.call({ method: "POST", url: `/api/v1/${path}`, ...(payload === undefined ? {} : { payload }) });

const receipt: Receipt = { kind: "order", order: order(7, "a"), created: true };
const MASS: MassOrder = {
  ...{ id: "storm-1", operation: "relay-open", requester: "anna", note: "feeder 7", requestedAt: at(0), persons: 2 },
  ...{ approvedBy: ["ben"], state: "running", why: "", perMinute: 60, orderExpiry: 1, stopPercent: 10, stopWindow: 20 },
  ...{ total: 60, issued: 12, skipped: 1, ends: { ...NO_ENDS, done: 7, failed: 1 }, recent: "+", nextAt: at(0) },
  finishedAt: null,
};

test("deadline and precondition reach the collector, the balance in the account's minor units", async () => {
  api = await fixture(() => success(receipt));
  const precondition = { relay: "closed", balanceAtMost: "-0.50" };
  const answer = await post("meters/prepaid/orders", {
    ...{ operation: "relay-open", key: "k", expiresAt: "2026-11-28T16:10:00Z", precondition },
  });
  expect(answer.statusCode, answer.body).toBe(202);
  expect(api.asked).toEqual([
    {
      ...{ kind: "order", meter: "prepaid", operation: "relay-open", argument: 0, key: "k", actor: "operator" },
      ...{
        expiresAt: at(600),
        precondition: { relay: "closed", balanceAtMost: { amount: minor(-50n), currency: "EUR" } },
      },
    },
  ]);
});

test("an order shows its terms", async () => {
  const terms = {
    ...{ requester: "anna", persons: 2, approvedBy: ["ben"], mass: null },
    precondition: { balanceAtMost: { amount: minor(5n), currency: "EUR" } },
  };
  api = await fixture(undefined, { store: fakeStore({ order: async () => order(9, "a", { terms }) }) });
  expect((await api.call({ url: "/api/v1/orders/9" })).json()).toMatchObject({
    ...{ requester: "anna", persons: 2, approvedBy: ["ben"], mass: null },
    precondition: { relay: null, balanceAtMost: "0.05", currency: "EUR" },
  });
});

test.each([
  [{ expiresAt: "tomorrow" }, 400, /"expiresAt"/],
  [{ precondition: { relay: "half" } }, 400, /"precondition.relay" must be one of open, closed/],
  [{ precondition: { balanceAtMost: "0.00" } }, 422, /a has no prepaid account/],
  [{ precondition: { mood: "good" } }, 400, /"mood" is not known|"precondition.mood" is not known/],
])("an order with %j is refused before it reaches the collector", async (change, status, words) => {
  api = await fixture();
  const answer = await post("meters/a/orders", { operation: "relay-open", key: "k", ...change });
  expect([answer.statusCode, answer.json().detail]).toEqual([status, expect.stringMatching(words)]);
});

test.each(["approve", "reject", "cancel"] as const)("%s an order", async (decision) => {
  api = await fixture(() => success(receipt));
  const answer = await post(`orders/7/${decision}`);
  expect([answer.statusCode, answer.json().id]).toEqual([200, 7]);
  expect(api.asked).toEqual([{ kind: "decide-order", order: 7, decision, actor: "operator" }]);
});

test.each([
  ["second-person-needed", 403],
  ["unknown-order", 404],
  ["not-waiting", 409],
  ["too-late", 409],
] as const)("a decision that is refused as %s is a %i", async (reason: Refusal["reason"], status) => {
  api = await fixture(() => failure({ reason, detail: "why" }));
  for (const path of ["orders/7/approve", "mass-orders/storm-1/approve"])
    expect([(await post(path)).statusCode]).toEqual([status]);
});

test("an order number or a decision that is none is refused", async () => {
  api = await fixture();
  expect((await post("orders/0/approve")).statusCode).toBe(400);
  expect((await post("orders/7/undo")).statusCode).toBe(404);
});

test.each([
  [{ meters: ["a", "b"] }, { meters: ["a", "b"] }],
  [
    { model: "meterworks-1p", via: "bus-1" },
    { model: "meterworks-1p", via: "bus-1" },
  ],
  [{ all: true }, {}],
])("a mass order for %j", async (which, selection) => {
  api = await fixture(() => success({ kind: "mass", mass: MASS, created: true }));
  const answer = await post("mass-orders", { id: "storm-1", operation: "relay-open", note: "feeder 7", ...which });
  expect(answer.statusCode, answer.body).toBe(202);
  expect(answer.json()).toMatchObject({ id: "storm-1", state: "running", total: 60, issued: 12, open: 3, skipped: 1 });
  expect(api.asked).toEqual([
    { kind: "mass", id: "storm-1", operation: "relay-open", selection, note: "feeder 7", actor: "operator" },
  ]);
});

test.each([
  [{}, /give one of "meters", "all"/],
  [{ all: true, meters: ["a"] }, /give one of/],
  [{ all: false }, /"all"/],
  [{ all: true, operation: "clock-set" }, /"operation" must be one of relay-open, relay-allow, relay-close/],
  [{ all: true, id: "no name" }, /"id" must be the name of the mass order/],
])("a mass order with %j is refused", async (change, words) => {
  api = await fixture();
  const answer = await post("mass-orders", { id: "s", operation: "relay-open", ...change });
  expect([answer.statusCode, answer.json().detail]).toEqual([400, expect.stringMatching(words)]);
});

test("mass orders are listed by name, page by page", async () => {
  const documents = ["a", "b", "c"].map((id) => ({
    ...{ collection: "mass-orders", key: id, live: true, text: JSON.stringify({ ...MASS, id }) },
  }));
  const store = fakeStore({
    documents: async (_collection, after, _up, limit) =>
      documents.filter(({ key }) => after === null || key > after).slice(0, limit),
  });
  api = await fixture(undefined, { store });
  const first = (await api.call({ url: "/api/v1/mass-orders?limit=2" })).json();
  expect(first.massOrders.map(({ id }: MassOrder) => id)).toEqual(["a", "b"]);
  const second = (await api.call({ url: `/api/v1/mass-orders?limit=2&cursor=${first.next}` })).json();
  expect([second.massOrders.map(({ id }: MassOrder) => id), second.next]).toEqual([["c"], null]);
});

test("how far a mass order is", async () => {
  const document = { collection: "mass-orders", key: "storm-1", live: true, text: JSON.stringify(MASS) };
  const store = fakeStore({ document: async (_, key) => (key === "storm-1" ? document : undefined) });
  api = await fixture(
    () => success({ kind: "mass", mass: { ...MASS, state: "stopped", why: "by ben" }, created: false }),
    {
      store,
    },
  );
  expect((await api.call({ url: "/api/v1/mass-orders/storm-1" })).json()).toMatchObject({ state: "running", open: 3 });
  expect((await api.call({ url: "/api/v1/mass-orders/storm-2" })).statusCode).toBe(404);
  expect((await post("mass-orders/storm-1/stop")).json()).toMatchObject({ state: "stopped", why: "by ben" });
  expect(api.asked).toEqual([{ kind: "decide-mass", id: "storm-1", decision: "stop", actor: "operator" }]);
});
