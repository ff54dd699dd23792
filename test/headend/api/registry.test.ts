/** The registry's routes: what reaches the collector, what comes out of the store, and how refusals are told. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiRequest } from "../../../headend/api/context.ts";
import type { Receipt, Refusal, StoredDocument } from "../../../headend/ports.ts";
import { blankEntry, REGISTRY, type RegistryEntry } from "../../../headend/registry/entry.ts";
import type { PatchOutcome } from "../../../headend/registry/requests.ts";
import { DATED_READS } from "../../../headend/schedule/records.ts";
import { failure, type Result, success } from "../../../src/core/result.ts";
import { civil, toIso } from "../../../src/core/time.ts";
import { meterId, reading } from "../../contracts/store.ts";
import { type Fixture, fakeStore, fixture } from "./api-support.ts";

const EXCHANGE = {
  ...{
    at: civil(1_000_000),
    closing: 10_250_400,
    opening: 0,
    oldSerial: "A",
    newSerial: "B",
    oldModel: "x",
    newModel: "x",
  },
  ...{ offset: 10_250_400, key: "k", actor: "operator", recordedAt: civil(2_000_000) },
};
const ENTRIES: readonly RegistryEntry[] = [
  {
    ...blankEntry(meterId("b")),
    ...{ state: "held", serial: "B", exchanges: [EXCHANGE], note: 'the "old" one, cellar' },
    ct: [
      { from: civil(0), value: { primary: 200, secondary: 5 } },
      { from: civil(reading("a", 2).time), value: { primary: 400, secondary: 5 } },
    ],
  },
  { ...blankEntry(meterId("prepaid")), customer: [{ from: civil(0), value: "k-17" }] },
];
const documents: readonly StoredDocument[] = ENTRIES.map((entry) => ({
  ...{ collection: REGISTRY, key: entry.meter, live: true, text: JSON.stringify(entry) },
}));
const BILLING = {
  ...{ meter: "b", task: "billing", slot: 0, taken: reading("a", 3).time, quality: "good", settlement: null },
  values: { activeEnergyImport: 1_000_000 },
};
const store = fakeStore({
  document: async (_collection, key) => documents.find((document) => document.key === key),
  documents: async (collection, after, _direction, limit) =>
    collection === DATED_READS
      ? [{ collection, key: "b/1970-01-01T00:00:00Z/billing", live: false, text: JSON.stringify(BILLING) }]
      : documents.filter(({ key }) => after === null || key > after).slice(0, limit),
  readings: async () =>
    [0, 1, 2, 3].map((s) => reading("b", s, { values: { activeEnergyImport: 1_000_000, frequency: 50_000 } })),
});

let api: Fixture;
let answered: ((request: ApiRequest) => Result<Receipt, Refusal>) | undefined;
beforeAll(async () => {
  api = await fixture((request) => answered?.(request) ?? expect.fail("nothing should reach the collector"), { store });
});
afterAll(() => api.app.close());
/** What the collector says from here on; without it nothing may reach it. */
const open = (reply?: typeof answered) => {
  answered = reply;
  api.asked.length = 0;
};
const get = (path: string) => api.call({ method: "GET", url: `/api/v1/${path}` });
const send = (method: "PUT" | "POST", path: string, payload: object) =>
  api.call({ method, url: `/api/v1/${path}`, payload, headers: { "content-type": "application/json" } });

const outcome = (meter: string, more: Partial<PatchOutcome> = {}): PatchOutcome => ({
  ...{ meter: meterId(meter), outcome: "changed", changes: [], mistakes: [] },
  ...more,
});
const receipt = (applied: boolean, ...outcomes: readonly PatchOutcome[]) =>
  success({ kind: "registry", applied, outcomes } as const);

