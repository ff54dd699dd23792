/** `meterworks accuracy`: the class test of a virtual meter, as a laboratory runs it. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { expectedSeconds, type PointResult, runPoint } from "../../../firmware-sim/bench/bench.ts";
import { parseFaults } from "../../../firmware-sim/bench/faults.ts";
import { type AccuracyClass, CLASSES } from "../../../firmware-sim/bench/limits.ts";
import type { Device } from "../../../firmware-sim/bench/measure.ts";
import { testPoints } from "../../../firmware-sim/bench/points.ts";
import { accuracyCsv, accuracySvg, accuracyTable, measured } from "../accuracy-output.ts";
import { failed, usage } from "../errors.ts";
import { loadModel } from "../models.ts";
import { print, printJson } from "../output.ts";
import { showProgress } from "../progress.ts";
import { choice, integer } from "../values.ts";

interface Flags {
  readonly model: string;
  readonly class?: AccuracyClass;
  readonly inject?: readonly string[];
  readonly seed: number;
  readonly csv?: string;
  readonly svg?: string;
  readonly json?: true;
}

const HELP = `
Classes: A to E of GB/T 17215.321-2021 (OIML R46), 0.5, 1, 2 of IEC 62053-21, 0.2S, 0.5S of IEC 62053-22. Limits marked
"recalled" are remembered and no substitute for the standards.

--inject, separated by commas or repeated; @L2 means one phase:
  gain=0.02  phase=0.2deg  offset=0.5     of the current channels: relative, lag, DC as a share of full scale
  noise=0.001  bits=10  clock=100ppm      of the converter and the meter's crystal
  constant=1600                           imp/kWh of the LED where it is not the plate's
  swap=L1-L2  reverse=L2  open=L2         currents exchanged, turned around, not connected
  lost=L2                                 a voltage not connected

Examples:
  meterworks accuracy --model meterworks-3p --class D
  meterworks accuracy --model meterworks-3p --class D --inject phase=0.2deg@L1
  meterworks accuracy --model eastron-sdm630 --json --csv points.csv --svg curve.svg`;

export function addAccuracy(program: Command): void {
  program
    .command("accuracy")
    .description("the class test of a virtual meter, as a laboratory runs it; exit 1 when a point fails")
    .option("--model <ID>", "a model's id, or a file", "meterworks-3p")
    .option("--class <CLASS>", `${CLASSES.join(", ")}; default: the rating plate's`, choice("--class", CLASSES))
    .option("--inject <FAULT>", "a fault the test must find", (text: string, all: string[] = []) => [...all, text])
    .option("--seed <N>", "of the noise", integer("--seed", 0, Number.MAX_SAFE_INTEGER), 1)
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
  const cls = flags.class ?? plateClass(model.plate.activeClass);
  const faults = parseFaults(flags.inject ?? [], model.phases);
  if (!faults.ok) throw usage(`--inject ${faults.error}`);
  const results = measureAll({ model, faults: faults.value, seed: flags.seed }, cls);
  const bad = results.filter((r) => !r.pass);
  const title = `${model.id}, class ${cls}${flags.inject === undefined ? "" : `, with ${flags.inject.join(", ")}`}`;
  if (flags.json === true) {
    const { seed, inject = [] } = flags;
    printJson({ pass: bad.length === 0, class: cls, model: model.id, seed, inject, points: results });
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

function plateClass(text: string): AccuracyClass {
  const cls = CLASSES.find((c) => c === text);
  if (cls !== undefined) return cls;
  throw usage(`the plate's class "${text}" is none that the bench knows`, `give --class: ${CLASSES.join(", ")}`);
}

function measureAll(device: Device, cls: AccuracyClass): readonly PointResult[] {
  const points = testPoints(device.model, cls);
  const seconds = points.map((p) => expectedSeconds(device, p, cls));
  const all = seconds.reduce((a, b) => a + b, 0);
  const progress = showProgress();
  let done = 0;
  return points.map((point, i) => {
    const result = runPoint(device, point, cls);
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
