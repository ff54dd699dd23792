/** `meterworks sim`: the whole system in simulated time with faults, judged by checkers. */
import type { Command } from "commander";
import { MICROS_PER_SECOND } from "../../core/time.ts";
import { randomSeed } from "../../platform/entropy.ts";
import { type CopperOptions, drawCopper, drawOptions, type SimOptions } from "../../simulation/options.ts";
import { isGood, runSimulation, type SimReport } from "../../simulation/run.ts";
import { CommandError } from "../errors.ts";
import { print, printJson } from "../output.ts";
import { campaignOfPowerCuts } from "../power-cuts.ts";
import { showProgress } from "../progress.ts";
import { integer } from "../values.ts";

interface Flags {
  readonly seed?: number;
  readonly days: number;
  readonly meters: number;
  readonly runs: number;
  readonly copper?: boolean;
  readonly powerCuts?: number;
  readonly json?: true;
}

const HELP = `
Everything is drawn from the seed and printed: the same seed and flags repeat a run to the byte.

Examples:
  meterworks sim --seed 7 --days 30 --meters 20
  meterworks sim --seed 7 --copper         noise, collisions, cut wires, echoes on serial lines
  meterworks sim --runs 50 --days 2        a campaign of 50 seeds; it stops at the first that fails
  meterworks sim --power-cuts 10000        random histories of one meter, the power cut at every write of its memory`;

export function addSim(program: Command): void {
  program
    .command("sim")
    .description("the whole system in simulated time with faults; says what every checker found")
    .option("--seed <N>", "default: a random one, printed", integer("--seed", 0, Number.MAX_SAFE_INTEGER))
    .option("--days <D>", "simulated days", integer("--days", 1, 3_660), 3)
    .option("--meters <M>", "how many meters", integer("--meters", 1, 10_000), 10)
    .option("--runs <N>", "so many seeds, counting up", integer("--runs", 1, 1_000_000), 1)
    .option("--copper", "serial lines by bits, whatever the seed says (a third of the seeds has them)")
    .option("--no-copper", "serial lines by frames, which takes less time")
    .option(
      "--power-cuts <N>",
      "instead: so many histories of a meter with power cuts, a seed each, counting up",
      integer("--power-cuts", 1, 10_000_000),
    )
    .option("--json", "one report per line as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const first = flags.seed ?? randomSeed();
  if (flags.powerCuts !== undefined) return campaignOfPowerCuts(first, flags.powerCuts, flags.json === true);
  for (let i = 0; i < flags.runs; i++) {
    const options = optionsOf(first + i, flags);
    const report = runSimulation(options, flags.json === true ? undefined : showProgress());
    if (flags.json === true) printJson(report);
    else show(report);
    if (isGood(report)) continue;
    const wires = flags.copper === undefined ? "" : flags.copper ? " --copper" : " --no-copper";
    const repeat = `meterworks sim --seed ${options.seed} --days ${options.days} --meters ${options.meters}${wires}`;
    throw new CommandError(1, `a checker found a violation with seed ${options.seed}`, `repeat it with: ${repeat}`);
  }
}

function optionsOf(seed: number, { days, meters, copper }: Flags): SimOptions {
  if (copper === undefined) return drawOptions(seed, days, meters);
  return drawOptions(seed, days, meters, copper ? drawCopper(seed) : null);
}

function show(report: SimReport): void {
  print(`seed ${report.options.seed}`);
  for (const line of optionLines(report.options)) print(`  ${line}`);
  const { events, readings, orders, frames, harmedFrames, storeFailures } = report;
  print(
    `  ${events} events: ${readings} readings, ${orders} orders, ${frames} frames (${harmedFrames} harmed), ${storeFailures} failed commits`,
  );
  for (const { checker, checked, violations } of report.verdicts) {
    print(`${violations.length === 0 ? "good" : "VIOLATED"}  ${checker} (${checked} checks)`);
    for (const violation of violations) print(`    ${violation}`);
  }
}

function faults(all: object): string {
  return Object.entries(all)
    .map(([name, rate]) => `${name} ${rate}`)
    .join(", ");
}

function copperLines({ faults: all, headendLumps, headendEcho, meterLumps, cuts, twins }: CopperOptions): string[] {
  const bytes = (lumps: boolean) => (lumps ? "bytes in lumps" : "bytes at their times");
  return [
    `copper, in 10,000: ${faults(all)}`,
    `copper: head-end ${bytes(headendLumps)}${headendEcho ? " with echo" : ""}, meters ${bytes(meterLumps)}, ${cuts} cut wires, ${twins} strangers with a meter's address`,
  ];
}

function optionLines(o: SimOptions): string[] {
  return [
    `${o.days} days, ${o.meters} meters, ${o.mqttShare} % over MQTT, ${o.metersPerLine} per line, every ${o.pollMinutes} min`,
    o.completeness === null
      ? "intervals not followed"
      : `intervals of ${o.completeness.minutes} min, read by ${o.completeness.from === "any" ? "any reading" : "the load profile"}`,
    ...(o.copper === null ? [`frames in 10,000: ${faults(o.line)}`] : copperLines(o.copper)),
    `messages in 10,000: ${faults(o.broker)}`,
    `store: ${o.store.failed} failed commits in 10,000, slowest ${o.store.slowest / MICROS_PER_SECOND} s`,
    `${o.headendCrashes} head-end crashes (${o.headendAwayMinutes} min away), ${o.powerCuts} power cuts, ${o.orders} orders, checkpoint every ${o.checkpointSeconds} s`,
  ];
}
