/** `meterworks read`: one reading of one meter. */
import type { Command } from "commander";
import { valueViews } from "../../../headend/view.ts";
import type { MeasureValues } from "../../core/measures.ts";
import { failed, usage } from "../errors.ts";
import { openLine } from "../line.ts";
import {
  addReaderFlags,
  type MeterReader,
  meterReader,
  modbusMeter,
  type ReaderFlags,
  readOnce,
} from "../meter-reader.ts";
import { CommandProcess } from "../process.ts";
import { type JudgedBlock, type OutputFlags, showReading } from "../read-output.ts";
import { type Spoken, wireOf } from "../wires.ts";

interface Flags extends ReaderFlags, OutputFlags {
  readonly secondOpinion?: true;
}

const HELP = `
Examples:
  meterworks read --model eastron-sdm630 --tcp 192.168.1.50:502 --unit 1
  meterworks read --model eastron-sdm120 --serial /dev/ttyUSB0 --baud 2400 --json
  meterworks read --model eastron-sdm120 --serial /dev/ttyUSB0 --echo
  meterworks read --model eastron-sdm120 --serial /dev/ttyUSB0 --csv --record line.pcapng
  meterworks read --model eastron-sdm120 --serial /dev/ttyUSB0 --second-opinion
  meterworks read --model meterworks-3p --tcp 127.0.0.1:1502 --harmonics
  meterworks read --protocol dlt645 --serial /dev/ttyUSB0 --address 000000000161
  meterworks read --protocol iec62056-21 --tcp 192.168.1.60:8000
  meterworks read --protocol iec62056-21 --serial /dev/ttyUSB0
  meterworks read --protocol iec62056-21 --serial /dev/ttyUSB0 --mode p1`;

export function addRead(program: Command): void {
  addReaderFlags(
    program.command("read").description("one reading of a meter, every register of its map but single harmonics"),
  )
    .option("--json", "[{measure, obis, value, unit, time, quality}], values as decimal strings")
    .option("--csv", "the same as a table with a heading, comma separated")
    .option("--second-opinion", "Modbus: the same registers once more through another stack, and whether both agree")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  if (flags.json === true && flags.csv === true) throw usage("--json and --csv are two forms", "give one");
  const { wire, protocol } = wireOf(flags, "--serial or --tcp");
  if (flags.secondOpinion === true) checkSecondOpinion(protocol, flags);
  const work = async (proc: CommandProcess) => {
    const reader = meterReader(proc, { protocol, wire }, flags);
    const began = proc.clock.now().mono;
    const link = await openLine(proc, wire, { serial: reader.serial });
    const outcome = await readOnce(proc, reader, link);
    if (!outcome.ok) throw failed(outcome.reason, outcome.hint);
    const { values, time } = outcome;
    if (flags.secondOpinion === true) await link.end();
    const judged =
      flags.secondOpinion === true
        ? await judge(values, { protocol, wire }, reader, flags, () => proc.clock.now().mono - began)
        : [];
    showReading(valueViews(values, time, "good"), judged, flags);
    const differing = judged.filter((block) => block.error !== undefined || block.rows.some((row) => !row.agrees));
    if (differing.length > 0)
      throw failed(
        `the second opinion differs in ${differing.length} of ${judged.length} reads`,
        "read once more: a load that changes moves live values; what differs again is worth a look with --record",
      );
  };
  // A script must not take an interrupted reading for one without values.
  await CommandProcess.run(1, work, { interruptedExitCode: 1 });
}

function checkSecondOpinion(protocol: string, { echo }: Flags): void {
  if (!protocol.startsWith("modbus"))
    throw usage("--second-opinion is for Modbus", "of the other protocols there is no second reader here");
  if (echo === true)
    throw usage("--second-opinion can't be had with --echo", "modbus-serial takes the echo for the reply");
}

async function judge(
  first: MeasureValues,
  spoken: Spoken,
  { serial }: MeterReader,
  flags: Flags,
  apart: () => number,
): Promise<readonly JudgedBlock[]> {
  const { model, unit } = modbusMeter(flags);
  const measures = flags.harmonics === true ? model.modbus.registers.map((r) => r.measure) : undefined;
  // Loaded by those only who ask for it.
  const { judged, secondOpinion } = await import("../second-opinion.ts");
  const opinions = await secondOpinion(spoken, { model, unit, serial, timeout: flags.timeout, measures });
  return judged(first, opinions, model.modbus, apart());
}
