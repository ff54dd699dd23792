/** One thing to be set on a meter: what it was, what it is to be, and what it is afterwards. */
import { createInterface } from "node:readline/promises";
import { type CommandError, failed, usage } from "../errors.ts";
import { print, printJson, table } from "../output.ts";

export interface Change {
  /** As people call it: `unit`, `clock`, `04000103 demand period`. */
  readonly what: string;
  /** As the meter had it; null where it does not tell. */
  readonly before: string | null;
  readonly wanted: string;
  /** Asks the meter for it. @returns why it did not take it; undefined when it did */
  apply(): Promise<string | undefined>;
  /** As the meter has it now; null where it does not tell or does not answer. */
  readBack(): Promise<string | null>;
  /** Whether what was read back is what was asked for; by default when it is the same text. */
  isDone?(now: string): boolean;
}

export interface Plan {
  /** Which meter: model, address, identification, as far as it has told. */
  readonly meter: string;
  /** What else a person must know before saying yes. */
  readonly warnings: readonly string[];
  readonly changes: readonly Change[];
}

interface Outcome {
  readonly what: string;
  readonly before: string | null;
  readonly wanted: string;
  readonly now: string | null;
  readonly ok: boolean;
  readonly reason?: string;
}

const NOT_READ = "not read";

/** @throws CommandError (exit 2) where nobody can be asked and `--yes` is not given; before anything is opened */
export function checkAsking(yes: boolean): void {
  if (yes || process.stdin.isTTY === true) return;
  throw usage("write asks before it changes anything and there is no terminal to ask on", "give --yes in scripts");
}

/** Shows meter, old and new values on stderr, and asks. @returns false for anything but a yes */
export async function confirm(plan: Plan, yes: boolean): Promise<boolean> {
  const rows = plan.changes.map(({ what, before, wanted }) => ["  ", what, before ?? NOT_READ, "->", wanted]);
  process.stderr.write(`${plan.meter}\n${table(rows)}\n`);
  for (const warning of plan.warnings) process.stderr.write(`note: ${warning}\n`);
  if (yes) return true;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D at the question are a no.
  const no = () => {
    process.stderr.write("\n");
    return "";
  };
  const answer = await lines.question("Change this? [y/N] ").catch(no);
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** In order; after the first that failed nothing more is tried, because the next ones may build on it. */
export async function carryOut({ changes }: Plan): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  let broken: string | undefined;
  for (const change of changes) {
    const { what, before, wanted } = change;
    if (broken !== undefined) {
      outcomes.push({ what, before, wanted, now: null, ok: false, reason: `not tried after ${broken}` });
      continue;
    }
    const reason = await change.apply();
    const now = await change.readBack();
    const ok = now !== null && (change.isDone?.(now) ?? now === wanted);
    if (!ok) broken = what;
    // What the meter said is told even where its value is already as asked.
    const why = reason ?? (ok ? undefined : now === null ? "it could not be read back" : "the meter has another value");
    outcomes.push({ what, before, wanted, now, ok, ...(why === undefined ? {} : { reason: why }) });
  }
  return outcomes;
}

/** Results on stdout. @returns the error to end with when something is not as asked */
export function report(meter: string, outcomes: readonly Outcome[], json: boolean): CommandError | undefined {
  if (json) printJson({ meter, changes: outcomes });
  else print(table(outcomes.map((o) => [o.what, o.now ?? NOT_READ, verdict(o)])));
  const bad = outcomes.filter(({ ok }) => !ok);
  if (bad.length === 0) return undefined;
  const [first] = bad as [Outcome];
  return failed(
    `${bad.length} of ${outcomes.length} changes are not as asked: ${first.what}: ${first.reason}`,
    "what stands above is what the meter has now; check --password, and write again what is missing",
  );
}

function verdict({ ok, reason }: Outcome): string {
  if (!ok) return `FAILED: ${reason}`;
  return reason === undefined ? "ok" : `ok, but when it was written: ${reason}`;
}
