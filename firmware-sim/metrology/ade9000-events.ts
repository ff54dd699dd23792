/**
 * Dips and swells of the ADE9000: one-cycle rms of a voltage below or above its level for so many half cycles. While one lasts
 * its bit stands in EVENT_STATUS and its register follows the extreme; its beginning is kept in STATUS1.
 */

/** Of phase A; the bits of B and C follow. */
const EVENT = { dip: 0, swell: 3 };
const STATUS = { dip: 23, swell: 20 };
/** Levels and extremes are one-cycle rms codes without their last five bits. */
const SHIFT = 32;
const HALF_CYCLES = 2;
/** What the extremes show as long as nothing happened. */
const NO_DIP = 0x7f_ffff;

export interface DipSwellLevels {
  readonly dip: number;
  readonly swell: number;
  /** Half cycles that it must last. */
  readonly dipCycles: number;
  readonly swellCycles: number;
}

export class DipSwell {
  readonly #phase: number;
  #below = 0;
  #above = 0;
  lowest = NO_DIP;
  highest = 0;
  /** Bits of this phase in EVENT_STATUS. */
  events = 0;

  constructor(phase: number) {
    this.#phase = phase;
  }

  /** @param code one-cycle rms. @returns the bits that this cycle raises in STATUS1. */
  take(code: number, levels: DipSwellLevels): number {
    const value = Math.floor(code / SHIFT);
    this.#below = value < levels.dip ? this.#below + HALF_CYCLES : 0;
    this.#above = value > levels.swell ? this.#above + HALF_CYCLES : 0;
    const dip = this.#below > 0 && this.#below >= levels.dipCycles;
    const swell = this.#above > 0 && this.#above >= levels.swellCycles;
    const before = this.events;
    const bit = (is: boolean, first: number) => (is ? 1 << (first + this.#phase) : 0);
    this.events = bit(dip, EVENT.dip) | bit(swell, EVENT.swell);
    const raised = this.events & ~before;
    if (dip) this.lowest = raised & bit(true, EVENT.dip) ? value : Math.min(this.lowest, value);
    if (swell) this.highest = raised & bit(true, EVENT.swell) ? value : Math.max(this.highest, value);
    const began = (first: number) => (raised & bit(true, first)) !== 0;
    return bit(began(EVENT.dip), STATUS.dip) | bit(began(EVENT.swell), STATUS.swell);
  }
}

/** Of IA, IB, IC, IN: which are above OILVL, as OIA and the like show them. @param enabled a bit for each. */
export function overcurrents(
  codes: readonly number[],
  level: number,
  enabled: number,
): readonly { readonly channel: number; readonly value: number }[] {
  return codes
    .map((code, channel) => ({ channel, value: Math.floor(code / SHIFT) }))
    .filter(({ channel, value }) => ((enabled >> channel) & 1) !== 0 && value > level);
}
