/** Synthesis of the channel waveforms from spectra, in blocks: every order of a channel is an oscillator (block.ts). */
import { addPair, clearBlock, START, setOscillator, setStart } from "./block.ts";
import type { Spectrum } from "./phasors.ts";

/** An order that any channel contains, and the sine and cosine of what it turns per sample. */
interface Order {
  readonly order: number;
  readonly sine: number;
  readonly cosine: number;
}

/** An order in one channel: where its start stands, and its amplitudes. */
interface Oscillator {
  readonly start: number;
  readonly re: number;
  readonly im: number;
}

export class Waveform {
  readonly #offsets: readonly number[];
  #orders: readonly Order[] = [];
  #channels: readonly (readonly Oscillator[])[] = [];
  /** Of every order, at the block at work. */
  #starts = new Float64Array(0);
  /** Mains cycles per sample, and the angle of the mains at the next block in cycles 0..1. */
  #step = 0;
  #angle = 0;
  #count = 0;

  /** @param offsets DC of each channel, in the unit of the spectra. */
  constructor(offsets: readonly number[]) {
    this.#offsets = offsets;
  }

  /** New spectra from the next block on. The angle of the mains runs on: a change of frequency makes no jump. */
  setSpectra(spectra: readonly Spectrum[], cyclesPerSample: number): void {
    this.#step = cyclesPerSample;
    const present = new Set<number>();
    for (const s of spectra) for (let k = 0; k < s.length; k++) if (s[k] !== 0) present.add(k >> 1);
    const orders = [...present].sort((a, b) => a - b);
    this.#orders = orders.map((order) => {
      const turn = 2 * Math.PI * order * cyclesPerSample;
      return { order, sine: Math.sin(turn), cosine: Math.cos(turn) };
    });
    this.#starts = new Float64Array(START * orders.length);
    this.#channels = spectra.map((s) =>
      orders
        .map((order, o) => ({ start: START * o, re: s[2 * order] as number, im: s[2 * order + 1] as number }))
        .filter(({ re, im }) => re !== 0 || im !== 0)
        .map(({ start, re, im }) => ({ start, re: Math.SQRT2 * re, im: Math.SQRT2 * im })),
    );
  }

  /** Begins the next block of `count` samples, up to `BLOCK`. */
  next(count: number): void {
    for (let o = 0; o < this.#orders.length; o++) {
      const { order, sine, cosine } = this.#orders[o] as Order;
      setStart(this.#starts, START * o, 2 * Math.PI * ((order * this.#angle) % 1), sine, cosine);
    }
    this.#angle = (this.#angle + count * this.#step) % 1;
    this.#count = count;
  }

  /** Leaves the block of one channel at work in block.ts, for its converter. */
  make(channel: number): void {
    clearBlock(this.#offsets[channel] as number, this.#count);
    const oscillators = this.#channels[channel] as readonly Oscillator[];
    for (let j = 0; j < oscillators.length; j += 2) {
      const first = oscillators[j] as Oscillator;
      const second = oscillators[j + 1] ?? NOTHING;
      setOscillator(0, this.#starts, first.start, first.re, first.im);
      setOscillator(1, this.#starts, second.start, second.re, second.im);
      addPair(this.#count);
    }
  }
}

/** Fills the pair where a channel has an odd number of orders. */
const NOTHING: Oscillator = { start: 0, re: 0, im: 0 };
