/**
 * A meter's measuring by an ADE9000: the CPU's side. It sets the chip up once and from then on knows only what SPI transfers
 * give it: energy from the 45-bit registers, everything else from the measurement registers.
 */
import { type Civil, MICROS_PER_SECOND, type Wake } from "../../src/core/time.ts";
import { ADE9000_FULL_SCALE, Ade9000 } from "./ade9000.ts";
import { POWER_FULL_SCALE, RMS_FULL_SCALE } from "./ade9000-quantities.ts";
import { A, ade9000Width, ENERGY, P } from "./ade9000-registers.ts";
import { Ade9000Spi } from "./ade9000-spi.ts";
import { BareChip } from "./bare-chip.ts";
import type { ChipReadings, MeteringChip, OnWindow, PhaseEnergy, WindowSpan } from "./chip.ts";
import type { ChipOptions } from "./front-end.ts";

/** Per LSB: what the board's full scale is divided into. */
const VOLTS = ADE9000_FULL_SCALE.volts / RMS_FULL_SCALE;
const AMPERES = ADE9000_FULL_SCALE.amperes / RMS_FULL_SCALE;
const WATTS = (ADE9000_FULL_SCALE.volts * ADE9000_FULL_SCALE.amperes) / POWER_FULL_SCALE;
const SAMPLES_PER_SECOND = 8_000;
const MICROJOULES = (WATTS * MICROS_PER_SECOND) / SAMPLES_PER_SECOND;
const TICKS_PER_SECOND = 1.024e6;
/** Energy goes over into its register every 10 ms: a window lags by less. */
const TRANSFER_SAMPLES = 80;
const PHASES = [0, 1, 2] as const;
/** Offsets of the energies that the meter takes: WATT, FVAR, VA, by their place in a phase. */
const KIND = { active: 0, reactive: 4, apparent: 2 } as const;
const KINDS_OF_PHASE = 6;
/** Bit of the apparent power in PHNOLOAD; those of the next phases follow after six. */
const NO_LOAD = 2;
/** As for every meter: half of the apparent power at Ist; the register is in 1/64 of a code. */
const NO_LOAD_SHARE = 0.5;
const NO_LOAD_SCALE = 64;
const READ = 0x8;

