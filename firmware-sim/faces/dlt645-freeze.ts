/** Freezes behind DL/T 645: their times and energies, totals first and then the tariffs that freezes hold. */
import { combine } from "../../protocols/dlt645/combination.ts";
import { byteOf } from "../../protocols/dlt645/identifier.ts";
import type { MeterFunction } from "../../protocols/dlt645/item.ts";
import { frozenEnergy } from "../captures.ts";
import type { Counted } from "../metrology/energy.ts";
import type { FreezeKind } from "../profile/freezes.ts";
import { type Ask, energyField, type Producer, pack, stampOf } from "./dlt645-fields.ts";

/** By DI2. */
const KINDS: readonly FreezeKind[] = ["timed", "instant", "zone", "dayTable", "hourly", "rate", "daily", "step"];
/** By DI1; the others are combined. */
const REGISTERS: Readonly<Record<number, Counted>> = {
  1: "activeImport",
  2: "activeExport",
  5: "q1",
  6: "q2",
  7: "q3",
  8: "q4",
};
const QUADRANTS: readonly Counted[] = ["q1", "q2", "q3", "q4"];

const freeze: Producer = (ask) => {
  const { meter, device, item, id } = ask;
  const kind = KINDS[byteOf(id, 2)];
  const record = kind && meter.functions.freezes.read(kind, byteOf(id, 0) - 1);
  if (record === undefined) return undefined;
  if (byteOf(id, 1) === 0) return pack(item, [stampOf(record.at, device)]);
  const rates = kind === "hourly" ? 0 : meter.functions.tariff.settings.tables.rates;
  const fields: number[] = [];
  for (let rate = 0; rate <= rates; rate++) {
    const quanta = frozen(ask, record.values, rate);
    if (quanta === undefined) break;
    fields.push(energyField(item, quanta));
  }
  return pack(item, fields);
};

/** Undefined for a rate that freezes do not hold. */
function frozen({ device, id }: Ask, values: readonly (number | null)[], rate: number): number | undefined {
  const register = REGISTERS[byteOf(id, 1)];
  if (register !== undefined) return frozenEnergy(values, register, rate);
  const terms = QUADRANTS.map((quadrant) => frozenEnergy(values, quadrant, rate));
  if (terms.includes(undefined)) return undefined;
  const { reactive1, reactive2 } = device.combinations;
  return combine(byteOf(id, 1) === 3 ? reactive1 : reactive2, terms as number[]);
}

export const FREEZE_PRODUCERS = { freeze } satisfies Partial<Record<MeterFunction, Producer>>;
