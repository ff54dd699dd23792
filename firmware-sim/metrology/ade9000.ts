/**
 * The ADE9000 as its registers: three phases and neutral, a façade over the sampled core. Full-scale codes and addresses are
 * those of the maker's public driver; scales that only the data sheet holds are recalled and named in docs/chips.md.
 *
 * A window of the core (10 cycles, 12 at 60 Hz) is what all registers show but the one-cycle ones.
 */
import { Ade9000Energy } from "./ade9000-energy.ts";
import { DipSwell } from "./ade9000-events.ts";
import { oneCycleCodes, phaseCodes, RMS_FULL_SCALE } from "./ade9000-quantities.ts";
import {
  A,
  ADE9000_RESET,
  ade9000Width,
  behindBurst,
  ENERGY,
  isLockable,
  isReadable,
  isWritable,
  P,
} from "./ade9000-registers.ts";
import type { CoreCycle, CorePhase, CoreWindow, FullScale } from "./bare-chip.ts";

/** 0.7071 V rms at the inputs, a divider of 801 : 1, and a transformer of 3000 : 1 on 10 Ω: the driver's own example. */
export const ADE9000_FULL_SCALE: FullScale = { volts: Math.SQRT1_2 * 801, amperes: Math.SQRT1_2 * 300 };

const RATE = 8_000;
const PGA = [1, 2, 4, 4] as const;
const LOCK = 0x3c64;
const UNLOCK = 0x4ad1;
const KINDS = 6;
const PHASES = 3;
/** Settings of no-load are in 64 samples' worth of a power code. */
const NO_LOAD_SCALE = 64;
const NO_LOAD_OFF = 7;
const STATUS0 = { energy: 0x1, power: 0x4_0000, one: 0x8_0000, tenTwelve: 0x10_0000, thd: 0x20_0000, heat: 0x200_0000 };
const RESET_DONE = 0x1_0000;
const EP = { enable: 0x01, halfCycles: 0x02, load: 0x10, clears: 0x20 };
const HEAT_START = 0x8;
/** Trim and reading of 25 °C: −300 × 16384/65536 + 3200/32. */
const HEAT = { trim: 0x0c80_4000, reading: 300 };

export class Ade9000 {
  readonly #values = new Map<number, number>();
  readonly #energy = new Ade9000Energy(PHASES * KINDS);
  #locked = false;
  #dipSwell: readonly DipSwell[] = [];

  constructor() {
    this.#reset();
  }

