/**
 * The sampled metering core without a meter around it: what the register models of real chips are façades of. Where a meter
 * has a rating plate, a bare chip has a board, which says the volts and amperes at its full scale.
 */
import type { RatingPlate } from "../../protocols/models/model.ts";
import type { Civil, Wake } from "../../src/core/time.ts";
import type { WindowSums } from "./dsp.ts";
import { type Channel, type FrontEnd, type FrontEndErrors, SAMPLE_RATE } from "./front-end.ts";
import type { LoadSource } from "./mains.ts";
import type { Measurement, PhaseMeasurement } from "./readout.ts";
import { SampledChip } from "./sampled-chip.ts";

/** What the board in front of the chip turns into a full-scale sine at its inputs: rms volts and amperes. */
export interface FullScale {
  readonly volts: number;
  readonly amperes: number;
}

/** One phase over one window of 10 cycles (12 at 60 Hz), without any no-load threshold. V, A, W, var, VA. */
export interface CorePhase extends PhaseMeasurement {
  /** Rms of the fundamental, and its active power; 0 while no cycle is found. */
  readonly fundamentalVoltage: number;
  readonly fundamentalCurrent: number;
  readonly fundamentalActive: number;
}

export interface CoreWindow {
  readonly phases: readonly CorePhase[];
  readonly neutralCurrent: number;
  /** Hz, 0 without voltage. */
  readonly frequency: number;
  /** Length by the chip's own clock. */
  readonly seconds: number;
}

export interface BareChipOptions {
  readonly fullScale: FullScale;
  readonly phases: 1 | 3;
  readonly load: LoadSource;
  readonly start: Civil;
  readonly seed: number;
  readonly errors?: FrontEndErrors;
}

export class BareChip {
  readonly #chip: SampledChip;

  /** @param onWindow gets each window once it is complete, in order. */
  constructor({ fullScale, ...options }: BareChipOptions, onWindow: (window: CoreWindow) => void) {
    this.#chip = new SampledChip({ ...options, plate: plateOf(fullScale) }, (measured, sums, frontEnd) =>
      onWindow(windowOf(measured, sums, frontEnd)),
    );
  }

  /** Runs the samples up to `until`. */
  advance(until: Civil): void {
    this.#chip.advance(until, () => {});
  }

  /** An open relay carries no current from the next sample on. */
  setRelay(closed: boolean): void {
    this.#chip.setRelay(closed);
  }

  nextWake(): Wake {
    return this.#chip.nextWake();
  }
}

/** The front end leaves room of 2 above Un and 1.5 above Imax: this plate puts full scale where the board has it. */
function plateOf({ volts, amperes }: FullScale): RatingPlate {
  return {
    un: volts / 2,
    ist: 0,
    imin: 0,
    itr: amperes / 15,
    imax: amperes / 1.5,
    frequency: 50,
    activeClass: "D",
    reactiveClass: "2",
    impPerKwh: 1,
    impPerKvarh: 1,
    wiring: "3P4W",
    relayAmps: 0,
  };
}

function windowOf(measured: Measurement, sums: WindowSums, frontEnd: FrontEnd): CoreWindow {
  const volts = (frontEnd.voltage[0] as Channel).lsb;
  const amperes = (frontEnd.current[0] as Channel).lsb;
  const perSample = sums.cycleSamples > 0 ? 1 / sums.cycleSamples : 0;
  return {
    phases: sums.phases.map((s, p) => ({
      ...(measured.phases[p] as PhaseMeasurement),
      fundamentalVoltage: volts * Math.sqrt(s.fundamentalVoltage2 * perSample),
      fundamentalCurrent: amperes * Math.sqrt(s.fundamentalCurrent2 * perSample),
      fundamentalActive: volts * amperes * s.fundamentalActive * perSample,
    })),
    neutralCurrent: measured.neutralCurrent,
    frequency: measured.frequency,
    seconds: sums.samples / SAMPLE_RATE,
  };
}
