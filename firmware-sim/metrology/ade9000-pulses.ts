/**
 * The pulse outputs CF1..CF4 of the ADE9000: power × 4.096 MHz / (threshold × 512 × denominator) pulses a second, active low for
 * 80 ms, or for half of the period where that is shorter, or for CF_LTMR × 6 / 24.576 MHz.
 */

/** One pulse. */
export interface Ade9000Pulse {
  /** 1..4. */
  readonly output: number;
  /** When it goes low, in seconds of the chip's clock since RUN. */
  readonly at: number;
  /** How long it stays low, in seconds. */
  readonly width: number;
}

/** What one output counts. */
export interface PulseSettings {
  /** The chosen powers of the chosen phases, added. */
  readonly code: number;
  /** WTHR, VARTHR or VATHR. */
  readonly threshold: number;
  /** CFxDEN. */
  readonly denominator: number;
  /** CF_LTMR if its bit chooses that width. */
  readonly timer?: number | undefined;
}

const CLOCK = 4.096e6;
const SHARE = 512;
const LONGEST = 0.08;
const TIMER_TICK = 6 / 24.576e6;
/** Nothing comes faster than at full scale with the recommended threshold and the least denominator: 79 kHz. */
const FASTEST = 80_000;
const LEAST_DENOMINATOR = 2;

export class Ade9000Pulses {
  /** Of a pulse, signed: what goes backward takes as much back before it counts. */
  readonly #parts = new Float64Array(4);

  /** One output over a stretch of constant power. */
  add(output: number, settings: PulseSettings, from: number, seconds: number, onPulse: (pulse: Ade9000Pulse) => void) {
    const denominator = Math.max(LEAST_DENOMINATOR, settings.denominator);
    const exact = (settings.code * CLOCK) / (Math.max(1, settings.threshold) * SHARE * denominator);
    const rate = Math.max(-FASTEST, Math.min(FASTEST, exact));
    if (rate === 0) return;
    const sign = Math.sign(rate);
    const before = this.#parts[output - 1] as number;
    const after = before + rate * seconds;
    const whole = Math.max(0, Math.floor(sign * after));
    for (let k = 1; k <= whole; k++) {
      const at = from + (k - sign * before) / Math.abs(rate);
      onPulse({ output, at, width: width(settings.timer, denominator, Math.abs(rate)) });
    }
    this.#parts[output - 1] = after - sign * whole;
  }

  clear(): void {
    this.#parts.fill(0);
  }
}

function width(timer: number | undefined, denominator: number, rate: number): number {
  if (timer !== undefined) return timer * TIMER_TICK;
  const odd = denominator % 2 === 0 ? 0 : 1 / denominator;
  return Math.min(LONGEST, ((1 + odd) * 0.5) / rate);
}
