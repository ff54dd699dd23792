/**
 * The ADE9000 as its registers: three phases and neutral, a façade over the sampled core. Full-scale codes and addresses are
 * those of the maker's public driver; scales that only the data sheet holds are recalled and named in docs/chips.md.
 *
 * A window of the core (10 cycles, 12 at 60 Hz) is what all registers show but the one-cycle ones.
 */
import { NO_REGION, nextRegion, shifted } from "./ade9000-currents.ts";
import { Ade9000Energy } from "./ade9000-energy.ts";
import { DipSwell } from "./ade9000-events.ts";
import { eventBits, noLoadKinds, reversals, signBits } from "./ade9000-flags.ts";
import { type Ade9000Pulse, Ade9000Pulses } from "./ade9000-pulses.ts";
import { ONE, oneCycleCodes, phaseCodes, RMS_FULL_SCALE, withOffset } from "./ade9000-quantities.ts";
import { A, behindBurst, ENERGY, isLockable, isReadable, isWritable, P } from "./ade9000-registers.ts";
import { highest, newest, waveScale } from "./ade9000-samples.ts";
import { angleCode, LIVE, outputSettings, showAccumulators, showAngles, showOvercurrents } from "./ade9000-shown.ts";
import { Ade9000Values } from "./ade9000-values.ts";
import { WAVEFORM, WaveformBuffer } from "./ade9000-waveform.ts";
import type { CoreCycle, CorePhase, CoreWave, CoreWindow, FullScale } from "./bare-chip.ts";

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
const STATUS0 = {
  energy: 0x1,
  pulse: 0x800,
  sample: 0x8000,
  power: 0x4_0000,
  one: 0x8_0000,
  tenTwelve: 0x10_0000,
  thd: 0x20_0000,
  heat: 0x200_0000,
};
const STATUS1 = {
  timeout: 0x40,
  crossing: 0x200,
  combined: 0x1000,
  reset: 0x1_0000,
  overcurrent: 0x2_0000,
  sequence: 0x4_0000,
};
const EP = { enable: 0x01, halfCycles: 0x02, load: 0x10, clears: 0x20 };
const HEAT_START = 0x8;
/** Trim of 100 °C at 0 and a quarter of a degree to a step. */
const HEAT = { trim: 0x0c80_4000, zero: 100, steps: 4 };
const MULTIPOINT = 0x10;
/** In CONFIG1: what takes an output away from its pulses, and what forgets begun ones. */
const CONFIG1 = { reset: 0x1, crossingOn3: 0x2, otherOn4: 0x8, clear: 0x20 };
/** In WFB_TRG_CFG. */
const TRIGGER = { force: 0x400, overcurrent: 0x4, swell: 0x2, dip: 0x1 };

export interface Ade9000Options {
  /** Of the chip, °C. */
  readonly temperature?: number;
  /** Gets every pulse of CF1..CF4. */
  readonly onPulse?: (pulse: Ade9000Pulse) => void;
}

export class Ade9000 {
  readonly #values = new Ade9000Values();
  readonly #energy = new Ade9000Energy(PHASES * KINDS);
  #locked = false;
  #dipSwell: readonly DipSwell[] = [];
  readonly #pulses = new Ade9000Pulses();
  readonly #options: Ade9000Options;
  /** Of the chip's clock since RUN. */
  #seconds = 0;
  waveform = new WaveformBuffer();

  constructor(options: Ade9000Options = {}) {
    this.#options = options;
    this.#reset();
  }

