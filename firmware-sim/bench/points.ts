/** The test points of a class on a meter with this rating plate, in the order a laboratory runs them. */
import type { MeterModel } from "../../protocols/models/model.ts";
import { type Mains, mainsOf } from "../metrology/mains.ts";
import {
  type AccuracyClass,
  baseCurrent,
  baseLimit,
  type Influence,
  iecShares,
  intrinsicLimit,
  isDirect,
  isR46,
  type Limit,
  noLoadTest,
  repeatabilityLimit,
  startLimit,
  variationLimit,
} from "./limits.ts";
import { halfWave, phaseFired, type TestLoad } from "./waves.ts";

export type TestKind = "balanced" | "single-phase" | "start" | "no-load" | "constant" | "repeatability" | "influence";

export interface TestPoint {
  /** Without commas. */
  readonly name: string;
  readonly test: TestKind;
  /** Amperes of the fundamental of a loaded phase. */
  readonly current: number;
  readonly pf: string;
  readonly load: TestLoad;
  /** Of no-load the pulses allowed. */
  readonly limit: Limit;
  /** Of an influence: the load without it. The error is what changes. */
  readonly undisturbed?: TestLoad;
  /** Of no-load: how long it takes at least. */
  readonly seconds?: number;
}

const DEGREES: Readonly<Record<string, number>> = {
  "1": 0,
  "0.5L": (Math.acos(0.5) * 180) / Math.PI,
  "0.8C": 360 - (Math.acos(0.8) * 180) / Math.PI,
};
const ALL = ["1", "0.5L", "0.8C"];
const TWO = ["1", "0.5L"];

interface NamedCurrent {
  readonly name: string;
  readonly amperes: number;
  readonly pfs: readonly string[];
}

/** Every point of the class. Classes without known influence limits (E, 0.5, and A) have no influence points. */
export function testPoints(model: MeterModel, cls: AccuracyClass): readonly TestPoint[] {
  const p = new Points(model, cls);
  return [...p.noLoad(), ...p.start(), ...p.balanced(), ...p.singlePhase(), ...p.dial(), ...p.influences()];
}

/** Mains with one current on all phases or on one alone (`only`). */
function loadOf(model: MeterModel, amperes: number, pf: string, only?: number): Mains {
  const { un, frequency } = model.plate;
  const current = Array.from({ length: model.phases }, (_, i) => (only === undefined || only === i ? amperes : 0));
  return mainsOf({ phases: model.phases, voltage: un, current, angle: DEGREES[pf] as number, frequency });
}

class Points {
  readonly #model: MeterModel;
  readonly #class: AccuracyClass;
  readonly #base: number;

  constructor(model: MeterModel, cls: AccuracyClass) {
    this.#model = model;
    this.#class = cls;
    this.#base = isR46(cls) ? 10 * model.plate.itr : baseCurrent(model.plate);
  }

