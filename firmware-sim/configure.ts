/** Other settings for one part of a running meter. */
import type { MeterModel } from "../protocols/models/model.ts";
import { failure, type Result, success } from "../src/core/result.ts";
import { isCapture } from "./captures.ts";
import type { LocalSecond } from "./clock/local-time.ts";
import { eventPlanOf } from "./events/plan.ts";
import type { MeterFunctions } from "./functions.ts";
import type { MeterSettings } from "./settings.ts";

/**
 * The part follows its settings from `at` on, up to which energy is counted. What is no function of the meter's CPU (clock,
 * display) is not done here.
 * @returns for people, why it can't: then nothing has changed
 */
export function configurePart(
  functions: MeterFunctions,
  model: MeterModel,
  part: keyof MeterSettings,
  settings: MeterSettings,
  at: LocalSecond,
): Result<void, string> {
  switch (part) {
    case "tariff":
      functions.configureTariff(settings.tariff, at);
      break;
    case "demand":
      return functions.demand.configure(settings.demand, at, (register) => functions.energy.amount(register));
    case "profile":
      return functions.profile.configure(settings.profile, at, isCapture);
    case "freezes":
      return functions.freezes.configure(settings.freezes, at);
    case "events":
      functions.events.configure(eventPlanOf(settings.events, model.plate, model.phases));
      break;
    case "relay":
      functions.relay.configure(settings.relay);
      break;
    case "credit":
      if (settings.credit === null) return failure("credit is not taken from a meter that has been in use");
      return functions.configureCredit(settings.credit, at);
    case "authority":
      functions.authority.configure(settings.authority);
      break;
    default:
  }
  return success(undefined);
}
