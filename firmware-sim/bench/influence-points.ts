/** The influence quantities of active energy: what changes of the error against the same load undisturbed. */
import type { MeterModel } from "../../protocols/models/model.ts";
import { REFERENCE_TEMPERATURE } from "../metrology/front-end.ts";
import type { Mains } from "../metrology/mains.ts";
import { type AccuracyClass, type Influence, isDirect, temperatureLimit, variationLimit } from "./limits.ts";
import { loadOf, scaled, type TestPoint } from "./test-point.ts";
import { halfWave, phaseFired, type TestLoad } from "./waves.ts";

const TWO = ["1", "0.5L"] as const;
/** K from the reference temperature. */
const WARMER = [-20, 20];

export class InfluencePoints {
  readonly #model: MeterModel;
  readonly #class: AccuracyClass;
  readonly #base: number;

  /** @param base amperes: 10 Itr, Ib or In. */
  constructor(model: MeterModel, cls: AccuracyClass, base: number) {
    this.#model = model;
    this.#class = cls;
    this.#base = base;
  }

  all(): TestPoint[] {
    return [...this.#supply(), ...this.#phases(), ...this.#distortion(), ...this.#temperature()];
  }

  /** @param from the load without the influence, `to` what the influence makes of it. */
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
      const voltage = (influence: Influence, percent: number) =>
        this.#variation(influence, `voltage ${signed(percent)} % PF ${pf}`, pf, from, {
          mains: scaled(from, 1 + percent / 100),
        });
      for (const percent of [-10, 10]) points.push(...voltage(`voltage${other}`, percent));
      for (const percent of [-2, 2])
        points.push(
          ...this.#variation(`frequency${other}`, `frequency ${signed(percent)} % PF ${pf}`, pf, from, {
            mains: { ...from, frequency: from.frequency * (1 + percent / 100) },
          }),
        );
      for (const percent of pf === "1" ? [-20, 15] : []) points.push(...voltage("voltageWide", percent));
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

  #temperature(): TestPoint[] {
    return TWO.flatMap((pf) =>
      WARMER.map((kelvin): TestPoint => {
        const mains = loadOf(this.#model, this.#base, pf);
        const temperature = REFERENCE_TEMPERATURE + kelvin;
        return {
          name: `temperature ${temperature} degC PF ${pf}`,
          test: "temperature",
          current: this.#base,
          pf,
          load: { mains, temperature },
          limit: temperatureLimit(this.#class, pf === "1"),
          undisturbed: { mains },
        };
      }),
    );
  }
}

export function signed(percent: number): string {
  return `${percent > 0 ? "+" : "-"}${Math.abs(percent)}`;
}
