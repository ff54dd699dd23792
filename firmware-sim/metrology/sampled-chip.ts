/**
 * The metering chip, sample by sample: waveform → converter → products → windows. Every value it shows comes from products
 * of samples. A window is 10 cycles (12 at 60 Hz) between zero crossings of the first live voltage, or about 250 ms where
 * there is none; its energy is counted when it ends, so registers lag the mains by up to a window.
 *
 * Settled means: after the high-pass (DC errors decay with 0.8 s) and two windows. Before that the first window starts in
 * the middle of a cycle, whose fundamental, and so reactive energy, is not measured.
 */
import { Random } from "../../src/core/random.ts";
import { assert } from "../../src/core/result.ts";
import { type Civil, civil, MICROS_PER_SECOND, type Wake, wakeAtCivil } from "../../src/core/time.ts";
import type { ChipReadings, MeteringChip, PhaseEnergy } from "./chip.ts";
import { Converter } from "./converter.ts";
import { LOOK_AHEAD, LOOK_BACK, type PhaseSums, WindowSums } from "./dsp.ts";
import { type Channel, type ChipOptions, type FrontEnd, frontEndOf, highPassGain, SAMPLE_RATE } from "./front-end.ts";
import type { LoadSource, Mains } from "./mains.ts";
import { LINES, spectraOf } from "./phasors.ts";
import { type PhaseMeasurement, readingsOf, suppressNoLoad } from "./readout.ts";
import { BLOCK, Waveform } from "./waveform.ts";
import { ZeroCrossings } from "./zero-crossings.ts";

/** Samples of a cycle: 36 to 70 Hz. A longer wait for a crossing ends the stretch without one. */
const SHORTEST_CYCLE = 57;
const LONGEST_CYCLE = 111;
/** Samples of a window without cycles: 250 ms. */
const IDLE_WINDOW = 1_000;
const CAPACITY = 2 * (LONGEST_CYCLE + BLOCK);
/** µs between wakes: about a window, so that nobody has to catch up on a long stretch. */
const WAKE_EVERY = 200_000;
const MICRO = 1e6;

export class SampledChip implements MeteringChip {
  readonly #frontEnd: FrontEnd;
  readonly #load: LoadSource;
  readonly #start: Civil;
  /** Real samples per µs: a fast clock takes more. */
  readonly #rate: number;
  readonly #cyclesPerWindow: number;

  readonly #channels: readonly Channel[];
  readonly #converters: readonly Converter[];
  readonly #buffers: readonly Float64Array[];
  readonly #voltage: readonly Float64Array[];
  readonly #current: readonly Float64Array[];
  readonly #waveform: Waveform;
  readonly #crossings: ZeroCrossings;
  readonly #sums: WindowSums;
  readonly #energies: PhaseEnergy[];
  readonly #carries: PhaseEnergy[];

  #mains: Mains;
  #relayClosed = true;
  /** Samples taken since the start, and how many of them the present load state lasts. */
  #taken = 0;
  #loadEnd: number;
  /** In the buffers: samples held, samples looked at for crossings, and where the last stretch ended. */
  #filled = LOOK_BACK;
  #scanned = LOOK_BACK;
  #place = LOOK_BACK;
  #atCrossing = false;
  /** Phase whose voltage gives the cycles; −1 while none is live. */
  #reference = 0;
  #advancedTo: Civil;
  #readings: ChipReadings;

