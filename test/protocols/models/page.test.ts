import { expect, test } from "vitest";
import { MODELS } from "../../../protocols/models/index.ts";
import { modelsPage } from "../../../protocols/models/page.ts";

/** When this fails after a change of a model: `npx vitest run test/protocols/models/page.test.ts -u` writes the page anew. */
test("docs/models.md is what the models say", async () => {
  await expect(modelsPage(MODELS)).toMatchFileSnapshot("../../../docs/models.md");
});

test("a register is a row with address, measure, OBIS code, encoding and unit", () => {
  const page = modelsPage(MODELS);
  expect(page).toContain("| 0034 | 52–53 | input | activePower | 1-0:16.7.0 | float32 | W |  |");
  expect(page).toContain("| 0000 | 0–1 | holding | activePower | 1-0:16.7.0 | int32 | W × 10^-3 | 80000000 |");
  expect(page.match(/^## /gm)).toHaveLength(MODELS.length);
});