  /** The register as an unsigned number of its width; some clear when read. Undefined where there is none. */
  read(at: number): number | undefined {
    if (!isReadable(at)) return undefined;
    const address = behindBurst(at);
    const energy = energyAt(address);
    if (energy === undefined || energy.part === 0) return this.#get(address);
    if (energy.part === 1) return this.#energy.low(energy.channel);
    const high = this.#energy.high(energy.channel);
    if ((this.#get(A.EP_CFG) & EP.clears) !== 0) this.#energy.clear(energy.channel);
    return high;
  }

  /** What is read-only, unknown or locked stays as it is. Ones written to a status register clear its bits. */
  write(address: number, value: number): void {
    if (this.#locked && isLockable(address)) return;
    if (address === A.STATUS0 || address === A.STATUS1) {
      this.#values.set(address, (this.#get(address) & ~value) >>> 0);
      return;
    }
    if (!isWritable(address)) return;
    if (address === A.CONFIG1 && (value & 1) !== 0) {
      this.#reset();
      return;
    }
    if (address === A.WR_LOCK) {
      if (value === LOCK) this.#locked = true;
      else if (value === UNLOCK) this.#locked = false;
    }
    if (address === A.TEMP_CFG && (value & HEAT_START) !== 0) this.#measureHeat();
    this.#values.set(address, address === A.TEMP_CFG ? value & ~HEAT_START : value);
  }

  /** What the last transfer was, for the registers that repeat it. */
  remember(command: number, value: number, width: 2 | 4): void {
    this.#values.set(A.LAST_CMD, command);
    this.#values.set(width === 2 ? A.LAST_DATA_16 : A.LAST_DATA_32, value);
  }

  /** Takes a window of the core; nothing happens until RUN is set. */
  update(window: CoreWindow): void {
    if ((this.#get(A.RUN) & 1) === 0) return;
    const powers: number[] = [];
    for (let p = 0; p < PHASES; p++)
      powers.push(...this.#showPhase(p, window.phases[p] as CorePhase, window.frequency));
    this.#showNeutral(window.neutralCurrent);
    const period = window.frequency > 0 ? (RATE * 2 ** 16) / window.frequency - 1 : 0;
    for (let k = 0; k < 4; k++) this.#set(A.APERIOD + k, period);
    this.#raise(STATUS0.power | STATUS0.tenTwelve | STATUS0.thd);
    this.#showSigns(powers);
    const counted = this.#counted(powers);
    this.#showAccumulators(counted);
    if ((this.#get(A.EP_CFG) & EP.enable) === 0) return;
    const transfers = this.#energy.add(counted, window.seconds * RATE, this.#energySettings(window.frequency));
    if (transfers > 0) this.#raise(STATUS0.energy);
  }

  /** Takes a cycle of the core: one-cycle rms, dips and swells. */
  updateCycle(cycle: CoreCycle): void {
    if ((this.#get(A.RUN) & 1) === 0) return;
    const levels = {
      dip: this.#get(A.DIP_LVL),
      swell: this.#get(A.SWELL_LVL),
      dipCycles: this.#get(A.DIP_CYC),
      swellCycles: this.#get(A.SWELL_CYC),
    };
    let events = 0;
    for (const [p, watch] of this.#dipSwell.entries()) {
      const rms = { voltage: cycle.voltage[p] as number, current: cycle.current[p] as number };
      const codes = oneCycleCodes(rms, ADE9000_FULL_SCALE, this.#settings(p), this.#amplifiers(p));
      this.#set(P.VRMSONE + 0x20 * p, codes.voltage);
      this.#set(P.IRMSONE + 0x20 * p, codes.current);
      const began = watch.take(codes.voltage, levels);
      this.#values.set(A.STATUS1, (this.#get(A.STATUS1) | began) >>> 0);
      this.#set(A.DIPA + p, watch.lowest);
      this.#set(A.SWELLA + p, watch.highest);
      events |= watch.events;
    }
    this.#values.set(A.EVENT_STATUS, events);
    this.#raise(STATUS0.one);
  }

  #settings(p: number): (register: number) => number {
    return (register) => this.#get(0x20 * p + register) | 0;
  }

  #amplifiers(p: number) {
    const pga = this.#get(A.PGA_GAIN);
    return { current: PGA[(pga >> (2 * p)) & 3] as number, voltage: PGA[(pga >> (8 + 2 * p)) & 3] as number };
  }

  #showPhase(p: number, phase: CorePhase, frequency: number): readonly number[] {
    const base = 0x20 * p;
    const { registers, powers } = phaseCodes(phase, ADE9000_FULL_SCALE, this.#settings(p), this.#amplifiers(p));
    for (const [register, code] of registers) this.#set(base + register, code);
    const degrees = (phase.angle * 180) / Math.PI;
    const turn = ((degrees + 360) % 360) / 360;
    this.#set(A.ANGL_VA_IA + p, frequency > 0 ? (turn * 1.024e6) / frequency : 0);
    return powers;
  }

  #showNeutral(amperes: number): void {
    const gain = (PGA[(this.#get(A.PGA_GAIN) >> 6) & 3] as number) * (1 + (this.#get(A.NIGAIN) | 0) / 2 ** 27);
    const sum = (RMS_FULL_SCALE * amperes) / ADE9000_FULL_SCALE.amperes;
    const shown = [
      [A.NIRMS, sum * gain, A.NIRMSOS],
      [A.NIRMSONE, sum * gain, A.NIRMSONEOS],
      [A.NIRMS1012, sum * gain, A.NIRMS1012OS],
      [A.ISUMRMS, sum, A.ISUMRMSOS],
    ] as const;
    for (const [register, rms, offset] of shown)
      this.#set(register, Math.sqrt(Math.max(0, rms * rms + (this.#get(offset) | 0) * 2 ** 15)));
  }

  /** Bit 0 active, bit 1 reactive of phase A, then of B and C: set while negative. */
  #showSigns(powers: readonly number[]): void {
    let signs = 0;
    for (let p = 0; p < PHASES; p++)
      for (let kind = 0; kind < 2; kind++) if ((powers[KINDS * p + kind] as number) < 0) signs |= 1 << (2 * p + kind);
    this.#values.set(A.PHSIGN, signs);
  }

  /** What the accumulators take: nothing below the no-load level, and by ACCMODE only one sign. */
  #counted(powers: readonly number[]): readonly number[] {
    const accmode = this.#get(A.ACCMODE);
    const off = this.#get(A.EP_CFG) >> 13 === NO_LOAD_OFF;
    let noLoad = 0;
    const counted = powers.map((code, channel) => {
      const quantity = channel % 3;
      if (!off && Math.abs(code) * NO_LOAD_SCALE < this.#get(A.ACT_NL_LVL + quantity)) {
        noLoad |= 1 << channel;
        return 0;
      }
      return quantity === 2 ? code : accumulated(code, (accmode >> (2 * quantity)) & 3);
    });
    this.#values.set(A.PHNOLOAD, noLoad);
    return counted;
  }

  /** Sums over PWR_TIME: of every power, and of what is positive and negative in the sum of the phases. */
  #showAccumulators(powers: readonly number[]): void {
    const share = (this.#get(A.PWR_TIME) + 1) / 2 ** 13;
    const sums = [0, 0, 0, 0];
    for (let channel = 0; channel < powers.length; channel++) {
      const code = (powers[channel] as number) * share;
      this.#set(energyBase(channel), code);
      const kind = channel % KINDS;
      if (kind > 1) continue;
      const place = 2 * kind + (code < 0 ? 1 : 0);
      sums[place] = (sums[place] as number) + code;
    }
    for (const [k, register] of [A.PWATT_ACC, A.NWATT_ACC, A.PVAR_ACC, A.NVAR_ACC].entries())
      this.#set(register, sums[k] as number);
  }

  #energySettings(frequency: number) {
    const config = this.#get(A.EP_CFG);
    const time = this.#get(A.EGY_TIME) + 1;
    const halfCycle = frequency > 0 ? RATE / (2 * frequency) : RATE / 100;
    return { period: (config & EP.halfCycles) !== 0 ? time * halfCycle : time, load: (config & EP.load) !== 0 };
  }

  #measureHeat(): void {
    this.#values.set(A.TEMP_RSLT, HEAT.reading);
    this.#raise(STATUS0.heat);
  }

  #reset(): void {
    this.#values.clear();
    for (const [address, value] of Object.entries(ADE9000_RESET)) this.#values.set(Number(address), value);
    this.#values.set(A.TEMP_TRIM, HEAT.trim);
    this.#values.set(A.STATUS1, RESET_DONE);
    this.#energy.reset();
    this.#dipSwell = [0, 1, 2].map((p) => new DipSwell(p));
    this.#locked = false;
  }

  #raise(bits: number): void {
    this.#values.set(A.STATUS0, (this.#get(A.STATUS0) | bits) >>> 0);
  }

  #get(address: number): number {
    return this.#values.get(address) ?? 0;
  }

  /** Two's complement of the register's width, at its ends where it does not fit. */
  #set(address: number, value: number): void {
    const size = 2 ** (8 * ade9000Width(address));
    const whole = Math.min(Math.max(Math.round(value), -size / 2), size / 2 - 1);
    this.#values.set(address, whole < 0 ? whole + size : whole + 0);
  }
}

function accumulated(code: number, mode: number): number {
  if (mode === 1) return Math.abs(code);
  if (mode === 2) return Math.max(0, code);
  return mode === 3 ? Math.min(0, code) : code;
}

function energyBase(channel: number): number {
  return ENERGY.first + ENERGY.kind * channel;
}

/** Which energy, and 0 accumulator, 1 low part, 2 high part. */
function energyAt(address: number): { readonly channel: number; readonly part: number } | undefined {
  const offset = address - ENERGY.first;
  const channel = Math.floor(offset / ENERGY.kind);
  const part = offset - channel * ENERGY.kind;
  if (channel < 0 || channel >= PHASES * KINDS || part > 2) return undefined;
  return { channel, part };
}
