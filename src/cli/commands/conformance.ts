/** `meterworks conformance`: a protocol's checklist against a device, with a report that can be filed. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { showLineFormat } from "../../core/line-format.ts";
import type { CheckResult } from "../../field/conformance/check.ts";
import { tally } from "../../field/conformance/check.ts";
import { type ReportHead, reportData } from "../../field/conformance/report.ts";
import { htmlReport } from "../../field/conformance/report-html.ts";
import { junitReport } from "../../field/conformance/report-junit.ts";
import { resultLines, summaryLine } from "../../field/conformance/report-text.ts";
import type { Link } from "../../platform/link.ts";
import type { Conformance, ConformanceFlags, Judge, Phase } from "../conformance.ts";
import { DLT645_CONFORMANCE } from "../conformance-dlt645.ts";
import { IEC62056_CONFORMANCE } from "../conformance-iec62056.ts";
import { MODBUS_CONFORMANCE } from "../conformance-modbus.ts";
import { failed, usage } from "../errors.ts";
import { openLine, serialOf, showWire } from "../line.ts";
import { print, printJson } from "../output.ts";
import { runProbe } from "../probe.ts";
import { CommandProcess } from "../process.ts";
import { showProgress } from "../progress.ts";
import { choice, integer } from "../values.ts";
import { VERSION } from "../version.ts";
import { addWireFlags, type Spoken, type Wire, wireOf } from "../wires.ts";

const PROTOCOLS: Readonly<Record<string, Conformance>> = {
  modbus: MODBUS_CONFORMANCE,
  dlt645: DLT645_CONFORMANCE,
  "iec62056-21": IEC62056_CONFORMANCE,
};
const NAMES = Object.keys(PROTOCOLS);

const HELP = `
Without --map only reads are made, of what the device shows by itself. A map file says what the device has, what may be
written, and what it leaves out by design with the reason; docs/conformance.md shows the form. Nothing outside of the
ranges that the map names is written, and what was written is put back. Exit 1 when a check fails.

Examples:
  meterworks conformance modbus --tcp 192.168.1.50:502 --unit 1
  meterworks conformance modbus --serial /dev/ttyUSB0 --baud 19200 --parity even --unit 7 --map meter.json
  meterworks conformance modbus --serial COM3 --protocol modbus-ascii --group ASCII --group PDU
  meterworks conformance modbus --tcp 127.0.0.1:1502 --map meter.json --junit report.xml --html report.html
  meterworks conformance dlt645 --serial /dev/ttyUSB0 --address 000000000161 --map meter.json
  meterworks conformance iec62056-21 --serial /dev/ttyUSB0`;

export function addConformance(program: Command): void {
  const command = program
    .command("conformance")
    .description("a protocol's checklist against a device on a line: a line per check with its clause")
    .argument("<protocol>", NAMES.join(", "), choice("PROTOCOL", NAMES));
  addWireFlags(command)
    .option("--unit <N>", "Modbus unit address, 1..247 (default: 1)", integer("--unit", 1, 247))
    .option("--address <A>", "DL/T 645: 12 digits (default: asks for it); IEC 62056-21: device address (default: none)")
    .option("--map <FILE>", "what the device has and what may be written, as JSON")
    .option("--junit <FILE>", "writes the report as JUnit XML")
    .option("--html <FILE>", "writes the report as one HTML file")
    .option("--group <NAME>", "only checks of this group; repeatable, see --list", several)
    .option("--check <ID>", "only this check; repeatable", several)
    .option("--list", "lists the checks and asks nobody")
    .option(
      "--timeout <MS>",
      "how long a reply may take; silence is believed after it",
      integer("--timeout", 10, 60_000),
      1_000,
    )
    .option("--json", "one document: counts, and each check with its verdict and bytes")
    .addHelpText("after", HELP)
    .action(run);
}

function several(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

async function run(name: string, flags: ConformanceFlags): Promise<void> {
  const protocol = PROTOCOLS[name] as Conformance;
  const spoken = spokenBy(name, flags);
  checkChoice(protocol, spoken, flags);
  if (flags.list === true) {
    for (const { id, group, title, clause } of protocol.checks(spoken)) print(`${group}  ${id}  ${title}  [${clause}]`);
    return;
  }
  const text = flags.map === undefined ? undefined : mapText(flags.map);
  // Interrupted, nothing was found out.
  await CommandProcess.run(1, (proc) => judge(proc, name, spoken, flags, text), {
    interruptedExitCode: 1,
    onlyWarnings: true,
  });
}

/** The wire; of a list none need be named. */
function spokenBy(name: string, flags: ConformanceFlags): Spoken {
  if (flags.list === true && flags.tcp === undefined && flags.serial === undefined)
    return { protocol: flags.protocol ?? "modbus-rtu", wire: { kind: "serial", path: "" } };
  const spoken = wireOf(name === "modbus" ? flags : { ...flags, protocol: name as "dlt645" }, "--serial or --tcp");
  if (!spoken.protocol.startsWith(name))
    throw usage(`--protocol ${spoken.protocol} is not ${name}`, `leave --protocol out, or ask for its conformance`);
  return spoken;
}

