/** Named tokens: what each may do, when it ends, and whose name reaches the collector. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApiToken, parseTokens, tokenLine } from "../../../headend/api/tokens.ts";
import { civil } from "../../../src/core/time.ts";
import { type Fixture, fixture, NOW } from "./api-support.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("base64");
const FILE = `
# for the accounts department
billing:read,operate:never:sha256$${sha256("token-of-billing")}
reader:read:2026-11-24T16:00:01Z:sha256$${sha256("token-of-reader")}
old:admin:2026-11-24T16:00:00Z:sha256$${sha256("token-of-old")}
boss:admin:never:sha256$${sha256("token-of-boss")}
`;

function tokensOf(text: string): readonly ApiToken[] {
  const parsed = parseTokens(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

let api: Fixture;
let tokens = tokensOf(FILE);
beforeAll(async () => {
  api = await fixture(() => ({ ok: false, error: { reason: "no-relay", detail: "none" } }), { tokens: () => tokens });
});
afterAll(() => api.app.close());

const as = (name: string) => ({ authorization: `Bearer token-of-${name}` });
const ORDER = { operation: "relay-open", key: "k" };
const order = (name: string) =>
  api.call({ method: "POST", url: "/api/v1/meters/a/orders", headers: as(name), payload: ORDER });

test("a token is let do what its scopes say, and is told what is missing", async () => {
  expect((await api.call({ url: "/api/v1/meters", headers: as("reader") })).statusCode).toBe(200);
  const refused = await order("reader");
  expect(refused.statusCode).toBe(403);
  expect(refused.json()).toMatchObject({
    reason: "forbidden",
    detail: 'the token of "reader" may read, and this needs "operate"',
  });
  expect(api.asked).toEqual([]);
  expect((await order("billing")).statusCode).toBe(422);
  expect((await order("boss")).statusCode).toBe(422);
});

test("the audit learns the name of the token, and the head-end's own is the operator", async () => {
  api.asked.length = 0;
  await order("billing");
  await api.call({ method: "POST", url: "/api/v1/meters/a/orders", payload: ORDER });
  expect(api.asked.map((asked) => ("actor" in asked ? asked.actor : undefined))).toEqual(["billing", "operator"]);
});

test("the second person needs to be allowed to approve, and need not be allowed to order", async () => {
  const { paths } = (await api.app.inject("/openapi.json")).json();
  const scope = (path: string) => paths[path].post.security[0].token;
  for (const list of ["orders", "mass-orders"]) {
    expect(scope(`/api/v1/${list}/{id}/approve`), list).toEqual(["approve"]);
    expect(scope(`/api/v1/${list}/{id}/cancel`), list).toEqual(["operate"]);
  }
  const refused = await api.app.inject({ method: "POST", url: "/api/v1/orders/1/approve", headers: as("billing") });
  expect(refused.statusCode).toBe(403);
});

test("a token ends with its expiry, and with its line in the file", async () => {
  const expired = await api.call({ url: "/api/v1/meters", headers: as("old") });
  expect(expired.statusCode).toBe(401);
  expect(expired.json().detail).toBe('the token of "old" has expired: have a new one made');
  const before = tokens;
  tokens = [];
  expect((await api.call({ url: "/api/v1/meters", headers: as("reader") })).statusCode).toBe(401);
  tokens = before;
});

test("the description says which scope each operation needs", async () => {
  const { paths } = (await api.app.inject("/openapi.json")).json();
  expect(paths["/api/v1/meters"].get.security).toEqual([{ token: ["read"] }]);
  expect(paths["/api/v1/meters/{id}/topups"].post.security).toEqual([{ token: ["operate"] }]);
  expect(paths["/health"].get.security).toEqual([]);
});

test("a file of tokens reads back what was written, and a mistake in it is named with its line", () => {
  expect(tokensOf(tokensOf(FILE).map(tokenLine).join("\n"))).toEqual(tokensOf(FILE));
  expect(tokensOf(FILE)[1]).toMatchObject({ name: "reader", scopes: ["read"], expires: civil(NOW + 1_000_000) });
  for (const [line, reason] of [
    ["billing:read:never:plain", /line 1: NAME/],
    [`billing:write:never:sha256$${sha256("x")}`, /"write" is no scope/],
    [`billing:read:2026-13-01T00:00:00Z:sha256$${sha256("x")}`, /not a time that exists/],
    ["billing:read:never:sha256$AAAA", /hash is damaged/],
    [`a:read:never:sha256$${sha256("x")}\na:read:never:sha256$${sha256("y")}`, /line 2: "a" is there twice/],
  ] as const)
    expect(parseTokens(line)).toMatchObject({ ok: false, error: expect.stringMatching(reason) });
});
