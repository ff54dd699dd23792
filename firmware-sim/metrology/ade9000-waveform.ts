/**
 * The waveform buffer of the ADE9000: 2048 words from 800 on, in 16 pages. Sets of eight words at a fixed rate, or of eight half
 * words resampled to 128 a cycle: IA, VA, IB, VB, IC, VC, IN, and one that a burst leaves out.
 */
import { valueAt } from "./interpolation.ts";
import type { Stretch } from "./sampled-chip.ts";

export const WAVEFORM = { first: 0x800, words: 2048 } as const;

const PAGE = 128;
const SET = 8;
const RESAMPLED_WORDS = 4;
const POINTS = 128;
/** In WFB_CFG. */
const CONFIG = { neutral: 0x1000, fixed: 0x20, capture: 0x10 };
const MODE = { untilFull: 0, stop: 1, centre: 2, note: 3 };
const SOURCE = { sinc: 0 };
/** Samples of the core (4 kHz) to one of the source. */
const STEP = { sinc: 1 / 8, slow: 1 / 2 };
/** Raised in STATUS0. */
const STATUS = { page: 0x2_0000, triggered: 0x40_0000, coherent: 0x80_0000, stopped: 0x1_0000 };
/** Places in a set by BURST_CHAN; 0 is all of them, 15 no burst. */
const BURST: Readonly<Record<number, readonly number[]>> = {
  1: [0, 1],
  2: [2, 3],
  3: [4, 5],
  8: [0],
  9: [1],
  10: [2],
  11: [3],
  12: [4],
  13: [5],
  14: [6],
};

/** Codes per count of the core, in the order of a set. */
export interface WaveScale {
  readonly fixed: readonly number[];
  readonly resampled: readonly number[];
}

export class WaveformBuffer {
  readonly #memory = new Int32Array(WAVEFORM.words);
  #config = 0;
  #next = 0;
  #running = false;
  /** Words until it stops behind a trigger. */
  #left = Number.POSITIVE_INFINITY;
  #triggerAt = 0;
  #lastPage = 0;

