/**
 * The metering chip, sample by sample: every value it shows comes from products of samples. A window is 10 cycles (12 at
 * 60 Hz) between zero crossings of the first live voltage, or about 250 ms where there is none; its energy is counted when
 * it ends, so registers lag the mains by up to a window.
 *
 * DC of a channel is taken out as the mean over the window, which leaves nothing behind: a window knows only its own samples.
 * Settled means after the second window: the first begins inside a cycle, whose fundamental, and so reactive energy, is
 * not measured, and L1 may turn out to be dead.
 */
import { type Civil, MICROS_PER_SECOND, type Wake, wakeAtCivil } from "../../src/core/time.ts";
import { Acquisition } from "./acquisition.ts";
import { BLOCK } from "./block.ts";
import { correctPower, type PowerCorrection } from "./calibration.ts";
import type { ChipReadings, HarmonicReadings, MeteringChip, OnWindow } from "./chip.ts";
import { WindowSums } from "./dsp.ts";
import { LOOK_AHEAD, LOOK_BACK } from "./edges.ts";
import { type Channel, type ChipOptions, type FrontEnd, frontEndOf, SAMPLE_RATE } from "./front-end.ts";
import { HarmonicCapture } from "./harmonic-capture.ts";
import { distortionReactive, harmonicsOf } from "./harmonics.ts";
import { LINES, type MainsSpectra } from "./phasors.ts";
import type { PhaseSums } from "./products.ts";
import { type Measurement, nothingMeasured, type PhaseMeasurement, readingsOf, suppressNoLoad } from "./readout.ts";
import { Spread } from "./spread.ts";
import { IDLE_WINDOW, LONGEST_CYCLE, SHORTEST_CYCLE, WindowEnergy } from "./windows.ts";
import { ZeroCrossings } from "./zero-crossings.ts";

/** Samples held back at most: a stretch, what the edges need around it, a block not yet looked at. */
const KEEP = LOOK_BACK + LONGEST_CYCLE + LOOK_AHEAD + BLOCK;
/** µs between wakes: about a window, so that nobody has to catch up on a long stretch. */
const WAKE_EVERY = 200_000;

/** The samples in counts that a stretch between two places is of; {@link LOOK_BACK} before and {@link LOOK_AHEAD} behind it are there. */
export interface Stretch {
  readonly voltage: readonly Float64Array[];
  readonly current: readonly Float64Array[];
  readonly from: number;
  readonly to: number;
}

/** For register models: sees every stretch as it is added, and every window before the no-load threshold and the clearing. */
export interface Tap {
  stretch(sums: WindowSums, isCycle: boolean, frontEnd: FrontEnd, stretch: Stretch): void;
  window(measured: Measurement, sums: WindowSums, frontEnd: FrontEnd): void;
}

export class SampledChip implements MeteringChip {
  readonly #frontEnd: FrontEnd;
  readonly #acquisition: Acquisition;
  readonly #crossings: ZeroCrossings;
  readonly #sums: WindowSums;
  readonly #cyclesPerWindow: number;
  readonly #energy: WindowEnergy;
  readonly #harmonics: HarmonicCapture;
  readonly #isClassic: boolean;
  readonly #spread: Spread;
  readonly #start: Civil;
  readonly #microsPerSample: number;
  /** Samples dropped from the buffers so far. */
  #dropped = -LOOK_BACK;
  /** In the buffers: samples looked at for crossings, where the last stretch ended, and whether at a crossing. */
  #scanned = LOOK_BACK;
  #place = LOOK_BACK;
  #atCrossing = false;
  /** Phase whose voltage gives the cycles; −1 while none is live. */
  #reference = 0;
  #advancedTo: Civil;
  /** The last window, and what the registers show of it once somebody looks. */
  #measured: Measurement;
  #readings: ChipReadings | undefined;
  readonly #tap: Tap | undefined;

