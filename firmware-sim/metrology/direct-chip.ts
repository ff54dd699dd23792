/**
 * A load that enters behind the chip: integers second by second, for exact tests of what follows the chip and for long runs
 * (quantities.md, "Load for tests"). Every window is one whole second of the civil clock.
 */
import { type Civil, MICROS_PER_SECOND, type Wake } from "../../src/core/time.ts";
import type { ChipReadings, MeteringChip, OnWindow, PhaseEnergy } from "./chip.ts";

/** One phase during one second. Integers in mV, µA, mW, mvar, mVA and millidegrees; signs as everywhere. */
export interface SecondOfPhase {
  voltage: number;
  current: number;
  active: number;
  reactive: number;
  apparent: number;
  angle: number;
}

export interface SecondLoad {
  /** Fills in the second that begins at `second` (since 1970, UTC); the same second is always the same. */
  fill(second: number, phases: readonly SecondOfPhase[]): void;
}

export interface DirectChipOptions {
  readonly phases: 1 | 3;
  readonly load: SecondLoad;
  readonly start: Civil;
  /** mHz; default 50 Hz. */
  readonly frequency?: number;
}

/** µJ of one mW during one second. */
const MICRO_PER_MILLI = 1_000;

export class DirectChip implements MeteringChip {
  readonly #load: SecondLoad;
  readonly #phases: readonly SecondOfPhase[];
  readonly #energies: readonly PhaseEnergy[];
  readonly #readings: ChipReadings & { readonly [K in PerPhase]: number[] };
  readonly #wake = { mono: Number.POSITIVE_INFINITY, civil: 0 };
  readonly #span = { begin: 0, end: 0, marks: 0, times: [], active: [], reactive: [] };
  #next: number;
  #relayClosed = true;

  constructor({ phases, load, start, frequency = 50_000 }: DirectChipOptions) {
    this.#load = load;
    this.#next = Math.ceil(start / MICROS_PER_SECOND);
    const nothing = () => ({ voltage: 0, current: 0, active: 0, reactive: 0, apparent: 0, angle: 0 });
    this.#phases = Array.from({ length: phases }, nothing);
    this.#energies = Array.from({ length: phases }, () => ({ active: 0, reactive: 0, apparent: 0 }));
    const zeros = () => Array<number>(phases).fill(0);
    this.#readings = {
      voltage: zeros(),
      current: zeros(),
      active: zeros(),
      reactive: zeros(),
      apparent: zeros(),
      fundamentalActive: Array<null>(phases).fill(null),
      angle: zeros(),
      lineVoltage: [0, 0, 0],
      neutralCurrent: 0,
      frequency,
      harmonics: null,
    };
    this.#show(Math.floor(start / MICROS_PER_SECOND));
  }

  advance(until: Civil, onWindow: OnWindow): void {
    for (; (this.#next + 1) * MICROS_PER_SECOND <= until; this.#next++) {
      this.#show(this.#next);
      for (let p = 0; p < this.#phases.length; p++) {
        const energy = this.#energies[p] as PhaseEnergy;
        energy.active = (this.#readings.active[p] as number) * MICRO_PER_MILLI;
        energy.reactive = (this.#readings.reactive[p] as number) * MICRO_PER_MILLI;
        energy.apparent = (this.#readings.apparent[p] as number) * MICRO_PER_MILLI;
      }
      this.#span.begin = this.#next * MICROS_PER_SECOND;
      this.#span.end = this.#span.begin + MICROS_PER_SECOND;
      onWindow(this.#energies, this.#span);
    }
  }

  /** The same object every time, of the last whole second. */
  readings(): ChipReadings {
    return this.#readings;
  }

  /** The same object every time: it is asked for every second. */
  nextWake(): Wake {
    this.#wake.civil = (this.#next + 1) * MICROS_PER_SECOND;
    return this.#wake;
  }

  setRelay(closed: boolean): void {
    this.#relayClosed = closed;
  }

  #show(second: number): void {
    this.#load.fill(second, this.#phases);
    const shown = this.#readings;
    for (let p = 0; p < this.#phases.length; p++) {
      const phase = this.#phases[p] as SecondOfPhase;
      const flows = this.#relayClosed;
      shown.voltage[p] = phase.voltage;
      shown.current[p] = flows ? phase.current : 0;
      shown.active[p] = flows ? phase.active : 0;
      shown.reactive[p] = flows ? phase.reactive : 0;
      shown.apparent[p] = flows ? phase.apparent : 0;
      shown.angle[p] = flows ? phase.angle : 0;
    }
  }
}

type PerPhase = "voltage" | "current" | "active" | "reactive" | "apparent" | "angle";
