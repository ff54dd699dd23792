/** `meterworks scan`: finds meters on a line and says which they are; it never writes. */
import type { Command } from "commander";
import { type LineFormat, showLineFormat } from "../../core/line-format.ts";
import { MICROS_PER_MS } from "../../core/time.ts";
import {
  type FoundMeter,
  SCANNED,
  type Scanned,
  type ScanOptions,
  type ScanReport,
  type ScanWatch,
} from "../../field/scan/found.ts";
import { planScan } from "../../field/scan/plan.ts";
import { scan } from "../../field/scan/scan.ts";
import { failed, usage } from "../errors.ts";
import { openLine, serialOf, showWire } from "../line.ts";
import { print, printJson } from "../output.ts";
import { runProbe } from "../probe.ts";
import { CommandProcess } from "../process.ts";
import { ScanBar } from "../scan-progress.ts";
import { choice, type HostPort, hostPort, integer, path } from "../values.ts";
import { type Wire, wireOf } from "../wires.ts";

interface Flags {
  readonly serial?: string;
  readonly tcp?: HostPort;
  readonly units?: readonly number[];
  readonly bauds?: readonly number[];
  readonly parities?: readonly LineFormat["parity"][];
  readonly protocols?: readonly Scanned[];
  readonly timeout?: number;
  readonly first?: true;
  /** Taken up by the wire. */
  readonly record?: string;
  readonly json?: true;
}

/** What is tried where nothing is said: ASCII is rare and costs as much time as RTU. */
const BY_DEFAULT: Readonly<Record<ScanOptions["line"], readonly Scanned[]>> = {
  serial: ["modbus-rtu", "dlt645", "iec62056-21"],
  tcp: ["modbus-tcp", "modbus-rtu", "dlt645", "iec62056-21"],
};
const SPOKEN: Readonly<Record<ScanOptions["line"], readonly Scanned[]>> = {
  serial: ["modbus-rtu", "modbus-ascii", "dlt645", "iec62056-21"],
  tcp: ["modbus-tcp", "modbus-rtu", "modbus-ascii", "dlt645", "iec62056-21"],
};
/** A gateway asks its own line first. */
const PATIENCE_MS: Readonly<Record<ScanOptions["line"], number>> = { serial: 400, tcp: 1_000 };
/** A TCP connection is opened without one. */
const TCP_HAS_NONE: LineFormat = { baud: 9_600, dataBits: 8, parity: "none", stopBits: 1 };

const HELP = `
Meters are printed as soon as they answer, each with the command that reads it.
Nothing is ever written to a meter. Ctrl-C ends the scan with what was found.

Examples:
  meterworks scan --serial /dev/ttyUSB0
  meterworks scan --serial /dev/ttyUSB0 --units 1-32,100 --bauds 9600,19200 --parities none,even
  meterworks scan --serial /dev/ttyUSB0 --protocols dlt645 --first
  meterworks scan --tcp 192.168.1.50:502 --json`;

export function addScan(program: Command): void {
  program
    .command("scan")
    .description("finds meters on a line: units, speeds, parities, protocols, and which model each is")
    .option("--serial <PATH>", "a serial port such as /dev/ttyUSB0 or COM3", path("--serial"))
    .option("--tcp <HOST:PORT>", "a meter or gateway on TCP", hostPort("--tcp"))
    .option("--units <LIST>", "Modbus unit addresses, such as 1-32,100 (default: 1-10)", units)
    .option(
      "--bauds <LIST>",
      "speeds (default: those in use, the likely first)",
      list(integer("--bauds", 300, 4_000_000)),
    )
    .option(
      "--parities <LIST>",
      "of none, even, odd (default: all)",
      list(choice("--parities", ["none", "even", "odd"])),
    )
    .option(
      "--protocols <LIST>",
      `of ${SCANNED.join(", ")} (default: all but ASCII)`,
      list(choice("--protocols", SCANNED)),
    )
    .option(
      "--timeout <MS>",
      "wait this long for each answer (default: 400, on TCP 1000)",
      integer("--timeout", 10, 60_000),
    )
    .option("--first", "end with the first meter")
    .option(
      "--record <FILE>",
      "keep every byte both ways, with times, for `meterworks replay` and Wireshark (pcapng)",
      path("--record"),
    )
    .option("--json", "{found: [{protocol, unit, address, format, model, confidence, reason, read}], notes}")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { wire } = wireOf(flags, "--serial or --tcp");
  const options = optionsOf(flags, wire.kind === "tcp" ? "tcp" : "serial");
  const [firstVisit] = planScan(options);
  if (firstVisit === undefined) throw usage("no protocol is left to try", "IEC 62056-21 has even parity only");
  const found: FoundMeter[] = [];
  const work = async (proc: CommandProcess) => {
    const link = await openLine(proc, wire, { serial: serialOf(firstVisit.format ?? TCP_HAS_NONE) });
    const bar = new ScanBar();
    let report: ScanReport | undefined;
    proc.cleanup(() => {
      bar.end();
      if (report === undefined) show({ found, notes: ["the scan was stopped before its end"] }, wire, flags);
    });
    const watch: ScanWatch = {
      found: (meter) => {
        // The line is being closed behind what has been said.
        if (proc.ending) return;
        found.push(meter);
        bar.clear();
        if (flags.json !== true) print(described(meter, wire));
      },
      progress: (progress) => bar.show(progress, found.length),
    };
    report = await runProbe(proc, [link], firstVisit.format, scan(options, watch));
    if (report.unreachable !== undefined)
      throw failed(`${showWire(wire)}: ${report.unreachable}`, "check the address, and that something listens there");
    bar.end();
    show(report, wire, flags);
    if (found.length === 0) throw failed(`no meter answered on ${showWire(wire)}`, adviceFor(options, flags));
  };
  await CommandProcess.run(1, work, { onlyWarnings: true, interruptedExitCode: () => (found.length === 0 ? 1 : 0) });
}

