/** Who gets in, and what the description of the API says. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildApi } from "../../../headend/api/api.ts";
import type { ReadyCheck } from "../../../headend/api/context.ts";
import { NoticeFeed } from "../../../headend/notice-feed.ts";
import { type Fixture, fakeStore, fixture, NOW, TOKEN } from "./api-support.ts";

let api: Fixture;
beforeAll(async () => {
  api = await fixture();
});
afterAll(() => api.app.close());

/** Every route of the API, written out: a new one must be added here and so comes under the test of the token. */
const ROUTES = [
  ["GET", "/api/v1/meters"],
  ["GET", "/api/v1/meters/{id}"],
  ["GET", "/api/v1/meters/{id}/readings"],
  ["GET", "/api/v1/meters/{id}/completeness"],
  ["GET", "/api/v1/completeness"],
  ["GET", "/api/v1/meters/{id}/dated-reads"],
  ["GET", "/api/v1/meters/{id}/clock"],
  ["GET", "/api/v1/meters/{id}/events"],
  ["POST", "/api/v1/meters/{id}/reads"],
  ["GET", "/api/v1/meters/{id}/account"],
  ["GET", "/api/v1/meters/{id}/postings"],
  ["POST", "/api/v1/meters/{id}/topups"],
  ["POST", "/api/v1/meters/{id}/orders"],
  ["GET", "/api/v1/orders/{id}"],
  ["POST", "/api/v1/orders/{id}/approve"],
  ["POST", "/api/v1/orders/{id}/reject"],
  ["POST", "/api/v1/orders/{id}/cancel"],
  ["POST", "/api/v1/mass-orders"],
  ["GET", "/api/v1/mass-orders"],
  ["GET", "/api/v1/mass-orders/{id}"],
  ["POST", "/api/v1/mass-orders/{id}/approve"],
  ["POST", "/api/v1/mass-orders/{id}/reject"],
  ["POST", "/api/v1/mass-orders/{id}/stop"],
  ["POST", "/api/v1/mass-orders/{id}/resume"],
  ["POST", "/api/v1/mass-orders/{id}/cancel"],
  ["GET", "/api/v1/orders"],
  ["GET", "/api/v1/alarms"],
  ["GET", "/api/v1/alarms/{id}"],
  ["POST", "/api/v1/alarms/{id}/acknowledgement"],
  ["GET", "/api/v1/availability"],
  ["GET", "/api/v1/events"],
  ["GET", "/api/v1/audit"],
  ["GET", "/api/v1/status"],
  ["GET", "/api/v1/registry"],
  ["GET", "/api/v1/registry/{id}"],
  ["PUT", "/api/v1/registry/{id}"],
  ["POST", "/api/v1/registry/{id}/exchanges"],
  ["GET", "/api/v1/registry.csv"],
  ["POST", "/api/v1/registry-import"],
  ["POST", "/api/v1/registry-proposals"],
] as const;

test.each(ROUTES)("%s %s needs the token", async (method, template) => {
  // A stream of events has no end: it is asked for what it refuses.
  const url = template.replace("{id}", "a").replace("/events", "/events?kinds=none");
  for (const authorization of [
    undefined,
    "",
    "Bearer",
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
  ]) {
    const answer = await api.app.inject({ method, url, headers: authorization === undefined ? {} : { authorization } });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer/);
    expect(answer.json()).toMatchObject({
      status: 401,
      reason: "unauthorized",
      detail: expect.stringMatching(/token/),
    });
  }
  const answer = await api.app.inject({ method, url, headers: { authorization: `bearer ${TOKEN}` } });
  expect(answer.statusCode).not.toBe(401);
});

test("an unknown path tells a stranger nothing", async () => {
  expect((await api.app.inject("/api/v1/secret")).statusCode).toBe(401);
  expect((await api.app.inject({ method: "DELETE", url: "/api/v1/meters/a" })).statusCode).toBe(401);
});

test("health and the description need no token", async () => {
  expect((await api.app.inject("/health")).json()).toEqual({ status: "ok" });
  expect((await api.app.inject("/openapi.json")).statusCode).toBe(200);
});

test("readiness needs no token, and is a 503 with the reason as soon as one thing is missing", async () => {
  const line = { part: "line", name: "line-1", ok: true, reason: null } as const;
  const broken = { part: "store", name: "store", ok: false, reason: "the disk is full" } as const;
  let checks: readonly ReadyCheck[] = [line];
  const { app, call } = await fixture(undefined, { readiness: async () => checks });
  expect((await app.inject("/ready")).json()).toEqual({ ready: true, checks: [line] });
  // By `call` the answers are held against the description as well.
  expect((await call({ url: "/ready" })).statusCode).toBe(200);
  checks = [line, broken];
  const answer = await call({ url: "/ready" });
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toEqual({ ready: false, checks: [line, broken] });
  await app.close();
});

test("metrics need no token and are plain text in the version that scrapers ask for", async () => {
  const answer = await api.app.inject("/metrics");
  expect([answer.statusCode, answer.body]).toEqual([200, "up 1\n"]);
  expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect((await api.call({ url: "/metrics" })).statusCode).toBe(200);
});

test("a token that is no secret is a mistake of the caller", () => {
  const options = {
    store: fakeStore(),
    version: "1",
    now: () => NOW,
    status: () => ({}),
    submit: () => expect.fail(),
    metrics: async () => "",
    readiness: async () => [],
    events: new NoticeFeed("run"),
    alarms: { open: () => [], unlisted: 0, places: () => [] },
  };
  expect(() => buildApi({ ...options, token: "short" })).toThrow(/token/);
});

test("a path that is no URL is refused as a problem", async () => {
  const answer = await api.app.inject("/api/v1/meters/%zz");
  expect(answer.statusCode).toBe(400);
  expect(answer.headers["content-type"]).toContain("application/problem+json");
});

test("answers are not to be kept by caches", async () => {
  expect((await api.call({ url: "/api/v1/meters" })).headers["cache-control"]).toBe("no-store");
});

test("the description lists exactly the routes there are, each with a unique name, and its references resolve", async () => {
  const text = (await api.app.inject("/openapi.json")).body;
  const description = JSON.parse(text);
  expect(description.openapi).toBe("3.1.0");
  expect(description.info).toMatchObject({ title: "meterworks head-end", version: "1.2.3" });
  const operations = Object.entries<Record<string, { operationId: string; responses: object }>>(
    description.paths,
  ).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, ...operation })),
  );
  const listed = operations.map(({ method, path }) => `${method} ${path}`).sort();
  expect(listed).toEqual(
    [...ROUTES.map((route) => route.join(" ")), "GET /health", "GET /metrics", "GET /ready"].sort(),
  );
  expect(new Set(operations.map((o) => o.operationId)).size).toBe(operations.length);
  expect(description.security).toEqual([{ token: [] }]);
  expect(description.components.securitySchemes.token).toEqual({ type: "http", scheme: "bearer" });
  for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
    expect(description.components.schemas[name as string], name).toBeDefined();
  expect(text).not.toMatch(/"\$ref":"(?!#\/components\/schemas\/)/);
  const body = description.paths["/api/v1/meters/{id}/topups"].post.requestBody.content["application/json"].schema;
  expect(body.required).toEqual(["amount", "currency", "key"]);
  expect(body.properties.key.description).toMatch(/same when you repeat/);
});
