/** `meterworks accuracy`: the class test of a virtual meter, as a laboratory runs it. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { expectedSeconds, type PointResult, runPoint } from "../../../firmware-sim/bench/bench.ts";
import { type Faults, parseFaults } from "../../../firmware-sim/bench/faults.ts";
import { type AccuracyClass, CLASSES } from "../../../firmware-sim/bench/limits.ts";
import type { Device } from "../../../firmware-sim/bench/measure.ts";
import { testPoints } from "../../../firmware-sim/bench/points.ts";
import { REACTIVE_CLASSES, type ReactiveClass } from "../../../firmware-sim/bench/reactive-limits.ts";
import { reactivePoints } from "../../../firmware-sim/bench/reactive-points.ts";
import { initialVerification, type TestPoint } from "../../../firmware-sim/bench/test-point.ts";
import { buildMeter } from "../../../firmware-sim/factory/built.ts";
import type { Counted } from "../../../firmware-sim/metrology/pulses.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { accuracyCsv, accuracySvg, accuracyTable, measured } from "../accuracy-output.ts";
import { failed, usage } from "../errors.ts";
import { loadModel } from "../models.ts";
import { print, printJson } from "../output.ts";
import { showProgress } from "../progress.ts";
import { choice, integer } from "../values.ts";

const ALL_CLASSES = [...CLASSES, ...REACTIVE_CLASSES.filter((c) => !CLASSES.some((a) => a === c))];

interface Flags {
  readonly model: string;
  readonly class?: AccuracyClass | ReactiveClass;
  readonly quantity: Counted["quantity"];
  readonly initial?: true;
  readonly parts: "ideal" | "real";
  readonly uncalibrated?: true;
  readonly inject?: readonly string[];
  readonly seed: number;
  readonly csv?: string;
  readonly svg?: string;
  readonly json?: true;
}

const HELP = `
Classes: A to E of GB/T 17215.321-2021 (OIML R46), 0.5, 1, 2 of IEC 62053-21, 0.2S, 0.5S of IEC 62053-22; of reactive
energy 0.5S, 1S, 1, 2, 3 of IEC 62053-24. Limits marked "recalled" are remembered and no substitute for the standards.

--inject, separated by commas or repeated; @L2 means one phase:
  gain=0.02  phase=0.2deg  offset=0.5     of the current channels: relative, lag, DC as a share of full scale
  drift=200ppm  deadbit=16                gain per kelvin; a bit of the converter's code stuck at zero (L1 without @)
  noise=0.001  bits=10  clock=100ppm      of the converter and its crystal
  rtc=20ppm                               of the crystal of the meter's clock
  constant=1600                           imp/kWh of the LED where it is not the plate's
  swap=L1-L2  reverse=L2  open=L2         currents exchanged, turned around, not connected
  lost=L2  lost-neutral                   a voltage, the neutral not connected

Examples:
  meterworks accuracy --model meterworks-3p --class D
  meterworks accuracy --model meterworks-3p --class D --inject phase=0.2deg@L1
  meterworks accuracy --quantity reactive --class 2
  meterworks accuracy --class D --parts real --seed 7 --initial
  meterworks accuracy --model eastron-sdm630 --json --csv points.csv --svg curve.svg`;

export function addAccuracy(program: Command): void {
  program
    .command("accuracy")
    .description("the class test of a virtual meter, as a laboratory runs it; exit 1 when a point fails")
    .option("--model <ID>", "a model's id, or a file", "meterworks-3p")
    .option("--class <CLASS>", `${ALL_CLASSES.join(", ")}; default: the plate's`, choice("--class", ALL_CLASSES))
    .option(
      "--quantity <Q>",
      "active or reactive energy",
      choice("--quantity", ["active", "reactive"] as const),
      "active",
    )
    .option(
      "--initial",
      "initial verification: errors of at most 60 % of the limits at balanced and single-phase loads",
    )
    .option(
      "--parts <P>",
      "ideal, or real: drawn from --seed, calibrated",
      choice("--parts", ["ideal", "real"]),
      "ideal",
    )
    .option("--uncalibrated", "real parts as they were assembled")
    .option("--inject <FAULT>", "a fault the test must find", (text: string, all: string[] = []) => [...all, text])
    .option("--seed <N>", "of the noise and of real parts", integer("--seed", 0, Number.MAX_SAFE_INTEGER), 1)
    .option("--csv <FILE>", "the points as CSV")
    .option("--svg <FILE>", "error curves, one per power factor")
    .option("--json", "one JSON document: {pass, class, points}")
    .addHelpText("after", HELP)
    .action(run);
}

function run(flags: Flags): void {
  const model = loadModel(flags.model);
  if (model.plate.wiring === "3P3W")
    throw usage(`${model.id} is a three-wire meter (3P3W)`, "the bench tests 1P2W and 3P4W meters");
  const { cls, points } = testOf(model, flags);
  const faults = parseFaults(flags.inject ?? [], model.phases);
  if (!faults.ok) throw usage(`--inject ${faults.error}`);
  const results = measureAll(deviceOf(model, faults.value, flags), points);
  const bad = results.filter((r) => !r.pass);
  const reactive = flags.quantity === "reactive" ? " reactive" : "";
  const title = `${model.id}, class ${cls}${reactive}${flags.initial ? ", initial verification" : ""}${flags.inject === undefined ? "" : `, with ${flags.inject.join(", ")}`}`;
  if (flags.json === true) {
    const { seed, quantity, inject = [], initial = false } = flags;
    const pass = bad.length === 0;
    printJson({ pass, class: cls, quantity, initial, model: model.id, seed, inject, points: results });
  } else {
    print(`${title}\n`);
    print(accuracyTable(results));
    print(`\n${results.length - bad.length} of ${results.length} points are good`);
    if (results.some((r) => r.recalled))
      print("Limits marked recalled are remembered; they are no substitute for the standards.");
  }
  // A file that can't be written must not cost the results.
  write(flags.csv, "--csv", () => accuracyCsv(results));
  write(flags.svg, "--svg", () => accuracySvg(results, title));
  if (bad.length === 0) return;
  const worst = bad.reduce((a, b) => (excess(b) > excess(a) ? b : a));
  throw failed(`class ${cls}: ${bad.length} of ${results.length} points fail`, `the worst: ${measured(worst)}`);
}

function testOf(model: MeterModel, { quantity, initial, ...flags }: Flags) {
  const test = <C extends string>(
    classes: readonly C[],
    plate: string,
    of: (m: MeterModel, c: C) => readonly TestPoint[],
  ) => {
    const named = flags.class ?? plate;
    const cls = classes.find((c) => c === named);
    if (cls !== undefined) return { cls, points: initial ? initialVerification(of(model, cls)) : of(model, cls) };
    const known = `give one of ${quantity} energy: ${classes.join(", ")}`;
    if (flags.class === undefined) throw usage(`the plate's class "${plate}" is none that the bench knows`, known);
    throw usage(`--class ${named} is no class of ${quantity} energy`, known);
  };
  const { activeClass, reactiveClass } = model.plate;
  return quantity === "active"
    ? test(CLASSES, activeClass, testPoints)
    : test(REACTIVE_CLASSES, reactiveClass, reactivePoints);
}

function deviceOf(model: MeterModel, faults: Faults, { parts, uncalibrated, seed }: Flags): Device {
  if (parts === "ideal") {
    if (uncalibrated) throw usage("ideal parts have nothing to calibrate", "--uncalibrated goes with --parts real");
    return { model, faults, seed };
  }
  const built = buildMeter(model, seed, uncalibrated !== true);
  if (!built.ok) throw failed(built.error, "another --seed draws other parts");
  return { model, faults, seed, parts: built.value };
}

function measureAll(device: Device, points: readonly TestPoint[]): readonly PointResult[] {
  const seconds = points.map((p) => expectedSeconds(device, p));
  const all = seconds.reduce((a, b) => a + b, 0);
  const progress = showProgress();
  let done = 0;
  return points.map((point, i) => {
    const result = runPoint(device, point);
    done += seconds[i] as number;
    progress?.(Math.min(1, i === points.length - 1 ? 1 : done / all));
    return result;
  });
}

function excess({ error, limit }: PointResult): number {
  return Math.abs(error) / limit;
}

function write(file: string | undefined, flag: string, text: () => string): void {
  if (file === undefined) return;
  try {
    writeFileSync(file, text());
  } catch (error) {
    throw usage(`${flag} ${file} can't be written: ${(error as Error).message}`);
  }
}
