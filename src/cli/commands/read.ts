/** `meterworks read`: one reading of one meter. */
import type { Command } from "commander";
import type { LineConfig } from "../../../headend/config.ts";
import type { MeterId } from "../../../headend/ports.ts";
import { valueViews } from "../../../headend/view.ts";
import { measure } from "../../core/measures.ts";
import { MICROS_PER_MS, MICROS_PER_SECOND } from "../../core/time.ts";
import type { Link } from "../../platform/link.ts";
import { checkDlt645Flags, type Dlt645Choices, dlt645Choices, readAddress } from "../dlt645-options.ts";
import { readDlt645 } from "../dlt645-reading.ts";
import { failed, usage } from "../errors.ts";
import { addIec62056ReadFlags, checkIec62056Flags, type Iec62056ReadFlags, iec62056Port } from "../iec62056-line.ts";
import { openLine, showWire } from "../line.ts";
import { loadModel } from "../models.ts";
import { print, printJson, table } from "../output.ts";
import { CommandProcess } from "../process.ts";
import { ReadoutOnce, type ReadoutOutcome, type ReadoutPlan } from "../read-iec62056.ts";
import { ReadOnce, type ReadOutcome } from "../read-meter.ts";
import { integer } from "../values.ts";
import { addWireFlags, framingOf, type Spoken, serialSettings, type Wire, type WireFlags, wireOf } from "../wires.ts";

interface Flags extends WireFlags, Iec62056ReadFlags {
  readonly model?: string;
  readonly unit?: number;
  readonly address?: string;
  readonly dlt645?: Dlt645Choices;
  readonly timeout: number;
  readonly retries: number;
  readonly echo?: true;
  readonly harmonics?: true;
  readonly json?: true;
}

const HELP = `
Examples:
  meterworks read --model eastron-sdm630 --tcp 192.168.1.50:502 --unit 1
  meterworks read --model eastron-sdm120 --serial /dev/ttyUSB0 --baud 2400 --json
  meterworks read --model eastron-sdm120 --serial /dev/ttyUSB0 --echo
  meterworks read --model meterworks-3p --tcp 127.0.0.1:1502 --harmonics
  meterworks read --model eastron-sdm120 --tcp 192.168.1.60:8000 --protocol modbus-rtu
  meterworks read --model eastron-sdm120 --serial rfc2217://192.168.1.60:2217 --baud 2400
  meterworks read --protocol dlt645 --serial /dev/ttyUSB0 --address 000000000161
  meterworks read --protocol iec62056-21 --tcp 192.168.1.60:8000
  meterworks read --protocol iec62056-21 --serial /dev/ttyUSB0
  meterworks read --protocol iec62056-21 --serial /dev/ttyUSB0 --mode p1`;

export function addRead(program: Command): void {
  const command = program
    .command("read")
    .description("one reading of a meter, every register of its map but single harmonics")
    .option("--model <ID|FILE>", "Modbus: the meter model, see `meterworks models`, or a model file");
  addIec62056ReadFlags(addWireFlags(command))
    .option("--unit <N>", "Modbus unit address, 1..247 (default: the model's)", integer("--unit", 1, 247))
    .option(
      "--address <12DIGITS>",
      "DL/T 645 address, AA for high digits not known (default: asks for it)",
      readAddress,
    )
    .option("--dlt645 <KEY=VALUE,...>", "how this meter differs, such as combined=sum,zone=480", dlt645Choices("read"))
    .option("--echo", "Modbus: the serial adapter hears itself, as two-wire ones without echo suppression do")
    .option("--harmonics", "each harmonic of voltage and current too, of meters that have them (Modbus, DL/T 645)")
    .option("--timeout <MS>", "wait this long for each reply", integer("--timeout", 10, 60_000), 1_000)
    .option("--retries <N>", "further attempts of a request without a good reply", integer("--retries", 0, 10), 2)
    .option("--json", "[{measure, obis, value, unit, time, quality}], values as decimal strings")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { wire, protocol } = wireOf(flags, "--serial or --tcp");
  checkIec62056Flags(flags, protocol === "iec62056-21", "auto");
  if (flags.echo === true && protocol !== "modbus-rtu" && protocol !== "modbus-ascii")
    throw usage("--echo is for Modbus on --serial", "the other protocols tell an echo by themselves: leave it out");
  if (flags.harmonics === true && protocol === "iec62056-21")
    throw usage("an IEC 62056-21 readout has no single harmonics", "leave --harmonics out");
  const work = async (proc: CommandProcess) => {
    const reading = await readIn(proc, { protocol, wire }, flags);
    show(valueViews(reading.values, reading.time, "good"), flags.json === true);
  };
  // A script must not take an interrupted reading for one without values.
  await CommandProcess.run(1, work, { interruptedExitCode: 1 });
}

