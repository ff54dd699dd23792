/** How a meter is set up beside its model: tables, windows, thresholds. Plain data, so that files and protocols can carry it. */
import { failure, type Result, success } from "../src/core/result.ts";
import { DEFAULT_DISPLAY, type DisplaySettings, displayProblem } from "./display/screens.ts";
import { checkTariff } from "./tariff/check.ts";
import { FOUR_RATES, ONE_RATE, type TariffSettings } from "./tariff/settings.ts";

export interface MeterSettings {
  readonly tariff: TariffSettings;
  readonly display: DisplaySettings;
}

export const DEFAULT_SETTINGS: MeterSettings = { tariff: ONE_RATE, display: DEFAULT_DISPLAY };

/** Tariffs that have a name. */
const TARIFFS: Readonly<Record<string, TariffSettings>> = { "one-rate": ONE_RATE, "four-rates": FOUR_RATES };

/** Reads settings; what is left out is as it leaves the factory. A failure says which part is wrong, and why. */
export function checkSettings(value: unknown): Result<MeterSettings, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return failure('settings are an object such as {"tariff": "four-rates"}');
  const known = Object.keys(DEFAULT_SETTINGS);
  const strange = Object.keys(value).find((key) => !known.includes(key));
  if (strange !== undefined) return failure(`there is no setting "${strange}": ${known.join(", ")}`);
  const given = value as Partial<Record<keyof MeterSettings, unknown>>;
  const tariff = checkNamedTariff(given.tariff ?? DEFAULT_SETTINGS.tariff);
  if (!tariff.ok) return tariff;
  const display = { ...DEFAULT_DISPLAY, ...(given.display as Partial<DisplaySettings> | undefined) };
  const problem = displayProblem(display);
  if (problem !== undefined) return failure(`display: ${problem}`);
  return success({ tariff: tariff.value, display });
}

function checkNamedTariff(value: unknown): Result<TariffSettings, string> {
  if (typeof value !== "string") return checkTariff(value);
  const named = TARIFFS[value];
  if (named !== undefined) return success(named);
  return failure(`there is no tariff "${value}": ${Object.keys(TARIFFS).join(", ")}, or tables of your own`);
}
