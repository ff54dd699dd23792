/** Makes a virtual meter from flags, for the commands that have one or many of them. */

import { constantsOf } from "../../firmware-sim/factory/constants.ts";
import { fittedParts, type Parts } from "../../firmware-sim/factory/fitted.ts";
import { drawParts } from "../../firmware-sim/factory/parts.ts";
import { Meter } from "../../firmware-sim/meter.ts";
import { ADE9000_FULL_SCALE } from "../../firmware-sim/metrology/ade9000.ts";
import { Ade9000Chip } from "../../firmware-sim/metrology/ade9000-chip.ts";
import type { MeteringChip } from "../../firmware-sim/metrology/chip.ts";
import { ClosedFormChip } from "../../firmware-sim/metrology/closed-form-chip.ts";
import { CycleChip } from "../../firmware-sim/metrology/cycle-chip.ts";
import type { ChipOptions, ReactiveDefinition } from "../../firmware-sim/metrology/front-end.ts";
import type { LoadSource } from "../../firmware-sim/metrology/mains.ts";
import { RN8209C_FULL_SCALE } from "../../firmware-sim/metrology/rn8209c.ts";
import { Rn8209cChip } from "../../firmware-sim/metrology/rn8209c-chip.ts";
import { SampledChip } from "../../firmware-sim/metrology/sampled-chip.ts";
import { MemoryNvram, type Nvram } from "../../firmware-sim/nvram/nvram.ts";
import type { MeterSettings } from "../../firmware-sim/settings.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { MICROS_PER_SECOND, type Now } from "../core/time.ts";
import { failed, usage } from "./errors.ts";
import type { Fidelity, MeterFlags } from "./meter-options.ts";

const CHIPS = { sample: SampledChip, cycle: CycleChip, second: ClosedFormChip };

/** Register-level chips, and how far their boards measure. */
const REGISTER_CHIPS = {
  rn8209c: { make: Rn8209cChip, phases: 1, fullScale: RN8209C_FULL_SCALE, fitting: "meterworks-1p", speedMax: 200 },
  // Every harmonic of every cycle, in six channels.
  ade9000: { make: Ade9000Chip, phases: 3, fullScale: ADE9000_FULL_SCALE, fitting: "meterworks-3p", speedMax: 20 },
} as const;

/** Seconds of three-phase meters that one core works through in a second, with most of it left for everything else. */
const SPEED_MAX = { sample: 200, cycle: 1_500, second: Number.POSITIVE_INFINITY };

const WORK = { sample: "4000 samples a second and channel", cycle: "50 cycles a second", second: "" };

/** Samples at speed 1, closed form otherwise; what can't keep up is refused with the reason (quantities.md). */
export function fidelityOf(flags: Pick<MeterFlags, "fidelity" | "speed" | "chip">): Fidelity {
  const { speed, chip } = flags;
  const fidelity = flags.fidelity ?? (speed === 1 ? "sample" : "second");
  requireKeepsUp(fidelity, speed);
  const most = chip === undefined || fidelity !== "sample" ? speed : REGISTER_CHIPS[chip].speedMax;
  if (speed > most)
    throw usage(`--chip ${chip} can't keep up at speed ${speed}: ${most} is the most`, "use a lower --speed");
  return fidelity;
}

/** @throws CommandError (exit 2) when so many meters at that speed are too much work for one core. */
export function requireKeepsUp(fidelity: Fidelity, speed: number, meters = 1): void {
  if (speed * meters <= SPEED_MAX[fidelity]) return;
  const most = Math.floor(SPEED_MAX[fidelity] / meters);
  const what = meters === 1 ? `speed ${speed}` : `speed ${speed} with ${meters} meters`;
  throw usage(
    `--fidelity ${fidelity} can't keep up at ${what}: ${WORK[fidelity]} are too many above speed ${most}`,
    fidelity === "sample"
      ? "use --fidelity cycle or second, or a lower speed"
      : "use --fidelity second, or a lower speed",
  );
}

