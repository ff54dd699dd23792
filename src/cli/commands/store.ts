/** `meterworks store`: what the store's file is made of, and its housekeeping by hand. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { type StoreFigures, storeFigures } from "../../../headend/adapters/sqlite/figures.ts";
import type { RetentionPolicy } from "../../../headend/retention.ts";
import { errorText } from "../../platform/errors.ts";
import { failed, usage } from "../errors.ts";
import { print, printJson, table } from "../output.ts";
import { CommandProcess } from "../process.ts";
import { tidyByHand } from "../store-by-hand.ts";
import { importArchive } from "../store-import.ts";
import { storeFile } from "../store-url.ts";
import { choice, integer } from "../values.ts";

const ACTIONS = ["show", "compact", "archive", "import"] as const;
type Action = (typeof ACTIONS)[number];

interface Flags {
  readonly store: string;
  readonly afterDays: number;
  readonly keepMonths?: number;
  readonly archive?: string;
  readonly vacuum?: true;
  readonly json?: true;
}

const HELP = `
  show     (default) size, readings, compacted days; the head-end may run
  compact  compacts whole days that are old enough and gives free space back, what the head-end does by itself
  archive  the same, and months that ended --keep-months ago go to gzip CSV files in the folder --archive
  import   reads such a file back; what is stored already stays as it is
The head-end has to be stopped for all but show.

Examples:
  meterworks store --store sqlite:./meters.db
  meterworks store compact --store sqlite:./meters.db --after-days 1
  meterworks store archive --store sqlite:./meters.db --keep-months 36 --archive ./archive
  meterworks store import ./archive/readings-2023-01.csv.gz --store sqlite:./old.db`;

export function addStore(program: Command): void {
  program
    .command("store")
    .argument("[ACTION]", "show, compact, archive or import", choice("ACTION", ACTIONS), "show")
    .argument("[FILE]", "import: an archive")
    .description("what the store's file is made of, and its housekeeping by hand")
    .option("--store <URL>", "sqlite:FILE", "sqlite:meterworks.db")
    .option("--after-days <N>", "days that are over are left alone for so long", integer("--after-days", 1, 3_650), 3)
    .option("--keep-months <N>", "archive: months that stay in the store", integer("--keep-months", 1, 1_200))
    .option("--archive <FOLDER>", "archive: the folder for its files")
    .option("--vacuum", "compact: writes the whole file anew (as much free space is needed meanwhile)")
    .option("--json", "the figures as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(action: Action, archive: string | undefined, flags: Flags): Promise<void> {
  const file = storeFile(flags.store, (shown) => `psql ${shown} -c "\\dt+ meterworks.*" shows the sizes`);
  const retention = policyOf(action, archive, flags);
  if (action !== "import" && !existsSync(file)) throw usage(`there is no store ${file}`, "give --store sqlite:FILE");
  if (action !== "show")
    await CommandProcess.run(
      1,
      (proc) =>
        action === "import"
          ? importArchive(proc, file, archive as string)
          : tidyByHand(proc, file, retention, flags.vacuum === true),
      { interruptedExitCode: 1 },
    );
  const figures = look(file);
  if (flags.json === true) printJson({ file, ...figures });
  else print(show(file, figures));
}

function policyOf(action: Action, archive: string | undefined, flags: Flags): RetentionPolicy {
  if (flags.vacuum === true && action !== "compact")
    throw usage("--vacuum belongs to compact", "write: store compact --vacuum");
  if ((action === "import") !== (archive !== undefined))
    throw usage(
      action === "import" ? "no archive is named" : `"${archive}": ${action} takes no file`,
      "see store --help",
    );
  const compactAfterDays = flags.afterDays;
  if (action !== "archive") return { compactAfterDays, keepMonths: null, archive: null };
  if (flags.keepMonths === undefined || flags.archive === undefined)
    throw usage(
      "archive needs --keep-months and --archive",
      "write: store archive --keep-months 36 --archive ./archive",
    );
  return { compactAfterDays, keepMonths: flags.keepMonths, archive: resolve(flags.archive) };
}

function look(file: string): StoreFigures {
  try {
    return storeFigures(file);
  } catch (error) {
    throw failed(`the store ${file} cannot be looked at: ${errorText(error)}`);
  }
}

function show(file: string, f: StoreFigures): string {
  const fresh = f.readings - f.compactedReadings;
  const rows: [string, string][] = [
    ["file", `${file}, ${megabytes(f.fileBytes)}, of it free ${megabytes(f.freeBytes)}; log ${megabytes(f.logBytes)}`],
    ["readings", `${f.readings} of ${f.meters} meters${f.oldest === null ? "" : `, ${f.oldest} to ${f.newest}`}`],
    ["fresh", `${fresh}`],
    ["compacted", `${f.compactedReadings} in ${f.compactedDays} meter-days with ${f.compactedValues} values`],
  ];
  if (f.compactedBefore !== null) rows.push(["compacted before", f.compactedBefore]);
  if (f.bytesPerValue !== null) rows.push(["bytes per value", f.bytesPerValue.toFixed(2)]);
  if (f.lateDays > 0) rows.push(["late", `readings for ${f.lateDays} meter-days are still to be taken in`]);
  if (!f.shrinks) rows.push(["size", "free space is used again, but the file does not shrink: store compact --vacuum"]);
  return table(rows);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
