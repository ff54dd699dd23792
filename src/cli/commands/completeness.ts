/** `meterworks completeness`: how many of the expected intervals are there, worst first; of one meter as a picture. */
import type { Command } from "commander";
import { GROUPINGS } from "../../../headend/completeness/report.ts";
import { type ApiFlags, addApiFlags, apiAccess } from "../api-options.ts";
import {
  type CompletenessAnswer,
  type CompletenessFigures,
  completenessByApi,
  meterCompletenessByApi,
} from "../completeness-api.ts";
import { dayPictures, LEGEND } from "../completeness-picture.ts";
import { usage } from "../errors.ts";
import { print, printJson, table } from "../output.ts";
import { choice, integer, meterName } from "../values.ts";

interface Flags extends ApiFlags {
  readonly day?: string;
  readonly by?: (typeof GROUPINGS)[number];
  readonly meter?: string;
  readonly limit?: number;
  readonly json?: true;
}

const ROWS = 20;
const MOST_ROWS = 500;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

const HELP = `
An interval is read when a reading came in time, late when it came more than an hour after its end, missing when the meter
was asked and does not have it, open while it may still come.

Examples:
  meterworks completeness --token-file ./meters.db.token
  meterworks completeness --by line --day 2026-11-28
  meterworks completeness --meter flat-7          a row of blocks for each day`;

export function addCompleteness(program: Command): void {
  const command = program
    .command("completeness")
    .description("which intervals of the meters are read, late or missing, worst first; asks the head-end's API");
  addApiFlags(command)
    .option("--day <DAY>", "one day in UTC such as 2026-11-28 (default: the 35 days that are kept)")
    .option("--by <WHAT>", "meter (default), line or day", choice("--by", GROUPINGS))
    .option("--meter <ID>", "a picture of one meter", meterName("--meter"))
    .option("--limit <N>", `rows at most (default: ${ROWS})`, integer("--limit", 1, MOST_ROWS))
    .option("--json", "the API's answer as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { day, meter, by, limit } = flags;
  if (day !== undefined && !DAY.test(day)) throw usage(`--day "${day}" is no day`, "write it as 2026-11-28");
  if (meter !== undefined) {
    if (day !== undefined || by !== undefined || limit !== undefined)
      throw usage("--meter is a picture of all days", "leave out --day, --by and --limit");
    await showMeter(flags, meter);
    return;
  }
  const answer = await completenessByApi(apiAccess(flags), { day, by: by ?? "meter", limit: limit ?? ROWS });
  if (flags.json === true) printJson(answer);
  else print(tableOf(answer));
}

async function showMeter(flags: Flags, meter: string): Promise<void> {
  const answer = await meterCompletenessByApi(apiAccess(flags), meter);
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  for (const row of dayPictures(answer.runs)) print(row);
  print(LEGEND);
  print(sentence(answer.total));
}

function tableOf({ by, from, to, total, rows }: CompletenessAnswer): string {
  const head = [by, "expected", "read", "late", "missing", "open", "%"];
  const cells = (key: string, { expected, read, late, missing, open, percent }: CompletenessFigures) => [
    key,
    ...[expected, read, late, missing, open].map(String),
    percent ?? "-",
  ];
  const lines = [head, ...rows.map((row) => cells(row.key, row)), cells("total", total)];
  const days = from === to ? from : `${from} to ${to}`;
  return `${days}, ${sentence(total)}\n${table(lines, [1, 2, 3, 4, 5, 6])}`;
}

function sentence({ expected, read, late, percent }: CompletenessFigures): string {
  if (percent === null) return "no interval was expected";
  return `${read + late} of ${expected} intervals are there (${percent} %)`;
}
