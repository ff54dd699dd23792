/** The page on recovery lists exactly the alarms there are, and the page on the API the scopes and kinds of events. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { INCIDENT_KINDS } from "../../../headend/alarms/incident.ts";
import { SCOPES } from "../../../headend/api/tokens.ts";
import { EVENT_KINDS } from "../../../headend/notice-feed.ts";
import { REPOSITORY } from "../../programs.ts";

const page = (name: string) => readFileSync(join(REPOSITORY, "docs", name), "utf8");
const rows = (text: string, heading: string) => {
  const section = text.split(heading)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
};

test("alarms", () => {
  expect(rows(page("recovery.md"), "## Where it is").toSorted()).toEqual([...INCIDENT_KINDS].sort());
});

test("scopes and events", () => {
  expect(rows(page("api.md"), "## Tokens")).toEqual([...SCOPES]);
  const named = /events named (.*)\. `meter`/.exec(page("api.md"))?.[1] ?? "";
  expect([...named.matchAll(/`(\w+)`/g)].map(([, kind]) => kind)).toEqual([...EVENT_KINDS]);
});
