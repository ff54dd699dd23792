/** `meterworks availability`: how much of the time meters could be reached. */
import type { Command } from "commander";
import { type AvailabilityAnswer, getAvailability } from "../alarms-api.ts";
import { type ApiFlags, addApiFlags, apiAccess } from "../api-options.ts";
import { print, printJson, table } from "../output.ts";
import { choice, isoTime } from "../values.ts";

interface Flags extends ApiFlags {
  readonly by: "meter" | "line" | "site";
  readonly from?: string;
  readonly to?: string;
  readonly json?: true;
}

const HELP = `
Counted is the time from a meter's first contact on in which a head-end ran; over lines and the site the sum over their meters.
MTBF is the time up, MTTR the time down, each by the number of outages.

Examples:
  meterworks availability --token-file ./meters.db.token
  meterworks availability --by line --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --json`;

export function addAvailability(program: Command): void {
  const command = program
    .command("availability")
    .description("how much of the time meters could be reached, MTBF and MTTR, by the head-end's API");
  addApiFlags(command)
    .option("--by <WHAT>", "meter, line or site", choice("--by", ["meter", "line", "site"]), "site")
    .option("--from <TIME>", "the first moment (default: 30 days before --to)", isoTime("--from"))
    .option("--to <TIME>", "the first moment not wanted any more (default: now)", isoTime("--to"))
    .option("--json", "as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { by, from, to } = flags;
  const answer = await getAvailability(apiAccess(flags), {
    by,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  });
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  const head = [by.toUpperCase(), "METERS", "AVAILABLE", "OUTAGES", "DOWN s", "MTBF s", "MTTR s"];
  print(`${answer.from} to ${answer.to}`);
  print(table([head, ...answer.rows.map(cells)], [1, 2, 3, 4, 5, 6]));
}

function cells(row: AvailabilityAnswer["rows"][number]): string[] {
  const { name, meters, availability, outages, downSeconds, mtbfSeconds, mttrSeconds } = row;
  return [name, meters, percent(availability), outages, downSeconds, mtbfSeconds ?? "-", mttrSeconds ?? "-"].map(
    String,
  );
}

/** `0.999931` as `99.9931 %`, without a float in between. */
function percent(share: string | null): string {
  if (share === null) return "-";
  const millionths = Math.round(Number(share) * 1e6);
  return `${Math.floor(millionths / 10_000)}.${String(millionths % 10_000).padStart(4, "0")} %`;
}
