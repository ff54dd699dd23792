/** `meterworks registry`: what the head-end knows of each meter, commissioning, exchange of devices, tables. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { REGISTRY_STATES } from "../../../headend/registry/entry.ts";
import type { Change } from "../../../headend/registry/plan.ts";
import { measure, parseShownValue } from "../../core/measures.ts";
import { type ApiFlags, addApiFlags, apiAccess } from "../api-options.ts";
import { failed, usage } from "../errors.ts";
import { print, printJson, table } from "../output.ts";
import {
  exchangeByApi,
  exportRegistry,
  getRegistryMeter,
  type ImportAnswer,
  importRegistry,
  listRegistry,
  proposeMeters,
  putRegistryMeter,
} from "../registry-api.ts";
import { addMemberFlags, bodyOf, type MemberFlags } from "../registry-flags.ts";
import { proposalsOf } from "../scan-proposals.ts";
import { choice, isoTime, meterName } from "../values.ts";

interface Flags extends ApiFlags {
  readonly json?: true;
}

const HELP = `
Examples:
  meterworks registry list --state held --token-file ./meters.db.token
  meterworks registry accept flat-9 --customer k-17 --ct 200/5 --token-file ./meters.db.token
  meterworks registry exchange flat-7 --closing 10250.4 --opening 0 --serial 4711-B --token-file ./meters.db.token
  meterworks registry export --token-file ./meters.db.token > meters.csv
  meterworks registry import meters.csv --dry-run --token-file ./meters.db.token`;

export function addRegistry(program: Command): void {
  const registry = program
    .command("registry")
    .description("what the head-end knows of each meter: place, device, transformers, customer; through its API")
    .addHelpText("after", HELP)
    .argument("[action]")
    .usage("[options] [command]")
    .action((action?: string) => {
      throw usage(
        action === undefined ? "registry needs an action" : `action "${action}" is unknown`,
        "one of: list, show, set, accept, reject, propose, exchange, import, export",
      );
    });
  const add = (name: string, description: string) =>
    addApiFlags(registry.command(name).description(description)).option("--json", "the answer as JSON");
  add("list", "all meters, or those in one state")
    .option("--state <STATE>", `one of: ${REGISTRY_STATES.join(", ")}`, choice("--state", REGISTRY_STATES))
    .action(list);
  add("show <meter>", "one meter, with the devices it had").action(show);
  addMemberFlags(add("set <meter>", "say what a meter is; what is not named stays")).action(set);
  addMemberFlags(add("accept <meter>", "a held or removed meter becomes active; the flags of set may be added")).action(
    accept,
  );
  add("reject <meter>", "a held meter is not wanted, an active one is gone: neither polled nor listened to")
    .option("--note <TEXT>", "why")
    .action(reject);
  add("propose", "hold the meters that a scan found on a line of the configuration")
    .requiredOption("--file <FILE>", "what meterworks scan … --json wrote")
    .requiredOption("--line <NAME>", "the configuration's name of that line")
    .action(propose);
  add("exchange <meter>", "another device at the same point: what was used goes on without a step")
    .requiredOption("--opening <KWH>", "the +A register of the new device", energy("--opening"))
    .option("--closing <KWH>", "that of the old one (default: its last good reading)", energy("--closing"))
    .option("--at <TIME>", "when it was done, ISO 8601 (default: now)", isoTime("--at"))
    .option("--serial <TEXT>", "the serial number of the new device")
    .option("--model <ID>", "its model, where it is another one")
    .option("--key <KEY>", "names this exchange: the same key again is the same one (default: a new random one)")
    .action(exchange);
  add("import <file>", "take over a table as export writes it; nothing where any line is wrong")
    .option("--partial", "take over what is right although other lines are wrong")
    .option("--dry-run", "say what would change, and change nothing")
    .action(importTable);
  addApiFlags(registry.command("export").description("all meters as comma-separated values")).action(exportTable);
}

async function list(flags: Flags & { readonly state?: string }): Promise<void> {
  const meters = await listRegistry(apiAccess(flags), flags.state);
  if (flags.json === true) {
    printJson(meters);
    return;
  }
  const rows = meters.map(({ id, state, model, where, ratio, serial }) => [
    ...[id, state, model, where ?? "-", String(ratio), serial ?? "-"],
  ]);
  print(table([["id", "state", "model", "where", "ratio", "serial"], ...rows], [4]));
}

async function show(meterText: string, flags: Flags): Promise<void> {
  const meter = await getRegistryMeter(apiAccess(flags), meterName("meter")(meterText));
  if (flags.json === true) {
    printJson(meter);
    return;
  }
  const { exchanges, ...members } = meter;
  const said = Object.entries(members).filter(([, value]) => value !== null && value !== "" && !isEmpty(value));
  print(table(said.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)])));
  for (const { at, closing, opening, oldSerial, newSerial } of exchanges)
    print(`exchanged ${at}: ${oldSerial ?? "?"} closed at ${closing} kWh, ${newSerial ?? "?"} began at ${opening} kWh`);
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && Object.values(value ?? {}).every((each) => each === null);
}

async function set(meter: string, flags: Flags & MemberFlags): Promise<void> {
  const body = bodyOf(flags);
  if (Object.keys(body).length === 0)
    throw usage("the command says nothing to set", "see meterworks registry set --help");
  await put(meter, body, flags);
}

async function accept(meter: string, flags: Flags & MemberFlags): Promise<void> {
  await put(meter, { ...bodyOf(flags), state: "active" }, flags);
}

async function reject(meterText: string, flags: Flags & { readonly note?: string }): Promise<void> {
  const meter = meterName("meter")(meterText);
  // A PUT would take a mistyped name for a new meter.
  await getRegistryMeter(apiAccess(flags), meter);
  await put(meter, { ...(flags.note === undefined ? {} : { note: flags.note }), state: "removed" }, flags);
}

async function put(meterText: string, body: Parameters<typeof putRegistryMeter>[2], flags: Flags): Promise<void> {
  const meter = meterName("meter")(meterText);
  const answer = await putRegistryMeter(apiAccess(flags), meter, body);
  if (flags.json === true) printJson(answer);
  else print(`${meter}: ${answer.outcome}${changesText(answer.changes)}`);
}

function changesText(changes: readonly Change[]): string {
  const each = changes.map(({ column, before, after }) => `${column} ${before || "-"} -> ${after || "-"}`);
  return each.length === 0 ? "" : `: ${each.join(", ")}`;
}

async function propose(flags: Flags & { readonly file: string; readonly line: string }): Promise<void> {
  const { proposals, left } = proposalsOf(readText(flags.file, "--file "), flags.file, flags.line);
  const { meters } = await proposeMeters(apiAccess(flags), proposals);
  if (flags.json === true) printJson({ meters, left });
  else {
    for (const { meter, outcome, reason } of meters)
      print(`${meter}: ${outcome === "new" ? "held" : outcome}${reason === null ? "" : `: ${reason}`}`);
    if (left > 0) print(`${left} found by protocols that the head-end does not poll`);
  }
  const refused = meters.filter(({ outcome }) => outcome === "refused").length;
  if (refused > 0) throw failed(`${refused} of ${meters.length} could not be held`, "the lines above say why");
}

interface ExchangeFlags extends Flags {
  readonly opening: string;
  readonly closing?: string;
  readonly at?: string;
  readonly serial?: string;
  readonly model?: string;
  readonly key?: string;
}

async function exchange(meterText: string, flags: ExchangeFlags): Promise<void> {
  const meter = meterName("meter")(meterText);
  const { opening, closing, at, serial, model, key = randomUUID() } = flags;
  const answer = await exchangeByApi(apiAccess(flags), meter, {
    ...{ opening, key },
    ...(closing === undefined ? {} : { closing }),
    ...(at === undefined ? {} : { at }),
    ...(serial === undefined ? {} : { serial }),
    ...(model === undefined ? {} : { model }),
  });
  if (flags.json === true) {
    printJson(answer);
    return;
  }
  const { exchange, created } = answer;
  const what = created ? "exchanged" : "was exchanged before, nothing was recorded again:";
  print(`${meter}: ${what} at ${exchange.at}, closed at ${exchange.closing} kWh, begins at ${exchange.opening} kWh`);
}

function energy(flag: string): (text: string) => string {
  return (text) => {
    const parsed = parseShownValue(measure("activeEnergyImport"), text);
    if (parsed.ok && parsed.value >= 0) return text;
    throw usage(`${flag} "${text}" is no register in kWh`, "for example 10250.4");
  };
}

async function importTable(
  file: string,
  flags: Flags & { readonly partial?: true; readonly dryRun?: true },
): Promise<void> {
  const csv = readText(file, "");
  const { partial = false, dryRun = false } = flags;
  const answer = await importRegistry(apiAccess(flags), { csv, partial, dryRun });
  if (flags.json === true) printJson(answer);
  else printImport(answer, file);
  if (answer.mistakes.length > 0) {
    const hint = answer.applied ? "the other lines were taken over" : "nothing was changed";
    throw failed(`${file}: ${answer.counts.refused} lines are wrong`, hint);
  }
}

function printImport({ rows, counts, mistakes, applied }: ImportAnswer, file: string): void {
  for (const { meter, outcome, changes } of rows) print(`${meter}: ${outcome}${changesText(changes)}`);
  for (const { line, column, problem } of mistakes)
    print(`${file}${line === 0 ? "" : `:${line}: ${column}`}: ${problem}`);
  const would = applied ? "" : "nothing was changed; it would be: ";
  print(
    `${would}${counts.new} new, ${counts.changed} changed, ${counts.unchanged} unchanged, ${counts.refused} refused`,
  );
}

async function exportTable(flags: ApiFlags): Promise<void> {
  process.stdout.write(await exportRegistry(apiAccess(flags)));
}

function readText(file: string, flag: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`${flag}${file} can't be read: ${(error as Error).message}`);
  }
}
