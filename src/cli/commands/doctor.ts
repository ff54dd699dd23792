/** `meterworks doctor`: what is wrong with a line or the wiring of a meter, in plain words. It only reads. */
import type { Command } from "commander";
import type { LineFormat } from "../../core/line-format.ts";
import { showLineFormat } from "../../core/line-format.ts";
import { type MeasureKey, measure, showValue } from "../../core/measures.ts";
import { MICROS_PER_MS } from "../../core/time.ts";
import { type Diagnosis, doctor } from "../../field/doctor/doctor.ts";
import { CAUSES } from "../../field/doctor/finding.ts";
import { checkDlt645Flags, dlt645Line, readAddress } from "../dlt645-options.ts";
import { dlt645Visit, iec62056Visit, modbusVisit } from "../doctor-visit.ts";
import { usage } from "../errors.ts";
import { deviceAddressOption, iec62056Port } from "../iec62056-line.ts";
import { openLine, serialOf, showWire } from "../line.ts";
import { loadModel } from "../models.ts";
import { print, printJson } from "../output.ts";
import { runProbe } from "../probe.ts";
import { CommandProcess } from "../process.ts";
import { integer } from "../values.ts";
import { addWireFlags, type Spoken, serialSettings, type WireFlags, wireOf } from "../wires.ts";

interface Flags extends WireFlags {
  readonly model?: string;
  readonly unit?: number;
  readonly address?: string;
  readonly deviceAddress?: string;
  readonly timeout: number;
  readonly questions: number;
  readonly json?: true;
}

const HELP = `
It listens, asks and compares; it never writes. With --model it also judges how the meter is wired to its phases.
Exit code 0: nothing is wrong; 1: something is. docs/doctor.md explains each finding.

Examples:
  meterworks doctor --serial /dev/ttyUSB0 --unit 1
  meterworks doctor --serial /dev/ttyUSB0 --model eastron-sdm630 --baud 9600 --parity none
  meterworks doctor --tcp 192.168.1.50:502 --model eastron-sdm630 --json
  meterworks doctor --serial /dev/ttyUSB0 --protocol dlt645
  meterworks doctor --serial /dev/ttyUSB0 --protocol iec62056-21`;

export function addDoctor(program: Command): void {
  const command = program
    .command("doctor")
    .description("explains a silent or odd line: wrong baud, echo, swapped wires, noise, a transformer turned round")
    .option("--model <ID|FILE>", "the meter model, see `meterworks models`: then its wiring is judged too");
  addWireFlags(command)
    .option("--unit <N>", "Modbus unit address, 1..247 (default: the model's, else 1)", integer("--unit", 1, 247))
    .option("--address <12DIGITS>", "DL/T 645 address (default: any, on a line with one meter)", readAddress)
    .addOption(deviceAddressOption())
    .option("--timeout <MS>", "what your programs wait for an answer", integer("--timeout", 10, 60_000), 1_000)
    .option("--questions <N>", "how many questions of each length to judge by", integer("--questions", 4, 1_000), 10)
    .option("--json", "{healthy, findings: [{cause, confidence, title, evidence, remedies}], line, values}")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const spoken = wireOf(flags, "--serial or --tcp");
  const { visit, format } = planOf(spoken, flags);
  const work = async (proc: CommandProcess) => {
    const { wire } = spoken;
    // A serial port needs settings also where bytes take no time.
    const link = await openLine(proc, wire, { serial: serialOf(format) });
    const onLine = wire.kind === "tcp" ? undefined : format;
    const note = progress();
    const plan = {
      ...{ format: onLine, tongue: visit.tongue, timeout: flags.timeout * MICROS_PER_MS, rounds: flags.questions },
      ...(note === undefined ? {} : { note }),
    };
    const diagnosis = await runProbe(proc, [link], onLine, doctor(plan, visit.wiring));
    note?.("");
    // What an interrupted examination makes of a line that was closed under it is no diagnosis.
    if (proc.ending) return;
    if (flags.json === true) printJson(jsonOf(diagnosis, showWire(wire)));
    else show(diagnosis, showWire(wire));
    if (!isHealthy(diagnosis)) process.exitCode = 1;
  };
  await CommandProcess.run(1, work, { interruptedExitCode: 1 });
}