function checkChoice(protocol: Conformance, spoken: Spoken, flags: ConformanceFlags): void {
  const checks = protocol.checks(spoken);
  const groups = [...new Set(checks.map(({ group }) => group))];
  for (const asked of flags.group ?? [])
    if (!groups.some((group) => group.toLowerCase() === asked.toLowerCase()))
      throw usage(`--group "${asked}" is unknown`, `one of: ${groups.join(", ")}`);
  for (const asked of flags.check ?? [])
    if (!checks.some(({ id }) => id === asked)) throw usage(`--check "${asked}" is unknown`, "--list shows them");
}

function mapText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`map file ${file} can't be read: ${(error as Error).message}`, "docs/conformance.md shows the form");
  }
}

async function judge(
  proc: CommandProcess,
  name: string,
  spoken: Spoken,
  flags: ConformanceFlags,
  text: string | undefined,
): Promise<void> {
  const progress = showProgress();
  const judged = (PROTOCOLS[name] as Conformance).judge(spoken, flags, text, (result, done, total) => {
    if (flags.json !== true) for (const line of resultLines(result)) print(line);
    progress?.(done / total);
  });
  const { wire } = spoken;
  const at = new Date().toISOString();
  const results: CheckResult[] = [];
  for (const phase of judged.phases) {
    const found = await runPhase(proc, wire, judged, phase);
    if (found === undefined)
      throw failed(`nothing answers as ${judged.address} on ${showWire(wire)}`, silenceHint(wire));
    results.push(...found);
  }
  const tcp = wire.kind === "tcp";
  const where = [showWire(wire), ...(tcp ? [] : [showLineFormat(judged.format)]), judged.address].join(", ");
  report({ protocol: name, device: judged.device ?? where, where, at, version: VERSION }, results, flags);
}

/** A phase has its connections for itself: some servers take one at a time. */
async function runPhase(proc: CommandProcess, wire: Wire, { format }: Judge, { connections, probe }: Phase) {
  const links: Link[] = [];
  for (let i = 0; i < (wire.kind === "tcp" ? connections : 1); i++)
    links.push(await openLine(proc, wire, { serial: serialOf(format), name: `${connections}/${i}` }));
  const found = await runProbe(proc, links, wire.kind === "tcp" ? undefined : format, probe);
  for (const link of links) await link.end();
  return found;
}

function silenceHint(wire: Wire): string {
  if (wire.kind === "tcp") return "check the address of the connection and of the device";
  return "check the device's address, --baud, --parity and the wires; `meterworks doctor` explains a silent line";
}

function report(head: ReportHead, results: readonly CheckResult[], flags: ConformanceFlags): void {
  if (flags.junit !== undefined) write("--junit", flags.junit, junitReport(head, results));
  if (flags.html !== undefined) write("--html", flags.html, htmlReport(head, results));
  if (flags.json === true) printJson(reportData(head, results));
  else print(summaryLine(results));
  const count = tally(results).failed;
  if (count > 0)
    throw failed(`${count} of ${results.length} checks failed`, "each shows its clause and the bytes that were seen");
}

function write(flag: string, file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw usage(`${flag} ${file} can't be written: ${(error as Error).message}`);
  }
}
