/** The guide says what each finding means: every one of the code, and no other. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CAUSES } from "../../../src/field/doctor/finding.ts";
import { REPOSITORY } from "../../programs.ts";

test("docs/doctor.md has a row for every finding, and for none that does not exist", () => {
  const page = readFileSync(join(REPOSITORY, "docs/doctor.md"), "utf8");
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| .{20,} \| .+ \|$/gm)].map((row) => row[1]);
  expect(rows.toSorted()).toEqual(Object.keys(CAUSES).toSorted());
});

test("every finding but healthy has something to try", () => {
  for (const [cause, { title, remedies }] of Object.entries(CAUSES)) {
    expect(title, cause).not.toBe("");
    expect(remedies.length > 0, cause).toBe(cause !== "healthy");
  }
});
