/** Every request leaves one log line under the id that its answer carries. */
import { expect, test } from "vitest";
import { fixture } from "./api-support.ts";

interface Line {
  readonly event: string;
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

test("the id is the caller's where it is one, and the line says who, what and which meter", async () => {
  const { app, call, logged } = await fixture(() => ({ ok: false, error: { reason: "no-relay", detail: "none" } }));
  logged.length = 0;
  const headers = { "x-request-id": "trace-7" };
  const payload = { operation: "relay-open", key: "k" };
  const given = await call({ method: "POST", url: "/api/v1/meters/a/orders", payload, headers });
  const made = await call({ url: "/api/v1/meters", headers: { "x-request-id": 'no id "of mine"' } });
  const stranger = await app.inject("/api/v1/meters");
  await app.close();
  expect(given.headers["x-request-id"]).toBe("trace-7");
  expect(made.headers["x-request-id"]).toMatch(/^r\d+$/);
  const lines = (logged as Line[]).filter(({ event }) => event === "api.request");
  expect(lines.map(({ level, fields }) => ({ level, ...fields }))).toMatchObject([
    {
      ...{ level: "info", request: "trace-7", method: "POST", route: "/api/v1/meters/:id/orders" },
      ...{ status: 422, by: "operator", meter: "a", micros: expect.any(Number) },
    },
    { level: "debug", request: made.headers["x-request-id"], status: 200 },
    { request: stranger.headers["x-request-id"], status: 401, by: null },
  ]);
});
