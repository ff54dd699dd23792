/**
 * The meter's clock at its test port: one pulse a second, divided down from the clock's own crystal. The bench counts pulses
 * against its time standard.
 */

const SECONDS_PER_DAY = 86_400;
/** Ticks of a watch crystal between two pulses. */
const DIVIDER = 32_768;
/** Pulses that are timed. */
const PULSES = 60;
/** Seconds in which a bench can tell two instants apart. */
const RESOLUTION = 1e-7;

/** Seconds a day that a clock gains whose crystal is so many ppm fast, as a bench finds it from its pulses. */
export function dailyClockError(ppm: number): number {
  const tick = 1 / (DIVIDER * (1 + ppm * 1e-6));
  const edge = (n: number) => Math.round((n * DIVIDER * tick) / RESOLUTION) * RESOLUTION;
  return (PULSES / (edge(PULSES) - edge(0)) - 1) * SECONDS_PER_DAY;
}