function readIn(proc: CommandProcess, spoken: Spoken, flags: Flags) {
  checkDlt645Flags(flags, spoken.protocol === "dlt645");
  switch (spoken.protocol) {
    case "dlt645":
      return readDlt645(proc, spoken.wire, flags);
    case "iec62056-21":
      return readout(proc, spoken.wire, flags);
    case "modbus-rtu":
    case "modbus-ascii":
    case "modbus-tcp":
      return readModbus(proc, spoken, flags);
    default:
      // A protocol without a reader must never be answered by another one's.
      throw usage(`read does not speak ${spoken.protocol} in this version`);
  }
}

async function readModbus(proc: CommandProcess, { protocol, wire }: Spoken, flags: Flags) {
  if (flags.model === undefined)
    throw usage("required option '--model <ID|FILE>' not specified", "`meterworks models` lists those it knows");
  const model = loadModel(flags.model);
  const unit = flags.unit ?? model.modbus.defaults.unit;
  const settings = serialSettings(flags, model, protocol);
  const link = await openLine(proc, wire, { serial: settings });
  const line: LineConfig = {
    link: link.id,
    framing: protocol === "modbus-tcp" ? "tcp" : framingOf(settings).framing,
    baud: settings.baudRate,
    ...(flags.echo === true ? { echo: true } : {}),
    responseTimeout: flags.timeout * MICROS_PER_MS,
    retries: flags.retries,
    // One poll is all it gets to make.
    pollEvery: Number.MAX_SAFE_INTEGER / 4,
    ...(flags.harmonics === true ? { measures: model.modbus.registers.map((r) => r.measure) } : {}),
    meters: [{ id: "meter" as MeterId, unit, model }],
  };
  const outcome = await readOnce(proc, link, line, flags.timeout);
  if (outcome.ok) return outcome.reading;
  throw failed(`unit ${unit} on ${showWire(wire)}: ${outcome.reason}`, hintFor(outcome.reason, wire));
}

async function readout(proc: CommandProcess, wire: Wire, flags: Flags) {
  const { mode } = flags;
  const port = iec62056Port(flags, mode === "auto" ? "sign-on" : mode);
  const link = await openLine(proc, wire, { serial: port });
  const plan: ReadoutPlan = {
    begin: mode === "auto" ? "sign-on" : "listen",
    thenListen: wire.kind === "tcp",
    listenBaud: port.baudRate,
    patience: Math.round(flags.wait * MICROS_PER_SECOND),
    linkPatience: Math.max(3_000, 2 * flags.timeout) * MICROS_PER_MS,
    reader: {
      address: flags.deviceAddress ?? "",
      parity: flags.softParity && mode !== "p1" ? "even" : "port",
      signOnBaud: port.baudRate,
      retries: flags.retries,
    },
  };
  const outcome = await new Promise<ReadoutOutcome>((resolve) => {
    proc.runtime.host(new ReadoutOnce(link.id, plan, resolve), undefined, { name: "read" }).attach(link);
  });
  if (outcome.ok) return outcome;
  throw failed(`${showWire(wire)}: ${outcome.reason}`, readoutHint(outcome.reason, wire, mode));
}

function readoutHint(reason: string, wire: Wire, mode: Flags["mode"]): string {
  if (/no known measure/.test(reason)) return "record the line and see `meterworks decode iec62056-21 --file FILE`";
  if (wire.kind === "tcp") return "check the address, and that a meter is connected there";
  if (mode === "p1")
    return "P1 is 115200 8N1, of old meters --baud 9600 --parity even; its request line must be powered";
  if (mode === "d") return "mode D is 2400 7E1, or what --baud says; a longer --wait";
  return "check how the head sits and --baud; a meter that sends by itself wants --mode d or --mode p1";
}

function readOnce(proc: CommandProcess, link: Link, line: LineConfig, timeoutMs: number): Promise<ReadOutcome> {
  return new Promise((resolve) => {
    const reader = new ReadOnce(line, Math.max(3_000, 2 * timeoutMs) * MICROS_PER_MS, resolve);
    proc.runtime.host(reader, undefined, { name: "read", precise: line.framing === "rtu" }).attach(link);
  });
}

function hintFor(reason: string, wire: Wire): string {
  if (/connect E|getaddrinfo|closed by the peer|link is down|no connection/i.test(reason))
    return "check the address, and that something listens there";
  if (!/time/i.test(reason)) return "check that --model is this meter's";
  return wire.kind === "tcp"
    ? "check --unit, or give a longer --timeout"
    : "check --unit, --baud, --parity, --echo and the A/B wires, or give a longer --timeout";
}

function show(rows: ReturnType<typeof valueViews>, json: boolean): void {
  if (json) {
    printJson(rows);
    return;
  }
  const cells = rows.map((row) => {
    const m = measure(row.measure as Parameters<typeof measure>[0]);
    return [m.title, row.value ?? "no value", row.value === null ? "" : row.unit, row.obis];
  });
  print(table(cells, [1]));
}
