/** The configurations in docs/head-end.md are taken together, and what the second one shows as usual is what is usual. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CronerCron } from "../../headend/adapters/croner/cron.ts";
import { DEFAULT_COMPLETENESS } from "../../headend/completeness/interval-book.ts";
import { DEFAULT_CLOCK, DEFAULT_ORDER_POLICY } from "../../headend/config.ts";
import { parseConfig } from "../../headend/parse-config.ts";
import { DEFAULT_RETENTION } from "../../headend/retention.ts";
import { findModel } from "../../protocols/models/index.ts";
import { failure, success } from "../../src/core/result.ts";
import { REPOSITORY } from "../programs.ts";

const PAGE = readFileSync(join(REPOSITORY, "docs/head-end.md"), "utf8");
const [site, rest] = [...PAGE.matchAll(/```json\n(\{[^`]*)```/g)].map(([, text = ""]) => JSON.parse(text));

const modelOf = (id: string) => {
  const model = findModel(id);
  return model === undefined ? failure(`there is no model "${id}"`) : success(model);
};
const parsed = (document: unknown) => {
  const result = parseConfig(document, modelOf, new CronerCron());
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
};

test("both are taken, as one file", () => {
  expect(parsed({ ...site, ...rest }).collector.groups).toHaveLength(1);
});

test("clock, completeness, mass orders and days to compaction are the usual ones", () => {
  const shown = parsed({ ...site, ...rest });
  expect(shown.collector.clock).toEqual(DEFAULT_CLOCK);
  expect(shown.collector.completeness).toEqual(DEFAULT_COMPLETENESS);
  expect(shown.collector.orders?.mass).toEqual(DEFAULT_ORDER_POLICY.mass);
  expect(shown.retention.compactAfterDays).toBe(DEFAULT_RETENTION.compactAfterDays);
});

test("a page is named for each part", () => {
  const named = [...PAGE.matchAll(/^\| ((?:`\w+`(?:, )?)+) +\| \[(\w+\.md)\]/gm)];
  const parts = named.flatMap(([, names = ""]) => names.match(/\w+/g));
  expect(parts.toSorted()).toEqual(Object.keys(rest).sort());
});
