/**
 * The sampled metering core without a meter around it: what the register models of real chips are façades of. Where a meter
 * has a rating plate, a bare chip has a board, which says the volts and amperes at its full scale.
 */
import type { RatingPlate } from "../../protocols/models/model.ts";
import type { Civil, Wake } from "../../src/core/time.ts";
import { HarmonicSums, type PhaseHarmonics } from "./ade9000-harmonics.ts";
import type { WindowSpan } from "./chip.ts";
import type { WindowSums } from "./dsp.ts";
import { type Channel, type FrontEnd, type FrontEndErrors, SAMPLE_RATE } from "./front-end.ts";
import type { LoadSource } from "./mains.ts";
import type { PhaseSums } from "./products.ts";
import type { Measurement, PhaseMeasurement } from "./readout.ts";
import { SampledChip, type Stretch, type Tap } from "./sampled-chip.ts";

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
  /** By phase; measured for who takes the cycles too. */
  readonly harmonics?: readonly PhaseHarmonics[];
}

/** Rms values of one cycle, or of 27 ms where the mains have none. V and A per phase. */
export interface CoreCycle {
  readonly voltage: readonly number[];
  readonly current: readonly number[];
  readonly neutral: number;
}

/** A stretch of samples. Volts and amperes per count are of all channels of a kind; the samples hold until the call returns. */
export interface CoreWave {
  readonly samples: Stretch;
  readonly volts: number;
  readonly amperes: number;
  readonly isCycle: boolean;
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

  /**
   * @param onWindow gets each window once it is complete, in order.
   * @param onCycle gets each cycle, the last of a window before that window.
   * @param onWave gets the samples of each stretch, before its cycle.
   */
  constructor(
    { fullScale, ...options }: BareChipOptions,
    onWindow: (window: CoreWindow) => void,
    onCycle?: (cycle: CoreCycle) => void,
    onWave?: (wave: CoreWave) => void,
  ) {
    const cycles = onCycle === undefined ? undefined : new Cycles(onCycle);
    const harmonics = onCycle === undefined ? undefined : new HarmonicSums(options.phases);
    const tap: Tap = {
      stretch: (sums, isCycle, frontEnd, samples) => {
        if (isCycle) harmonics?.add(samples);
        onWave?.({ samples, isCycle, ...scaleOf(frontEnd) });
        cycles?.take(sums, isCycle, frontEnd);
      },
      window: (measured, sums, frontEnd) => {
        const { volts, amperes } = scaleOf(frontEnd);
        const found = harmonics?.take(volts * amperes);
        onWindow({ ...windowOf(measured, sums, frontEnd), ...(found && { harmonics: found }) });
        cycles?.restart();
      },
    };
    const nominal = options.load.at(options.start).mains.frequency > BETWEEN_NOMINALS ? 60 : 50;
    this.#chip = new SampledChip({ ...options, plate: plateOf(fullScale, nominal) }, tap);
  }

  /** Runs the samples up to `until`. @param onSpan is told when each window was, right behind the window itself. */
  advance(until: Civil, onSpan?: (span: WindowSpan) => void): void {
    this.#chip.advance(until, (_, span) => onSpan?.(span));
  }

  /** An open relay carries no current from the next sample on. */
  setRelay(closed: boolean): void {
    this.#chip.setRelay(closed);
  }

  nextWake(): Wake {
    return this.#chip.nextWake();
  }
}

/** Hz; the mains at power-on are nearer to one of 50 and 60. */
const BETWEEN_NOMINALS = 55;

/** The front end leaves room of 2 above Un and 1.5 above Imax: this plate puts full scale where the board has it. */
function plateOf({ volts, amperes }: FullScale, frequency: 50 | 60): RatingPlate {
  return {
    un: volts / 2,
    ist: 0,
    imin: 0,
    itr: amperes / 15,
    imax: amperes / 1.5,
    frequency,
    activeClass: "D",
    reactiveClass: "2",
    impPerKwh: 1,
    impPerKvarh: 1,
    wiring: "3P4W",
    relayAmps: 0,
  };
}

function scaleOf(frontEnd: FrontEnd) {
  return { volts: (frontEnd.voltage[0] as Channel).lsb, amperes: (frontEnd.current[0] as Channel).lsb };
}

function windowOf(measured: Measurement, sums: WindowSums, frontEnd: FrontEnd): CoreWindow {
  const { volts, amperes } = scaleOf(frontEnd);
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

/** Samples: longer than any cycle of the mains; a stretch of so many had no zero crossing to end it. */
const NO_CYCLE = 100;

/** Takes single cycles out of sums that run over a window. */
class Cycles {
  readonly #onCycle: (cycle: CoreCycle) => void;
  #before: readonly Pick<PhaseSums, "voltage" | "voltage2" | "current" | "current2">[] = [];
  #neutralBefore = 0;
  #samples = 0;

  constructor(onCycle: (cycle: CoreCycle) => void) {
    this.#onCycle = onCycle;
  }

  restart(): void {
    this.#before = [];
    this.#neutralBefore = 0;
    this.#samples = 0;
  }

  take(sums: WindowSums, isCycle: boolean, frontEnd: FrontEnd): void {
    const samples = sums.samples - this.#samples;
    if (isCycle || samples > NO_CYCLE) {
      const rms = (kind: "voltage" | "current", channels: readonly Channel[]) =>
        sums.phases.map((s, p) => {
          const sum = s[kind] - (this.#before[p]?.[kind] ?? 0);
          const squares = s[`${kind}2`] - (this.#before[p]?.[`${kind}2`] ?? 0);
          return (channels[p] as Channel).lsb * Math.sqrt(Math.max(0, squares - (sum * sum) / samples) / samples);
        });
      const direct = sums.phases.reduce((all, s, p) => all + s.current - (this.#before[p]?.current ?? 0), 0);
      const squares = sums.neutral - this.#neutralBefore;
      const { lsb } = frontEnd.current[0] as Channel;
      this.#onCycle({
        voltage: rms("voltage", frontEnd.voltage),
        current: rms("current", frontEnd.current),
        neutral: lsb * Math.sqrt(Math.max(0, squares - (direct * direct) / samples) / samples),
      });
    }
    this.#neutralBefore = sums.neutral;
    this.#before = sums.phases.map(({ voltage, voltage2, current, current2 }) => ({
      voltage,
      voltage2,
      current,
      current2,
    }));
    this.#samples = sums.samples;
  }
}
