/** A chip whose energy is counted a second time, in `bigint`, beside the meter that counts it. */
import type { ChipReadings, MeteringChip, OnWindow, PhaseEnergy } from "../../../firmware-sim/metrology/chip.ts";
import type { Civil, Wake } from "../../core/time.ts";

export class CountedChip implements MeteringChip {
  readonly #chip: MeteringChip;
  readonly #serviceFrom: Civil;
  #import = 0;
  #export = 0;
  readonly #quadrants = [0, 0, 0, 0];
  #apparent = 0;
  /** µJ (µvar·s, µVA·s) since power on: +A, −A, Q1 to Q4, apparent, of the sum of the phases. */
  readonly counts: readonly (() => bigint)[] = [
    () => BigInt(this.#import),
    () => BigInt(this.#export),
    ...[0, 1, 2, 3].map((q) => () => BigInt(this.#quadrants[q] as number)),
    () => BigInt(this.#apparent),
  ];

  /** @param serviceFrom when the meter begins to count: its chip runs and settles before. */
  constructor(chip: MeteringChip, serviceFrom: Civil) {
    this.#chip = chip;
    this.#serviceFrom = serviceFrom;
  }

  advance(until: Civil, onWindow: OnWindow): void {
    const counts = until > this.#serviceFrom;
    this.#chip.advance(until, (phases, span) => {
      if (counts) this.#count(phases);
      onWindow(phases, span);
    });
  }

  readings(): ChipReadings {
    return this.#chip.readings();
  }

  nextWake(): Wake {
    return this.#chip.nextWake();
  }

  setRelay(closed: boolean): void {
    this.#chip.setRelay(closed);
  }

  /** A history is hours long: its sums stay far below 2^53. */
  #count(phases: readonly PhaseEnergy[]): void {
    let [active, reactive] = [0, 0];
    for (const phase of phases) {
      active += phase.active;
      reactive += phase.reactive;
      this.#apparent += phase.apparent;
    }
    if (active >= 0) this.#import += active;
    else this.#export -= active;
    const quadrant = active >= 0 ? (reactive >= 0 ? 0 : 3) : reactive >= 0 ? 1 : 2;
    this.#quadrants[quadrant] = (this.#quadrants[quadrant] as number) + Math.abs(reactive);
  }
}