  noLoad(): TestPoint[] {
    const { seconds, voltage } = noLoadTest(this.#class, this.#model.plate, this.#model.phases);
    const mains = loadOf(this.#model, 0, "1");
    const load = { mains: { ...mains, phases: mains.phases.map((p) => ({ ...p, voltage: p.voltage * voltage })) } };
    const limit = { percent: 1, recalled: false };
    const name = `no load ${Math.round(voltage * 100)} % Un`;
    return [{ name, test: "no-load", current: 0, pf: "1", load, limit, seconds }];
  }

  start(): TestPoint[] {
    const { ist } = this.#model.plate;
    const load = { mains: loadOf(this.#model, ist, "1") };
    return [{ name: "start at Ist", test: "start", current: ist, pf: "1", load, limit: startLimit(this.#class) }];
  }

  balanced(): TestPoint[] {
    return this.#currents(false).flatMap((c) => c.pfs.map((pf) => this.#intrinsic(c, pf)));
  }

  singlePhase(): TestPoint[] {
    if (this.#model.phases === 1) return [];
    return [0, 1, 2].flatMap((only) =>
      this.#currents(true).flatMap((c) => c.pfs.map((pf) => this.#intrinsic(c, pf, only))),
    );
  }

  /** Register against pulses at full load, and the spread of measurements at the base current. */
  dial(): TestPoint[] {
    const { imax } = this.#model.plate;
    const full = { mains: loadOf(this.#model, imax, "1") };
    // A tenth of the class at full load is recalled from OIML R46.
    const limit = { percent: baseLimit(this.#class).percent / 10, recalled: true };
    const repeats = TWO.map((pf): TestPoint => {
      const load = { mains: loadOf(this.#model, this.#base, pf) };
      const name = `repeatability PF ${pf}`;
      const spread = repeatabilityLimit(this.#class);
      return { name, test: "repeatability", current: this.#base, pf, load, limit: spread };
    });
    return [{ name: "constant at Imax", test: "constant", current: imax, pf: "1", load: full, limit }, ...repeats];
  }

  influences(): TestPoint[] {
    return [...this.#supply(), ...this.#phases(), ...this.#distortion()];
  }

  #currents(single: boolean): NamedCurrent[] {
    const { imax, itr, imin } = this.#model.plate;
    const base = this.#base;
    if (isR46(this.#class)) {
      const pfs = single || this.#class === "A" ? TWO : ALL;
      const high = [
        { name: "Imax", amperes: imax, pfs },
        ...(!single && imax >= 4 * base ? [{ name: "0.5 Imax", amperes: imax / 2, pfs }] : []),
        ...(base < imax ? [{ name: "10 Itr", amperes: base, pfs }] : []),
        { name: "Itr", amperes: itr, pfs },
      ];
      return single || this.#class === "A" ? high : [...high, { name: "Imin", amperes: imin, pfs: ["1"] }];
    }
    const direct = isDirect(this.#model.plate);
    const unit = direct ? "Ib" : "In";
    const { unity, other } = iecShares(this.#class, direct);
    const pfs = this.#class === "2" || single ? TWO : ALL;
    const part = (share: number, at: readonly string[]) => ({
      name: `${share} ${unit}`,
      amperes: share * base,
      pfs: at,
    });
    const high = [{ name: "Imax", amperes: imax, pfs }, ...(base < imax ? [{ name: unit, amperes: base, pfs }] : [])];
    if (single) return [...high, part(other[1], ["0.5L"]), part(unity[1], ["1"])];
    const half = imax >= 4 * base ? [{ name: "0.5 Imax", amperes: imax / 2, pfs }] : [];
    const phaseShifted = pfs.slice(1);
    return [
      ...high,
      ...half,
      part(other[1], phaseShifted),
      part(unity[1], other[0] === unity[1] ? pfs : ["1"]),
      ...(other[0] === unity[1] ? [] : [part(other[0], phaseShifted)]),
      part(unity[0], ["1"]),
    ];
  }

  #intrinsic(current: NamedCurrent, pf: string, only?: number): TestPoint {
    const { amperes } = current;
    const single = only !== undefined;
    const limit = intrinsicLimit(this.#class, this.#model.plate, { amperes, unity: pf === "1", single });
    const load = { mains: loadOf(this.#model, amperes, pf, only) };
    const name = `${single ? `L${only + 1} ` : ""}${current.name} PF ${pf}`;
    return { name, test: single ? "single-phase" : "balanced", current: amperes, pf, load, limit };
  }

  /** @param mains the load without the influence, and what the influence makes of it. */
  #variation(influence: Influence, name: string, pf: string, from: Mains, to: TestLoad): TestPoint[] {
    const limit = variationLimit(this.#class, influence);
    if (limit === undefined) return [];
    const current = from.phases[0]?.current ?? 0;
    return [{ name, test: "influence", current, pf, load: to, limit, undisturbed: { mains: from } }];
  }

  #supply(): TestPoint[] {
    const points: TestPoint[] = [];
    for (const pf of TWO) {
      const from = loadOf(this.#model, this.#base, pf);
      const other = pf === "1" ? "" : pf;
      const scaled = (factor: number) => ({
        mains: { ...from, phases: from.phases.map((p) => ({ ...p, voltage: p.voltage * factor })) },
      });
      for (const percent of [-10, 10])
        points.push(
          ...this.#variation(
            `voltage${other}` as Influence,
            `voltage ${signed(percent)} % PF ${pf}`,
            pf,
            from,
            scaled(1 + percent / 100),
          ),
        );
      for (const percent of [-2, 2])
        points.push(
          ...this.#variation(`frequency${other}` as Influence, `frequency ${signed(percent)} % PF ${pf}`, pf, from, {
            mains: { ...from, frequency: from.frequency * (1 + percent / 100) },
          }),
        );
      for (const percent of pf === "1" ? [-20, 15] : [])
        points.push(
          ...this.#variation(
            "voltageWide",
            `voltage ${signed(percent)} % PF ${pf}`,
            pf,
            from,
            scaled(1 + percent / 100),
          ),
        );
    }
    return points;
  }

  #phases(): TestPoint[] {
    if (this.#model.phases === 1) return [];
    const low = loadOf(this.#model, this.#base / 10, "1");
    const from = loadOf(this.#model, this.#base, "1");
    const reversed = { ...low, phases: low.phases.map((p) => ({ ...p, voltageAngle: -p.voltageAngle })) };
    const without = (lost: number) => ({
      mains: { ...from, phases: from.phases.map((p, i) => (i < lost ? { ...p, voltage: 0 } : p)) },
    });
    return [
      ...this.#variation("sequence", "phase sequence reversed", "1", low, { mains: reversed }),
      ...this.#variation("unbalance", "voltage of L1 lost", "1", from, without(1)),
      ...this.#variation("unbalance", "voltages of L1 and L2 lost", "1", from, without(2)),
    ];
  }

  #distortion(): TestPoint[] {
    const { plate } = this.#model;
    const half = loadOf(this.#model, plate.imax / 2, "1");
    const fifth = (ratio: number) => [{ order: 5, ratio, angle: 0 }];
    const harmonic = half.phases.map((p) => ({
      ...p,
      voltageHarmonics: fifth(0.1),
      currentHarmonics: fifth(0.4),
    }));
    const chopped = (peak: number, { fundamental, angle, harmonics }: ReturnType<typeof halfWave>) => {
      const from = loadOf(this.#model, peak * fundamental, "1");
      const phases = from.phases.map((p) => ({ ...p, angle, currentHarmonics: harmonics }));
      return [from, { mains: { ...from, phases } }] as const;
    };
    const [even, rectified] = chopped(plate.imax * Math.SQRT2, halfWave());
    // Half of the base current as rms of the chopped wave: its peak is the base current.
    const [odd, fired] = chopped(this.#base, phaseFired());
    const burst = loadOf(this.#model, this.#base / 2, "1");
    return [
      ...this.#variation("harmonic", "5th harmonic 10 % U 40 % I", "1", half, { mains: { ...half, phases: harmonic } }),
      ...(isDirect(plate) ? this.#variation("halfWave", "half wave current", "1", even, rectified) : []),
      ...this.#variation("phaseFired", "phase-fired current 90 deg", "0.84L", odd, fired),
      ...this.#variation("subHarmonic", "sub-harmonics 2 cycles on 2 off", "1", burst, { mains: burst, burst: 2 }),
    ];
  }
}

function signed(percent: number): string {
  return `${percent > 0 ? "+" : "-"}${Math.abs(percent)}`;
}
