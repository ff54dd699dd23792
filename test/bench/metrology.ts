/**
 * The chip's arithmetic and the synthesis of its waves, each alone, on one core: what c/metrology.c does in C.
 * node metrology.js MILLISECONDS: prints one JSON object, three-phase samples per second of each, and the active power (in
 * squares of counts) that the arithmetic came to, by which the bench knows that both did the same.
 */
import { BLOCK } from "../../firmware-sim/metrology/block.ts";
import { Converter } from "../../firmware-sim/metrology/converter.ts";
import { WindowSums } from "../../firmware-sim/metrology/dsp.ts";
import { LOOK_AHEAD, LOOK_BACK } from "../../firmware-sim/metrology/edges.ts";
import { Samples } from "../../firmware-sim/metrology/samples.ts";
import { Waveform } from "../../firmware-sim/metrology/waveform.ts";
import { ZeroCrossings } from "../../firmware-sim/metrology/zero-crossings.ts";
import { Random } from "../../src/core/random.ts";

/** Six channels: order h of channel c has amplitude (counts, rms) PEAK / h at an angle of its own. */
const CHANNELS = 6;
const PEAK = 2_000_000;
const ORDERS = [1, 3, 5, 7, 11, 13];
const CYCLES_PER_SAMPLE = 50.3 / 4_000;
const LENGTH = 8 * BLOCK;
const CYCLES_PER_WINDOW = 10;

function spectrum(channel: number): Float64Array {
  const result = new Float64Array(2 * 14);
  for (const h of ORDERS) {
    const angle = -(h * (channel % 3) * 2 * Math.PI) / 3 - (channel < 3 ? 0 : 0.5) - 0.3 * (h - 1);
    const rms = h === 1 ? PEAK : PEAK / (10 * h);
    result[2 * h] = rms * Math.cos(angle);
    result[2 * h + 1] = rms * Math.sin(angle);
  }
  return result;
}

class Synthesis {
  readonly samples = new Samples(CHANNELS / 2, LENGTH);
  readonly #waveform = new Waveform(new Array<number>(CHANNELS).fill(0));
  readonly #converters: readonly Converter[];

  constructor(noise: number) {
    this.#waveform.setSpectra(
      this.samples.channels.map((_, c) => spectrum(c)),
      CYCLES_PER_SAMPLE,
    );
    this.#converters = this.samples.channels.map((_, c) => new Converter(24, new Random(c)));
    for (const converter of this.#converters) converter.setNoise(noise);
  }

  /** Fills the buffers once. @returns samples made. */
  pass(): number {
    for (let at = 0; at < LENGTH; at += BLOCK) {
      this.#waveform.next(BLOCK);
      for (let c = 0; c < CHANNELS; c++) {
        this.#waveform.make(c);
        (this.#converters[c] as Converter).convert(this.samples.channels[c] as Float64Array, at, BLOCK);
      }
    }
    return LENGTH;
  }
}

class Arithmetic {
  active = 0;
  readonly #samples: Samples;
  readonly #sums = new WindowSums(3);
  readonly #crossings = new ZeroCrossings(PEAK / 50);

  constructor(samples: Samples) {
    this.#samples = samples;
  }

  /** The whole cycles of the buffers once. @returns samples in them. */
  pass(): number {
    const reference = this.#samples.voltage[0] as Float64Array;
    const end = LENGTH - LOOK_AHEAD;
    this.#crossings.reset();
    let from: number | undefined;
    let taken = 0;
    for (let scanned = LOOK_BACK; ; ) {
      const found = this.#crossings.find(reference, scanned, end);
      if (found === undefined) break;
      scanned = found.index + 1;
      if (from !== undefined) {
        this.#sums.add(this.#samples, from, found.place, true);
        taken += found.place - from;
        if (this.#sums.cycles === CYCLES_PER_WINDOW) this.#endWindow();
      }
      from = found.place;
    }
    return taken;
  }

  #endWindow(): void {
    this.active = 0;
    for (const phase of this.#sums.phases) this.active += phase.product / this.#sums.samples;
    this.#sums.clear();
  }
}

/** Milliseconds of processor time so far: what others do on the core does not count. */
function used(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

/** Samples per second of `pass`, repeated for so long; half as long before, until the loops are compiled. */
function speed(milliseconds: number, pass: () => number): number {
  const until = (end: number) => {
    let samples = 0;
    while (used() < end) for (let k = 0; k < 100; k++) samples += pass();
    return samples;
  };
  until(used() + milliseconds / 2);
  const began = used();
  const samples = until(began + milliseconds);
  return (samples * 1e3) / (used() - began);
}

const milliseconds = Number(process.argv[2]);
const quiet = new Synthesis(0);
quiet.pass();
const arithmetic = new Arithmetic(quiet.samples);
const noisy = new Synthesis(20);
const result = {
  chip: Math.round(speed(milliseconds, () => arithmetic.pass())),
  synthesis: Math.round(speed(milliseconds, () => noisy.pass())),
  active: arithmetic.active,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
