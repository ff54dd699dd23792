/** The process's clock: the monotonic one of the system, and a civil one that may start elsewhere and run faster. */
import {
  type Civil,
  civil,
  MICROS_PER_MS,
  MICROS_PER_SECOND,
  type Monotonic,
  mono,
  type Now,
  type Wake,
} from "../core/time.ts";

export interface ClockOptions {
  /** Civil seconds per second of wall time, above 0; 1 by default. Monotonic time is never scaled. */
  readonly speed?: number;
  /** Civil time at the start; the system's time by default. */
  readonly civilStart?: Civil;
}

const SYNC_INTERVAL = MICROS_PER_SECOND;
/** Below this a difference to the system's time is the system slewing or the call itself, above it a step. */
const STEP = 20 * MICROS_PER_MS;

export class SystemClock {
  readonly #speed: number;
  readonly #followsSystem: boolean;
  #anchorMono: number;
  #anchorCivil: number;
  #checkedAt: number;

  constructor(options: ClockOptions = {}) {
    this.#speed = options.speed ?? 1;
    if (!(this.#speed > 0 && Number.isFinite(this.#speed))) throw new RangeError("speed must be above 0");
    this.#followsSystem = options.civilStart === undefined && this.#speed === 1;
    this.#anchorMono = monotonicMicros();
    this.#anchorCivil = options.civilStart ?? systemMicros();
    this.#checkedAt = this.#anchorMono;
  }

  get speed(): number {
    return this.#speed;
  }

  now(): Now {
    const at = monotonicMicros();
    if (this.#followsSystem && at - this.#checkedAt >= SYNC_INTERVAL) this.#follow(at);
    const elapsed = at - this.#anchorMono;
    return { mono: mono(at), civil: civil(Math.floor(this.#anchorCivil + this.#speed * elapsed)) };
  }

  /** The monotonic µs at which a wake falls due; `Infinity` when it never does. */
  monoOf(wake: Wake): number {
    if (wake.civil === Number.POSITIVE_INFINITY) return wake.mono;
    const byCivil = this.#anchorMono + (wake.civil - this.#anchorCivil) / this.#speed;
    return Math.min(wake.mono, Math.ceil(byCivil));
  }

  /** A gateway without battery boots in 1970 and is set by NTP later: readings taken then must not stay in 1970. */
  #follow(at: Monotonic): void {
    this.#checkedAt = at;
    const system = systemMicros();
    const ours = this.#anchorCivil + (at - this.#anchorMono);
    if (Math.abs(system - ours) < STEP) return;
    this.#anchorMono = at;
    this.#anchorCivil = system;
  }
}

/** Whole µs, so that due times compare as integers. */
function monotonicMicros(): Monotonic {
  return mono(Math.floor(performance.now() * MICROS_PER_MS));
}

function systemMicros(): number {
  return Date.now() * MICROS_PER_MS;
}
