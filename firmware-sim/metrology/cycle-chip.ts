/**
 * The sampled chip cycle by cycle: its stretches, windows and first unsettled readings fall on the same places, but what a
 * stretch holds comes from the phasors behind the front end instead of from samples. Three to fifteen times as fast.
 *
 * A load that changes inside a cycle counts by its share of it: the mean power of each state, where samples would see at which
 * instants of the wave it held. A voltage that dies is gone at once, where the filter of the crossings rings for a cycle.
 * Beyond full scale it does not clip. All three are for the sampled chip.
 */
import { Random } from "../../src/core/random.ts";
import { assert } from "../../src/core/result.ts";
import { type Civil, civil, MICROS_PER_SECOND, type Wake, wakeAtCivil } from "../../src/core/time.ts";
import { correctPower, type PowerCorrection } from "./calibration.ts";
import type { ChipReadings, MeteringChip, OnWindow } from "./chip.ts";
import { CycleSums } from "./cycle-sums.ts";
import { LOOK_AHEAD, LOOK_BACK } from "./edges.ts";
import { type ChipOptions, type FrontEnd, frontEndOf, SAMPLE_RATE } from "./front-end.ts";
import { harmonicsOf } from "./harmonics.ts";
import type { LoadSource, Mains } from "./mains.ts";
import { correctedSpectraOf, type MainsSpectra, noisePowerOf } from "./phasors.ts";
import { type Measurement, nothingMeasured, type PhaseMeasurement, readingsOf, suppressNoLoad } from "./readout.ts";
import { Spread } from "./spread.ts";
import { IDLE_WINDOW, LONGEST_CYCLE, SHORTEST_CYCLE, WindowEnergy } from "./windows.ts";
import { settledCrossing } from "./zero-crossings.ts";

/** µs between wakes: a few hundred cycles, so that nobody has to catch up on a long stretch. */
const WAKE_EVERY = 10 * MICROS_PER_SECOND;
/** Cycles from a crossing to where the next may be, and from a fresh start until the wave has been below zero for long enough. */
const REARMED = 0.5;
const FIRST_ARMED = 0.3;

/** Samples to take beyond a place until a sampled chip has what it needs around it; its first sample is at {@link LOOK_BACK}. */
const KNOWN_AFTER = LOOK_AHEAD - LOOK_BACK + 1;

/** Where a stretch ends. */
interface End {
  readonly place: number;
  readonly atCrossing: boolean;
  /** Samples that the sampled chip must have taken to know it. */
  readonly known: number;
}

/** Places are numbers of samples, whole ones at the instant of a sample, the first sample {@link LOOK_BACK}: those of the sampled chip. */
export class CycleChip implements MeteringChip {
  readonly #frontEnd: FrontEnd;
  readonly #load: LoadSource;
  readonly #start: Civil;
  /** Samples per µs of the world: a fast clock takes more. */
  readonly #rate: number;
  readonly #sums: CycleSums;
  readonly #cyclesPerWindow: number;
  readonly #energy: WindowEnergy;
  readonly #spread: Spread;
  #mains: Mains;
  #spectra: MainsSpectra = { voltage: [], current: [] };
  /** Cycles of the mains per sample, and their count at a place; it runs on through every change. */
  #step = 0;
  #turns = 0;
  #turnsAt = LOOK_BACK;
  /** Of the reference voltage's crossings, as a place in the cycle. */
  #crossing: number | undefined;
  /** Where the last stretch ended, up to where the sums hold the present one, and from where a crossing counts. */
  #place = LOOK_BACK;
  #summedTo = LOOK_BACK;
  #armedAt = LOOK_BACK;
  #atCrossing = false;
  /** Phase whose voltage gives the cycles; −1 while none is live. */
  #reference = 0;
  /** Samples taken; those after which the next state of the load, and of the relay, holds. */
  #taken = 0;
  #loadEnd: number;
  #relayAt = Number.POSITIVE_INFINITY;
  #relayClosed = true;
  #advancedTo: Civil;
  /** The last window, and what the registers show of it once somebody looks. */
  #measured: Measurement;
  #windowSpectra: MainsSpectra | undefined;
  #readings: ChipReadings | undefined;

