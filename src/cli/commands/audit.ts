/** `meterworks audit`: is the chain of what was done by whom whole, and the chain as a file. */
import type { Command } from "commander";
import { readPostgresAudit } from "../../../headend/adapters/postgres/audit-reader.ts";
import { sha256 } from "../../../headend/adapters/sha256.ts";
import { readAudit } from "../../../headend/adapters/sqlite/audit-file.ts";
import { type ChainedEntry, type ChainNote, type ChainVerdict, ChainVerifier } from "../../../headend/audit/chain.ts";
import { errorText } from "../../platform/errors.ts";
import { auditLine, readAuditLines } from "../audit-lines.ts";
import { failed, usage } from "../errors.ts";
import { print, printJson } from "../output.ts";
import { storeAddress } from "../store-url.ts";
import { choice, integer, path } from "../values.ts";

interface Flags {
  readonly store: string;
  readonly file?: string;
  readonly expectHead?: string;
  readonly expectEntries?: number;
  readonly json?: true;
}

const HELP = `
Each entry's hash covers its text and the hash before it: a changed, removed or moved entry breaks the chain from there on.
Entries cut off at the end leave a whole chain: note entries and head that verify prints somewhere else, and give them at
the next look. The head-end may run. Exit code 1 when the chain is broken.

Examples:
  meterworks audit verify --store sqlite:./meters.db
  meterworks audit verify --store sqlite:./meters.db --expect-entries 4711 --expect-head 1f3a…
  meterworks audit export --store sqlite:./meters.db > audit.jsonl
  meterworks audit verify --file audit.jsonl`;

export function addAudit(program: Command): void {
  program
    .command("audit <action>")
    .description("verify: is the audit's chain whole; export: all its entries as JSON lines")
    .option("--store <URL>", "sqlite:FILE or postgres://USER@HOST/DATABASE", "sqlite:meterworks.db")
    .option("--file <FILE>", "verify an exported file instead", path("--file", "name a file that audit export wrote"))
    .option("--expect-head <HASH>", "the head that was noted, with --expect-entries", hash)
    .option(
      "--expect-entries <N>",
      "how many entries there were then",
      integer("--expect-entries", 1, Number.MAX_SAFE_INTEGER),
    )
    .option("--json", "the verdict as JSON")
    .addHelpText("after", HELP)
    .action(run);
}

function hash(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw usage(`--expect-head "${text}" is no head`, "give the 64 hex digits that verify printed");
}

async function run(actionText: string, flags: Flags): Promise<void> {
  const action = choice("action", ["verify", "export"] as const)(actionText);
  if (action === "verify") return report(flags, await verify(flags));
  if (flags.file !== undefined) throw usage("--file is for verify", "export reads a store: give --store");
  await entries(flags, (entry) => {
    print(auditLine(entry));
    return true;
  });
}

async function verify(flags: Flags): Promise<ChainVerdict> {
  const verifier = new ChainVerifier(sha256, noteOf(flags));
  await entries(flags, (entry) => verifier.add(entry));
  const verdict = verifier.verdict();
  // A store begins without any; a file without any was cut, or is another.
  if (flags.file !== undefined && verdict.entries === 0 && verdict.broken === null)
    throw failed(`${flags.file} holds no entries of an audit`, "give a file that audit export wrote");
  return verdict;
}

function noteOf({ expectHead: head, expectEntries: entries }: Flags): ChainNote | undefined {
  if (head === undefined && entries === undefined) return undefined;
  if (head !== undefined && entries !== undefined) return { head, entries };
  throw usage("--expect-head and --expect-entries belong together", "give both as verify printed them");
}

async function entries({ store, file }: Flags, take: (entry: ChainedEntry) => boolean): Promise<void> {
  const address = storeAddress(store);
  const shown = file ?? (address.kind === "sqlite" ? address.file : address.shown);
  try {
    if (file !== undefined) await readAuditLines(file, take);
    else if (address.kind === "sqlite") readAudit(address.file, take);
    else await readPostgresAudit(address.url, take);
  } catch (error) {
    throw failed(`the audit of ${shown} can't be read: ${errorText(error)}`, "check the path");
  }
}

function report({ json }: Flags, verdict: ChainVerdict): void {
  const { entries, head, broken } = verdict;
  if (json === true) printJson({ ok: broken === null, ...verdict });
  else if (broken === null) print(`whole: ${entries} entries, head ${head}`);
  else print(`broken at entry ${broken.number}; good before it: ${entries} entries, head ${head}`);
  if (broken !== null) throw failed(`the audit is broken: ${broken.reason}`, "compare it with a backup or an export");
}
