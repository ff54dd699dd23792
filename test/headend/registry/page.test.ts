/** docs/registry.md against what there is: columns, routes, actions of the command. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { expect, test } from "vitest";
import { COLUMNS } from "../../../headend/registry/columns.ts";
import { REGISTRY_STATES } from "../../../headend/registry/entry.ts";
import { addRegistry } from "../../../src/cli/commands/registry.ts";
import { fixture } from "../api/api-support.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/registry.md"), "utf8");

test("every column of the table is explained, and every state", () => {
  const first = [...PAGE.matchAll(/^\| (`[^|]+`) +\|/gm)].flatMap(([, cell]) => cell?.match(/\w+/g) ?? []);
  for (const { name } of COLUMNS) expect(first, name).toContain(name);
  for (const state of REGISTRY_STATES) expect(PAGE).toMatch(new RegExp(`${state}: |· ${state} ·`));
});

test("every action of the command is shown, and every shown one exists with its flags", () => {
  const program = new Command();
  addRegistry(program);
  const actions = new Map(program.commands[0]?.commands.map((command) => [command.name(), command]));
  const shown = [...PAGE.matchAll(/npx meterworks registry (\w+)(.*)$/gm)];
  expect([...new Set(shown.map(([, action]) => action))].sort()).toEqual([...actions.keys()].sort());
  for (const [line, action, rest = ""] of shown)
    for (const flag of rest.match(/--[a-z-]+/g) ?? [])
      expect(
        actions.get(action ?? "")?.options.map(({ long }) => long),
        line,
      ).toContain(flag);
});

test("every route of the registry is listed", async () => {
  const { app } = await fixture();
  const { paths } = (await app.inject("/openapi.json")).json();
  await app.close();
  const routes = Object.keys(paths).filter((path) => path.startsWith("/api/v1/registry"));
  expect(routes.length).toBeGreaterThan(4);
  for (const path of routes) expect(PAGE).toContain(path);
});
