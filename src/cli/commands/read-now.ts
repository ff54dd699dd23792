/** `meterworks read-now`: a reading now, through the head-end, before everything that it reads by itself. */
import type { Command } from "commander";
import { readNowByApi } from "../api-client.ts";
import { type ApiFlags, addApiFlags, apiAccess } from "../api-options.ts";
import { print, printJson } from "../output.ts";
import { showReading } from "../read-output.ts";
import { meterName, number } from "../values.ts";

interface Flags extends ApiFlags {
  readonly wait: number;
  readonly json?: true;
}

const HELP = `
The reading is stored like any other. Exit code 1 when the meter does not answer: it says since when and why.

Example:
  meterworks read-now flat-7 --api http://127.0.0.1:8086 --token-file ./meters.db.token`;

export function addReadNow(program: Command): void {
  const command = program
    .command("read-now <meter>")
    .description("read a meter now, through the head-end; only orders go before it");
  addApiFlags(command)
    .option("--wait <S>", "wait so long for the meter", number("--wait", 1, 60), 10)
    .option("--json", "the reading as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(meterText: string, flags: Flags): Promise<void> {
  const meter = meterName("meter")(meterText);
  const answer = await readNowByApi(apiAccess(flags), meter, flags.wait);
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  const { time, source, quality, values } = answer.reading;
  print(`${meter} ${time} ${source} ${quality}`);
  showReading(values, [], {});
}
