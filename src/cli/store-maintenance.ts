/** Keeps a store tidy while the head-end runs: a step now and then, and one after the other while there is much to do. */

import type { MaintainedStore, MaintenanceReport } from "../../headend/retention.ts";
import { errorText } from "../platform/errors.ts";
import type { CommandProcess } from "./process.ts";

/** Between looks, when there was nothing to do. */
const IDLE_MS = 60_000;
/** Between two steps, so that commits get at least half of the store's time. */
const BUSY_MS = 60;

export interface MaintenanceOptions {
  /** Hears of every step that did something. */
  readonly onStep: (report: MaintenanceReport) => void;
}

/** Begins, and ends with the process: before the store is closed, since what is added last is ended first. */
export function keepTidy(proc: CommandProcess, store: MaintainedStore, { onStep }: MaintenanceOptions): void {
  let timer: NodeJS.Timeout | undefined;
  let step: Promise<void> | undefined;
  let isFailing = false;
  const next = (ms: number) => {
    timer = setTimeout(() => {
      step = run();
    }, ms);
  };
  const run = async () => {
    const report = await store.maintain(proc.clock.now().civil).catch((error) => errorText(error));
    if (proc.ending) return;
    if (typeof report === "string") {
      // Once, not every minute of a full disk.
      if (!isFailing)
        proc.log({ kind: "log", level: "error", event: "store-maintenance-failed", fields: { reason: report } });
      isFailing = true;
      next(IDLE_MS);
      return;
    }
    if (isFailing) proc.info("store-maintenance-resumed", {});
    isFailing = false;
    if (report.compacted > 0 || report.archived > 0) onStep(report);
    next(report.more ? BUSY_MS : IDLE_MS);
  };
  next(BUSY_MS);
  proc.cleanup(async () => {
    clearTimeout(timer);
    await step;
  });
}
