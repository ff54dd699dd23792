/**
 * What the mains delivered, known without the meter: V·I·cos φ of the load over the time in which the relay let it through.
 * It watches a chip's relay and its hours of service from outside and shares no code with the metering.
 */
import type { ChipReadings, MeteringChip, OnWindow } from "../../firmware-sim/metrology/chip.ts";
import type { LoadSource, Mains } from "../../firmware-sim/metrology/mains.ts";
import { type Civil, civil, type Wake } from "../core/time.ts";

const MICROS_PER_HOUR = 3_600_000_000;

/** Watts that a load without harmonics draws, summed over the phases; import positive. */
function activePower(mains: Mains): number {
  return mains.phases.reduce((sum, p) => sum + p.voltage * p.current * Math.cos((p.angle * Math.PI) / 180), 0);
}

interface Span {
  readonly from: number;
  /** Open while `Infinity`. */
  to: number;
}

export class DeliveryTruth {
  readonly #load: LoadSource;
  readonly #spans: Span[] = [];

  constructor(load: LoadSource) {
    this.#load = load;
  }

  /** Energy flows from here on: the meter has power and its relay is closed. */
  flows(from: Civil): void {
    if (this.#spans.at(-1)?.to !== Number.POSITIVE_INFINITY) this.#spans.push({ from, to: Number.POSITIVE_INFINITY });
  }

  /** Energy flows no longer: relay open, or no power. */
  stops(at: Civil): void {
    const last = this.#spans.at(-1);
    if (last !== undefined && last.to === Number.POSITIVE_INFINITY) last.to = at;
  }

  /** Wh imported (net, loads of this truth never export in part) up to `until`. */
  deliveredWh(until: Civil): number {
    let wattMicros = 0;
    for (const span of this.#spans) {
      const end = Math.min(span.to, until);
      for (let at = span.from; at < end; ) {
        const state = this.#load.at(civil(at));
        const next = Math.min(end, state.until);
        wattMicros += activePower(state.mains) * (next - at);
        at = next;
      }
    }
    return wattMicros / MICROS_PER_HOUR;
  }

  /** Instants at which the flow changed, for checks that must not straddle one. */
  get switchings(): readonly number[] {
    return this.#spans.flatMap((span) => [span.from, span.to]);
  }
}

/** A chip whose relay the truth sees. The meter does not notice. */
export class WatchedChip implements MeteringChip {
  readonly #chip: MeteringChip;
  readonly #truth: DeliveryTruth;
  #at: Civil;

  /** @param serviceFrom when the meter begins to count: its chip runs and settles before. */
  constructor(chip: MeteringChip, truth: DeliveryTruth, serviceFrom: Civil) {
    this.#chip = chip;
    this.#truth = truth;
    this.#at = serviceFrom;
  }

  advance(until: Civil, onWindow: OnWindow): void {
    if (until > this.#at) this.#at = until;
    this.#chip.advance(until, onWindow);
  }

  readings(): ChipReadings {
    return this.#chip.readings();
  }

  nextWake(): Wake {
    return this.#chip.nextWake();
  }

  setRelay(closed: boolean): void {
    if (closed) this.#truth.flows(this.#at);
    else this.#truth.stops(this.#at);
    this.#chip.setRelay(closed);
  }
}
