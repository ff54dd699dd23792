/** Samples of every channel as the chip's arithmetic gets them: load → waveform → converter → correction → buffers, at 4 kHz. */
import { Random } from "../../src/core/random.ts";
import { assert } from "../../src/core/result.ts";
import { type Civil, civil, MICROS_PER_SECOND } from "../../src/core/time.ts";
import { BLOCK } from "./block.ts";
import { Converter } from "./converter.ts";
import { Corrector } from "./corrector.ts";
import { LOOK_BACK } from "./edges.ts";
import { type Channel, type ChipOptions, type FrontEnd, SAMPLE_RATE } from "./front-end.ts";
import type { LoadSource, Mains } from "./mains.ts";
import { spectraOf } from "./phasors.ts";
import { Samples } from "./samples.ts";
import { Waveform } from "./waveform.ts";

export class Acquisition {
  /** Valid from 0 to {@link filled}. The first {@link LOOK_BACK} are of the time before power-on: zeros. */
  readonly samples: Samples;
  readonly #frontEnd: FrontEnd;
  readonly #load: LoadSource;
  readonly #start: Civil;
  /** Real samples per µs: a fast clock takes more. */
  readonly #rate: number;
  readonly #channels: readonly Channel[];
  readonly #converters: readonly Converter[];
  readonly #correctors: readonly Corrector[];
  readonly #waveform: Waveform;
  #mains: Mains;
  #relayClosed = true;
  #filled = LOOK_BACK;
  /** Samples taken since the start, and the number from which the next load state holds. */
  #taken = 0;
  #loadEnd: number;

  /** @param keep samples that the user may hold back; the buffers take a block more. */
  constructor(frontEnd: FrontEnd, { load, start, seed }: ChipOptions, keep: number) {
    this.#frontEnd = frontEnd;
    this.#load = load;
    this.#start = start;
    this.#rate = (SAMPLE_RATE * frontEnd.clock) / MICROS_PER_SECOND;
    this.#channels = [...frontEnd.voltage, ...frontEnd.current];
    this.samples = new Samples(frontEnd.voltage.length, keep + BLOCK);
    const random = new Random(seed);
    this.#converters = this.#channels.map(
      ({ live }, c) => new Converter(frontEnd.bits, random.fork(`channel ${c}`), live),
    );
    this.#correctors = this.#channels.map(({ taps }) => new Corrector(taps));
    this.#waveform = new Waveform(this.#channels.map((c) => c.offset / c.lsb));
    const state = load.at(start);
    this.#mains = state.mains;
    this.#loadEnd = this.#samplesUntil(state.until);
    this.#applyMains();
  }

  get filled(): number {
    return this.#filled;
  }

  /** Takes up to one block of what is due by `until`. @returns false when nothing was. */
  sample(until: Civil): boolean {
    const due = Math.floor((until - this.#start) * this.#rate) - this.#taken;
    if (due <= 0) return false;
    if (this.#taken >= this.#loadEnd) this.#takeLoad();
    const count = Math.min(due, this.#loadEnd - this.#taken, BLOCK);
    assert(this.#filled + count <= this.samples.stride, "samples are discarded in time");
    this.#waveform.next(count);
    for (let c = 0; c < this.#converters.length; c++) {
      const buffer = this.samples.channels[c] as Float64Array;
      this.#waveform.make(c);
      (this.#converters[c] as Converter).convert(buffer, this.#filled, count);
      (this.#correctors[c] as Corrector).correct(buffer, this.#filled, count);
    }
    this.#filled += count;
    this.#taken += count;
    return true;
  }

  /** Drops the oldest samples: index `count` becomes 0. */
  discard(count: number): void {
    for (const buffer of this.samples.channels) buffer.copyWithin(0, count, this.#filled);
    this.#filled -= count;
  }

  /** From the next sample on. */
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
}
