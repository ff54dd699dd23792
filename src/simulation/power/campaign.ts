/** Many histories in a row. */
import { type HistoryReport, type PowerParts, runHistory } from "./history.ts";

export interface CampaignReport {
  readonly first: number;
  readonly histories: number;
  readonly writes: number;
  readonly restarts: number;
  readonly checks: number;
  /** The history with which it ended, where a check failed. */
  readonly failed: HistoryReport | undefined;
}

/**
 * Histories of the seeds `first`, `first` + 1, …: all of them, or up to the first that fails.
 * @param progress told the share done, 0..1, after each history
 */
export function runPowerCuts(
  first: number,
  histories: number,
  progress: (share: number) => void = () => {},
  parts?: PowerParts,
): CampaignReport {
  let [writes, restarts, checks] = [0, 0, 0];
  for (let i = 0; i < histories; i++) {
    const report = runHistory(first + i, parts);
    writes += report.writes;
    restarts += report.restarts;
    checks += report.verdict.checked;
    progress((i + 1) / histories);
    if (report.verdict.violations.length > 0)
      return { first, histories: i + 1, writes, restarts, checks, failed: report };
  }
  return { first, histories, writes, restarts, checks, failed: undefined };
}
