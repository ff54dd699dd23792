/** The flags that say what a virtual meter is and what load it sees; `meter`, `chip` and `fleet` share them. */
import type { Command } from "commander";
import type { ReactiveDefinition } from "../../firmware-sim/metrology/front-end.ts";
import type { Harmonic } from "../../firmware-sim/metrology/mains.ts";
import { choice, harmonics, integer, meterName, number, perPhase } from "./values.ts";

export const FIDELITIES = ["sample", "cycle", "second"] as const;
export type Fidelity = (typeof FIDELITIES)[number];

export interface LoadFlags {
  readonly mains: readonly number[];
  readonly current: readonly number[];
  readonly pf?: string;
  readonly angle?: number;
  readonly frequency: number;
  readonly profile?: string;
  readonly annualKwh?: number;
  readonly voltageHarmonics?: readonly Harmonic[];
  readonly currentHarmonics?: readonly Harmonic[];
}

export interface MeterFlags extends LoadFlags {
  readonly model: string;
  readonly id?: string;
  readonly password: number;
  readonly seed?: number;
  readonly speed: number;
  readonly state?: string;
  readonly checkpoint: number;
  readonly fidelity?: Fidelity;
  readonly parts?: "ideal" | "real";
  readonly uncalibrated?: true;
  readonly temperature?: number;
  readonly battery?: "good" | "dead";
  readonly chip?: "rn8209c" | "ade9000";
  readonly reactive?: ReactiveDefinition;
}

export function addLoadFlags(command: Command): Command {
  return command
    .option("--mains <V>", "phase to neutral volts, one value or a,b,c", perPhase("--mains", 0, 1000), [230])
    .option("--current <A>", "amperes, one value or a,b,c", perPhase("--current", 0, 10_000), [5])
    .option("--pf <PF>", "power factor: 0.8 or 0.8L inductive, 0.8C capacitive, minus for export (default 1)")
    .option("--angle <DEG>", "instead of --pf: current behind voltage, 0..360", number("--angle", 0, 360))
    .option("--frequency <HZ>", "mains frequency", number("--frequency", 40, 70), 50)
    .option(
      "--voltage-harmonics <LIST>",
      "ORDER:PERCENT[@DEGREES],... of the fundamental, such as 5:6,7:3",
      harmonics("--voltage-harmonics"),
    )
    .option("--current-harmonics <LIST>", "the same of the current, such as 3:60@180", harmonics("--current-harmonics"))
    .option("--profile <FILE>", "instead of --current: a day's load shape, one weight per line (or last CSV column)")
    .option("--annual-kwh <N>", "energy of a year that the profile is scaled to", number("--annual-kwh", 0, 1e9));
}

export function addMeterFlags(command: Command): Command {
  return addLoadFlags(command)
    .option("--model <ID|FILE>", "meter model, see `meterworks models`, or a model file", "meterworks-3p")
    .option("--id <NAME>", "serial number (default: the model's id and the unit)", meterName("--id"))
    .option("--password <N>", "opens the order window of native models", integer("--password", 0, 0xffff_ffff), 0)
    .option(
      "--seed <N>",
      "repeats the same noise, jitter and real parts",
      integer("--seed", 0, Number.MAX_SAFE_INTEGER),
    )
    .option(
      "--speed <X>",
      "seconds of mains and meter clock per second; the wire keeps its pace",
      number("--speed", 0.001, 1e6),
      1,
    )
    .option("--state <DIR>", "keeps energy, relay and orders here across power loss")
    .option("--checkpoint <S>", "most seconds between two checkpoints", number("--checkpoint", 0.01, 3600), 10)
    .option(
      "--fidelity <F>",
      "sample (waveforms, default at speed 1), cycle (phasors, cycle by cycle) or second (closed form)",
      choice("--fidelity", FIDELITIES),
    )
    .option(
      "--parts <P>",
      "ideal (default), or real: with the errors that --seed draws, calibrated at the first power on",
      choice("--parts", ["ideal", "real"] as const),
    )
    .option("--uncalibrated", "real parts as they were assembled: the factory's calibration is left out")
    .option(
      "--temperature <C>",
      "around the meter, degrees Celsius; real parts drift with it (default: 23)",
      number("--temperature", -40, 85),
    )
    .option(
      "--battery <B>",
      "of the clock: good (default), or dead: the time is lost with the power",
      choice("--battery", ["good", "dead"] as const),
    )
    .option(
      "--reactive <D>",
      "what var and varh are: fundamental (IEC 62053-24, default), or classic (90 degree shift of all harmonics)",
      choice("--reactive", ["fundamental", "classic"] as const),
    )
    .option(
      "--chip <C>",
      "the meter reads its measures from that chip's registers: rn8209c (one phase) or ade9000 (three phases)",
      choice("--chip", ["rn8209c", "ade9000"] as const),
    );
}