  constructor(options: ChipOptions) {
    const { plate, phases, load, start, seed } = options;
    const frontEnd = frontEndOf(plate, phases, options.errors);
    this.#frontEnd = frontEnd;
    this.#load = load;
    this.#start = start;
    this.#advancedTo = start;
    this.#rate = (SAMPLE_RATE * frontEnd.clock) / MICROS_PER_SECOND;
    this.#cyclesPerWindow = frontEnd.nominal / 5;
    this.#channels = [...frontEnd.voltage, ...frontEnd.current];
    const random = new Random(seed);
    this.#converters = this.#channels.map((_, c) => new Converter(frontEnd.bits, random.fork(`channel ${c}`)));
    this.#buffers = this.#channels.map(() => new Float64Array(CAPACITY));
    this.#voltage = this.#buffers.slice(0, phases);
    this.#current = this.#buffers.slice(phases);
    this.#waveform = new Waveform(this.#channels.map((c) => c.offset / c.lsb));
    // A fifth of the lowest live voltage: a tenth of its peak behind the smoothing, where that halves it.
    this.#crossings = new ZeroCrossings(frontEnd.presentVoltage / 5 / (frontEnd.voltage[0] as Channel).lsb);
    this.#sums = new WindowSums(phases, CAPACITY);
    this.#energies = Array.from({ length: phases }, () => ({ active: 0, reactive: 0, apparent: 0 }));
    this.#carries = this.#energies.map((e) => ({ ...e }));
    const state = load.at(start);
    this.#mains = state.mains;
    this.#loadEnd = this.#samplesUntil(state.until);
    this.#applyMains();
    this.#readings = readingsOf(frontEnd, {
      phases: this.#energies.map(() => ({ voltage: 0, current: 0, active: 0, reactive: 0, apparent: 0, angle: 0 })),
      lineVoltage: [0, 0, 0],
      neutralCurrent: 0,
      frequency: 0,
    });
  }

  advance(until: Civil, onWindow: (phases: readonly PhaseEnergy[]) => void): void {
    if (until <= this.#advancedTo) return;
    this.#advancedTo = until;
    const due = Math.floor((until - this.#start) * this.#rate);
    while (this.#taken < due) {
      if (this.#taken >= this.#loadEnd) this.#takeLoad();
      const count = Math.min(due - this.#taken, this.#loadEnd - this.#taken, BLOCK);
      this.#sample(count);
      this.#process(onWindow);
    }
  }

  readings(): ChipReadings {
    return this.#readings;
  }

  nextWake(): Wake {
    return wakeAtCivil(this.#advancedTo + WAKE_EVERY);
  }

  setRelay(closed: boolean): void {
    if (closed === this.#relayClosed) return;
    this.#relayClosed = closed;
    this.#applyMains();
  }

  #samplesUntil(time: number): number {
    return Math.ceil((time - this.#start) * this.#rate);
  }

  #takeLoad(): void {
    const time = civil(this.#start + Math.ceil(this.#taken / this.#rate));
    const state = this.#load.at(time);
    assert(state.until > time, "a load state holds beyond the time asked for");
    // At least one sample: states shorter than a sample are passed over one by one.
    this.#loadEnd = Math.max(this.#samplesUntil(state.until), this.#taken + 1);
    this.#mains = state.mains;
    this.#applyMains();
  }

  #applyMains(): void {
    const mains = this.#mains;
    const { voltage, current } = spectraOf(this.#frontEnd, mains, this.#relayClosed);
    const counts = [...voltage, ...current].map((spectrum, c) => {
      const { lsb } = this.#channels[c] as Channel;
      return spectrum.map((x) => x / lsb);
    });
    this.#waveform.setSpectra(counts, mains.frequency / (SAMPLE_RATE * this.#frontEnd.clock));
    for (let c = 0; c < this.#converters.length; c++) {
      const channel = this.#channels[c] as Channel;
      const outside = (c < voltage.length ? mains.voltageNoise : mains.currentNoise) * channel.gain;
      (this.#converters[c] as Converter).setNoise(Math.hypot(channel.noise, outside) / channel.lsb);
    }
  }

  #sample(count: number): void {
    if (this.#filled + count > CAPACITY) this.#dropOld();
    this.#waveform.fill(this.#buffers, this.#filled, count);
    for (let c = 0; c < this.#converters.length; c++)
      (this.#converters[c] as Converter).convert(this.#buffers[c] as Float64Array, this.#filled, count);
    this.#filled += count;
    this.#taken += count;
  }

  #dropOld(): void {
    const drop = Math.floor(this.#place) - LOOK_BACK;
    for (const buffer of this.#buffers) buffer.copyWithin(0, drop, this.#filled);
    this.#filled -= drop;
    this.#scanned -= drop;
    this.#place -= drop;
  }

  /** Ends every stretch that has enough samples behind its end, and every window that these complete. */
  #process(onWindow: (phases: readonly PhaseEnergy[]) => void): void {
    const usable = this.#filled - LOOK_AHEAD;
    for (;;) {
      const limit = Math.floor(this.#place) + LONGEST_CYCLE;
      const to = Math.min(usable, limit);
      const found =
        this.#reference < 0
          ? undefined
          : this.#crossings.find(this.#voltage[this.#reference] as Float64Array, this.#scanned, to);
      this.#scanned = found === undefined ? to : found.index + 1;
      if (found !== undefined) {
        const isCycle = this.#atCrossing && found.place - this.#place >= SHORTEST_CYCLE;
        this.#atCrossing = true;
        this.#endStretch(found.place, isCycle, onWindow);
      } else if (usable > limit) {
        this.#atCrossing = false;
        this.#endStretch(limit - 1, false, onWindow);
      } else return;
    }
  }

  #endStretch(place: number, isCycle: boolean, onWindow: (phases: readonly PhaseEnergy[]) => void): void {
    if (place > this.#place) this.#sums.add(this.#voltage, this.#current, this.#place, place, isCycle);
    this.#place = place;
    const whole = this.#sums.cycles >= this.#cyclesPerWindow;
    if (!whole && (isCycle || this.#sums.samples < IDLE_WINDOW)) return;
    this.#endWindow();
    onWindow(this.#energies);
  }

  #endWindow(): void {
    const sums = this.#sums;
    const scale = 1 / (highPassGain(this.#frontEnd.nominal) ** 2 * sums.samples);
    const phases = sums.phases.map((s, p) => suppressNoLoad(this.#frontEnd, this.#measure(s, p, scale)));
    const lsb = { voltage: (this.#channels[0] as Channel).lsb, current: (this.#frontEnd.current[0] as Channel).lsb };
    this.#readings = readingsOf(this.#frontEnd, {
      phases,
      lineVoltage: LINES.map((_, l) => lsb.voltage * Math.sqrt((sums.lines[l] as number) * scale)),
      neutralCurrent: lsb.current * Math.sqrt(sums.neutral * scale),
      frequency: sums.cycles === 0 ? 0 : (sums.cycles * SAMPLE_RATE) / sums.cycleSamples,
    });
    const seconds = sums.samples / SAMPLE_RATE;
    for (let p = 0; p < phases.length; p++) this.#count(p, phases[p] as PhaseMeasurement, seconds);
    this.#chooseReference(phases);
    sums.clear();
  }

  #measure(sums: PhaseSums, phase: number, scale: number): PhaseMeasurement {
    const volts = (this.#frontEnd.voltage[phase] as Channel).lsb;
    const amperes = (this.#frontEnd.current[phase] as Channel).lsb;
    const voltage = volts * Math.sqrt(sums.voltage2 * scale);
    const current = amperes * Math.sqrt(sums.current2 * scale);
    return {
      voltage,
      current,
      active: volts * amperes * sums.product * scale,
      reactive: volts * amperes * sums.fundamentalReactive * scale,
      apparent: voltage * current,
      angle: Math.atan2(sums.fundamentalReactive, sums.fundamentalActive),
    };
  }

  #count(phase: number, m: PhaseMeasurement, seconds: number): void {
    const energy = this.#energies[phase] as PhaseEnergy;
    const carry = this.#carries[phase] as PhaseEnergy;
    for (const kind of ["active", "reactive", "apparent"] as const) {
      const exact = m[kind] * seconds * MICRO + carry[kind];
      energy[kind] = Math.trunc(exact) + 0;
      carry[kind] = exact - energy[kind];
    }
  }

  #chooseReference(phases: readonly PhaseMeasurement[]): void {
    const live = (p: PhaseMeasurement | undefined) => p !== undefined && p.voltage >= this.#frontEnd.presentVoltage;
    if (live(phases[this.#reference])) return;
    this.#reference = phases.findIndex(live);
    this.#crossings.reset();
    this.#atCrossing = false;
    this.#scanned = Math.ceil(this.#place);
  }
}
