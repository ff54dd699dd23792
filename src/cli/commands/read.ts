/** `meterworks read`: one reading of one meter. */
import type { Command } from "commander";
import { type ValueView, valueViews } from "../../../headend/view.ts";
import { measure } from "../../core/measures.ts";
import { csvRow } from "../csv.ts";
import { failed, usage } from "../errors.ts";
import { openLine } from "../line.ts";
import { addReaderFlags, meterReader, type ReaderFlags, readOnce } from "../meter-reader.ts";
import { print, printJson, table } from "../output.ts";
import { CommandProcess } from "../process.ts";
import { wireOf } from "../wires.ts";

interface Flags extends ReaderFlags {
  readonly json?: true;
  readonly csv?: true;
}

const HELP = `
Examples:
  meterworks read --model eastron-sdm630 --tcp 192.168.1.50:502 --unit 1
  meterworks read --model eastron-sdm120 --serial /dev/ttyUSB0 --baud 2400 --json
  meterworks read --model eastron-sdm120 --serial /dev/ttyUSB0 --echo
  meterworks read --model eastron-sdm120 --serial /dev/ttyUSB0 --csv --record line.pcapng
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
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  if (flags.json === true && flags.csv === true) throw usage("--json and --csv are two forms", "give one");
  const { wire, protocol } = wireOf(flags, "--serial or --tcp");
  const work = async (proc: CommandProcess) => {
    const reader = meterReader(proc, { protocol, wire }, flags);
    const link = await openLine(proc, wire, { serial: reader.serial });
    const outcome = await readOnce(proc, reader, link);
    if (!outcome.ok) throw failed(outcome.reason, outcome.hint);
    show(valueViews(outcome.values, outcome.time, "good"), flags);
  };
  // A script must not take an interrupted reading for one without values.
  await CommandProcess.run(1, work, { interruptedExitCode: 1 });
}

const COLUMNS = ["measure", "obis", "value", "unit", "time", "quality"] as const;

function show(rows: readonly ValueView[], { json, csv }: Flags): void {
  if (json === true) printJson(rows);
  else if (csv === true) for (const row of [COLUMNS, ...rows.map((r) => COLUMNS.map((c) => r[c]))]) print(csvRow(row));
  else print(table(rows.map(cellsOf), [1]));
}

function cellsOf(row: ValueView): readonly string[] {
  const m = measure(row.measure as Parameters<typeof measure>[0]);
  return [m.title, row.value ?? "no value", row.value === null ? "" : row.unit, row.obis];
}