describe("reading", () => {
  test("every meter is listed, those without an entry as active; pages and states", async () => {
    open();
    const all = (await get("registry")).json();
    expect(all.meters.map(({ id, state }: { id: string; state: string }) => [id, state])).toEqual([
      ["a", "active"],
      ["b", "held"],
      ["prepaid", "active"],
    ]);
    expect((await get("registry?limit=1")).json()).toMatchObject({ meters: [{ id: "a" }], next: "b" });
    expect((await get("registry?limit=2&cursor=b")).json()).toMatchObject({
      meters: [{ id: "b" }, { id: "prepaid" }],
      next: null,
    });
    expect((await get("registry?state=held")).json().meters).toMatchObject([{ id: "b" }]);
    expect((await get("registry?state=lost")).json().detail).toMatch(/one of held, active, removed/);
  });

  test("one meter with its transformers, dates and the devices it had", async () => {
    open();
    expect((await get("registry/b")).json()).toMatchObject({
      ...{ id: "b", where: "line bus-1 unit 3", plate: { un: null, imax: null, constant: null } },
      ct: [
        { from: null, ratio: "200/5" },
        { from: toIso(reading("a", 2).time), ratio: "400/5" },
      ],
      exchanges: [{ at: "1970-01-01T00:00:01Z", closing: "10.2504", opening: "0", oldSerial: "A", newSerial: "B" }],
    });
    expect((await get("registry/nobody")).statusCode).toBe(404);
  });

  test("as a table", async () => {
    open();
    const answer = await api.app.inject({
      url: "/api/v1/registry.csv",
      headers: { authorization: `Bearer ${"0123456789abcdef".repeat(2)}` },
    });
    expect(answer.headers["content-type"]).toMatch(/^text\/csv; charset=utf-8/);
    expect(answer.body.split("\r\n").slice(0, 3)).toEqual([
      "id,state,model,where,serial,un,imax,constant,ct,vt,customer,tariff,orderKey,note",
      "a,active,meterworks-1p,line bus-1 unit 3,,,,,,,,,,",
      `b,held,meterworks-1p,line bus-1 unit 3,B,,,,200/5; 400/5 from ${toIso(reading("a", 2).time)},,,,,"the ""old"" one, cellar"`,
    ]);
  });

  test("readings show the ratio that held at their time, and the primary value beside the secondary", async () => {
    open();
    const { readings } = (await get("meters/b/readings")).json();
    expect(readings.map((r: { ratio: object }) => r.ratio)).toEqual([
      { ct: "200/5", vt: "1" },
      { ct: "200/5", vt: "1" },
      { ct: "400/5", vt: "1" },
      { ct: "400/5", vt: "1" },
    ]);
    const [frequency, energy] = readings[3].values;
    expect(energy).toMatchObject({ measure: "activeEnergyImport", value: "1", primary: "80", unit: "kWh" });
    expect(frequency).not.toHaveProperty("primary");
    const reads = (await get("meters/b/dated-reads")).json().reads;
    expect(reads[0]).toMatchObject({ ratio: { ct: "400/5" }, values: [{ value: "1", primary: "80" }] });
    const direct = (await get("meters/prepaid/readings")).json();
    expect(direct.readings[0]).not.toHaveProperty("ratio");
  });
});

