/**
 * One measurement: a meter's chip and CPU on a load, its test output watched as a bench does, from pulse to pulse against the
 * energy of the reference. The chip is fresh for each load and settles before anything counts.
 */
import type { MeterModel } from "../../protocols/models/model.ts";
import { type Civil, civil, MICROS_PER_SECOND } from "../../src/core/time.ts";
import { type MeteringChip, steadySpan } from "../metrology/chip.ts";
import { EnergyRegisters, QUANTUM } from "../metrology/energy.ts";
import type { ChipOptions } from "../metrology/front-end.ts";
import { KWH, PulseOutput } from "../metrology/pulses.ts";
import { SampledChip } from "../metrology/sampled-chip.ts";
import { type Faults, frontEndErrorsOf, wired } from "./faults.ts";
import { referencePower } from "./reference.ts";
import { sourceOf, type TestLoad } from "./waves.ts";

export interface Device {
  readonly model: MeterModel;
  readonly faults: Faults;
  readonly seed: number;
  /** Makes the chip under test; default the sampled one. Its windows are 10 cycles (12 at 60 Hz). */
  readonly chip?: (options: ChipOptions) => MeteringChip;
}

/** Whole windows from two seconds after power-on count: a lost reference phase has been noticed by then. */
const SETTLE = 2;
const START = civil(1_795_536_000 * MICROS_PER_SECOND);
/** So often the expected time is waited for pulses: a wrongly wired meter may run at a quarter of its speed. */
const PATIENCE = 4;
/** What a load without pulses reads: the meter stands still. */
const STANDSTILL = -100;
/** Windows by which a sound chip may be behind: one under way, and samples not yet looked at. */
const SLACK = 3;
/** Seconds the chip runs in one go, so that no list of windows grows. */
const STRIDE = 10;

/** A settled meter that is watched window by window. */
class Watch {
  readonly pulses: PulseOutput;
  readonly registers: EnergyRegisters;
  readonly #chip: MeteringChip;
  readonly #window: number;
  #until: Civil = START;
  /** When counting began; the first window then may have begun before. */
  #began: Civil = START;
  /** Seconds of the windows that have counted. */
  #elapsed = 0;
  #counts = false;
  #times: number[] = [];

  constructor({ model, faults, seed, chip }: Device, load: TestLoad) {
    const { plate, phases } = model;
    const mains = wired(load.mains, faults);
    this.pulses = new PulseOutput(faults.constant ?? plate.impPerKwh, model.polyphaseTotal);
    this.registers = new EnergyRegisters(phases, model.polyphaseTotal);
    // The chip's windows are cycles of the mains (sampled-chip.ts), which date them better than any clock of the meter.
    this.#window = plate.frequency / 5 / mains.frequency;
    const errors = frontEndErrorsOf(faults, plate.frequency);
    const options = { plate, phases, load: sourceOf({ ...load, mains }, START), start: START, seed, errors };
    this.#chip = chip?.(options) ?? new SampledChip(options);
    this.#advance(SETTLE);
    this.#counts = true;
    this.#began = this.#until;
  }

  get elapsed(): number {
    return this.#elapsed;
  }

  /** Runs on for about so many seconds. @returns the times of the pulses. */
  run(seconds: number): readonly number[] {
    this.#times = [];
    this.#advance(seconds);
    return this.#times;
  }

  #advance(seconds: number): void {
    this.#until = civil(this.#until + Math.ceil(seconds * MICROS_PER_SECOND));
    this.#chip.advance(this.#until, (window) => {
      if (!this.#counts) return;
      const end = this.#elapsed + this.#window;
      this.#times.push(...this.pulses.add(window, steadySpan(this.#elapsed, end)));
      this.registers.add(window);
      this.#elapsed = end;
    });
    // The bench has its own clock: time of which a chip hands on no window goes by all the same, without energy.
    const behind = (this.#until - this.#began) / MICROS_PER_SECOND - this.#elapsed;
    if (this.#counts && behind > SLACK * this.#window) this.#elapsed += behind;
  }
}

/** Seconds between pulses of a faultless meter. */
export function pulsePeriod(model: MeterModel, load: TestLoad): number {
  return KWH / 1e6 / (model.plate.impPerKwh * referencePower(load));
}

/**
 * Errors in percent of `repeats` measurements one after the other, each over whole pulses and at least `seconds`. A meter
 * that gives too few pulses stands still: −100 %.
 */
export function pulseErrors(device: Device, load: TestLoad, seconds: number, repeats = 1): readonly number[] {
  const period = pulsePeriod(device.model, load);
  const watts = referencePower(load);
  const energy = KWH / 1e6 / device.model.plate.impPerKwh;
  const watch = new Watch(device, load);
  const errors: number[] = [];
  const patience = PATIENCE * ((seconds + 2 * period) * repeats + period);
  let first: number | undefined;
  let count = 0;
  while (errors.length < repeats && watch.elapsed < patience) {
    for (const time of watch.run(STRIDE)) {
      if (first !== undefined) count += 1;
      if (first !== undefined && time - first >= seconds && errors.length < repeats) {
        errors.push(((count * energy) / (watts * (time - first)) - 1) * 100);
        first = undefined;
      }
      if (first === undefined) {
        first = time;
        count = 0;
      }
    }
  }
  while (errors.length < repeats) errors.push(STANDSTILL);
  return errors;
}

/** Pulses that a load gives in so many seconds. */
export function pulseCount(device: Device, load: TestLoad, seconds: number): number {
  const watch = new Watch(device, load);
  while (watch.elapsed < seconds) watch.run(STRIDE);
  return watch.pulses.count;
}

/** By how many percent the energy register differs from what so many pulses say at the plate's constant. */
export function registerError(device: Device, load: TestLoad, pulses: number): number {
  const watch = new Watch(device, load);
  const patience = PATIENCE * pulses * pulsePeriod(device.model, load);
  while (watch.pulses.count < pulses && watch.elapsed < patience) watch.run(STRIDE);
  if (watch.pulses.count === 0) return STANDSTILL;
  const register = watch.registers.value("activeImport") * QUANTUM;
  return ((register * device.model.plate.impPerKwh) / (watch.pulses.count * KWH) - 1) * 100;
}
