/** From volts and amperes to the ADE9000's codes of one phase: full scale, gains, offsets, ratios. */
import type { ShiftedPhase } from "./ade9000-currents.ts";
import { P } from "./ade9000-registers.ts";
import type { FullScale } from "./bare-chip.ts";

/** A full-scale sine: of the rms registers, and of the power registers at unity. */
export const RMS_FULL_SCALE = 52_702_092;
export const POWER_FULL_SCALE = 20_694_066;
/** One, in gain, power factor and distortion registers. */
export const ONE = 2 ** 27;
/** A step of an rms offset, in squares of rms codes. */
const RMS_OFFSET = 2 ** 15;

/** Reads a setting of this phase as a signed number. */
type Setting = (register: number) => number;

interface Amplifiers {
  readonly current: number;
  readonly voltage: number;
}

export interface PhaseCodes {
  readonly registers: ReadonlyMap<number, number>;
  /** WATT, VAR, VA, FWATT, FVAR, FVA, in the order of the energy registers. */
  readonly powers: readonly number[];
}

export function phaseCodes(p: ShiftedPhase, fullScale: FullScale, setting: Setting, pga: Amplifiers): PhaseCodes {
  const gain = (register: number) => 1 + setting(register) / ONE;
  const amperes = (pga.current * gain(P.IGAIN)) / fullScale.amperes;
  const volts = (pga.voltage * gain(P.VGAIN)) / fullScale.volts;
  const i = RMS_FULL_SCALE * amperes * p.current;
  const v = RMS_FULL_SCALE * volts * p.voltage;
  const i1 = RMS_FULL_SCALE * amperes * p.fundamentalCurrent;
  const v1 = RMS_FULL_SCALE * volts * p.fundamentalVoltage;
  const offset = (rms: number, register: number) => withOffset(rms, setting(register));
  const scale = POWER_FULL_SCALE * amperes * volts * gain(P.PGAIN);
  const powers = [
    scale * p.active + setting(P.WATTOS),
    scale * p.totalReactive + setting(P.VAROS),
    scale * p.apparent,
    scale * p.fundamentalActive + setting(P.FWATTOS),
    scale * p.reactive + setting(P.FVAROS),
    scale * p.fundamentalVoltage * p.fundamentalCurrent,
  ] as const;
  return {
    powers,
    registers: new Map([
      [P.IRMS, offset(i, P.IRMSOS)],
      [P.VRMS, offset(v, P.VRMSOS)],
      [P.IFRMS, offset(i1, P.IFRMSOS)],
      [P.VFRMS, offset(v1, P.VFRMSOS)],
      [P.WATT, powers[0]],
      [P.VAR, powers[1]],
      [P.VA, powers[2]],
      [P.FWATT, powers[3]],
      [P.FVAR, powers[4]],
      [P.FVA, powers[5]],
      [P.PF, powers[2] > 0 ? (powers[0] / powers[2]) * ONE : 0],
      [P.VTHD, distortion(v, v1)],
      [P.ITHD, distortion(i, i1)],
      [P.IRMS1012, offset(i, P.IRMS1012OS)],
      [P.VRMS1012, offset(v, P.VRMS1012OS)],
    ]),
  };
}

/** An rms code with its signed offset. */
export function withOffset(rms: number, offset: number): number {
  return Math.sqrt(Math.max(0, rms * rms + offset * RMS_OFFSET));
}

/** Codes of the one-cycle registers, from V and A of one cycle. */
export function oneCycleCodes(
  cycle: { readonly voltage: number; readonly current: number },
  fullScale: FullScale,
  setting: Setting,
  pga: Amplifiers,
): { readonly voltage: number; readonly current: number } {
  const code = (share: number, amplifier: number, gain: number, offset: number) => {
    const rms = RMS_FULL_SCALE * share * amplifier * (1 + setting(gain) / ONE);
    return withOffset(rms, setting(offset));
  };
  return {
    voltage: code(cycle.voltage / fullScale.volts, pga.voltage, P.VGAIN, P.VRMSONEOS),
    current: code(cycle.current / fullScale.amperes, pga.current, P.IGAIN, P.IRMSONEOS),
  };
}

function distortion(rms: number, fundamental: number): number {
  return fundamental > 0 ? (Math.sqrt(Math.max(0, rms * rms - fundamental * fundamental)) / fundamental) * ONE : 0;
}
