/** The store's housekeeping, done to its end while the head-end is stopped. */
import { rewriteStore } from "../../headend/adapters/sqlite/space.ts";
import { openSqliteStore } from "../../headend/adapters/sqlite/store.ts";
import { DEFAULT_RETENTION } from "../../headend/retention.ts";
import { errorText } from "../platform/errors.ts";
import { failed } from "./errors.ts";
import type { CommandProcess } from "./process.ts";

/** Compacts days that have been over for `afterDays`, step by step, so that Ctrl-C is heard; nothing is lost by it. */
export async function compactByHand(
  proc: CommandProcess,
  file: string,
  afterDays: number,
  vacuum: boolean,
): Promise<void> {
  const retention = { ...DEFAULT_RETENTION, compactAfterDays: afterDays };
  try {
    const store = await openSqliteStore({ file, retention });
    proc.cleanup(() => store.close());
    let compacted = 0;
    for (let more = true; more; ) {
      if (proc.ending) throw new Error("interrupted; what is compacted stays so");
      const report = await store.maintain(proc.clock.now().civil);
      compacted += report.compacted;
      more = report.more;
    }
    await store.close();
    proc.info("store-compacted", { readings: compacted });
    rewriteStore(file, vacuum);
  } catch (error) {
    throw failed(`the store ${file} cannot be compacted: ${errorText(error)}`, "stop the head-end, then try again");
  }
}