  /** The register as an unsigned number of its width; some clear when read. Undefined where there is none. */
  read(at: number): number | undefined {
    if (!isReadable(at)) return undefined;
    const address = behindBurst(at);
    if (address >= WAVEFORM.first) return this.waveform.word(address);
    if (address === A.WFB_TRG_STAT) return this.waveform.state;
    if (address === A.IPEAK || address === A.VPEAK) {
      const peak = this.#values.get(address);
      this.#values.keep(address, 0);
      return peak;
    }
    const energy = energyAt(address);
    if (energy === undefined || energy.part === 0) return this.#values.get(address);
    if (energy.part === 1) return this.#energy.low(energy.channel);
    const high = this.#energy.high(energy.channel);
    if ((this.#values.get(A.EP_CFG) & EP.clears) !== 0) this.#energy.clear(energy.channel);
    return high;
  }

  /** What is read-only, unknown or locked stays as it is. Ones written to a status register clear its bits. */
  write(address: number, value: number): void {
    if (this.#locked && isLockable(address)) return;
    if (address === A.STATUS0 || address === A.STATUS1) {
      this.#values.keep(address, (this.#values.get(address) & ~value) >>> 0);
      return;
    }
    if (!isWritable(address)) return;
    if (address === A.CONFIG1 && (value & CONFIG1.reset) !== 0) {
      this.#reset();
      return;
    }
    if (address === A.CONFIG1 && (value & CONFIG1.clear) !== 0) this.#pulses.clear();
    if (address === A.RUN && (value & 1) !== 0 && (this.#values.get(A.RUN) & 1) === 0) this.#seconds = 0;
    if (address === A.WFB_CFG) this.waveform.configure(value);
    if (address === A.WFB_TRG_CFG && (value & TRIGGER.force) !== 0) this.#values.raise(this.waveform.trigger());
    if (address === A.WR_LOCK) {
      if (value === LOCK) this.#locked = true;
      else if (value === UNLOCK) this.#locked = false;
    }
    if (address === A.TEMP_CFG && (value & HEAT_START) !== 0) this.#measureHeat();
    this.#values.keep(address, address === A.TEMP_CFG ? value & ~HEAT_START : value);
  }

  /** What the last transfer was, for the registers that repeat it. */
  remember(command: number, value: number, width: 2 | 4): void {
    this.#values.keep(A.LAST_CMD, command);
    this.#values.keep(width === 2 ? A.LAST_DATA_16 : A.LAST_DATA_32, value);
  }

  /** Takes a window of the core; nothing happens until RUN is set. */
  update(window: CoreWindow): void {
    if ((this.#values.get(A.RUN) & 1) === 0) return;
    const powers = window.phases.flatMap((phase, p) => this.#showPhase(p, phase, window));
    this.#showNeutral(
      window.neutralCurrent,
      [A.NIRMS, A.NIRMSOS],
      [A.NIRMS1012, A.NIRMS1012OS],
      [A.ISUMRMS, A.ISUMRMSOS],
    );
    showAngles(this.#values, window);
    const period = window.frequency > 0 ? (RATE * 2 ** 16) / window.frequency - 1 : 0;
    for (let k = 0; k < 4; k++) this.#values.show(A.APERIOD + k, period);
    this.#values.raise(STATUS0.power | STATUS0.tenTwelve | STATUS0.thd);
    const counted = this.#counted(powers);
    this.#showSigns(powers, this.#pulse(counted, window.seconds));
    this.#seconds += window.seconds;
    showAccumulators(this.#values, counted);
    if ((this.#values.get(A.EP_CFG) & EP.enable) === 0) return;
    const transfers = this.#energy.add(counted, window.seconds * RATE, this.#energySettings(window.frequency));
    if (transfers > 0) this.#values.raise(STATUS0.energy);
  }

  /** Takes a cycle of the core: one-cycle rms, dips, swells, overcurrent. */
  updateCycle(cycle: CoreCycle): void {
    if ((this.#values.get(A.RUN) & 1) === 0) return;
    const levels = {
      dip: this.#values.get(A.DIP_LVL),
      swell: this.#values.get(A.SWELL_LVL),
      dipCycles: this.#values.get(A.DIP_CYC),
      swellCycles: this.#values.get(A.SWELL_CYC),
    };
    let events = 0;
    let began = 0;
    for (const [p, watch] of this.#dipSwell.entries()) {
      const rms = { voltage: cycle.voltage[p] as number, current: cycle.current[p] as number };
      const codes = oneCycleCodes(rms, ADE9000_FULL_SCALE, this.#settings(p), this.#amplifiers(p));
      this.#values.show(P.VRMSONE + 0x20 * p, codes.voltage);
      this.#values.show(P.IRMSONE + 0x20 * p, codes.current);
      began |= watch.take(codes.voltage, levels);
      began |= (rms.voltage < LIVE ? STATUS1.timeout : STATUS1.crossing) << p;
      this.#values.show(A.DIPA + p, watch.lowest);
      this.#values.show(A.SWELLA + p, watch.highest);
      events |= watch.events;
    }
    this.#showNeutral(cycle.neutral, [A.NIRMSONE, A.NIRMSONEOS]);
    const over = showOvercurrents(this.#values);
    if ((began & (STATUS1.crossing * 7)) !== 0) began |= STATUS1.combined;
    this.#values.raise(0, began | over);
    this.#values.keep(A.EVENT_STATUS, events | eventBits(this.#values.get(A.PHSIGN), this.#values.get(A.PHNOLOAD)));
    this.#values.raise(STATUS0.one | this.#triggerBy(began, over));
  }

  /** Takes a stretch of the core's samples: peaks, newest samples, waveform buffer. */
  updateWave(wave: CoreWave): void {
    if ((this.#values.get(A.RUN) & 1) === 0) return;
    const scale = waveScale(
      wave,
      ADE9000_FULL_SCALE,
      [0, 1, 2].map((p) => this.#channelGains(p)),
      this.#values.get(A.WFB_CFG),
    );
    const chosen = (this.#values.get(A.CONFIG3) >> 2) & 7;
    for (const [register, first] of [
      [A.IPEAK, 0],
      [A.VPEAK, 1],
    ] as const) {
      const peak = highest(wave.samples, first, scale.processed, chosen);
      const before = this.#values.get(register);
      if (peak.value > (before & 0xff_ffff)) this.#values.keep(register, (peak.phases << 24) | peak.value);
    }
    for (const [channel, code] of newest(wave.samples).entries()) {
      this.#values.show(A.SINC_DAT + channel, code * (scale.sinc[channel] as number));
      this.#values.show(A.LPF_DAT + channel, code * (scale.filtered[channel] as number));
      const register = channel === 6 ? A.NI_PCF : (channel % 2 === 0 ? P.I_PCF : P.V_PCF) + 0x20 * (channel >> 1);
      this.#values.show(register, code * (scale.processed[channel] as number));
    }
    this.#values.raise(
      STATUS0.sample | this.waveform.take(wave.samples, wave.isCycle, scale, this.#values.get(A.WFB_PG_IRQEN)),
    );
  }

  /** The interrupt pins: true while one is low. */
  interrupts(): { readonly irq0: boolean; readonly irq1: boolean } {
    return {
      irq0: (this.#values.get(A.STATUS0) & this.#values.get(A.MASK0)) !== 0,
      irq1: (this.#values.get(A.STATUS1) & this.#values.get(A.MASK1)) !== 0,
    };
  }

  #settings(p: number): (register: number) => number {
    return (register) => this.#values.get(0x20 * p + register) | 0;
  }

  /** The amplifier in front of the converter, and for the current the gain of its range. */
  #amplifiers(p: number) {
    const pga = this.#values.get(A.PGA_GAIN);
    const region = this.#values.get(P.MTREGION + 0x20 * p);
    const ofRegion = region === NO_REGION ? 1 : 1 + this.#settings(p)(P.IGAIN0 + region) / ONE;
    return {
      current: (PGA[(pga >> (2 * p)) & 3] as number) * ofRegion,
      voltage: PGA[(pga >> (8 + 2 * p)) & 3] as number,
    };
  }

  /** All gain in front of a channel's processed samples. */
  #channelGains(p: number) {
    const { current, voltage } = this.#amplifiers(p);
    const setting = this.#settings(p);
    return { current: current * (1 + setting(P.IGAIN) / ONE), voltage: voltage * (1 + setting(P.VGAIN) / ONE) };
  }

  #chooseRegion(p: number, amperes: number): void {
    const at = P.MTREGION + 0x20 * p;
    if ((this.#values.get(A.CONFIG0) & MULTIPOINT) === 0) {
      this.#values.keep(at, NO_REGION);
      return;
    }
    const levels = (first: number) => [0, 1, 2, 3, 4].map((k) => this.#values.get(first + k));
    const pga = PGA[(this.#values.get(A.PGA_GAIN) >> (2 * p)) & 3] as number;
    const rms = (RMS_FULL_SCALE * pga * amperes) / ADE9000_FULL_SCALE.amperes / 32;
    this.#values.keep(at, nextRegion(this.#values.get(at), rms, levels(A.MTTHR_L0), levels(A.MTTHR_H0)));
  }

  #showPhase(p: number, measured: CorePhase, { harmonics, frequency }: CoreWindow): readonly number[] {
    this.#chooseRegion(p, measured.current);
    const region = this.#values.get(P.MTREGION + 0x20 * p);
    const phcal = this.#settings(p)(P.PHCAL0 + (region === NO_REGION ? 0 : region));
    const phase = shifted(measured, harmonics?.[p], phcal, frequency);
    const { registers, powers } = phaseCodes(phase, ADE9000_FULL_SCALE, this.#settings(p), this.#amplifiers(p));
    for (const [register, code] of registers) this.#values.show(0x20 * p + register, code);
    this.#values.show(A.ANGL_VA_IA + p, angleCode(phase.angle, frequency));
    return powers;
  }

  /** @param began bits that a cycle raises in STATUS1. @returns what the waveform buffer raises in STATUS0. */
  #triggerBy(began: number, over: number): number {
    const wanted = this.#values.get(A.WFB_TRG_CFG);
    const is = (bit: number, happened: boolean) => (wanted & bit) !== 0 && happened;
    const happened =
      is(TRIGGER.dip, ((began >> 23) & 7) !== 0) ||
      is(TRIGGER.swell, ((began >> 20) & 7) !== 0) ||
      is(TRIGGER.overcurrent, over !== 0);
    return happened ? this.waveform.trigger() : 0;
  }

  /** @param registers each with that of its offset. */
  #showNeutral(amperes: number, ...registers: readonly (readonly [register: number, offset: number])[]): void {
    const pga = PGA[(this.#values.get(A.PGA_GAIN) >> 6) & 3] as number;
    const straight = (RMS_FULL_SCALE * amperes) / ADE9000_FULL_SCALE.amperes;
    for (const [register, offset] of registers) {
      // The sum of the phases is not of the neutral's own channel.
      const gain = register === A.ISUMRMS ? 1 : pga * (1 + this.#values.signed(A.NIGAIN) / ONE);
      this.#values.show(register, withOffset(straight * gain, this.#values.signed(offset)));
    }
  }

  /** CF1..CF4. @returns what each of them counts. */
  #pulse(powers: readonly number[], seconds: number): readonly number[] {
    const config = this.#values.get(A.CONFIG1);
    const away = [0, 0, CONFIG1.crossingOn3, CONFIG1.otherOn4];
    return outputSettings(this.#values, powers).map((settings, k) => {
      const seen = (config & (away[k] as number)) === 0;
      if (settings.on)
        this.#pulses.add(k + 1, settings, this.#seconds, seconds, (pulse) => {
          this.#values.raise(STATUS0.pulse << k);
          if (seen) this.#options.onPulse?.(pulse);
        });
      return settings.code;
    });
  }

  #showSigns(powers: readonly number[], sums: readonly number[]): void {
    const signs = signBits(powers, sums, this.#values.get(A.EP_CFG));
    this.#values.raise(reversals(this.#values.get(A.PHSIGN), signs));
    this.#values.keep(A.PHSIGN, signs);
  }

  /** What the accumulators take: nothing below the no-load level, and by ACCMODE only one sign. */
  #counted(powers: readonly number[]): readonly number[] {
    const accmode = this.#values.get(A.ACCMODE);
    const off = this.#values.get(A.EP_CFG) >> 13 === NO_LOAD_OFF;
    let noLoad = 0;
    const counted = powers.map((code, channel) => {
      const quantity = channel % 3;
      if (!off && Math.abs(code) * NO_LOAD_SCALE < this.#values.get(A.ACT_NL_LVL + quantity)) {
        noLoad |= 1 << channel;
        return 0;
      }
      return quantity === 2 ? code : accumulated(code, (accmode >> (2 * quantity)) & 3);
    });
    this.#values.raise(0, noLoadKinds(noLoad ^ this.#values.get(A.PHNOLOAD)));
    this.#values.keep(A.PHNOLOAD, noLoad);
    return counted;
  }

  #energySettings(frequency: number) {
    const config = this.#values.get(A.EP_CFG);
    const time = this.#values.get(A.EGY_TIME) + 1;
    const halfCycle = frequency > 0 ? RATE / (2 * frequency) : RATE / 100;
    return { period: (config & EP.halfCycles) !== 0 ? time * halfCycle : time, load: (config & EP.load) !== 0 };
  }

  #measureHeat(): void {
    this.#values.show(A.TEMP_RSLT, (HEAT.zero - (this.#options.temperature ?? 25)) * HEAT.steps);
    this.#values.raise(STATUS0.heat);
  }

  #reset(): void {
    this.#values.reset();
    this.#values.keep(A.TEMP_TRIM, HEAT.trim);
    this.#values.keep(A.STATUS1, STATUS1.reset);
    for (let p = 0; p < PHASES; p++) this.#values.keep(P.MTREGION + 0x20 * p, NO_REGION);
    this.#energy.reset();
    this.#pulses.clear();
    this.waveform = new WaveformBuffer();
    this.#dipSwell = [0, 1, 2].map((p) => new DipSwell(p));
    this.#locked = false;
  }
}

function accumulated(code: number, mode: number): number {
  if (mode === 1) return Math.abs(code);
  if (mode === 2) return Math.max(0, code);
  return mode === 3 ? Math.min(0, code) : code;
}

/** Which energy, and 0 accumulator, 1 low part, 2 high part. */
function energyAt(address: number): { readonly channel: number; readonly part: number } | undefined {
  const offset = address - ENERGY.first;
  const channel = Math.floor(offset / ENERGY.kind);
  const part = offset - channel * ENERGY.kind;
  if (channel < 0 || channel >= PHASES * KINDS || part > 2) return undefined;
  return { channel, part };
}
