/**
 * Demand: the average power of windows on the clock (quantities.md, "Demand"). Nothing is done between two ends of windows:
 * the energy of a slip is the difference of the registers at its ends.
 *
 * A window counts when the whole of it was measured without interruption: {@link DemandUnit.interrupt} (power back, clock
 * changed) and a clear begin anew at the next boundary. A rate's maximum takes only windows in which that rate was in
 * force from beginning to end.
 */
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { type EnergyRegister, QUANTUM, type Totals } from "../metrology/energy.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import { DemandMaxima, type Maximum } from "./maxima.ts";
import { checkDemandSettings, DEMAND_REGISTERS, type DemandSettings, slipSeconds } from "./settings.ts";

const LAYOUT = 1;
/** µJ in a mW over one second. */
const MICRO_PER_MILLI = 1_000;

export class DemandUnit {
  #settings: DemandSettings;
  /** Register numbers in {@link DEMAND_REGISTERS}, by place. */
  #numbers: Uint8Array;
  #slip: number;
  /** Slips in a window. */
  #slips: number;
  /** µJ of the last slips, by place × slips. */
  #energy: Float64Array;
  /** µJ of the slips that are kept, by place. */
  #sum: Float64Array;
  /** The registers at the last boundary, or where measuring began: quanta and residual by place. */
  #base: Float64Array;
  #last: Float64Array;
  #lastAt: LocalSecond | null = null;
  /** Slips kept, of one uninterrupted stretch. */
  #kept = 0;
  #next = 0;
  #edge = localSecond(Number.POSITIVE_INFINITY);
  /** {@link #base} is of a boundary: the energy since is a whole slip at the next one. */
  #onBoundary = false;
  #rate = 1;
  #rateSince = localSecond(Number.NEGATIVE_INFINITY);
  /** The rate before, and since when: a rate that lasted no time has interrupted nothing. */
  #rateBefore = 0;
  #beforeSince = localSecond(Number.NEGATIVE_INFINITY);
  #maxima = new DemandMaxima();

  /** Begins with {@link interrupt}. @param settings good ones, see `checkDemandSettings` */
  constructor(settings: DemandSettings) {
    const layout = layoutOf(settings);
    this.#settings = settings;
    this.#numbers = layout.numbers;
    this.#slip = layout.slip;
    this.#slips = layout.slips;
    this.#energy = layout.energy;
    this.#sum = layout.sum;
    this.#base = layout.base;
    this.#last = layout.last;
  }

  get settings(): DemandSettings {
    return this.#settings;
  }

  /** The next end of a window; never, until {@link interrupt} has told the time. */
  nextEdge(): LocalSecond {
    return this.#edge;
  }

