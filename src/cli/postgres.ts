/** A head-end on a PostgreSQL store, which it may share with others that stand by. */
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { PostgresLeases } from "../../headend/adapters/postgres/leases.ts";
import { openPostgresStore, type PostgresStore, preparePostgres } from "../../headend/adapters/postgres/store.ts";
import type { CollectorConfig } from "../../headend/config.ts";
import { leaseNames } from "../../headend/leases.ts";
import type { Store } from "../../headend/ports.ts";
import { errorText } from "../platform/errors.ts";
import { CommandError } from "./errors.ts";
import type { CommandProcess } from "./process.ts";
import { inTerms } from "./stand-by.ts";
import { number } from "./values.ts";

/** Of the time within which another has taken over: the rest is for its start. */
const HELD_SHARE = 2 / 3;
const RETRY_MS = 1_000;

export interface PostgresFlags {
  readonly leaseSeconds: number;
  readonly name?: string;
}

export function addPostgresFlags(command: Command): Command {
  return command
    .option(
      "--lease-seconds <S>",
      "PostgreSQL: within so long a head-end that stands by has taken the place of one that is gone",
      number("--lease-seconds", 3, 3_600),
      15,
    )
    .option("--name <NAME>", "PostgreSQL: how the others call this head-end (default: host and process)");
}

/** Opens the store once for each term in which this head-end leads, and does `work` until `over`. */
export async function inPostgresTerms(
  proc: CommandProcess,
  url: string,
  { leaseSeconds, name = `${hostname()}-${process.pid}` }: PostgresFlags,
  config: Pick<CollectorConfig, "lines">,
  work: (store: Store, over: Promise<void>) => Promise<void>,
): Promise<void> {
  await preparePostgres(url).catch((error: Error) => {
    throw new CommandError(2, `the store cannot be opened at ${error.message}`);
  });
  const seconds = leaseSeconds * HELD_SHARE;
  const leases = new PostgresLeases({
    url,
    name,
    seconds,
    resources: leaseNames(config.lines.map(({ link }) => link)),
  });
  await inTerms(proc, leases, seconds, async ({ fences, over }) => {
    const store = await untilOpen(proc, () => openPostgresStore({ url, fences }), over);
    if (store === undefined) return;
    proc.cleanup(() => store.close());
    // Before the links are closed: what still waits for its commit must not hold that up.
    void over.then(() => store.abandon());
    await work(store, over);
  });
}

/** The server may be gone again since the leases were taken: that ends no head-end. Undefined where the term is over first. */
async function untilOpen(
  proc: CommandProcess,
  open: () => Promise<PostgresStore>,
  over: Promise<void>,
): Promise<PostgresStore | undefined> {
  let ended = false;
  void over.then(() => {
    ended = true;
  });
  while (!ended && !proc.ending) {
    try {
      return await open();
    } catch (error) {
      proc.log({ kind: "log", level: "warn", event: "store.unreachable", fields: { reason: errorText(error) } });
      await Promise.race([sleep(RETRY_MS), over, proc.stopped]);
    }
  }
  return undefined;
}
