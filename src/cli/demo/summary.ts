/** The demo's summary: what was read and whether the energy in the store is the energy that was delivered. */
import type { MeterReading, Notice } from "../../../headend/ports.ts";
import type { DemoMeter, DemoWire } from "./fleet.ts";

export interface DemoSummary {
  readonly seconds: number;
  readonly meters: number;
  readonly readings: Readonly<Record<DemoWire, number>>;
  readonly polls: number;
  readonly errors: number;
  readonly energyDeliveredWh: number;
  readonly energyStoredWh: number;
  readonly prepaid: { readonly cutAfterSeconds: number | null; readonly restoredAfterSeconds: number | null };
}

/** Counts what the collector tells. */
export class DemoTally {
  readonly #wires: ReadonlyMap<string, DemoWire>;
  readonly readings: Record<DemoWire, number> = { rtu: 0, tcp: 0, mqtt: 0 };
  polls = 0;
  errors = 0;

  constructor(meters: readonly DemoMeter[]) {
    this.#wires = new Map(meters.map(({ id, wire }) => [id, wire]));
  }

  take(notice: Notice): void {
    if (notice.kind === "poll") {
      this.polls += 1;
      if (!notice.ok) this.errors += 1;
    } else if (notice.kind === "reading") {
      const wire = this.#wires.get(notice.reading.meter);
      if (wire !== undefined) this.readings[wire] += 1;
    }
  }
}

/** Stored and delivered Wh over all meters, each at its own last stored reading. */
export function compareEnergy(
  meters: readonly DemoMeter[],
  last: ReadonlyMap<string, MeterReading>,
): { readonly delivered: number; readonly stored: number } {
  let delivered = 0;
  let stored = 0;
  for (const { id, truth } of meters) {
    const reading = last.get(id);
    const register = reading?.values.activeEnergyImport;
    if (reading === undefined || register === undefined || register === null) continue;
    delivered += truth.deliveredWh(reading.time);
    stored += register / 1_000;
  }
  return { delivered, stored };
}
