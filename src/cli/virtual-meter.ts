/** Makes a virtual meter from flags, for the commands that have one or many of them. */

import { Meter } from "../../firmware-sim/meter.ts";
import type { MeteringChip } from "../../firmware-sim/metrology/chip.ts";
import { ClosedFormChip } from "../../firmware-sim/metrology/closed-form-chip.ts";
import type { LoadSource } from "../../firmware-sim/metrology/mains.ts";
import { SampledChip } from "../../firmware-sim/metrology/sampled-chip.ts";
import { MemoryNvram, type Nvram } from "../../firmware-sim/nvram/nvram.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { MICROS_PER_SECOND, type Now } from "../core/time.ts";
import { failed, usage } from "./errors.ts";
import type { MeterFlags } from "./meter-options.ts";

/** Above this speed one core can't synthesise and digitise the samples of a three-phase meter in time. */
const SAMPLE_SPEED_MAX = 200;

export type Fidelity = "sample" | "second";

/** Samples at speed 1, closed form otherwise; what can't keep up is refused with the reason (quantities.md). */
export function fidelityOf(flags: Pick<MeterFlags, "fidelity" | "speed">): Fidelity {
  if (flags.fidelity === "cycle") throw usage("--fidelity cycle is not offered yet", "use sample or second");
  if (flags.fidelity === "sample" && flags.speed > SAMPLE_SPEED_MAX)
    throw usage(
      `--fidelity sample can't keep up at speed ${flags.speed}: 4000 samples a second and channel are too many above speed ${SAMPLE_SPEED_MAX}`,
      "use --fidelity second, or a lower speed",
    );
  return flags.fidelity ?? (flags.speed === 1 ? "sample" : "second");
}

export interface VirtualMeterOptions {
  readonly id: string;
  readonly model: MeterModel;
  readonly load: LoadSource;
  readonly fidelity: Fidelity;
  readonly seed: number;
  readonly password: number;
  /** Seconds of wall time. */
  readonly checkpoint: number;
  readonly nvram?: Nvram;
  /** Puts something between the chip and the meter, to watch it. */
  readonly watch?: (chip: MeteringChip) => MeteringChip;
}

/** Powers a meter on. @throws CommandError (exit 1) when its memory can't be read. */
export function powerOn(options: VirtualMeterOptions, now: Now): Meter {
  const { model, load, seed } = options;
  const Chip = options.fidelity === "sample" ? SampledChip : ClosedFormChip;
  const meter = Meter.powerOn(
    {
      id: options.id,
      model,
      chip: (start) => {
        const chip = new Chip({ plate: model.plate, phases: model.phases, load, start, seed });
        return options.watch?.(chip) ?? chip;
      },
      nvram: options.nvram ?? new MemoryNvram(),
      password: options.password,
      checkpointEvery: Math.round(options.checkpoint * MICROS_PER_SECOND),
    },
    now,
  );
  if (meter.ok) return meter.value;
  throw failed(
    `meter ${options.id} can't read its memory: ${meter.error}`,
    "move its --state folder away to start anew",
  );
}
