/** How a meter is set up beside its model: tables, windows, thresholds. Plain data, so that files and protocols can carry it. */
import type { MeterModel } from "../protocols/models/model.ts";
import { failure, type Result, success } from "../src/core/result.ts";
import { isCapture } from "./captures.ts";
import { type ClockSettings, checkClock, DEFAULT_CLOCK } from "./clock/settings.ts";
import { type AuthoritySettings, checkAuthority, DEFAULT_AUTHORITY } from "./control/authority.ts";
import { checkDemandSettings, DEFAULT_DEMAND, type DemandSettings } from "./demand/settings.ts";
import { DEFAULT_DISPLAY, type DisplaySettings, displayProblem } from "./display/screens.ts";
import { checkEventSettings, defaultEventSettings, type EventSettings } from "./events/settings.ts";
import { type CreditSettings, checkCredit, defaultCredit } from "./prepayment/settings.ts";
import {
  checkFreezeSettings,
  checkProfileSettings,
  DEFAULT_FREEZE,
  DEFAULT_PROFILE,
  type FreezeSettings,
  type ProfileSettings,
} from "./profile/settings.ts";
import { checkRelaySettings, defaultRelaySettings, type RelaySettings } from "./relay/settings.ts";
import { checkTariff } from "./tariff/check.ts";
import { FOUR_RATES, ONE_RATE, type TariffSettings } from "./tariff/settings.ts";

export interface MeterSettings {
  readonly clock: ClockSettings;
  readonly tariff: TariffSettings;
  readonly demand: DemandSettings;
  readonly profile: ProfileSettings;
  readonly freezes: FreezeSettings;
  readonly events: EventSettings;
  readonly relay: RelaySettings;
  /** Null in a meter without credit of its own. */
  readonly credit: CreditSettings | null;
  readonly authority: AuthoritySettings;
  readonly display: DisplaySettings;
}

/** As a meter of this model leaves the factory. */
export function factorySettings({ plate, phases }: MeterModel): MeterSettings {
  return {
    clock: DEFAULT_CLOCK,
    tariff: ONE_RATE,
    demand: DEFAULT_DEMAND,
    profile: DEFAULT_PROFILE,
    freezes: DEFAULT_FREEZE,
    events: defaultEventSettings(plate, phases),
    relay: defaultRelaySettings(plate),
    credit: null,
    authority: DEFAULT_AUTHORITY,
    display: DEFAULT_DISPLAY,
  };
}

/** Tariffs that have a name. */
const TARIFFS: Readonly<Record<string, TariffSettings>> = { "one-rate": ONE_RATE, "four-rates": FOUR_RATES };

/**
 * Reads settings as they come from a file; what is left out is as it leaves the factory. `tariff` may be `one-rate`,
 * `four-rates` or tables; `credit` what differs from the defaults of its mode. A failure says which part is wrong, and why.
 */
export function checkSettings(value: unknown, model: MeterModel): Result<MeterSettings, string> {
  const factory = factorySettings(model);
  const strange = isRecord(value) ? Object.keys(value).find((key) => !Object.hasOwn(factory, key)) : undefined;
  if (!isRecord(value)) return failure('settings are an object such as {"tariff": "four-rates"}');
  if (strange !== undefined) return failure(`there is no setting "${strange}": ${Object.keys(factory).join(", ")}`);
  const tariff = checkNamedTariff(value["tariff"] ?? factory.tariff);
  if (!tariff.ok) return tariff;
  const clock = checkPart("clock", factory.clock, value["clock"], checkClock);
  if (!clock.ok) return clock;
  const demand = checkPart("demand", factory.demand, value["demand"], checkDemandSettings);
  if (!demand.ok) return demand;
  const profile = checkPart("profile", factory.profile, value["profile"], (p) => checkProfileSettings(p, isCapture));
  if (!profile.ok) return profile;
  const freezes = checkPart("freezes", factory.freezes, value["freezes"], checkFreezeSettings);
  if (!freezes.ok) return freezes;
  const events = checkPart("events", factory.events, value["events"], checkEventSettings);
  if (!events.ok) return events;
  const relay = checkPart("relay", factory.relay, value["relay"], checkRelaySettings);
  if (!relay.ok) return relay;
  const credit = checkCreditPart(value["credit"]);
  if (!credit.ok) return credit;
  const authority = checkPart("authority", factory.authority, value["authority"], checkAuthority);
  if (!authority.ok) return authority;
  const display = checkPart("display", factory.display, value["display"], checkDisplay);
  if (!display.ok) return display;
  return success({
    clock: clock.value,
    tariff: tariff.value,
    demand: demand.value,
    profile: profile.value,
    freezes: freezes.value,
    events: events.value,
    relay: relay.value,
    credit: credit.value,
    authority: authority.value,
    display: display.value,
  });
}

function checkNamedTariff(value: unknown): Result<TariffSettings, string> {
  if (typeof value !== "string") return checkTariff(value);
  const named = TARIFFS[value];
  if (named !== undefined) return success(named);
  return failure(`there is no tariff "${value}": ${Object.keys(TARIFFS).join(", ")}, or tables of your own`);
}

function checkCreditPart(value: unknown): Result<CreditSettings | null, string> {
  if (value === undefined || value === null) return success(null);
  const energy = isRecord(value) && value["mode"] === "energy";
  return checkPart("credit", defaultCredit(energy ? "energy" : "money"), value, checkCredit);
}

function checkDisplay(value: DisplaySettings): Result<DisplaySettings, string> {
  const problem = displayProblem(value);
  return problem === undefined ? success(value) : failure(problem);
}

/** The factory's part with what is given laid over it, as its own check sees it. */
function checkPart<T extends object>(
  name: string,
  factory: T,
  given: unknown,
  check: (value: T) => Result<T, string>,
): Result<T, string> {
  const merged = given === undefined ? success(factory) : laidOver(factory, given, name);
  if (!merged.ok) return merged;
  const checked = check(merged.value as T);
  return checked.ok ? checked : failure(`${name}: ${checked.error}`);
}

/** Objects are merged field by field; anything else replaces what was there, if it is of the same kind. */
function laidOver(base: unknown, given: unknown, place: string): Result<unknown, string> {
  if (isRecord(base)) {
    if (!isRecord(given)) return failure(`${place} is an object`);
    const merged: Record<string, unknown> = { ...base };
    for (const [key, value] of Object.entries(given)) {
      if (!Object.hasOwn(base, key))
        return failure(`${place} has no "${key.slice(0, 40)}": ${Object.keys(base).join(", ")}`);
      const inner = laidOver(base[key], value, `${place}.${key}`);
      if (!inner.ok) return inner;
      merged[key] = inner.value;
    }
    return success(merged);
  }
  if (base !== null && given !== null && (Array.isArray(base) !== Array.isArray(given) || typeof base !== typeof given))
    return failure(`${place} is ${Array.isArray(base) ? "a list" : `a ${typeof base}`}`);
  // Only a class of the load profile may be left empty.
  if (Array.isArray(given) && given.includes(null) && place !== "profile.classes")
    return failure(`${place} has an item that is null`);
  return success(given);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