function planOf({ protocol }: Spoken, flags: Flags): { visit: ReturnType<typeof modbusVisit>; format: LineFormat } {
  checkDlt645Flags(flags, protocol === "dlt645");
  if (flags.deviceAddress !== undefined && protocol !== "iec62056-21")
    throw usage("--device-address is for IEC 62056-21", "add --protocol iec62056-21");
  if (protocol === "dlt645") {
    if ((flags.model ?? flags.unit) !== undefined)
      throw usage("--model and --unit are for Modbus", "a DL/T 645 meter names its data itself: give --address");
    const { baudRate, ...rest } = dlt645Line(flags);
    return { visit: dlt645Visit(flags.address), format: { baud: baudRate, ...rest } };
  }
  if (protocol === "iec62056-21") {
    if ((flags.model ?? flags.unit) !== undefined)
      throw usage("--model and --unit are for Modbus", "give --device-address where several meters share the line");
    const { baudRate, parity, dataBits, stopBits } = iec62056Port(flags, "sign-on");
    return { visit: iec62056Visit(flags.deviceAddress ?? ""), format: { baud: baudRate, parity, dataBits, stopBits } };
  }
  if (protocol !== "modbus-rtu" && protocol !== "modbus-tcp")
    throw usage(`the doctor does not speak ${protocol}`, "it speaks modbus-rtu, modbus-tcp, dlt645 and iec62056-21");
  const model = flags.model === undefined ? undefined : loadModel(flags.model);
  const unit = flags.unit ?? model?.modbus.defaults.unit ?? 1;
  const visit = modbusVisit(protocol === "modbus-tcp" ? "tcp" : "rtu", unit, model);
  if (model === undefined)
    return { visit, format: { baud: flags.baud ?? 9_600, parity: flags.parity ?? "none", dataBits: 8, stopBits: 1 } };
  const { baudRate, parity, stopBits } = serialSettings(flags, model, protocol);
  return { visit, format: { baud: baudRate, parity, dataBits: 8, stopBits } };
}

/** What is being done, on stderr where someone looks; an empty text wipes it. */
function progress(): ((what: string) => void) | undefined {
  if (process.stderr.isTTY !== true) return undefined;
  return (what) => process.stderr.write(`\r\x1b[K${what}`);
}

function isHealthy({ findings }: Diagnosis): boolean {
  return findings.every(({ cause }) => cause === "healthy");
}

function ms(micros: number): string {
  return (micros / MICROS_PER_MS).toFixed(1);
}

function jsonOf(diagnosis: Diagnosis, where: string) {
  const { findings, format, questions, answers, latency, values } = diagnosis;
  return {
    healthy: isHealthy(diagnosis),
    where,
    findings: findings.map(({ cause, confidence, evidence }) => ({ cause, confidence, evidence, ...CAUSES[cause] })),
    line: {
      format: format === undefined ? null : showLineFormat(format),
      questions,
      answers,
      latencyMs: latency === undefined ? null : latency.map((micros) => Number(ms(micros))),
    },
    values: Object.entries(values).map(([key, value]) => {
      const m = measure(key as MeasureKey);
      return { measure: key, value: value === null ? null : showValue(m, value), unit: m.unit };
    }),
  };
}

function show(diagnosis: Diagnosis, where: string): void {
  const { findings, format, questions, answers, latency } = diagnosis;
  const line = format === undefined ? "" : ` at ${showLineFormat(format)}`;
  print(`${where}${line}: ${answers} of ${questions} questions answered`);
  if (latency !== undefined) {
    const [least, middle, most] = latency;
    print(`answers begin after ${ms(least)} to ${ms(most)} ms, most after ${ms(middle)} ms`);
  }
  for (const { cause, confidence, evidence } of findings) {
    const { title, remedies } = CAUSES[cause];
    print("");
    print(cause === "healthy" ? `healthy: ${title}` : `${cause} (${confidence}): ${title}`);
    for (const fact of evidence) print(`  seen: ${fact}`);
    for (const remedy of remedies) print(`  try:  ${remedy}`);
  }
}
