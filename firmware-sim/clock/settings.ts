/** What the meter's clock is made of, as plain data. */
import { failure, type Result, success } from "../../src/core/result.ts";

export interface ClockSettings {
  /** How fast the crystal of this part is at its turnover temperature, parts per billion; below zero: slow. */
  readonly partPpb: number;
  /**
   * Parts per billion for each K² away from the turnover temperature. Tuning-fork crystals have about −35 (−0.035 ppm/K², the
   * typical figure of their data sheets); 0 is a clock that is compensated for temperature.
   */
  readonly curvePpb: number;
  /** Tenths of °C. */
  readonly turnover: number;
  /** Standard time of the zone, minutes east of UTC. */
  readonly zoneMinutes: number;
  /** One hour more from the last Sunday of March, 01:00 UTC, to the last Sunday of October, 01:00 UTC, as in the European Union. */
  readonly daylightSaving: "none" | "europe";
}

export const DEFAULT_CLOCK: ClockSettings = {
  partPpb: 0,
  curvePpb: 0,
  turnover: 250,
  zoneMinutes: 0,
  daylightSaving: "none",
};

/** A tuning-fork crystal without compensation. */
export const PLAIN_CRYSTAL_PPB = -35;
/** Parts worse than this are broken. */
const MOST_PART_PPB = 500_000;
const MOST_CURVE_PPB = 100;

/** The settings, or what is wrong with them. */
export function checkClock(value: ClockSettings): Result<ClockSettings, string> {
  const { partPpb, curvePpb, turnover, zoneMinutes, daylightSaving } = value;
  if (!Number.isInteger(partPpb) || Math.abs(partPpb) > MOST_PART_PPB)
    return failure(`the clock's part is off by at most ±${MOST_PART_PPB} ppb, not ${partPpb}`);
  if (!Number.isInteger(curvePpb) || Math.abs(curvePpb) > MOST_CURVE_PPB)
    return failure(`the clock's temperature curve is within ±${MOST_CURVE_PPB} ppb/K², not ${curvePpb}`);
  if (!Number.isInteger(turnover) || turnover < -400 || turnover > 850)
    return failure(`the turnover temperature is -400..850 tenths of °C, not ${turnover}`);
  if (!Number.isInteger(zoneMinutes) || zoneMinutes < -720 || zoneMinutes > 840)
    return failure(`a zone is -720..840 minutes east of UTC, not ${zoneMinutes}`);
  if (daylightSaving !== "none" && daylightSaving !== "europe")
    return failure(`daylight saving is "none" or "europe", not "${String(daylightSaving)}"`);
  return success(value);
}
