/** `meterworks relay` against an API that is played here: what it says of an order that came to nothing. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../programs.ts";

const ORDER = { id: 7, meter: "m", operation: "relay-open", state: "failed", reason: "asked for by operator" };
const WHY = "the meter does not take the password: correct it in the configuration";
const ENTRIES = [
  { order: 8, detail: "on its way to the meter" },
  { order: 7, detail: WHY },
  { order: 7, detail: "on its way to the meter" },
];

const api = createServer((request, response) => {
  const answer = request.url?.startsWith("/api/v1/audit")
    ? { entries: ENTRIES }
    : { order: { ...ORDER, outcome: null, relayReadBack: null } };
  response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
});

beforeAll(() => new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve)));
afterAll(() => new Promise((resolve) => api.close(resolve)));

test("a failed order says why it failed, not why it was asked for", async () => {
  const at = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const result = await runCli(["relay", "open", "m", "--api", at, "--token", "0123456789abcdef"]);
  expect(result.stderr).toBe(`meterworks: order 7 is failed; ${WHY}\n`);
  expect(result.stdout).toBe("m: order 7 relay-open is failed\n");
  expect(result.code).toBe(1);
});
