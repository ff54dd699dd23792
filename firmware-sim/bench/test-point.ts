/** A test point of the bench, and the loads that points are made of. */
import type { MeterModel } from "../../protocols/models/model.ts";
import { type Mains, mainsOf } from "../metrology/mains.ts";
import type { Limit } from "./limits.ts";
import type { TestLoad } from "./waves.ts";

export type TestKind =
  | "balanced"
  | "single-phase"
  | "difference"
  | "start"
  | "no-load"
  | "constant"
  | "registers"
  | "repeatability"
  | "variation"
  | "up-down"
  | "influence"
  | "temperature"
  | "clock";

export interface TestPoint {
  /** Without commas. */
  readonly name: string;
  readonly test: TestKind;
  /** Amperes of the fundamental of a loaded phase. */
  readonly current: number;
  /** Of reactive energy the sine: `sin 0.5L`, on export `sin -0.5L`. */
  readonly pf: string;
  readonly load: TestLoad;
  /** Of no-load the pulses allowed, of the clock seconds per day, of temperature percent per kelvin. */
  readonly limit: Limit;
  /** Of an influence and a difference: the load without it. The error is what changes. */
  readonly undisturbed?: TestLoad;
  /** Of no-load: how long it takes at least. */
  readonly seconds?: number;
  /** Of the constant test and that of the registers: how many it waits for. */
  readonly pulses?: number;
  /** Of up-down and variation: what is on the meter between the two measurements, and for how many seconds. */
  readonly between?: { readonly mains: Mains; readonly seconds: number };
}

/** Degrees of current behind voltage. */
export const DEGREES: Readonly<Record<string, number>> = {
  "1": 0,
  "0.5L": (Math.acos(0.5) * 180) / Math.PI,
  "0.8C": 360 - (Math.acos(0.8) * 180) / Math.PI,
};

/** Mains with one current on all phases or on one alone (`only`), `degrees` behind the voltages. */
export function mainsAt(model: MeterModel, amperes: number, degrees: number, only?: number): Mains {
  const { un, frequency } = model.plate;
  const current = Array.from({ length: model.phases }, (_, i) => (only === undefined || only === i ? amperes : 0));
  return mainsOf({ phases: model.phases, voltage: un, current, angle: degrees, frequency });
}

/** The same at a power factor of {@link DEGREES}. */
export function loadOf(model: MeterModel, amperes: number, pf: string, only?: number): Mains {
  return mainsAt(model, amperes, DEGREES[pf] as number, only);
}

/** All voltages times a factor. */
export function scaled(mains: Mains, factor: number): Mains {
  return { ...mains, phases: mains.phases.map((p) => ({ ...p, voltage: p.voltage * factor })) };
}

/** The points as at initial verification: an error of at most 60 % of the limit where a load alone is measured. */
export function initialVerification(points: readonly TestPoint[]): readonly TestPoint[] {
  return points.map((p) =>
    p.test === "balanced" || p.test === "single-phase"
      ? { ...p, limit: { ...p.limit, percent: 0.6 * p.limit.percent } }
      : p,
  );
}
