/**
 * The RN8209C as its registers: single phase, channel A in the line, channel B in the neutral. A façade over the sampled
 * core; what the registers mean follows from the maker's formulas:
 *
 *   rms = 2^23 × volts behind the amplifier, power = 2^31 × volts × volts, so power = U × I / 2^15;
 *   HFConst = 16.1079e11 Vu Vi / (EC Un Ib), W per LSB = 3.22155e12 / 2^32 / (EC HFConst).
 *
 * What sources only recall: the fast counters (a pulse at 2 |PFCnt| >= HFConst), the status bits but for "reverse" and
 * "write enabled", and that reading RIF clears both flag registers.
 */
import type { CorePhase, CoreWindow, FullScale } from "./bare-chip.ts";
import { PulseCounter } from "./rn8209c-pulses.ts";
import { COMMAND, R, RN8209C_REGISTERS } from "./rn8209c-registers.ts";

/** The board: volts at the chip's pin per volt of the mains, and the shunt in ohms, in the line as in the neutral. */
const DIVIDER = 1 / 3000;
const SHUNT = 0.0005;
/** Amplifiers that the board is made for, as the maker's driver sets them (SYSCON 000F): the core clips there. */
const VOLTAGE_GAIN = 4;
const CURRENT_GAIN = 16;

/** A sine of 1 V peak behind the amplifiers: 530.33 V and 88.39 A rms. */
export const RN8209C_FULL_SCALE: FullScale = {
  volts: Math.SQRT1_2 / (DIVIDER * VOLTAGE_GAIN),
  amperes: Math.SQRT1_2 / (SHUNT * CURRENT_GAIN),
};

const RMS = 2 ** 23;
const POWER = 2 ** 31;
/** Hz. */
export const CRYSTAL = 3_579_545;
/** Radians per step of PhsA at 50 Hz: 0.02°. */
const PHASE_STEP = (0.02 * Math.PI) / 180;

const GAINS_A = [1, 2, 8, 16] as const;
const GAINS_U = [1, 2, 4, 4] as const;
const GAINS_B = [1, 2, 4, 4] as const;
const CHANNEL_B_ON = 0x40;
const ENERGY_CLEARS = 0x8000;
const WRITE_ENABLED = 0x10;
/** Of IF and RIF. */
const FLAG = { update: 0x01, active: 0x02, reactive: 0x04 };

type Energies = "ENERGYP" | "ENERGYD";

export class Rn8209c {
  readonly #values = new Map<number, number>();
  readonly #active = new PulseCounter();
  readonly #reactive = new PulseCounter();
  #writable = false;
  #channelB = false;

  constructor() {
    this.#reset();
  }

  /** The register's bytes, or undefined where there is none. */
  widthOf(address: number): number | undefined {
    return address === COMMAND ? 1 : RN8209C_REGISTERS.get(address)?.bytes;
  }