  /** A window ends at `at`, which is {@link nextEdge}. `totals` hold the energy up to this second and no more. */
  slip(at: LocalSecond, totals: Totals): void {
    assert(at === this.#edge, "a demand window ends on its edge");
    const whole = this.#onBoundary;
    const full = whole && this.#kept + 1 >= this.#slips;
    const window = this.#slip * this.#slips;
    const ofRate = full && at - window >= this.#rateSince;
    for (let place = 0; place < this.#numbers.length; place++) {
      const micro = this.#since(place, totals, true);
      if (!whole) continue;
      const slot = place * this.#slips + this.#next;
      const sum =
        (this.#sum[place] as number) + micro - (this.#kept === this.#slips ? (this.#energy[slot] as number) : 0);
      this.#energy[slot] = micro;
      this.#sum[place] = sum;
      if (!full) continue;
      const power = Math.floor(sum / (MICRO_PER_MILLI * window));
      this.#last[place] = power;
      const register = this.#numbers[place] as number;
      this.#maxima.offer(register, 0, power, at);
      if (ofRate) this.#maxima.offer(register, this.#rate, power, at);
    }
    if (whole) {
      this.#next = (this.#next + 1) % this.#slips;
      this.#kept = Math.min(this.#kept + 1, this.#slips);
    }
    if (full) this.#lastAt = at;
    this.#onBoundary = true;
    this.#edge = localSecond(at + this.#slip);
  }

  /** Power is back, or the clock was set to `at`: windows that began before are discarded. Also the first call of all. */
  interrupt(at: LocalSecond, totals: Totals): void {
    this.#kept = 0;
    this.#next = 0;
    this.#sum.fill(0);
    this.#onBoundary = at % this.#slip === 0;
    this.#edge = localSecond((Math.floor(at / this.#slip) + 1) * this.#slip);
    // Times before a clock change say nothing about windows after it, all of which begin at or after `at`.
    this.#rateSince = at;
    this.#rateBefore = 0;
    for (let place = 0; place < this.#numbers.length; place++) this.#since(place, totals, true);
  }

  /** From `at` on another rate is in force; call it behind the {@link slip} of the same second. */
  switchRate(rate: number, at: LocalSecond): void {
    if (rate === this.#rate) return;
    if (at > this.#rateSince) {
      this.#rateBefore = this.#rate;
      this.#beforeSince = this.#rateSince;
    }
    this.#rate = rate;
    this.#rateSince = rate === this.#rateBefore ? this.#beforeSince : at;
  }

  /** Forgets the maxima and the running window. Whoever calls has asked for the authority. */
  clear(at: LocalSecond, totals: Totals): void {
    this.#maxima.clear();
    this.interrupt(at, totals);
  }

  /**
   * A settlement: gives the maxima of the period that ends and clears them, see `DemandMaxima.fromBytes`. Behind the
   * {@link slip} of the same second no block is lost; a sliding window never reaches back into the period before.
   */
  settle(at: LocalSecond, totals: Totals): Uint8Array {
    const bytes = this.#maxima.toBytes();
    this.clear(at, totals);
    return bytes;
  }

  /** New windows or registers from `at` on; maxima stay. The error of bad settings is for people. */
  configure(settings: DemandSettings, at: LocalSecond, totals: Totals): Result<void, string> {
    const checked = checkDemandSettings(settings);
    if (!checked.ok) return checked;
    const layout = layoutOf(settings);
    this.#settings = settings;
    this.#numbers = layout.numbers;
    this.#slip = layout.slip;
    this.#slips = layout.slips;
    this.#energy = layout.energy;
    this.#sum = layout.sum;
    this.#base = layout.base;
    this.#last = layout.last;
    this.#lastAt = null;
    this.interrupt(at, totals);
    return success(undefined);
  }

  /** Since the last settlement or clear. @param rate 0 is the total */
  maximum(register: EnergyRegister, rate = 0): Maximum {
    return this.#maxima.of(register, rate);
  }

  /** The last complete window; null before there was one. */
  last(register: EnergyRegister): Maximum | null {
    const place = this.#settings.registers.indexOf(register);
    return place < 0 || this.#lastAt === null ? null : { power: this.#last[place] as number, at: this.#lastAt };
  }

  /** The running window: its energy so far over the whole period, mW; it rises to the demand at the window's end. */
  present(register: EnergyRegister, totals: Totals): number | null {
    const place = this.#settings.registers.indexOf(register);
    if (place < 0) return null;
    const leaving = this.#kept === this.#slips ? (this.#energy[place * this.#slips + this.#next] as number) : 0;
    const micro = (this.#sum[place] as number) - leaving + this.#since(place, totals, false);
    return Math.floor(micro / (MICRO_PER_MILLI * this.#slip * this.#slips));
  }

  /** Maxima and the last demand; a running window does not survive. */
  snapshot(): Uint8Array {
    const writer = new ByteWriter().u8(LAYOUT).u8(this.#rate).block(this.#maxima.toBytes());
    writer.f64(this.#lastAt ?? -1).u8(this.#numbers.length);
    for (let place = 0; place < this.#numbers.length; place++)
      writer.u8(this.#numbers[place] as number).f64(this.#last[place] as number);
    return writer.bytes();
  }

  /** Takes over a {@link snapshot}; {@link interrupt} comes next. On a failure, for people, nothing has changed. */
  restore(bytes: Uint8Array): Result<void, string> {
    const reader = new ByteReader(bytes);
    const layout = reader.u8();
    if (layout !== LAYOUT) return failure(`demand has layout ${layout}; this version reads layout ${LAYOUT}`);
    const rate = reader.u8();
    const maxima = DemandMaxima.fromBytes(reader.block());
    const lastAt = reader.f64();
    const last = new Float64Array(this.#last.length);
    for (let left = reader.u8(); left > 0; left--) {
      const place = this.#numbers.indexOf(reader.u8());
      const power = reader.f64();
      if (place >= 0) last[place] = power;
    }
    const end = reader.end("demand");
    if (!end.ok) return end;
    if (!maxima.ok) return maxima;
    this.#rate = rate;
    this.#maxima = maxima.value;
    this.#last = last;
    this.#lastAt = lastAt < 0 ? null : localSecond(lastAt);
    return success(undefined);
  }

  /** µJ since the base; `move` makes the totals the new base. */
  #since(place: number, totals: Totals, move: boolean): number {
    const { quanta, residual } = totals(DEMAND_REGISTERS[this.#numbers[place] as number] as EnergyRegister);
    const at = 2 * place;
    const micro = (quanta - (this.#base[at] as number)) * QUANTUM + residual - (this.#base[at + 1] as number);
    if (move) {
      this.#base[at] = quanta;
      this.#base[at + 1] = residual;
    }
    return micro;
  }
}

function layoutOf(settings: DemandSettings) {
  const places = settings.registers.length;
  const slip = slipSeconds(settings);
  const slips = (60 * settings.periodMinutes) / slip;
  return {
    numbers: Uint8Array.from(settings.registers, (register) => DEMAND_REGISTERS.indexOf(register)),
    slip,
    slips,
    energy: new Float64Array(places * slips),
    sum: new Float64Array(places),
    base: new Float64Array(2 * places),
    last: new Float64Array(places),
  };
}