  constructor(options: ChipOptions) {
    const { plate, phases, load, start } = options;
    this.#frontEnd = frontEndOf(plate, phases, options.errors, options);
    this.#load = load;
    this.#start = start;
    this.#rate = (SAMPLE_RATE * this.#frontEnd.clock) / MICROS_PER_SECOND;
    this.#sums = new CycleSums(phases, new Random(options.seed).fork("cycles"), options.reactive === "classic");
    this.#spread = new Spread(start);
    this.#cyclesPerWindow = this.#frontEnd.nominal / 5;
    this.#energy = new WindowEnergy(phases);
    const state = load.at(start);
    this.#mains = state.mains;
    this.#loadEnd = this.#samplesUntil(state.until);
    this.#advancedTo = start;
    this.#applyMains(LOOK_BACK);
    this.#restart(LOOK_BACK);
    this.#measured = nothingMeasured(this.#frontEnd);
  }

  advance(until: Civil, onWindow: OnWindow): void {
    if (until <= this.#advancedTo) return;
    this.#advancedTo = until;
    this.#taken = Math.floor((until - this.#start) * this.#rate);
    for (;;) {
      const end = this.#nextEnd();
      const change = Math.min(this.#loadEnd, this.#relayAt);
      // The first sample of the new state is a half behind it.
      const changePlace = change + LOOK_BACK - 0.5;
      if (changePlace <= end.place) {
        if (this.#taken <= change) return;
        this.#change(change, changePlace);
      } else if (this.#taken < end.known) return;
      else this.#endStretch(end, onWindow);
    }
  }

  readings(): ChipReadings {
    const [measured, spectra] = [this.#measured, this.#windowSpectra];
    this.#readings ??= readingsOf(this.#frontEnd, measured, () =>
      spectra === undefined ? null : harmonicsOf(this.#frontEnd, spectra, measured.phases),
    );
    return this.#readings;
  }

  nextWake(): Wake {
    return wakeAtCivil(this.#advancedTo + WAKE_EVERY);
  }

  /** From the next sample on. */
  setRelay(closed: boolean): void {
    if (closed === this.#relayClosed) return;
    this.#relayClosed = closed;
    this.#relayAt = Math.min(this.#relayAt, this.#taken);
  }

  #samplesUntil(time: number): number {
    return Math.ceil((time - this.#start) * this.#rate);
  }

  /** Takes up the load or the relay's place that holds after `sample`, the number of samples taken. */
  #change(sample: number, place: number): void {
    this.#sumUpTo(place);
    this.#noteFlow(place);
    if (sample >= this.#relayAt) this.#relayAt = Number.POSITIVE_INFINITY;
    if (sample >= this.#loadEnd) {
      const time = civil(this.#start + Math.ceil(sample / this.#rate));
      const state = this.#load.at(time);
      assert(state.until > time, "a load state holds beyond the time asked for");
      // At least one sample: states shorter than a sample are passed over one by one.
      this.#loadEnd = Math.max(this.#samplesUntil(state.until), sample + 1);
      this.#mains = state.mains;
    }
    this.#applyMains(Math.max(place, LOOK_BACK));
  }

  #applyMains(place: number): void {
    this.#turns += (place - this.#turnsAt) * this.#step;
    this.#turns -= Math.floor(this.#turns);
    this.#turnsAt = place;
    this.#step = this.#mains.frequency / (SAMPLE_RATE * this.#frontEnd.clock);
    const spectra = correctedSpectraOf(this.#frontEnd, this.#mains, this.#relayClosed);
    this.#spectra = spectra;
    this.#sums.setState(spectra, noisePowerOf(this.#frontEnd, this.#mains));
    this.#locateCrossing();
  }

  #locateCrossing(): void {
    const spectrum = this.#spectra.voltage[this.#reference];
    const channel = this.#frontEnd.voltage[this.#reference];
    const offset = channel === undefined ? 0 : channel.offset * channel.taps.reduce((sum, tap) => sum + tap, 0);
    this.#crossing = spectrum && settledCrossing(spectrum, offset, this.#step, this.#frontEnd.presentVoltage / 5);
  }

  /** The search for crossings begins anew at a place. */
  #restart(place: number): void {
    this.#atCrossing = false;
    this.#armedAt = place + FIRST_ARMED / this.#step;
  }

  #nextEnd(): End {
    const limit = Math.floor(this.#place) + LONGEST_CYCLE;
    if (this.#crossing !== undefined) {
      const from = this.#turns + (Math.max(this.#armedAt, this.#place) - this.#turnsAt) * this.#step;
      const turns = Math.ceil(from - this.#crossing) + this.#crossing;
      const place = this.#turnsAt + (turns - this.#turns) / this.#step;
      if (Math.ceil(place) < limit) return { place, atCrossing: true, known: Math.ceil(place) + KNOWN_AFTER };
    }
    return { place: limit - 1, atCrossing: false, known: limit + KNOWN_AFTER };
  }

  #sumUpTo(place: number): void {
    if (place <= this.#summedTo) return;
    this.#sums.addPart(place - this.#summedTo);
    this.#summedTo = place;
  }

  #endStretch({ place, atCrossing }: End, onWindow: OnWindow): void {
    const isCycle = atCrossing && this.#atCrossing && place - this.#place >= SHORTEST_CYCLE;
    const length = place - this.#place;
    if (isCycle && this.#summedTo === this.#place) this.#sums.addCycle(length);
    else {
      this.#sumUpTo(place);
      this.#sums.endStretch(length, isCycle);
    }
    this.#summedTo = place;
    this.#place = place;
    this.#atCrossing = atCrossing;
    if (atCrossing) this.#armedAt = place + REARMED / this.#step;
    if (this.#sums.cycles < this.#cyclesPerWindow && (isCycle || this.#sums.samples < IDLE_WINDOW)) return;
    const measured = this.#measure();
    this.#noteFlow(place);
    this.#measured = measured;
    this.#windowSpectra = this.#spectra;
    this.#readings = undefined;
    this.#energy.count(measured.phases, this.#sums.samples);
    this.#chooseReference(measured.phases);
    this.#sums.clear();
    onWindow(this.#energy.phases, this.#spread.end());
    this.#spread.next();
  }

  /** Where the load changes, and at the end of a window, all is summed up; the power between is steady. */
  #noteFlow(place: number): void {
    if (place < LOOK_BACK) return;
    this.#sums.settle();
    let active = 0;
    let reactive = 0;
    for (const s of this.#sums.phases) {
      active += s.product;
      reactive += s.flowedReactive;
    }
    this.#spread.stretch(this.#start + (place - LOOK_BACK) / this.#rate, active, reactive);
  }

  #measure(): Measurement {
    const sums = this.#sums;
    sums.settle();
    const { samples } = sums;
    const phases = sums.phases.map((s, p): PhaseMeasurement => {
      const voltage = Math.sqrt(s.voltage2 / samples);
      const current = Math.sqrt(s.current2 / samples);
      return correctPower(this.#frontEnd.correction[p] as PowerCorrection, {
        voltage,
        current,
        active: s.product / samples,
        fundamentalActive: s.fundamentalActive / samples,
        reactive: (s.fundamentalReactive + s.distortionReactive) / samples,
        apparent: voltage * current,
        angle: Math.atan2(s.fundamentalReactive, s.fundamentalActive),
      });
    });
    return {
      phases: phases.map((m) => suppressNoLoad(this.#frontEnd, m)),
      lineVoltage: Array.from(sums.lines, (l) => Math.sqrt(l / samples)),
      neutralCurrent: Math.sqrt(sums.neutral / samples),
      frequency: sums.cycles === 0 ? 0 : (sums.cycles * SAMPLE_RATE) / sums.cycleSamples,
    };
  }

  #chooseReference(phases: readonly PhaseMeasurement[]): void {
    const live = (p: PhaseMeasurement | undefined) => p !== undefined && p.voltage >= this.#frontEnd.presentVoltage;
    if (live(phases[this.#reference])) return;
    this.#reference = phases.findIndex(live);
    this.#locateCrossing();
    this.#restart(this.#place);
  }
}
