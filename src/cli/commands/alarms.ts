/** `meterworks alarms`: what is wrong, where, and since when. */
import type { Command } from "commander";
import { type AlarmAnswer, acknowledgeByApi, listAlarms } from "../alarms-api.ts";
import { type ApiFlags, addApiFlags, apiAccess } from "../api-options.ts";
import { usage } from "../errors.ts";
import { print, printJson, table } from "../output.ts";
import { choice, integer } from "../values.ts";

interface Flags extends ApiFlags {
  readonly state: "open" | "all";
  readonly limit: number;
  readonly acknowledge?: string;
  readonly note: string;
  readonly json?: true;
}

const HELP = `
An alarm names the part that all who suffer from it have in common: a meter, a line, a gateway, the broker, the store or the
head-end itself. It is closed when it is healed; one that comes back within a minute is the same one.

Examples:
  meterworks alarms --token-file ./meters.db.token
  meterworks alarms --state all --limit 20 --json
  meterworks alarms --acknowledge 1795536000000000-1 --note "electrician is on the way"`;

export function addAlarms(program: Command): void {
  const command = program.command("alarms").description("what is wrong, where, and since when, by the head-end's API");
  addApiFlags(command)
    .option("--state <S>", "open: those that last; all: the newest of all", choice("--state", ["open", "all"]), "open")
    .option("--limit <N>", "at most so many", integer("--limit", 1, 500), 100)
    .option("--acknowledge <ID>", "notes that you have seen this one")
    .option("--note <TEXT>", "of --acknowledge: what to tell others", "")
    .option("--json", "as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const access = apiAccess(flags);
  if (flags.acknowledge === undefined && flags.note !== "")
    throw usage("--note belongs to --acknowledge", "give --acknowledge ID");
  if (flags.acknowledge !== undefined) {
    const alarm = await acknowledgeByApi(access, flags.acknowledge, flags.note);
    if (flags.json === true) printJson(alarm);
    else print(`${alarm.id}: acknowledged by ${alarm.acknowledged?.by}`);
    return;
  }
  const answer = await listAlarms(access, flags.state, flags.limit);
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  if (answer.alarms.length === 0) print(flags.state === "open" ? "nothing is wrong" : "no alarm yet");
  else
    print(table([["SINCE", "LASTED", "WHERE", "WHAT", "×", "METERS", "CAUSE"], ...answer.alarms.map(row)], [1, 4, 5]));
  if (answer.unlisted > 0) print(`${answer.unlisted} more came than can be listed`);
}

/** A blank before WHAT shows that another one explains it. */
function row({ since, open, seconds, part, name, kind, within, count, meters, cause }: AlarmAnswer): string[] {
  const lasted = open ? "lasts" : `${seconds} s`;
  return [
    `${since.slice(0, 19)}Z`,
    lasted,
    `${part} ${name}`,
    within === null ? kind : ` ${kind}`,
    String(count),
    String(meters),
    cause,
  ];
}
