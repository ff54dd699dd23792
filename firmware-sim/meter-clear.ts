/** Clears a meter: everything that it counted begins anew. What was bought stays, and so do freezes: they are of before. */
import type { LocalSecond } from "./clock/local-time.ts";
import type { EventKind } from "./events/kinds.ts";
import type { MeterFunctions } from "./functions.ts";
import { NO_ENERGY } from "./metrology/amounts.ts";
import { PROFILE_CLASSES } from "./profile/settings.ts";

/** By somebody with the right to, with all energy up to `at` counted. @param by what the record of it adds */
export function clearMeter(functions: MeterFunctions, at: LocalSecond, by: Uint8Array): void {
  const { energy, tariff, profile, events } = functions;
  energy.clear();
  tariff.rates.clear(at);
  tariff.settlements.clear();
  tariff.steps.startPeriod(NO_ENERGY, at);
  // The steps ahead and the price are those of a period that begins.
  functions.configureTariff(tariff.settings, at);
  functions.demand.clear(at, (register) => energy.amount(register));
  for (let place = 0; place < PROFILE_CLASSES; place++) profile.clear(place);
  events.clear();
  events.note("meterClear", at, by);
}

/** Forgets the records of an event, or of all. */
export function clearEvents(
  functions: MeterFunctions,
  kind: EventKind | undefined,
  at: LocalSecond,
  by: Uint8Array,
): void {
  functions.events.clear(kind);
  functions.events.note("eventClear", at, by);
}
