/** `meterworks mass`: one order for many meters, approved by another person, at a rate, with a stop. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { MASS_DECISIONS, type MassOperation } from "../../../headend/commands/mass-order.ts";
import { errorText } from "../../platform/errors.ts";
import { type ApiFlags, addApiFlags, apiAccess } from "../api-options.ts";
import { usage } from "../errors.ts";
import { decideMass, getMass, type MassAnswer, type MassWish, massByApi } from "../order-api.ts";
import { print, printJson } from "../output.ts";
import { choice, meterName } from "../values.ts";

interface Flags extends ApiFlags {
  readonly meters?: string;
  readonly file?: string;
  readonly model?: string;
  readonly line?: string;
  readonly all?: true;
  readonly direct?: true;
  readonly note?: string;
  readonly json?: true;
}

const ASKING = ["open", "close"] as const;
const ACTIONS = [...ASKING, "show", ...MASS_DECISIONS] as const;

const HELP = `
Nothing is sent until another person has approved it. Orders then go out at the rate of the head-end's configuration. When
too many of them come to nothing it stops; what was not sent waits until a person resumes or cancels it.
"close" lets the customers close their relays by the meters' buttons; --direct closes them from here.

Examples:
  meterworks mass open feeder-7 --line cellar --note "feeder 7 is overloaded" --token-file ./anna.token
  meterworks mass approve feeder-7 --token-file ./ben.token
  meterworks mass show feeder-7 --token-file ./anna.token
  meterworks mass stop feeder-7 --token-file ./anna.token`;

export function addMass(program: Command): void {
  const command = program
    .command("mass <action> <name>")
    .description(`switch many meters as one order: ${ACTIONS.join(", ")}`);
  addApiFlags(command)
    .option("--meters <A,B,…>", "open, close: these meters")
    .option("--file <FILE>", "open, close: the meters in this file, one a line")
    .option("--model <ID>", "open, close: all meters of a model")
    .option("--line <NAME>", "open, close: all meters on a line; mqtt: those on the broker")
    .option("--all", "open, close: all meters that can be switched")
    .option("--direct", "close: at once, without the customers' buttons")
    .option("--note <TEXT>", "open, close: why, for the audit")
    .option("--json", "the mass order as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(actionText: string, nameText: string, flags: Flags): Promise<void> {
  const action = choice("action", ACTIONS)(actionText);
  const name = meterName("name")(nameText);
  checkFlags(action, flags);
  const access = apiAccess(flags);
  const mass =
    action === "open" || action === "close"
      ? await massByApi(access, wishOf(action, name, flags))
      : action === "show"
        ? await getMass(access, name)
        : await decideMass(access, name, action);
  if (flags.json === true) printJson(mass);
  else print(sentence(mass));
}

/** What would be left unheard is refused: "mass approve x --meters a" approves all of x. */
function checkFlags(action: (typeof ACTIONS)[number], flags: Flags): void {
  const isAsking = (ASKING as readonly string[]).includes(action);
  const unheard = (["meters", "file", "model", "line", "all", "note"] as const).find(
    (flag) => flags[flag] !== undefined,
  );
  if (!isAsking && unheard !== undefined)
    throw usage(`--${unheard} is for open and close`, `leave it out: ${action} is about the whole mass order`);
  if (action !== "close" && flags.direct === true) throw usage("--direct is for close", "leave it out");
}

function wishOf(action: "open" | "close", id: string, flags: Flags): MassWish {
  const { note, model, line, all } = flags;
  const meters = metersOf(flags);
  if ([meters, model ?? line, all].filter((way) => way !== undefined).length !== 1)
    throw usage("which meters?", "give one of --meters, --file, --all, or --model and --line");
  const operation: MassOperation =
    action === "open" ? "relay-open" : flags.direct === true ? "relay-close" : "relay-allow";
  return {
    ...{ id, operation },
    ...(meters === undefined ? {} : { meters }),
    ...(model === undefined ? {} : { model }),
    ...(line === undefined ? {} : { via: line }),
    ...(all === undefined ? {} : { all }),
    ...(note === undefined ? {} : { note }),
  };
}

function metersOf({ meters, file }: Flags): readonly string[] | undefined {
  if (meters !== undefined && file !== undefined) throw usage("--meters and --file both name meters; give one");
  if (meters !== undefined) return meters.split(",").map((name) => meterName("--meters")(name.trim()));
  if (file === undefined) return undefined;
  try {
    const lines = readFileSync(file, "utf8").split(/\r?\n/);
    return lines.filter((line) => line.trim() !== "").map((line) => meterName(`--file ${file}`)(line.trim()));
  } catch (error) {
    throw usage(`--file ${file} can't be read: ${errorText(error)}`);
  }
}

function sentence(mass: MassAnswer): string {
  const { id, operation, state, why, total, issued, open, skipped, ends } = mass;
  const { done, ...others } = ends;
  const bad = Object.entries({ ...others, "left out": skipped }).filter(([, count]) => count > 0);
  const rest = bad.map(([end, count]) => `, ${count} ${end}`).join("");
  const waits = state === "requested" ? `; ${mass.persons - 1 - mass.approvedBy.length} more must approve it` : "";
  const because = why === "" ? "" : ` (${why})`;
  return `${id}: ${operation} for ${total} meters is ${state}${because}: ${issued} given, ${open} open, ${done} done${rest}${waits}`;
}