export class Ade9000Chip implements MeteringChip {
  readonly #spi: Ade9000Spi;
  readonly #core: BareChip;
  readonly #energy: readonly PhaseEnergy[] = PHASES.map(() => ({ active: 0, reactive: 0, apparent: 0 }));
  readonly #readers = PHASES.map(() => ({
    active: new EnergyReader(),
    reactive: new EnergyReader(),
    apparent: new EnergyReader(),
  }));
  readonly #noLoadCurrent: number;

  /** A three-phase meter: `options.phases` is 3. */
  constructor({ plate, load, start, seed, errors, temperature }: ChipOptions) {
    const chip = new Ade9000(temperature === undefined ? {} : { temperature });
    this.#spi = new Ade9000Spi(chip);
    this.#noLoadCurrent = NO_LOAD_SHARE * plate.ist;
    const least = Math.round((NO_LOAD_SHARE * plate.ist * plate.un * NO_LOAD_SCALE) / WATTS);
    // The meter asks for apparent power alone: it discards the others itself where that is too little.
    const setUp = [
      [A.ACT_NL_LVL, 0],
      [A.REACT_NL_LVL, 0],
      [A.APP_NL_LVL, least],
      [A.EGY_TIME, TRANSFER_SAMPLES - 1],
      [A.EP_CFG, 0x0001],
      [A.RUN, 1],
    ] as const;
    for (const [register, value] of setUp) this.#write(register, value);
    const options = {
      fullScale: ADE9000_FULL_SCALE,
      phases: 3,
      load,
      start,
      seed,
      ...(errors ? { errors } : {}),
    } as const;
    this.#core = new BareChip(
      options,
      (window) => chip.update(window),
      (cycle) => chip.updateCycle(cycle),
      (wave) => chip.updateWave(wave),
    );
  }

  advance(until: Civil, onWindow: OnWindow): void {
    this.#core.advance(until, (span) => this.#count(span, onWindow));
  }

  readings(): ChipReadings {
    const loaded = PHASES.map((p) => !this.#idle(p));
    const power = (register: number, scale = WATTS) =>
      PHASES.map((p) => (loaded[p] ? Math.round(this.#signed(register + 0x20 * p) * scale * 1e3) + 0 : 0));
    const volts = PHASES.map((p) => this.#read(P.VRMS + 0x20 * p) * VOLTS);
    const period = this.#read(A.APERIOD);
    const frequency = period === 0 ? 0 : (SAMPLES_PER_SECOND * 2 ** 16) / (period + 1);
    const turns = (register: number) => (this.#read(register) * frequency) / TICKS_PER_SECOND;
    const lineVoltage = [0, 1, 2].map((k) => {
      const [a = 0, b = 0] = [volts[k], volts[(k + 1) % 3]];
      // The chip's third angle is from A to C, the third line voltage from C to A: their cosines are the same.
      const cosine = Math.cos(2 * Math.PI * turns(A.ANGL_VA_VB + k));
      return Math.round(Math.sqrt(Math.max(0, a * a + b * b - 2 * a * b * cosine)) * 1e3);
    });
    const neutral = this.#read(A.NIRMS) * AMPERES;
    return {
      voltage: volts.map((v) => Math.round(v * 1e3)),
      current: PHASES.map((p) => (loaded[p] ? Math.round(this.#read(P.IRMS + 0x20 * p) * AMPERES * 1e6) : 0)),
      active: power(P.WATT),
      reactive: power(P.FVAR),
      apparent: power(P.VA),
      fundamentalActive: power(P.FWATT),
      angle: PHASES.map((p) => (loaded[p] ? Math.round(turns(A.ANGL_VA_IA + p) * 360_000) % 360_000 : 0)),
      lineVoltage,
      neutralCurrent: neutral < this.#noLoadCurrent ? 0 : Math.round(neutral * 1e6),
      frequency: Math.round(frequency * 1e3),
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
    for (const p of PHASES) {
      const energy = this.#energy[p] as PhaseEnergy;
      for (const kind of ["active", "reactive", "apparent"] as const) {
        const low = ENERGY.first + ENERGY.kind * (KINDS_OF_PHASE * p + KIND[kind]) + 1;
        // The low part first: reading the high one may clear both.
        const value = this.#read(low) + this.#read(low + 1) * 2 ** 13;
        energy[kind] = (this.#readers[p] as Record<typeof kind, EnergyReader>)[kind].read(value, !this.#idle(p));
      }
    }
    onWindow(this.#energy, span);
  }

  #idle(p: number): boolean {
    return ((this.#read(A.PHNOLOAD) >> (KINDS_OF_PHASE * p + NO_LOAD)) & 1) === 1;
  }

  #signed(register: number): number {
    return this.#read(register) | 0;
  }

  /** One SPI transfer. */
  #read(register: number): number {
    const width = ade9000Width(register);
    const miso = this.#spi.transfer(frame(register, READ, new Array<number>(width).fill(0)));
    return miso.slice(2).reduce((value, byte) => value * 256 + byte, 0);
  }

  #write(register: number, value: number): void {
    const width = ade9000Width(register);
    const bytes = Array.from({ length: width }, (_, k) => Math.floor(value / 256 ** (width - 1 - k)) % 256);
    this.#spi.transfer(frame(register, 0, bytes));
  }
}

function frame(register: number, direction: number, data: readonly number[]): Uint8Array {
  const command = register * 16 + direction;
  return Uint8Array.of(command >> 8, command & 0xff, ...data);
}

const TWO_45 = 2 ** 45;

/** Energy since the last look, from a register of 45 bits that wraps. */
class EnergyReader {
  #before = 0;
  #carry = 0;

  /** @param counts whether what came is to be kept. @returns whole µJ; the rest is carried. */
  read(value: number, counts: boolean): number {
    const fresh = (value - this.#before + 1.5 * TWO_45) % TWO_45;
    this.#before = value;
    if (!counts) return 0;
    const exact = (fresh - TWO_45 / 2) * MICROJOULES + this.#carry;
    const whole = Math.trunc(exact) + 0;
    this.#carry = exact - whole;
    return whole;
  }
}
