/**
 * A meter's measuring by an RN8209C: the CPU's side. It sets the chip up once and from then on knows only registers: energy
 * from the fast counter and its pulses, everything else from the measurement registers.
 */
import { type Civil, MICROS_PER_SECOND, type Wake } from "../../src/core/time.ts";
import { BareChip } from "./bare-chip.ts";
import type { ChipReadings, MeteringChip, OnWindow, PhaseEnergy, WindowSpan } from "./chip.ts";
import type { ChipOptions } from "./front-end.ts";
import { CRYSTAL, RN8209C_FULL_SCALE, Rn8209c } from "./rn8209c.ts";
import { COUNTS_PER_LSB_SECOND } from "./rn8209c-pulses.ts";
import { COMMAND, R } from "./rn8209c-registers.ts";

/** Per LSB: what the board's full scale is divided into. */
const VOLTS = RN8209C_FULL_SCALE.volts / (2 ** 23 * Math.SQRT1_2);
const AMPERES = RN8209C_FULL_SCALE.amperes / (2 ** 23 * Math.SQRT1_2);
const WATTS = (RN8209C_FULL_SCALE.volts * RN8209C_FULL_SCALE.amperes) / 2 ** 30;
const MICROJOULES_PER_COUNT = (WATTS * 1e6) / COUNTS_PER_LSB_SECOND;
const REVERSE = { active: 17, reactive: 18 };
const IDLE = { active: 19, reactive: 20 };
/** As for every meter: half of the apparent power at Ist. */
const NO_LOAD_SHARE = 0.5;

export class Rn8209cChip implements MeteringChip {
  readonly #chip = new Rn8209c();
  readonly #core: BareChip;
  readonly #hfConst: number;
  readonly #active: EnergyReader;
  readonly #reactive: EnergyReader;
  readonly #energy: PhaseEnergy = { active: 0, reactive: 0, apparent: 0 };
  #apparentCarry = 0;
  /** Length of the window last measured, by the chip's clock. */
  #seconds = 0;

  /** A single-phase meter: `options.phases` is 1. */
  constructor({ plate, load, start, seed, errors }: ChipOptions) {
    // A pulse of the plate's constant: 3.6e12 µJ / constant, at half of HFConst. Energy is right with any.
    this.#hfConst = Math.min(Math.floor(7.2e12 / plate.impPerKwh / MICROJOULES_PER_COUNT), 0xffff);
    const least = Math.round((NO_LOAD_SHARE * plate.ist * plate.un) / WATTS / 256);
    const setUp = [
      [COMMAND, 0xe5],
      [R.SYSCON, 0x000f],
      [R.EMUCON, 0x0003],
      [R.HFCONST, this.#hfConst],
      [R.PSTART, least],
      [R.DSTART, least],
      [COMMAND, 0xdc],
    ] as const;
    for (const [register, value] of setUp) this.#chip.write(register, value);
    this.#active = new EnergyReader(this.#hfConst);
    this.#reactive = new EnergyReader(this.#hfConst);
    const options = {
      fullScale: RN8209C_FULL_SCALE,
      phases: 1,
      load,
      start,
      seed,
      ...(errors ? { errors } : {}),
    } as const;
    this.#core = new BareChip(options, (window) => {
      this.#chip.update(window);
      this.#seconds = window.seconds;
    });
  }

  advance(until: Civil, onWindow: OnWindow): void {
    this.#core.advance(until, (span) => this.#count(span, onWindow));
  }

  readings(): ChipReadings {
    const voltage = this.#read(R.URMS) * VOLTS;
    const loaded = !this.#idle();
    const current = loaded ? this.#read(R.IARMS) * AMPERES : 0;
    const active = loaded ? (this.#read(R.POWERPA) | 0) * WATTS : 0;
    const reactive = loaded ? (this.#read(R.POWERQ) | 0) * WATTS : 0;
    const period = this.#read(R.UFREQ);
    const degrees = (Math.atan2(reactive, active) * 180) / Math.PI;
    return {
      voltage: [Math.round(voltage * 1e3)],
      current: [Math.round(current * 1e6)],
      active: [Math.round(active * 1e3) + 0],
      reactive: [Math.round(reactive * 1e3) + 0],
      apparent: [Math.round(voltage * current * 1e3)],
      fundamentalActive: [null],
      angle: [(Math.round(degrees * 1e3) + 360_000) % 360_000],
      lineVoltage: [0, 0, 0],
      neutralCurrent: Math.round(current * 1e6),
      frequency: period === 0 ? 0 : Math.round((CRYSTAL / 8 / period) * 1e3),
      harmonics: null,
    };
  }

  nextWake(): Wake {
    return this.#core.nextWake();
  }

  setRelay(closed: boolean): void {
    this.#core.setRelay(closed);
  }

  #count(span: WindowSpan, onWindow: OnWindow): void {
    this.#energy.active = this.#active.read(this.#read(R.ENERGYP), this.#read(R.PFCNT), this.#status(REVERSE.active));
    this.#energy.reactive = this.#reactive.read(
      this.#read(R.ENERGYD),
      this.#read(R.DFCNT),
      this.#status(REVERSE.reactive),
    );
    const apparent = this.#idle() ? 0 : this.#read(R.URMS) * VOLTS * this.#read(R.IARMS) * AMPERES;
    const exact = apparent * this.#seconds * MICROS_PER_SECOND + this.#apparentCarry;
    this.#energy.apparent = Math.trunc(exact);
    this.#apparentCarry = exact - this.#energy.apparent;
    onWindow([this.#energy], span);
  }

  #idle(): boolean {
    return this.#status(IDLE.active) && this.#status(IDLE.reactive);
  }

  #status(bit: number): boolean {
    return ((this.#read(R.EMUSTATUS) >> bit) & 1) === 1;
  }

  #read(register: number): number {
    return this.#chip.read(register) as number;
  }
}

/** Energy since the last look, from a pulse register of 24 bits and the signed fast counter below it. */
class EnergyReader {
  readonly #hfConst: number;
  #pulses = 0;
  #count = 0;
  #carry = 0;

  constructor(hfConst: number) {
    this.#hfConst = hfConst;
  }

  /** @returns whole µJ; the rest is carried. */
  read(pulses: number, raw: number, reverse: boolean): number {
    const count = raw >= 0x8000 ? raw - 0x1_0000 : raw;
    const fresh = (pulses - this.#pulses + 2 ** 24) % 2 ** 24;
    const counts = ((reverse ? -1 : 1) * fresh * this.#hfConst) / 2 + count - this.#count;
    this.#pulses = pulses;
    this.#count = count;
    const exact = counts * MICROJOULES_PER_COUNT + this.#carry;
    const whole = Math.trunc(exact) + 0;
    this.#carry = exact - whole;
    return whole;
  }
}
