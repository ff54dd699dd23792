/**
 * One measurement: a meter's chip and CPU on a load, its test output watched as a bench does, from pulse to pulse against the
 * energy of the reference. The chip is fresh for each load and settles before anything counts.
 */
import type { MeterModel } from "../../protocols/models/model.ts";
import { type Civil, civil, MICROS_PER_SECOND } from "../../src/core/time.ts";
import type { Built } from "../factory/built.ts";
import { type MeteringChip, steadySpan } from "../metrology/chip.ts";
import { type EnergyRegister, EnergyRegisters, QUANTUM } from "../metrology/energy.ts";
import type { ChipOptions } from "../metrology/front-end.ts";
import { type LoadSource, type Mains, stepLoad } from "../metrology/mains.ts";
import { ACTIVE_IMPORT, KWH, PulseOutput } from "../metrology/pulses.ts";
import { SampledChip } from "../metrology/sampled-chip.ts";
import { type Faults, frontEndErrorsOf } from "./faults.ts";
import { referencePower } from "./reference.ts";
import { sourceOf, type TestLoad } from "./waves.ts";
import { wired } from "./wiring.ts";

export interface Device {
  readonly model: MeterModel;
  readonly faults: Faults;
  readonly seed: number;
  /** What the meter is built from and how the factory has calibrated it; ideal parts by default. */
  readonly parts?: Built;
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

  /** @param source what is on the terminals where that is not the load for ever, of its frequency. */
  constructor({ model, faults, seed, parts, chip }: Device, load: TestLoad, source?: LoadSource) {
    const { plate, phases } = model;
    const { counted = ACTIVE_IMPORT, temperature } = load;
    const constant = faults.constant ?? constantOf(model, load);
    this.pulses = new PulseOutput(constant, model.polyphaseTotal, counted);
    this.registers = new EnergyRegisters(phases, model.polyphaseTotal);
    // The chip's windows are cycles of the mains (sampled-chip.ts), which date them better than any clock of the meter.
    this.#window = plate.frequency / 5 / load.mains.frequency;
    const options: ChipOptions = {
      plate,
      phases,
      load: source ?? sourceOf({ ...load, mains: wired(load.mains, faults.wiring) }, START),
      start: START,
      seed,
      errors: frontEndErrorsOf(faults, plate.frequency, parts?.errors),
      ...(parts?.calibration && { calibration: parts.calibration }),
      ...(temperature !== undefined && { temperature }),
    };
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

/** Imp/kWh or imp/kvarh of the test output that the load is watched at. */
function constantOf({ plate }: MeterModel, { counted = ACTIVE_IMPORT }: TestLoad): number {
  return counted.quantity === "active" ? plate.impPerKwh : plate.impPerKvarh;
}

/** Ws or vars of a pulse. */
function pulseEnergy(model: MeterModel, load: TestLoad): number {
  return KWH / 1e6 / constantOf(model, load);
}

/** Seconds between pulses of a faultless meter. */
export function pulsePeriod(model: MeterModel, load: TestLoad): number {
  return pulseEnergy(model, load) / referencePower(load);
}

/**
 * Errors in percent of `repeats` measurements one after the other, each over whole pulses and at least `seconds`. A meter
 * that gives too few pulses stands still: −100 %.
 */
export function pulseErrors(device: Device, load: TestLoad, seconds: number, repeats = 1): readonly number[] {
  const period = pulsePeriod(device.model, load);
  const watts = referencePower(load);
  const energy = pulseEnergy(device.model, load);
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

/**
 * The change of the error in percent between two measurements of at least `seconds` on the same running meter, with other
 * mains of the same frequency on it between them.
 */
export function changeOfError(
  device: Device,
  load: TestLoad,
  seconds: number,
  between: { readonly mains: Mains; readonly seconds: number },
): number {
  const { wiring } = device.faults;
  const measuring = seconds + SPARE_PULSES * pulsePeriod(device.model, load);
  const first = SETTLE + measuring;
  const [on, other] = [wired(load.mains, wiring), wired(between.mains, wiring)];
  const steps = [
    { seconds: first, mains: on },
    { seconds: between.seconds, mains: other },
    { seconds: SETTLE + measuring, mains: on },
  ];
  const watch = new Watch(device, load, stepLoad(START, steps));
  const times: number[] = [];
  // Pulses are dated from the settled meter on.
  const second = measuring + between.seconds + SETTLE;
  while (watch.elapsed < second + measuring) times.push(...watch.run(STRIDE));
  const error = (from: number) =>
    errorBetween(
      times.filter((t) => t >= from && t <= from + measuring),
      device.model,
      load,
    );
  return error(second) - error(0);
}

/** Periods that a measurement of fixed length has room for: two pulses of a meter as slow as is waited for. */
const SPARE_PULSES = 2 * PATIENCE;

function errorBetween(times: readonly number[], model: MeterModel, load: TestLoad): number {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || last === first) return STANDSTILL;
  const energy = (times.length - 1) * pulseEnergy(model, load);
  return (energy / (referencePower(load) * (last - first)) - 1) * 100;
}

/** By how many percent the energy register differs from what so many pulses say at the plate's constant. */
export function registerError(device: Device, load: TestLoad, pulses: number): number {
  const watch = watchFor(device, load, pulses);
  if (watch.pulses.count === 0) return STANDSTILL;
  const register = watch.registers.value(registerOf(load)) * QUANTUM;
  return ((register * constantOf(device.model, load)) / (watch.pulses.count * KWH) - 1) * 100;
}

/** By how many percent the registers of the phases together differ from the meter's, after so many pulses. */
export function phaseRegistersError(device: Device, load: TestLoad, pulses: number): number {
  const { registers, pulses: output } = watchFor(device, load, pulses);
  if (output.count === 0) return STANDSTILL;
  const register = registerOf(load);
  const total = registers.value(register);
  const sum = ([1, 2, 3] as const).reduce((all, scope) => all + registers.value(register, scope), 0);
  return (sum / total - 1) * 100;
}

function watchFor(device: Device, load: TestLoad, pulses: number): Watch {
  const watch = new Watch(device, load);
  const patience = PATIENCE * pulses * pulsePeriod(device.model, load);
  while (watch.pulses.count < pulses && watch.elapsed < patience) watch.run(STRIDE);
  return watch;
}

function registerOf({ counted: { quantity, direction } = ACTIVE_IMPORT }: TestLoad): EnergyRegister {
  return `${quantity}${direction === "import" ? "Import" : "Export"}`;
}