export interface VirtualMeterOptions {
  readonly id: string;
  readonly model: MeterModel;
  readonly load: LoadSource;
  readonly fidelity: Fidelity;
  /** The register-level chip that the CPU reads; by default the measuring core itself. */
  readonly chip?: keyof typeof REGISTER_CHIPS;
  /** Of the fundamental by default. */
  readonly reactive?: ReactiveDefinition | undefined;
  readonly seed: number;
  readonly password: number;
  /** The only key whose orders over MQTT are taken; without it that of the first. */
  readonly orderKey?: Uint8Array;
  /** Seconds of wall time. */
  readonly checkpoint: number;
  readonly nvram?: Nvram;
  /** As they leave the factory by default. */
  readonly settings?: MeterSettings;
  /** Ideal ones by default, or those that the memory says. */
  readonly parts?: Parts | undefined;
  /** Leaves the factory out: real parts measure as they are. */
  readonly uncalibrated?: boolean | undefined;
  /** Of the clock. */
  readonly battery?: "good" | "dead" | undefined;
  /** Ambient, °C. */
  readonly temperature?: number | undefined;
  /** Puts something between the chip and the meter, to watch it. */
  readonly watch?: (chip: MeteringChip) => MeteringChip;
}

/** @throws CommandError (exit 2) where a register-level chip can't be in this meter. */
function chipOf({ chip, model, fidelity, parts, reactive }: VirtualMeterOptions) {
  if (chip === undefined) return CHIPS[fidelity];
  if (reactive === "classic")
    throw usage(`--chip ${chip} measures reactive power of the fundamental`, "leave --reactive classic out");
  if (parts === "real") throw usage(`--chip ${chip} has ideal parts in this version`, "leave --parts real out");
  const { make, phases, fullScale, fitting } = REGISTER_CHIPS[chip];
  if (model.phases !== phases) {
    const [has, other] = phases === 1 ? ["one phase", "three"] : ["three phases", "one"];
    throw usage(`--chip ${chip} has ${has}, ${model.id} has ${other}`, `use --model ${fitting}`);
  }
  if (fidelity !== "sample")
    throw usage(`--chip ${chip} measures samples`, "leave --speed at 1, or add --fidelity sample");
  const { amperes } = fullScale;
  if (model.plate.imax > amperes)
    throw usage(`--chip ${chip} clips at ${amperes.toFixed(1)} A, ${model.id} goes to ${model.plate.imax} A`);
  return make;
}

/** Powers a meter on, by way of the factory if its parts need it. @throws CommandError (exit 1) when its memory can't be read. */
export function powerOn(options: VirtualMeterOptions, now: Now): Meter {
  const { model, load, seed, id } = options;
  const nvram = options.nvram ?? new MemoryNvram();
  const parts = fittedParts(nvram, options.parts, seed);
  if (!parts.ok) throw memoryProblem(id, parts.error);
  if (options.uncalibrated) checkUncalibrated(id, nvram, model);
  const Chip = chipOf(options);
  const { plate, phases } = model;
  const errors = parts.value === undefined ? undefined : drawParts(parts.value, phases);
  const definition = options.reactive === undefined ? {} : { reactive: options.reactive };
  const make = (own: Pick<ChipOptions, "load" | "start"> & Partial<ChipOptions>) =>
    new Chip({ plate, phases, seed, ...(errors && { errors }), ...definition, ...own });
  const calibrates = errors !== undefined && !options.uncalibrated;
  const meter = Meter.powerOn(
    {
      id,
      model,
      chip: (start, calibration) => {
        const warm = options.temperature === undefined ? {} : { temperature: options.temperature };
        const chip = make({ load, start, ...warm, ...(calibration && { calibration }) });
        return options.watch?.(chip) ?? chip;
      },
      ...(calibrates && { factory: make }),
      nvram,
      ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
      ...(options.battery === undefined ? {} : { battery: options.battery }),
      ...(options.settings && { settings: options.settings }),
      password: options.password,
      ...(options.orderKey === undefined ? {} : { orderKey: options.orderKey }),
      checkpointEvery: Math.round(options.checkpoint * MICROS_PER_SECOND),
    },
    now,
  );
  if (meter.ok) return meter.value;
  throw memoryProblem(id, meter.error);
}

function memoryProblem(id: string, error: string): Error {
  return failed(`meter ${id} can't use its memory: ${error}`, "move its --state folder away to start anew");
}

function checkUncalibrated(id: string, nvram: Nvram, model: MeterModel): void {
  const stored = constantsOf(nvram, model, undefined);
  if (stored.ok && stored.value !== undefined)
    throw usage(`meter ${id} is calibrated: its --state holds the constants`, "--uncalibrated is for a new meter");
}