describe("changing", () => {
  test("what is left out stays: only what was named reaches the collector", async () => {
    open(() => receipt(true, outcome("b", { changes: [{ column: "ct", before: "", after: "200/5" }] })));
    const answer = await send("PUT", "registry/b", {
      state: "active",
      ct: [{ from: null, ratio: "200/5" }],
      where: "mqtt",
    });
    expect(answer.statusCode).toBe(200);
    expect(api.asked).toEqual([
      {
        ...{ kind: "registry", actor: "operator", partial: false, dryRun: false, onlyNew: false },
        patches: [
          {
            ...{ meter: "b", state: "active", place: { kind: "mqtt" } },
            ct: [{ from: 0, value: { primary: 200, secondary: 5 } }],
          },
        ],
      },
    ]);
  });

  test.each([
    [{ ct: [{ from: null, ratio: "x" }] }, 422, /ct: "x" is no ratio/],
    [{ orderKey: "AAAA" }, 422, /orderKey: .*32 bytes in base64/],
    [{ plate: { un: -1 } }, 400, /"plate\/un" must be a number above zero/],
    [{ plate: { un: 57.70001 } }, 422, /plate: un: "57.70001" is no number of a rating plate/],
    [{ colour: "red" }, 400, /"colour" is not known; it takes state, model/],
  ])("%j is refused before the collector", async (body, status, detail) => {
    open();
    const answer = await send("PUT", "registry/b", body);
    expect([answer.statusCode, answer.json().detail]).toEqual([status, expect.stringMatching(detail)]);
  });

  test("a refusal of the collector names the member", async () => {
    const mistakes = [{ column: "where", problem: "m1 is there" }] as const;
    open(() => receipt(false, outcome("b", { outcome: "refused", mistakes })));
    const answer = await send("PUT", "registry/b", { where: "line bus-1 unit 3" });
    expect([answer.statusCode, answer.json()]).toEqual([
      422,
      expect.objectContaining({ reason: "not-acceptable", detail: "where: m1 is there" }),
    ]);
  });

  test("an exchange goes in mWh and comes back in kWh; 201 when recorded now, 200 before", async () => {
    let created = true;
    open(() => success({ kind: "exchange", meter: meterId("b"), exchange: EXCHANGE, created }));
    const wish = { at: "2026-11-29T10:00:00Z", closing: "10.2504", opening: "0", serial: "B", key: "k" };
    const first = await send("POST", "registry/b/exchanges", wish);
    expect([first.statusCode, first.json().exchange.closing]).toEqual([201, "10.2504"]);
    expect(api.asked[0]).toMatchObject({ kind: "exchange", closing: 10_250_400, opening: 0, serial: "B", model: null });
    created = false;
    expect((await send("POST", "registry/b/exchanges", wish)).statusCode).toBe(200);
    expect((await send("POST", "registry/b/exchanges", { ...wish, at: "noon" })).json().detail).toMatch(
      /not an ISO 8601/,
    );
  });

  test("an exchange that can't be is 422 with the sentence", async () => {
    open(() => failure({ reason: "not-plausible", detail: "went back" }));
    const answer = await send("POST", "registry/b/exchanges", { opening: "0", key: "k" });
    expect([answer.statusCode, answer.json().reason]).toEqual([422, "not-plausible"]);
  });
});

describe("import", () => {
  test("mistakes of the table keep everything out, and those of the collector stand beside them", async () => {
    const mistakes = [{ column: "model", problem: "not known" }] as const;
    open((request) => {
      expect(request).toMatchObject({ kind: "registry", dryRun: true, partial: false });
      return receipt(false, outcome("b", { outcome: "refused", mistakes }), outcome("c"));
    });
    const answer = await send("POST", "registry-import", { csv: "id,ct\na,x\nb,1\nc,2\n" });
    expect(answer.json()).toMatchObject({
      applied: false,
      counts: { new: 0, changed: 1, unchanged: 0, refused: 2 },
      mistakes: [
        { line: 2, column: "ct", problem: expect.stringMatching(/no ratio/) },
        { line: 3, column: "model", problem: "not known" },
      ],
    });
  });

  test("partial takes over what is right", async () => {
    open(() => receipt(true, outcome("b", { outcome: "new" })));
    const answer = await send("POST", "registry-import", { csv: "id,ct\na,x\nb,1\n", partial: true });
    expect(answer.json()).toMatchObject({ applied: true, counts: { new: 1, refused: 1 }, rows: [{ meter: "b" }] });
    expect(api.asked[0]).toMatchObject({ dryRun: false, partial: true });
  });

  test("a table of a megabyte is taken, although other requests are small", async () => {
    open(() => receipt(false));
    const csv = `id,note\n${Array.from({ length: 10_000 }, (_, i) => `m${i},${"x".repeat(100)}`).join("\n")}`;
    expect((await send("POST", "registry-import", { csv, dryRun: true })).statusCode).toBe(200);
    expect(api.asked[0]).toMatchObject({ patches: { length: 10_000 } });
  });

  test("proposals are held, and only where they are new", async () => {
    open(() => receipt(true, outcome("u1", { outcome: "new" })));
    const meters = [{ id: "u1", where: "line bus-1 unit 4", model: "eastron-sdm630", note: "by scan" }];
    expect((await send("POST", "registry-proposals", { meters })).json()).toEqual({
      meters: [{ meter: "u1", outcome: "new", reason: null }],
    });
    expect(api.asked[0]).toMatchObject({ onlyNew: true, partial: true, patches: [{ meter: "u1", state: "held" }] });
  });
});
