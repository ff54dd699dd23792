/** A line that a long-running command keeps: ended with the process, and told in the log when it is lost before. */
import type { Link } from "../platform/link.ts";
import type { CommandProcess } from "./process.ts";

/** Ctrl-C ends a terminal's program as well as us, and perhaps before us: that is no loss. */
const CTRL_C_REACHES_ALL_MS = 200;

/** Logs `line.lost` with its reason once per loss, and `line.back`: who goes silent has a reason to show. */
export function keptLine(proc: CommandProcess, link: Link): Link {
  let lost = false;
  const tell = (reason: string) => {
    if (!proc.ending) proc.log({ kind: "log", level: "warn", event: "line.lost", fields: { line: link.id, reason } });
  };
  link.subscribe((event) => {
    if (event.kind === "opened") {
      if (lost) proc.info("line.back", { line: link.id });
      lost = false;
    } else if (event.kind === "closed") {
      // Attempts to open it again that fail are `closed` events too.
      if (!lost) setTimeout(tell, CTRL_C_REACHES_ALL_MS, event.reason).unref();
      lost = true;
    }
  });
  proc.cleanup(() => link.end());
  return link;
}
