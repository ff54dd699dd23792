/** Makes a virtual meter from flags, for the commands that have one or many of them. */

import { constantsOf } from "../../firmware-sim/factory/constants.ts";
import { fittedParts, type Parts } from "../../firmware-sim/factory/fitted.ts";
import { drawParts } from "../../firmware-sim/factory/parts.ts";
import { Meter } from "../../firmware-sim/meter.ts";
import type { MeteringChip } from "../../firmware-sim/metrology/chip.ts";
import { ClosedFormChip } from "../../firmware-sim/metrology/closed-form-chip.ts";
import { CycleChip } from "../../firmware-sim/metrology/cycle-chip.ts";
import type { ChipOptions, ReactiveDefinition } from "../../firmware-sim/metrology/front-end.ts";
import type { LoadSource } from "../../firmware-sim/metrology/mains.ts";
import { RN8209C_FULL_SCALE } from "../../firmware-sim/metrology/rn8209c.ts";
import { Rn8209cChip } from "../../firmware-sim/metrology/rn8209c-chip.ts";
import { SampledChip } from "../../firmware-sim/metrology/sampled-chip.ts";
import { MemoryNvram, type Nvram } from "../../firmware-sim/nvram/nvram.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { MICROS_PER_SECOND, type Now } from "../core/time.ts";
import { failed, usage } from "./errors.ts";
import type { Fidelity, MeterFlags } from "./meter-options.ts";

const CHIPS = { sample: SampledChip, cycle: CycleChip, second: ClosedFormChip };

/** Seconds of three-phase meters that one core works through in a second, with most of it left for everything else. */
const SPEED_MAX = { sample: 200, cycle: 1_500, second: Number.POSITIVE_INFINITY };

const WORK = { sample: "4000 samples a second and channel", cycle: "50 cycles a second", second: "" };

/** Samples at speed 1, closed form otherwise; what can't keep up is refused with the reason (quantities.md). */
export function fidelityOf(flags: Pick<MeterFlags, "fidelity" | "speed">): Fidelity {
  const fidelity = flags.fidelity ?? (flags.speed === 1 ? "sample" : "second");
  requireKeepsUp(fidelity, flags.speed);
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
  readonly chip?: "rn8209c";
  /** Of the fundamental by default. */
  readonly reactive?: ReactiveDefinition | undefined;
  readonly seed: number;
  readonly password: number;
  /** Seconds of wall time. */
  readonly checkpoint: number;
  readonly nvram?: Nvram;
  /** Ideal ones by default, or those that the memory says. */
  readonly parts?: Parts | undefined;
  /** Leaves the factory out: real parts measure as they are. */
  readonly uncalibrated?: boolean | undefined;
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
  if (model.phases !== 1)
    throw usage(`--chip ${chip} has one phase, ${model.id} has three`, "use --model meterworks-1p");
  if (fidelity !== "sample")
    throw usage(`--chip ${chip} measures samples`, "leave --speed at 1, or add --fidelity sample");
  const { amperes } = RN8209C_FULL_SCALE;
  if (model.plate.imax > amperes)
    throw usage(`--chip ${chip} clips at ${amperes.toFixed(1)} A, ${model.id} goes to ${model.plate.imax} A`);
  return Rn8209cChip;
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
      password: options.password,
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
