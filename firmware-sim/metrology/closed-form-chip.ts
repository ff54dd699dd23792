/**
 * The sampled chip in closed form: the same front end applied to phasors, energy as power × time. It needs waking only where
 * the load changes, and one window may span hours of steady load.
 *
 * Noise enters as its power (it lifts the rms values, the products of independent noises average to nothing). Beyond full
 * scale it does not clip, as the sampled chip does: such loads are for the sampled chip.
 */
import { assert } from "../../src/core/result.ts";
import { type Civil, civil, type Wake, wakeAtCivil } from "../../src/core/time.ts";
import { type ChipReadings, type MeteringChip, type OnWindow, type PhaseEnergy, steadySpan } from "./chip.ts";
import { type ChipOptions, type FrontEnd, frontEndOf, type ReactiveDefinition } from "./front-end.ts";
import { harmonicsOf } from "./harmonics.ts";
import type { LoadSource, LoadState } from "./mains.ts";
import { correctedSpectraOf, measureMains } from "./phasors.ts";
import { type PhaseMeasurement, readingsOf, suppressNoLoad } from "./readout.ts";

/** µs. Bounds a window so that its energy stays far below 2^53 µJ at a megawatt per phase. */
const LONGEST_WINDOW = 900_000_000;

interface PhaseIntegrators {
  readonly active: PowerIntegrator;
  readonly reactive: PowerIntegrator;
  readonly apparent: PowerIntegrator;
}

export class ClosedFormChip implements MeteringChip {
  readonly #frontEnd: FrontEnd;
  readonly #load: LoadSource;
  readonly #reactive: ReactiveDefinition | undefined;
  readonly #energies: PhaseEnergy[];
  readonly #integrators: PhaseIntegrators[];
  #at: Civil;
  #state: LoadState;
  #relayClosed = true;
  #readings: ChipReadings;

  constructor(options: ChipOptions) {
    this.#frontEnd = frontEndOf(options.plate, options.phases, options.errors, options);
    this.#load = options.load;
    this.#reactive = options.reactive;
    this.#at = options.start;
    this.#energies = Array.from({ length: options.phases }, () => ({ active: 0, reactive: 0, apparent: 0 }));
    this.#integrators = this.#energies.map(() => ({
      active: new PowerIntegrator(),
      reactive: new PowerIntegrator(),
      apparent: new PowerIntegrator(),
    }));
    this.#state = this.#load.at(this.#at);
    this.#readings = this.#measure();
  }

  advance(until: Civil, onWindow: OnWindow): void {
    while (this.#at < until) {
      const end = Math.min(until, this.#state.until, this.#at + LONGEST_WINDOW);
      this.#integrate(end - this.#at);
      onWindow(this.#energies, steadySpan(this.#at, end));
      this.#at = civil(end);
      if (end >= this.#state.until) this.#takeLoad();
    }
  }

  readings(): ChipReadings {
    return this.#readings;
  }

  nextWake(): Wake {
    return wakeAtCivil(this.#state.until);
  }

  setRelay(closed: boolean): void {
    if (closed === this.#relayClosed) return;
    this.#relayClosed = closed;
    this.#readings = this.#measure();
  }

  #takeLoad(): void {
    this.#state = this.#load.at(this.#at);
    assert(this.#state.until > this.#at, "a load state holds beyond the time asked for");
    this.#readings = this.#measure();
  }

  /** Works out the present state: powers for the integrators, and the readings, which it returns. */
  #measure(): ChipReadings {
    const [frontEnd, { mains }, closed] = [this.#frontEnd, this.#state, this.#relayClosed];
    const measured = measureMains(frontEnd, mains, closed, this.#reactive);
    const phases = measured.phases.map((m) => suppressNoLoad(this.#frontEnd, m));
    for (let p = 0; p < phases.length; p++) {
      const m = phases[p] as PhaseMeasurement;
      const { active, reactive, apparent } = this.#integrators[p] as PhaseIntegrators;
      // The chip's second is not the world's: a fast clock counts more of them.
      active.setPower(m.active * this.#frontEnd.clock);
      reactive.setPower(m.reactive * this.#frontEnd.clock);
      apparent.setPower(m.apparent * this.#frontEnd.clock);
    }
    return readingsOf(frontEnd, { ...measured, phases }, () =>
      harmonicsOf(frontEnd, correctedSpectraOf(frontEnd, mains, closed), phases),
    );
  }

  #integrate(micros: number): void {
    for (let p = 0; p < this.#energies.length; p++) {
      const energy = this.#energies[p] as PhaseEnergy;
      const { active, reactive, apparent } = this.#integrators[p] as PhaseIntegrators;
      energy.active = active.over(micros);
      energy.reactive = reactive.over(micros);
      energy.apparent = apparent.over(micros);
    }
  }
}

/**
 * Power × time in integers: power in whole µW, the rest below 1 µJ carried in millionths. The sum over any split of a
 * stretch is the same, to the last carried millionth. Exact while watts × µs stays below 2^53.
 */
class PowerIntegrator {
  #watts = 0;
  #microwatts = 0;
  #carry = 0;

  setPower(watts: number): void {
    const all = Math.round(watts * 1e6);
    this.#watts = Math.trunc(all / 1e6);
    this.#microwatts = all - this.#watts * 1e6;
  }

  /** µJ over `micros` microseconds. */
  over(micros: number): number {
    const millionths = this.#microwatts * micros + this.#carry;
    const whole = Math.trunc(millionths / 1e6);
    this.#carry = millionths - whole * 1e6;
    // Adding zero turns −0 into 0.
    return this.#watts * micros + whole + 0;
  }
}
