/** Signs and no-load of the ADE9000: the bits of its PHSIGN, PHNOLOAD, STATUS and EVENT registers. */

const PHASES = 3;
const KINDS = 6;
/** In EP_CFG: the sign of the fundamental's instead of the total active, reactive power. */
const SIGN_OF_FUNDAMENTAL = [0x40, 0x80] as const;
const SUM_SIGN = 6;
const EVENT = { sums: 6, noLoad: 10 };
const STATUS0 = { active: 1, reactive: 4, sums: 7 };

/** PHSIGN: of each phase active, then reactive; from bit 6 on of what each pulse output counts. */
export function signBits(powers: readonly number[], sums: readonly number[], config: number): number {
  let bits = 0;
  for (let p = 0; p < PHASES; p++)
    for (let kind = 0; kind < 2; kind++) {
      const fundamental = (config & (SIGN_OF_FUNDAMENTAL[kind] as number)) !== 0 ? 3 : 0;
      if ((powers[KINDS * p + kind + fundamental] as number) < 0) bits |= 1 << (2 * p + kind);
    }
  for (const [k, sum] of sums.entries()) if (sum < 0) bits |= 1 << (SUM_SIGN + k);
  return bits;
}

/** What a change of PHSIGN raises in STATUS0. */
export function reversals(before: number, after: number): number {
  const changed = before ^ after;
  let bits = (changed >> SUM_SIGN) << STATUS0.sums;
  for (let p = 0; p < PHASES; p++) {
    if (((changed >> (2 * p)) & 1) !== 0) bits |= 1 << (STATUS0.active + p);
    if (((changed >> (2 * p + 1)) & 1) !== 0) bits |= 1 << (STATUS0.reactive + p);
  }
  return bits;
}

/** By kind of power, whether a phase has a bit in PHNOLOAD (or in the change of it): STATUS1 from bit 0 on. */
export function noLoadKinds(noLoad: number): number {
  let kinds = 0;
  for (let p = 0; p < PHASES; p++) kinds |= (noLoad >> (KINDS * p)) & 0x3f;
  return kinds;
}

/** What stands in EVENT_STATUS besides dips and swells. */
export function eventBits(signs: number, noLoad: number): number {
  return (((signs >> SUM_SIGN) & 0xf) << EVENT.sums) | (noLoadKinds(noLoad) << EVENT.noLoad);
}
