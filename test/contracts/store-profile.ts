/** The part of the store contract that is about records of load profiles. */
import { expect, test } from "vitest";
import type { MeterId, MeterReading } from "../../headend/ports.ts";
import { civil } from "../../src/core/time.ts";
import type { StoreHarness } from "./store.ts";

const [M, N] = ["m", "n"] as MeterId[] as [MeterId, MeterId];
const ALL = [civil(0), civil(Number.MAX_SAFE_INTEGER), 100] as const;

function reading(meter: string, second: number, change: Partial<MeterReading> = {}): MeterReading {
  const time = civil(1_795_881_600_000_000 + second * 1_000_000);
  const values = { activeEnergyImport: 7 };
  return { meter: meter as MeterId, time, source: "modbus", sequence: null, quality: "good", values, ...change };
}

export function profileContract(harness: () => StoreHarness): void {
  test("a record of a load profile is stored and counted, and is never the newest reading", async () => {
    const { store } = harness();
    const polled = reading("m", 1);
    const filled = reading("m", 2, { source: "profile", values: { activeEnergyImport: 9 } });
    const gone = reading("n", 3, { source: "profile", quality: "missing", values: { activeEnergyImport: null } });
    await store.commit([polled, filled, gone].map((r) => ({ kind: "reading", reading: r })));
    expect(await store.query.readings(M, ...ALL)).toEqual([polled, filled]);
    expect(await store.query.readings(N, ...ALL)).toEqual([gone]);
    expect(await store.query.latest(M)).toEqual(polled);
    expect(await store.query.latest(N)).toBeUndefined();
    expect(await store.query.counts()).toEqual({ modbus: 1, mqtt: 0, profile: 2 });
    expect(await store.snapshot()).toMatchObject({ latest: [polled], latestGood: [polled] });
  });
}
