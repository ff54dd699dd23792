/** From measured values to what both chips show and hand on: the no-load threshold, and integers in the registers' units. */
import type { ChipReadings, HarmonicReadings } from "./chip.ts";
import type { FrontEnd } from "./front-end.ts";

/** One phase over one window, in volts, amperes, watts, var, volt-amperes and radians. */
export interface PhaseMeasurement {
  readonly voltage: number;
  readonly current: number;
  readonly active: number;
  readonly fundamentalActive: number;
  /** Of the fundamental (IEC 62053-24), or of all harmonics where the chip was made so. */
  readonly reactive: number;
  readonly apparent: number;
  /** Of current behind voltage at the fundamental. */
  readonly angle: number;
}

const NOTHING_MEASURED: PhaseMeasurement = {
  voltage: 0,
  current: 0,
  active: 0,
  fundamentalActive: 0,
  reactive: 0,
  apparent: 0,
  angle: 0,
};

export interface Measurement {
  readonly phases: readonly PhaseMeasurement[];
  readonly lineVoltage: readonly number[];
  readonly neutralCurrent: number;
  /** Hz, 0 without voltage. */
  readonly frequency: number;
}

/** What a chip shows before its first window is complete. */
export function nothingMeasured(frontEnd: FrontEnd): Measurement {
  return {
    phases: frontEnd.voltage.map(() => NOTHING_MEASURED),
    lineVoltage: [0, 0, 0],
    neutralCurrent: 0,
    frequency: 0,
  };
}

/** A phase below the no-load threshold has no current and no power, whatever noise and offset say. */
export function suppressNoLoad(frontEnd: FrontEnd, m: PhaseMeasurement): PhaseMeasurement {
  if (m.apparent >= frontEnd.noLoadPower) return m;
  return { ...NOTHING_MEASURED, voltage: m.voltage };
}

/**
 * The registers. `m.phases` has passed {@link suppressNoLoad}.
 * @param harmonics works them out; called at most once, when somebody looks.
 */
export function readingsOf(
  frontEnd: FrontEnd,
  m: Measurement,
  harmonics: () => HarmonicReadings | null = () => null,
): ChipReadings {
  let known: HarmonicReadings | null | undefined;
  const of = (value: (p: PhaseMeasurement) => number) => m.phases.map((p) => Math.round(value(p)) + 0);
  return {
    voltage: of((p) => p.voltage * 1e3),
    current: of((p) => p.current * 1e6),
    active: of((p) => p.active * 1e3),
    reactive: of((p) => p.reactive * 1e3),
    apparent: of((p) => p.apparent * 1e3),
    fundamentalActive: of((p) => p.fundamentalActive * 1e3),
    angle: of((p) => p.angle * MILLIDEGREES).map((a) => (a + 360_000) % 360_000),
    lineVoltage: m.lineVoltage.map((v) => Math.round(v * 1e3)),
    neutralCurrent: m.neutralCurrent < frontEnd.noLoadCurrent ? 0 : Math.round(m.neutralCurrent * 1e6),
    frequency: Math.round(m.frequency * 1e3),
    get harmonics() {
      if (known === undefined) known = harmonics();
      return known;
    },
  };
}

const MILLIDEGREES = 180_000 / Math.PI;
