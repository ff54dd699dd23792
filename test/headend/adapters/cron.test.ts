import { expect, test } from "vitest";
import { CronerCron } from "../../../headend/adapters/croner/cron.ts";

test.each([
  ["30 2 * * *", "Europe/Berlin", undefined],
  ["0 0 1 * *", "UTC", undefined],
  ["30 2 * * *", "Europe/Bärlin", "no time zone"],
  ["61 2 * * *", "UTC", "no cron pattern"],
  ["30 2 * *", "UTC", "no cron pattern"],
  ["0 30 2 * * *", "UTC", "no cron pattern"],
  ["0 0 31 2 *", "UTC", "never comes"],
])("%s in %s", (pattern, zone, problem) => {
  const found = new CronerCron().problem(pattern, zone);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(problem);
});
