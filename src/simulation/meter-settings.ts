/** What the meters of a run do beside measuring: rates, credit of their own and events, drawn from the seed. */
import { defaultCredit } from "../../firmware-sim/prepayment/settings.ts";
import { factorySettings, type MeterSettings } from "../../firmware-sim/settings.ts";
import { bothSets, FOUR_RATES } from "../../firmware-sim/tariff/settings.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import type { Random } from "../core/random.ts";

/** @param prepaid the head-end keeps an account for the meter: then it has no credit of its own */
export function drawSettings(model: MeterModel, prepaid: boolean, random: Random): MeterSettings {
  const factory = factorySettings(model);
  const opening = random.between(1_000, 20_000);
  const hasCredit = !prepaid && model.plate.relayAmps !== null && random.chance(2, 3);
  const watchful = random.chance(1, 2);
  const { events } = factory;
  return {
    ...factory,
    // Without steps: what was spent follows from the rates' registers, however long the run.
    tariff:
      random.chance(1, 2) || hasCredit ? { ...FOUR_RATES, steps: bothSets({ steps: [], yearly: [] }) } : factory.tariff,
    credit: hasCredit ? { ...defaultCredit("money"), opening } : null,
    events: watchful
      ? {
          ...events,
          overload: { ...events.overload, trigger: 50, recover: 45 },
          demandImport: { trigger: 2_000, delay: 0 },
        }
      : events,
  };
}
