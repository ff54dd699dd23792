/**
 * The level of a wire at any time. A driver pulls it low or leaves it high, so that of two talkers the low one is heard;
 * noise turns around whatever level there is. A cut parts those on one side from those on the other.
 */

/** A stretch of levels on the wire: one character, or noise of its length. */
export interface Pulse {
  /** Who drives it; noise is nobody's. */
  readonly source: object | undefined;
  /** µs, with a fraction. */
  readonly start: number;
  readonly bitTime: number;
  readonly bits: number;
  /** Level of each bit, the first in bit 0; for noise a 0 turns the wire's level around. */
  readonly levels: number;
  /** A driver that is switched on late leaves the wire alone until then. */
  readonly drivenFrom: number;
  /** The places that it reaches, both included. */
  readonly first: number;
  readonly last: number;
}

/** Someone who listens, at a place along the wire. */
export interface Ear {
  readonly party: object;
  readonly place: number;
  /** Hears itself. Without echo a party is deaf while it drives the wire. */
  readonly echo: boolean;
  /** Hears every level turned round. */
  readonly swapped?: boolean;
}

const LOW = 0;
const HIGH = 1;
/** µs to either side of an edge: far below any bit, far above the rounding of a month in µs. */
const BESIDE = 0.01;

export class Wire {
  #pulses: Pulse[] = [];

  add(pulse: Pulse): void {
    this.#pulses.push(pulse);
  }

  /** Forgets what ended before `time`. */
  forget(time: number): void {
    if (this.#pulses.some((pulse) => endOf(pulse) < time))
      this.#pulses = this.#pulses.filter((pulse) => endOf(pulse) >= time);
  }

  levelAt(time: number, ear: Ear): number {
    let level = HIGH;
    let turned = 0;
    for (const pulse of this.#pulses) {
      if (time < pulse.start || time >= endOf(pulse) || !reaches(pulse, ear)) continue;
      if (pulse.source === ear.party && !ear.echo) return HIGH;
      const bit = (pulse.levels >> Math.floor((time - pulse.start) / pulse.bitTime)) & 1;
      if (pulse.source === undefined) turned ^= bit ^ 1;
      else if (bit === LOW && time >= pulse.drivenFrom) level = LOW;
    }
    return level ^ turned ^ (ear.swapped === true ? 1 : 0);
  }

  /** The first time from `from` on at which the level falls; Infinity when nothing on the wire makes it fall. */
  nextFall(from: number, ear: Ear): number {
    let first = Number.POSITIVE_INFINITY;
    for (const pulse of this.#pulses) {
      if (endOf(pulse) < from || !reaches(pulse, ear)) continue;
      // Any border between two bits may be the edge, and that of the end: noise or a driver that lets go.
      for (let bit = 0; bit <= pulse.bits; bit++) {
        const time = pulse.start + bit * pulse.bitTime;
        if (time >= first) break;
        if (time >= from && this.#fallsAt(time, ear)) first = time;
      }
      const on = pulse.drivenFrom;
      if (on > pulse.start && on >= from && on < first && this.#fallsAt(on, ear)) first = on;
    }
    return first;
  }

  #fallsAt(time: number, ear: Ear): boolean {
    return this.levelAt(time - BESIDE, ear) === HIGH && this.levelAt(time + BESIDE, ear) === LOW;
  }
}

function endOf(pulse: Pulse): number {
  return pulse.start + pulse.bits * pulse.bitTime;
}

function reaches(pulse: Pulse, ear: Ear): boolean {
  return pulse.first <= ear.place && ear.place <= pulse.last;
}