function optionsOf(flags: Flags, line: ScanOptions["line"]): ScanOptions {
  const protocols = flags.protocols ?? BY_DEFAULT[line];
  const strange = protocols.find((protocol) => !SPOKEN[line].includes(protocol));
  if (strange !== undefined)
    throw usage(`--protocols ${strange} is not spoken on --${line}`, `spoken there: ${SPOKEN[line].join(", ")}`);
  if (line === "tcp" && (flags.bauds ?? flags.parities) !== undefined)
    throw usage("--bauds and --parities are for --serial", "TCP has no speed: leave them out");
  return {
    line,
    protocols,
    units: flags.units ?? units("1-10"),
    ...(flags.bauds === undefined ? {} : { bauds: flags.bauds }),
    ...(flags.parities === undefined ? {} : { parities: flags.parities }),
    patience: (flags.timeout ?? PATIENCE_MS[line]) * MICROS_PER_MS,
    first: flags.first === true,
  };
}

/** A commander argument parser for values between commas. */
function list<T>(one: (text: string) => T): (text: string) => readonly T[] {
  return (text) => [...new Set(text.split(",").map((part) => one(part.trim())))];
}

const unit = integer("--units", 1, 247);

/** `1-10,100`. */
function units(text: string): readonly number[] {
  const all = text.split(",").flatMap((part) => {
    const [low = "", high = low, ...more] = part.trim().split("-");
    const [from, to] = [unit(low), unit(high)];
    if (more.length > 0 || to < from) throw usage(`--units "${part}" is no range of units`, "for example 1-10,100");
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  return [...new Set(all)];
}

/** The results as one document, or what is left to say behind the meters, which were printed as they were found. */
function show({ found, notes }: ScanReport, wire: Wire, { json }: Flags): void {
  if (json === true) {
    printJson({ found: found.map((meter) => viewOf(meter, wire)), notes });
    return;
  }
  for (const note of notes) print(`note: ${note}`);
  if (found.length > 0) print(`${found.length} ${found.length === 1 ? "meter" : "meters"} found`);
}

function viewOf(meter: FoundMeter, wire: Wire) {
  const { format, ...rest } = meter;
  const line = format === undefined ? {} : { format: { ...format, text: showLineFormat(format) } };
  return { ...rest, ...line, read: readCommand(meter, wire) };
}

function described(meter: FoundMeter, wire: Wire): string {
  const { protocol, format, unit: at, address, model, alternatives, name, confidence, reason } = meter;
  const who = at === undefined ? (address ?? "without an address") : `unit ${at}`;
  const place = format === undefined ? showWire(wire) : showLineFormat(format);
  const what = model === undefined ? (name ?? "unknown model") : [model, ...alternatives].join(" or ");
  return [
    `${protocol} ${place} ${who}: ${what} (${confidence} % sure)`,
    ...(name === undefined || name === what ? [] : [`  is    ${name}`]),
    `  why   ${reason}`,
    `  read  ${readCommand(meter, wire)}`,
  ].join("\n");
}

/** The command that reads this meter, ready to be typed. */
function readCommand({ protocol, format, unit: at, echo, pushes, address, model }: FoundMeter, wire: Wire): string {
  const place = [`--${wire.kind}`, quoted(showWire(wire))];
  const speed = format === undefined ? [] : ["--baud", format.baud, "--parity", format.parity];
  if (protocol === "dlt645") return words("--protocol dlt645", ...place, ...speed, "--address", address);
  if (protocol === "iec62056-21")
    return words(`--protocol ${protocol}`, ...place, ...speed, ...(pushes ? ["--mode d"] : []));
  const usual = wire.kind === "tcp" ? "modbus-tcp" : "modbus-rtu";
  const spoken = protocol === usual ? [] : ["--protocol", protocol];
  return words("--model", model ?? "FILE", ...spoken, ...place, ...speed, "--unit", at, ...(echo ? ["--echo"] : []));
}

function words(...parts: readonly (string | number | undefined)[]): string {
  return ["meterworks read", ...parts].join(" ");
}

/** A path with blanks or the like as a shell wants it. */
function quoted(text: string): string {
  return /^[\w./:[\]-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function adviceFor({ line, units: asked }: ScanOptions, { bauds, parities, protocols }: Flags): string {
  const narrowed = [bauds && "--bauds", parities && "--parities", protocols && "--protocols"].filter(Boolean);
  const wider = narrowed.length === 0 ? "" : `leave out ${narrowed.join(" and ")}, `;
  const more = `${wider}try more units (--units 1-247; asked were ${asked.length}) and a longer --timeout`;
  if (line === "tcp") return `${more}; check that a meter is connected behind it`;
  return `check that the meter has power and that A and B are not swapped; \`meterworks doctor\` explains a silent line; ${more}`;
}
