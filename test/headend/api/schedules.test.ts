/** Reads on demand and dated reads by the API. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { putEvent } from "../../../headend/events/records.ts";
import type { MeterReading, StoredDocument, StoreRecord } from "../../../headend/ports.ts";
import { putDatedRead } from "../../../headend/schedule/records.ts";
import { failure, success } from "../../../src/core/result.ts";
import { civil } from "../../../src/core/time.ts";
import { meterId } from "../fakes.ts";
import { type Fixture, fakeStore, fixture } from "./api-support.ts";

const MEASURE = "activeEnergyImport" as const;
const START = 1_795_881_600_000_000;
const SECOND = 1_000_000;

function documents(): readonly StoredDocument[] {
  const records: StoreRecord[] = [];
  for (let month = 0; month < 3; month++) {
    const slot = civil(START + month * 30 * 86_400 * SECOND);
    const settlement =
      month === 0
        ? null
        : {
            ...{ time: slot / SECOND, clockInDoubt: false, late: month === 2 },
            registers: [
              {
                ...{ measure: MEASURE, total: 12_345_678, rates: [12_000_000, 345_678, 0, 0] },
                ...{ maximumDemand: 1_500_000, maximumDemandAt: slot / SECOND - 60 },
              },
            ],
          };
    putDatedRead(
      {
        ...{ meter: meterId("a"), task: "billing", slot, taken: civil(slot + 5 * SECOND), quality: "good", settlement },
        values: { activeEnergyImport: 12_345_679, voltageL1: 230_000 },
      },
      { records, after: [] },
    );
  }
  return records.flatMap((record) => (record.kind === "document" ? [record.document] : [])).reverse();
}

const store = fakeStore({
  documents: async (collection, after, _direction, limit) =>
    documents()
      .filter((document) => document.collection === collection && (after === null || document.key < after))
      .slice(0, limit),
});

const reading: MeterReading = {
  ...{ meter: meterId("a"), time: civil(START), source: "modbus", sequence: null, quality: "good" },
  values: { voltageL1: 230_100 },
};

describe("schedules by the API", () => {
  let api: Fixture;
  beforeAll(async () => {
    api = await fixture(
      (request) =>
        request.kind === "read" && request.meter === "a"
          ? success({ kind: "read", reading })
          : failure({ reason: "no-answer", detail: "b: no answer since 2026-11-28T16:00:00Z: no reply in time" }),
      { store },
    );
  });
  afterAll(() => api.app.close());

  test("a read now is answered by its reading", async () => {
    const answer = await api.call({ method: "POST", url: "/api/v1/meters/a/reads", payload: { waitSeconds: 5 } });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ meter: "a", reading: { quality: "good", values: [{ value: "230.1" }] } });
    expect(api.asked.at(-1)).toEqual({ kind: "read", meter: "a", wait: 5 * SECOND });
  });

  test("without a body the wait is ten seconds", async () => {
    const answer = await api.call({ method: "POST", url: "/api/v1/meters/a/reads" });
    expect(answer.statusCode).toBe(200);
    expect(api.asked.at(-1)).toMatchObject({ wait: 10 * SECOND });
  });

  test("a meter that does not answer is 504 with the reason", async () => {
    const answer = await api.call({ method: "POST", url: "/api/v1/meters/b/reads", payload: {} });
    expect(answer.statusCode).toBe(504);
    expect(answer.json()).toMatchObject({ reason: "no-answer", detail: expect.stringContaining("no answer since") });
  });

  test("a clock is shown with its jumps, and null where it was never told", async () => {
    const state = {
      meter: "a",
      offset: -61_500_000,
      uncertainty: 500_000,
      measuredAt: START,
      corrected: START,
      lastJump: null,
      alarm: null,
    };
    const jump = { from: START - 60 * SECOND, to: START, before: 0, after: -61_500_000, cause: "unknown" };
    const clocks = await fixture(undefined, {
      store: fakeStore({
        document: async (collection, key) => ({ collection, key, live: true, text: JSON.stringify(state) }),
        documents: async (collection) => [{ collection, key: "a/x", live: false, text: JSON.stringify(jump) }],
      }),
    });
    expect((await clocks.call({ url: "/api/v1/meters/a/clock" })).json()).toEqual({
      meter: "a",
      clock: {
        ...{ offset: "-61.5", uncertainty: "0.5", measuredAt: "2026-11-28T16:00:00Z" },
        ...{ corrected: "2026-11-28T16:00:00Z", alarmSince: null },
      },
      jumps: [
        {
          ...{
            from: "2026-11-28T15:59:00Z",
            to: "2026-11-28T16:00:00Z",
            before: "0",
            after: "-61.5",
            cause: "unknown",
          },
        },
      ],
      next: null,
    });
    await clocks.app.close();
    expect((await api.call({ url: "/api/v1/meters/a/clock" })).json()).toMatchObject({ clock: null });
  });

  test("events are shown newest first, with local times", async () => {
    const draft = { records: [] as StoreRecord[], after: [] };
    const common = { meter: meterId("a"), event: "coverOpen", phase: 0, start: START / SECOND, sequence: null };
    for (const [state, end] of [
      ["begin", null],
      ["end", START / SECOND + 60],
    ] as const)
      putEvent({ ...common, state, end, values: { activeEnergyImport: 1_500 }, source: "modbus" }, draft);
    const found = draft.records.flatMap((record) => (record.kind === "document" ? [record.document] : [])).reverse();
    const events = await fixture(undefined, { store: fakeStore({ documents: async () => found }) });
    const answer = (await events.call({ url: "/api/v1/meters/a/events" })).json();
    expect(answer.events.map(({ state, end }: { state: string; end: string | null }) => [state, end])).toEqual([
      ["end", "2026-11-28T16:01:00"],
      ["begin", null],
    ]);
    expect(answer.events[0].values).toEqual([{ measure: "activeEnergyImport", value: "0.0015", unit: "kWh" }]);
    await events.app.close();
  });

  test("a wait beyond a minute is refused", async () => {
    const answer = await api.call({ method: "POST", url: "/api/v1/meters/a/reads", payload: { waitSeconds: 61 } });
    expect(answer.statusCode).toBe(400);
  });

  test("dated reads come newest first, by pages, and say whether the meter closed its registers", async () => {
    const first = (await api.call({ url: "/api/v1/meters/a/dated-reads?limit=2" })).json();
    expect(first.reads.map((read: { basis: string }) => read.basis)).toEqual(["settlement", "settlement"]);
    expect(first.reads[0].settlement.registers[0]).toEqual({
      ...{ measure: "activeEnergyImport", unit: "kWh", total: "12.345678", rates: ["12", "0.345678", "0", "0"] },
      ...{ demandUnit: "W", maximumDemand: "1500", maximumDemandAt: "2027-01-27T15:59:00" },
    });
    const second = (await api.call({ url: `/api/v1/meters/a/dated-reads?limit=2&cursor=${first.next}` })).json();
    expect(second).toMatchObject({ reads: [{ basis: "reading", task: "billing" }], next: null });
    expect(second.reads[0].values.map((value: { measure: string }) => value.measure)).toEqual(["activeEnergyImport"]);
  });
});