  /** WFB_CFG is written: capturing starts anew where its bit comes. */
  configure(config: number): void {
    const starts = (config & CONFIG.capture) !== 0 && (this.#config & CONFIG.capture) === 0;
    this.#config = config;
    if ((config & CONFIG.capture) === 0) this.#running = false;
    if (!starts) return;
    this.#running = true;
    this.#next = 0;
    this.#left = Number.POSITIVE_INFINITY;
    this.#triggerAt = 0;
  }

  /** @returns the bits it raises in STATUS0. A stretch of the core; `isCycle` where it can be resampled. */
  take(samples: Stretch, isCycle: boolean, scale: WaveScale, pageInterrupts: number): number {
    if (!this.#running) return 0;
    const fixed = (this.#config & CONFIG.fixed) !== 0;
    if (!fixed && !isCycle) return 0;
    return fixed ? this.#takeFixed(samples, scale.fixed, pageInterrupts) : this.#takeCycle(samples, scale.resampled);
  }

  /** Something that WFB_TRG_CFG waits for has happened. @returns the bits it raises in STATUS0. */
  trigger(): number {
    const mode = this.#mode();
    const fixed = (this.#config & CONFIG.fixed) !== 0;
    if (!this.#running || !fixed || mode === MODE.untilFull || Number.isFinite(this.#left)) return 0;
    this.#triggerAt = this.#next % WAVEFORM.words;
    if (mode === MODE.note) return STATUS.triggered;
    if (mode === MODE.centre) {
      this.#left = WAVEFORM.words / 2;
      return STATUS.triggered;
    }
    this.#running = false;
    return STATUS.triggered | STATUS.stopped;
  }

  /** WFB_TRG_STAT: the page filled last, and where the trigger was. */
  get state(): number {
    return (this.#lastPage << 12) | this.#triggerAt;
  }

  /** One word, unsigned. */
  word(address: number): number {
    return (this.#memory[address - WAVEFORM.first] as number) >>> 0;
  }

  /** Whether a read goes on by itself. */
  get bursts(): boolean {
    return this.#channels() !== undefined;
  }

  /** Fills `miso` from `at` on with the chosen channels of this set and the next ones. */
  burst(address: number, miso: Uint8Array, at: number): void {
    const fixed = (this.#config & CONFIG.fixed) !== 0;
    const size = fixed ? 4 : 2;
    const words = fixed ? SET : RESAMPLED_WORDS;
    const channels = this.#channels() ?? [];
    const bytes = new DataView(miso.buffer, miso.byteOffset, miso.length);
    let place = at;
    for (let set = Math.floor((address - WAVEFORM.first) / words) * words; set < WAVEFORM.words; set += words) {
      for (const channel of channels) {
        if (place + size > miso.length) return;
        if (fixed) bytes.setInt32(place, this.#memory[set + channel] as number);
        else bytes.setInt16(place, (this.#memory[set + (channel >> 1)] as number) >> ((channel & 1) === 0 ? 16 : 0));
        place += size;
      }
    }
  }

  #channels(): readonly number[] | undefined {
    const choice = this.#config & 0xf;
    if (choice !== 0) return BURST[choice];
    return [0, 1, 2, 3, 4, 5, 6].slice(0, (this.#config & CONFIG.neutral) === 0 ? 6 : 7);
  }

  #mode(): number {
    return (this.#config >> 6) & 3;
  }

  #takeFixed(samples: Stretch, scale: readonly number[], pageInterrupts: number): number {
    const step = ((this.#config >> 8) & 3) === SOURCE.sinc ? STEP.sinc : STEP.slow;
    let raised = 0;
    for (let place = (Math.floor(samples.from / step) + 1) * step; place <= samples.to; place += step) {
      const at = this.#next % WAVEFORM.words;
      for (let c = 0; c < SET; c++) this.#memory[at + c] = Math.round(waveAt(samples, c, place) * (scale[c] ?? 0));
      raised |= this.#advance(SET, pageInterrupts);
      if (!this.#running) break;
    }
    return raised;
  }

  #takeCycle(samples: Stretch, scale: readonly number[]): number {
    const step = (samples.to - samples.from) / POINTS;
    for (let k = 0; k < POINTS; k++) {
      const place = samples.from + k * step;
      const half = (c: number) => clipped16(waveAt(samples, c, place) * (scale[c] ?? 0)) & 0xffff;
      for (let word = 0; word < RESAMPLED_WORDS; word++)
        this.#memory[this.#next + word] = (half(2 * word) << 16) | half(2 * word + 1);
      this.#next += RESAMPLED_WORDS;
    }
    if (this.#next < WAVEFORM.words) return 0;
    this.#running = false;
    return STATUS.coherent;
  }

  #advance(words: number, pageInterrupts: number): number {
    let raised = 0;
    this.#next += words;
    this.#left -= words;
    if (this.#next % PAGE === 0) {
      this.#lastPage = (this.#next / PAGE - 1) % 16;
      if (((pageInterrupts >> this.#lastPage) & 1) !== 0) raised |= STATUS.page;
    }
    if (this.#mode() === MODE.untilFull && this.#next >= WAVEFORM.words) this.#running = false;
    if (this.#left <= 0) {
      this.#running = false;
      raised |= STATUS.stopped;
    }
    return raised;
  }
}

/** Counts of the core, of a place in a set: IA, VA, IB, VB, IC, VC, IN. */
function waveAt({ voltage, current }: Stretch, channel: number, place: number): number {
  if (channel > 6) return 0;
  if (channel === 6) return current.reduce((sum, phase) => sum + valueAt(phase, place), 0);
  return valueAt((channel % 2 === 0 ? current : voltage)[channel >> 1] as Float64Array, place);
}

function clipped16(value: number): number {
  return Math.max(-0x8000, Math.min(0x7fff, Math.round(value)));
}
