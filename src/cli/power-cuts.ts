/** `meterworks sim --power-cuts N`: random histories of one meter, the power cut at every write of its memory. */
import { type CampaignReport, runPowerCuts } from "../simulation/power/campaign.ts";
import { CommandError } from "./errors.ts";
import { print, printJson } from "./output.ts";
import { showProgress } from "./progress.ts";

/** Ends with exit code 1 at the first history that fails, with the command that repeats it. */
export function campaignOfPowerCuts(first: number, histories: number, json: boolean): void {
  if (!json) print(`seed ${first}: ${histories} histories of power cuts`);
  const report = runPowerCuts(first, histories, json ? undefined : showProgress());
  if (json) printJson(report);
  else show(report);
  const { failed } = report;
  if (failed === undefined) return;
  const repeat = `meterworks sim --power-cuts 1 --seed ${failed.seed}`;
  throw new CommandError(1, `power cuts broke the meter with seed ${failed.seed}`, `repeat it with: ${repeat}`);
}

function show({ histories, writes, restarts, checks, failed }: CampaignReport): void {
  print(`  ${histories} histories, the power cut at each of ${writes} writes, ${restarts} meters switched on again`);
  const violations = failed?.verdict.violations ?? [];
  print(`${failed === undefined ? "good" : "VIOLATED"}  nothing lost, nothing doubled (${checks} checks)`);
  for (const violation of violations) print(`    ${violation}`);
}
