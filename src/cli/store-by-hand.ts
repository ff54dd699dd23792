/** The store's housekeeping, done to its end while the head-end is stopped. */
import { rewriteStore } from "../../headend/adapters/sqlite/space.ts";
import { openSqliteStore } from "../../headend/adapters/sqlite/store.ts";
import type { RetentionPolicy } from "../../headend/retention.ts";
import { errorText } from "../platform/errors.ts";
import { failed } from "./errors.ts";
import type { CommandProcess } from "./process.ts";

/** Does what the policy says, step by step, so that Ctrl-C is heard; nothing is lost by it. */
export async function tidyByHand(
  proc: CommandProcess,
  file: string,
  retention: RetentionPolicy,
  vacuum: boolean,
): Promise<void> {
  try {
    const store = await openSqliteStore({ file, retention });
    proc.cleanup(() => store.close());
    const done = { compacted: 0, archived: 0 };
    for (let more = true; more; ) {
      if (proc.ending) throw new Error("interrupted; what is compacted stays so");
      const report = await store.maintain(proc.clock.now().civil);
      done.compacted += report.compacted;
      done.archived += report.archived;
      more = report.more;
    }
    await store.close();
    proc.info("store-maintenance", done);
    rewriteStore(file, vacuum);
  } catch (error) {
    throw failed(`the store ${file} cannot be tidied: ${errorText(error)}`, "stop the head-end, then try again");
  }
}