  /** The register as an unsigned number of its width; some clear when read. Undefined where there is none. */
  read(address: number): number | undefined {
    if (!RN8209C_REGISTERS.has(address)) return undefined;
    const value = this.#show(address);
    if (address === R.ENERGYP || address === R.ENERGYD) {
      if ((this.#get(R.EMUCON) & ENERGY_CLEARS) !== 0) this.#values.set(address, 0);
    } else if (address === R.RIF) this.#values.set(R.IF, 0);
    if (address !== R.RDATA && address !== R.WDATA) this.#values.set(R.RDATA, value);
    return value;
  }

  /** Settings only while writing is enabled; what can't be written stays as it is. */
  write(address: number, value: number): void {
    if (address === COMMAND) {
      this.#values.set(R.WDATA, value & 0xff);
      this.#command(value & 0xff);
      return;
    }
    const register = RN8209C_REGISTERS.get(address);
    if (register === undefined || !register.writable || !this.#writable) return;
    const kept = value % 2 ** (8 * register.bytes);
    this.#values.set(R.WDATA, kept);
    if (address === R.PFCNT) this.#active.preset(signed(kept, 16));
    else if (address === R.DFCNT) this.#reactive.preset(signed(kept, 16));
    // The high byte follows the UART's pins.
    else this.#values.set(address, address === R.SYSCON ? kept & 0x7f : kept);
  }

  /** Takes a window of the core: measurement registers, energy and flags follow. */
  update(window: CoreWindow): void {
    const phase = window.phases[0] as CorePhase;
    const syscon = this.#get(R.SYSCON);
    const u = DIVIDER * (GAINS_U[(syscon >> 2) & 3] as number);
    const a = SHUNT * (GAINS_A[syscon & 3] as number);
    const bOn = (syscon & CHANNEL_B_ON) !== 0;
    const bGain = 1 + this.#signed(R.IBGAIN, 16) / 2 ** 15;
    const b = bOn ? SHUNT * (GAINS_B[(syscon >> 4) & 3] as number) * bGain : 0;

    this.#set(R.URMS, RMS * u * phase.voltage, 24);
    this.#set(R.IARMS, this.#rms(RMS * a * phase.current, R.IARMSOS), 24);
    this.#set(R.IBRMS, bOn ? this.#rms(RMS * b * phase.current, R.IBRMSOS) : 0, 24);
    const { frequency } = window;
    this.#set(R.UFREQ, frequency > 0 ? CRYSTAL / 8 / frequency : 0, 16);

    const powerA = this.#power(phase, frequency, POWER * u * a, { phase: R.PHSA, active: R.APOSA, reactive: R.RPOSA });
    const powerB = this.#power(phase, frequency, POWER * u * b, { phase: R.PHSB, active: R.APOSB, reactive: R.RPOSB });
    const gain = (register: number) => 1 + this.#signed(register, 16) / 2 ** 15;
    const pa = powerA.active * gain(R.GPQA);
    const pb = bOn ? powerB.active * gain(R.GPQB) : 0;
    const q = this.#channelB ? (bOn ? powerB.reactive * gain(R.GPQB) : 0) : powerA.reactive * gain(R.GPQA);
    this.#set(R.POWERPA, pa, 32);
    this.#set(R.POWERPB, pb, 32);
    this.#set(R.POWERQ, q, 32);
    this.#flag(FLAG.update);
    this.#count("ENERGYP", this.#channelB ? pb : pa, window.seconds);
    this.#count("ENERGYD", q, window.seconds);
  }

  /** Power in LSB with phase and offset of one channel, before its gain. */
  #power(p: CorePhase, frequency: number, scale: number, at: { phase: number; active: number; reactive: number }) {
    // The register delays the voltage: it turns the fundamental by its angle at 50 Hz, in proportion at others.
    const turn = (this.#signed(at.phase, 8) * PHASE_STEP * frequency) / 50;
    const cosine = Math.cos(turn);
    const sine = Math.sin(turn);
    const active = p.active - p.fundamentalActive + p.fundamentalActive * cosine + p.reactive * sine;
    const turned = p.reactive * cosine - p.fundamentalActive * sine;
    const reactive = turned - (this.#signed(R.QPHSCAL, 16) / 2 ** 15) * active;
    return {
      active: scale * active + this.#signed(at.active, 16),
      reactive: scale * reactive + this.#signed(at.reactive, 16),
    };
  }

  #rms(value: number, offset: number): number {
    return Math.sqrt(Math.max(0, value * value + this.#signed(offset, 16) * 2 ** 8));
  }

  #count(energy: Energies, power: number, seconds: number): void {
    const active = energy === "ENERGYP";
    const counter = active ? this.#active : this.#reactive;
    const emucon = this.#get(R.EMUCON);
    const running = (emucon & (active ? 1 : 2)) !== 0;
    const start = this.#get(active ? R.PSTART : R.DSTART) * 256;
    counter.idle = Math.abs(power) < start;
    if (!running || counter.idle) return;
    const mode = (emucon >> (active ? 10 : 12)) & 3;
    const pulses = counter.add(power, seconds, this.#get(R.HFCONST), mode);
    if (pulses === 0) return;
    for (const register of active ? [R.ENERGYP, R.ENERGYP2] : [R.ENERGYD, R.ENERGYD2])
      this.#values.set(register, (this.#get(register) + pulses) % 2 ** 24);
    this.#flag(active ? FLAG.active : FLAG.reactive);
  }

  #show(address: number): number {
    if (address === R.PFCNT) return this.#active.shown;
    if (address === R.DFCNT) return this.#reactive.shown;
    if (address === R.RIF) return this.#get(R.IF);
    if (address === R.SYSSTATUS) return this.#writable ? WRITE_ENABLED : 0;
    if (address !== R.EMUSTATUS) return this.#get(address);
    const bits = [this.#active.reverse, this.#reactive.reverse, this.#active.idle, this.#reactive.idle, this.#channelB];
    return bits.reduce((all, bit, k) => all + (bit ? 2 ** (17 + k) : 0), this.#checksum());
  }

  /** Of the settings 00..17, so that a CPU sees in one read that they are still what it wrote. */
  #checksum(): number {
    let sum = 0;
    for (let address = 0; address <= R.EMUCON2; address++) sum += this.#get(address);
    return ~sum & 0xffff;
  }

  #command(code: number): void {
    if (code === 0xe5) this.#writable = true;
    else if (code === 0xdc) this.#writable = false;
    else if (code === 0xfa) this.#reset();
    else if (code === 0x5a && this.#writable) this.#channelB = false;
    else if (code === 0xa5 && this.#writable) this.#channelB = true;
  }

  #reset(): void {
    for (const [address, { reset }] of RN8209C_REGISTERS) this.#values.set(address, reset);
    this.#active.reset();
    this.#reactive.reset();
    this.#writable = false;
    this.#channelB = false;
  }

  #get(address: number): number {
    return this.#values.get(address) as number;
  }

  #signed(address: number, bits: number): number {
    return signed(this.#get(address), bits);
  }

  /** Two's complement of `bits`, at its ends where it does not fit. */
  #set(address: number, value: number, bits: number): void {
    const most = 2 ** (bits - 1) - 1;
    const unsigned = address === R.UFREQ;
    const whole = Math.min(Math.max(Math.round(value), unsigned ? 0 : -most - 1), unsigned ? 0xffff : most);
    this.#values.set(address, whole < 0 ? whole + 2 ** bits : whole + 0);
  }

  #flag(bit: number): void {
    this.#values.set(R.IF, this.#get(R.IF) | bit);
  }
}

function signed(value: number, bits: number): number {
  return value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
}
