/** What the ADE9000 shows of all phases together: angles, sums over PWR_TIME, overcurrent, what its pulse outputs count. */
import { overcurrents } from "./ade9000-events.ts";
import type { PulseSettings } from "./ade9000-pulses.ts";
import { A, ENERGY, P } from "./ade9000-registers.ts";
import type { Ade9000Values } from "./ade9000-values.ts";
import type { CoreWindow } from "./bare-chip.ts";

const PHASES = 3;
/** WATT, VAR, VA, FWATT, FVAR, FVA. */
const KINDS = 6;
/** V rms under which a phase has no zero crossings. */
export const LIVE = 10;
/** A to B, B to C, A to C. */
const PAIRS = [
  [0, 1],
  [1, 2],
  [0, 2],
] as const;
const OVERCURRENT = 0x2_0000;
const SEQUENCE = 0x4_0000;
/** From which bit on an output of CFMODE is off, and one of CF_LCFG takes its width from the timer. */
const OFF = 12;
const TIMED = 19;
const TIMER = 0x7_ffff;

/** Ticks of 1.024 MHz by which something comes later. */
export function angleCode(radians: number, frequency: number): number {
  const turns = radians / (2 * Math.PI);
  return frequency > 0 ? ((turns - Math.floor(turns)) * 1.024e6) / frequency : 0;
}

/** Between voltages and between currents. A wrong sequence of the voltages stands in STATUS1. */
export function showAngles(values: Ade9000Values, { harmonics, phases, frequency }: CoreWindow): void {
  if (harmonics === undefined) return;
  const lag = (kind: "voltage" | "current", a: number, b: number) => {
    const missing = phases[a]?.[kind] === 0 || phases[b]?.[kind] === 0;
    return missing ? 0 : (harmonics[a]?.[`${kind}Angle`] ?? 0) - (harmonics[b]?.[`${kind}Angle`] ?? 0);
  };
  for (const [k, [a, b]] of PAIRS.entries()) {
    values.show(A.ANGL_VA_VB + k, angleCode(lag("voltage", a, b), frequency));
    values.show(A.ANGL_IA_IB + k, angleCode(lag("current", a, b), frequency));
  }
  const live = phases.every(({ voltage }) => voltage >= LIVE);
  if (live && Math.sin(lag("voltage", 0, 1)) < 0) values.raise(0, SEQUENCE);
}

/** Sums over PWR_TIME: of every power, and of what is positive and negative in the sum of the phases. */
export function showAccumulators(values: Ade9000Values, powers: readonly number[]): void {
  const share = (values.get(A.PWR_TIME) + 1) / 2 ** 13;
  const sums = [0, 0, 0, 0];
  for (let channel = 0; channel < powers.length; channel++) {
    const code = (powers[channel] as number) * share;
    values.show(ENERGY.first + ENERGY.kind * channel, code);
    const kind = channel % KINDS;
    if (kind > 1) continue;
    const place = 2 * kind + (code < 0 ? 1 : 0);
    sums[place] = (sums[place] as number) + code;
  }
  for (const [k, register] of [A.PWATT_ACC, A.NWATT_ACC, A.PVAR_ACC, A.NVAR_ACC].entries())
    values.show(register, sums[k] as number);
}

/** OIA..OIN and OISTATUS by the one-cycle values. @returns what it raises in STATUS1. */
export function showOvercurrents(values: Ade9000Values): number {
  const enabled = values.get(A.CONFIG3) >> 12;
  const codes = [P.IRMSONE, P.IRMSONE + 0x20, P.IRMSONE + 0x40, A.NIRMSONE].map((register) => values.get(register));
  const over = overcurrents(codes, values.get(A.OILVL), enabled);
  for (const { channel, value } of over) values.show(A.OIA + channel, value);
  const bits = over.reduce((all, { channel }) => all | (1 << channel), 0);
  values.keep(A.OISTATUS, bits);
  return bits === 0 ? 0 : OVERCURRENT;
}

/** What CF1..CF4 count, the chosen power of the chosen phases, and whether they do. */
export function outputSettings(
  values: Ade9000Values,
  powers: readonly number[],
): readonly (PulseSettings & { readonly on: boolean })[] {
  const mode = values.get(A.CFMODE);
  const terms = values.get(A.COMPMODE);
  const width = values.get(A.CF_LCFG);
  return [0, 1, 2, 3].map((k) => {
    const choice = (mode >> (3 * k)) & 7;
    const kind = choice < KINDS ? choice : 0;
    let code = 0;
    for (let p = 0; p < PHASES; p++) if (((terms >> (3 * k + p)) & 1) !== 0) code += powers[KINDS * p + kind] as number;
    return {
      code,
      threshold: values.get(A.WTHR + (kind % 3)),
      denominator: values.get(A.CF1DEN + k),
      timer: ((width >> (TIMED + k)) & 1) !== 0 ? width & TIMER : undefined,
      on: ((mode >> (OFF + k)) & 1) === 0,
    };
  });
}