  constructor(options: ChipOptions, tap?: Tap) {
    const { plate, phases, start } = options;
    this.#tap = tap;
    const frontEnd = frontEndOf(plate, phases, options.errors, options);
    this.#frontEnd = frontEnd;
    this.#acquisition = new Acquisition(frontEnd, options, KEEP);
    // A fifth of the lowest live voltage: about a quarter of its peak behind the smoothing, which halves it.
    this.#crossings = new ZeroCrossings(frontEnd.presentVoltage / 5 / (frontEnd.voltage[0] as Channel).lsb);
    this.#sums = new WindowSums(phases);
    this.#cyclesPerWindow = frontEnd.nominal / 5;
    this.#energy = new WindowEnergy(phases);
    this.#isClassic = options.reactive === "classic";
    const longestWindow = this.#cyclesPerWindow * LONGEST_CYCLE;
    this.#harmonics = new HarmonicCapture(phases, longestWindow, this.#isClassic ? 0 : SAMPLE_RATE);
    this.#start = start;
    this.#microsPerSample = MICROS_PER_SECOND / (SAMPLE_RATE * frontEnd.clock);
    this.#spread = new Spread(start);
    this.#advancedTo = start;
    this.#measured = nothingMeasured(frontEnd);
  }

  advance(until: Civil, onWindow: OnWindow): void {
    if (until <= this.#advancedTo) return;
    this.#advancedTo = until;
    while (this.#acquisition.sample(until)) {
      this.#process(onWindow);
      this.#discard();
    }
  }

  readings(): ChipReadings {
    const measured = this.#measured;
    this.#readings ??= readingsOf(this.#frontEnd, measured, () => this.#harmonicsOf(measured.phases));
    return this.#readings;
  }

  nextWake(): Wake {
    return wakeAtCivil(this.#advancedTo + WAKE_EVERY);
  }

  setRelay(closed: boolean): void {
    this.#acquisition.setRelay(closed);
    // Between the last sample and the next.
    this.#spread.relay(this.#timeOf(this.#acquisition.filled - 0.5), closed);
  }

  /** Civil µs of a place in the buffers. */
  #timeOf(place: number): number {
    return this.#start + (this.#dropped + place) * this.#microsPerSample;
  }

  /** Ends every stretch that has enough samples behind its end, and every window that these complete. */
  #process(onWindow: OnWindow): void {
    const usable = this.#acquisition.filled - LOOK_AHEAD;
    for (;;) {
      const limit = Math.floor(this.#place) + LONGEST_CYCLE;
      const to = Math.min(usable, limit);
      const reference = this.#acquisition.samples.voltage[this.#reference];
      const found = reference && this.#crossings.find(reference, this.#scanned, to);
      this.#scanned = found === undefined ? to : found.index + 1;
      if (found !== undefined) {
        const isCycle = this.#atCrossing && found.place - this.#place >= SHORTEST_CYCLE;
        this.#endStretch(found.place, isCycle, true, onWindow);
      } else if (usable > limit) this.#endStretch(limit - 1, false, false, onWindow);
      else return;
    }
  }

  /** Drops what no stretch needs any more, once that is worth moving the rest. */
  #discard(): void {
    const count = Math.floor(this.#place) - LOOK_BACK;
    if (count < BLOCK && this.#acquisition.filled <= KEEP) return;
    this.#acquisition.discard(count);
    this.#dropped += count;
    this.#scanned -= count;
    this.#place -= count;
  }

  #endStretch(place: number, isCycle: boolean, atCrossing: boolean, onWindow: OnWindow): void {
    const { samples } = this.#acquisition;
    this.#sums.add(samples, this.#place, place, isCycle);
    const { voltage, current } = samples;
    this.#harmonics.stretch(voltage, current, this.#place, place, isCycle);
    this.#tap?.stretch(this.#sums, isCycle, this.#frontEnd, { voltage, current, from: this.#place, to: place });
    this.#noteFlow(place);
    this.#place = place;
    this.#atCrossing = atCrossing;
    if (this.#sums.cycles < this.#cyclesPerWindow && (isCycle || this.#sums.samples < IDLE_WINDOW)) return;
    this.#endWindow(onWindow);
  }

  #noteFlow(place: number): void {
    let active = 0;
    let reactive = 0;
    for (const s of this.#sums.phases) {
      active += s.product;
      reactive += s.fundamentalReactive;
    }
    this.#spread.stretch(this.#timeOf(place), active, reactive);
  }

  #endWindow(onWindow: OnWindow): void {
    const spectra = this.#harmonics.end() && this.#isClassic ? this.#harmonics.spectra() : undefined;
    const raw = this.#measure(spectra);
    this.#tap?.window(raw, this.#sums, this.#frontEnd);
    const measured = { ...raw, phases: raw.phases.map((m) => suppressNoLoad(this.#frontEnd, m)) };
    this.#measured = measured;
    this.#readings = undefined;
    this.#energy.count(measured.phases, this.#sums.samples);
    this.#chooseReference(measured.phases);
    this.#sums.clear();
    this.#harmonics.begin();
    onWindow(this.#energy.phases, this.#spread.end());
    this.#spread.next();
  }

  #harmonicsOf(phases: readonly PhaseMeasurement[]): HarmonicReadings | null {
    const spectra = this.#harmonics.spectra();
    if (spectra === undefined) return null;
    const volts = (this.#frontEnd.voltage[0] as Channel).lsb;
    const voltage = spectra.voltage.map((v) => v.map((counts) => counts * volts));
    return harmonicsOf(this.#frontEnd, { voltage, current: spectra.current }, phases);
  }

  /** @param spectra of this window, where the reactive power of its harmonics counts. */
  #measure(spectra: MainsSpectra | undefined): Measurement {
    const sums = this.#sums;
    const { samples } = sums;
    const volts = (this.#frontEnd.voltage[0] as Channel).lsb;
    const amperes = (this.#frontEnd.current[0] as Channel).lsb;
    const distortion = (p: number) => {
      const [v, i] = [spectra?.voltage[p], spectra?.current[p]];
      return v === undefined || i === undefined ? 0 : volts * amperes * distortionReactive(v, i);
    };
    const phase = (s: PhaseSums, p: number): PhaseMeasurement => {
      const voltage = volts * rms(s.voltage2, s.voltage, samples);
      const current = amperes * rms(s.current2, s.current, samples);
      return correctPower(this.#frontEnd.correction[p] as PowerCorrection, {
        voltage,
        current,
        active: (volts * amperes * (s.product - (s.voltage * s.current) / samples)) / samples,
        fundamentalActive: (volts * amperes * s.fundamentalActive) / samples,
        reactive: (volts * amperes * s.fundamentalReactive) / samples + distortion(p),
        apparent: voltage * current,
        angle: Math.atan2(s.fundamentalReactive, s.fundamentalActive),
      });
    };
    const dc = (kind: "voltage" | "current", p: number) => sums.phases[p]?.[kind] ?? 0;
    return {
      phases: sums.phases.map((s, p) => phase(s, p)),
      lineVoltage: LINES.map(
        ([a, b], l) => volts * rms(sums.lines[l] as number, dc("voltage", a) - dc("voltage", b), samples),
      ),
      neutralCurrent: amperes * rms(sums.neutral, dc("current", 0) + dc("current", 1) + dc("current", 2), samples),
      frequency: sums.cycles === 0 ? 0 : (sums.cycles * SAMPLE_RATE) / sums.cycleSamples,
    };
  }

  #chooseReference(phases: readonly PhaseMeasurement[]): void {
    const live = (p: PhaseMeasurement | undefined) => p !== undefined && p.voltage >= this.#frontEnd.presentVoltage;
    if (live(phases[this.#reference])) return;
    this.#reference = phases.findIndex(live);
    this.#crossings.reset();
    this.#atCrossing = false;
  }
}

/**
 * Of a window's samples without their mean. The end weights may leave a square a hair below zero when the signal ends just
 * before the window begins.
 */
function rms(squares: number, sum: number, samples: number): number {
  return Math.sqrt(Math.max(0, squares - (sum * sum) / samples) / samples);
}
