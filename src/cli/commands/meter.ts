/** `meterworks meter`: one virtual meter (or a few of a kind) on one wire. */
import type { Command } from "commander";
import { DeviceFace } from "../../../firmware-sim/faces/device.ts";
import { ModbusLineMemory } from "../../../firmware-sim/faces/modbus-line.ts";
import type { UnitMeter } from "../../../firmware-sim/faces/modbus-tcp.ts";
import type { Meter } from "../../../firmware-sim/meter.ts";
import type { LoadSource } from "../../../firmware-sim/metrology/mains.ts";
import type { MeterSettings } from "../../../firmware-sim/settings.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { readPublicKey } from "../../platform/ed25519.ts";
import { randomSeed } from "../../platform/entropy.ts";
import { FileNvram } from "../../platform/file-nvram.ts";
import { listSerialPorts } from "../../platform/serial-ports.ts";
import { checkDlt645Flags, dlt645Choices } from "../dlt645-options.ts";
import { failed, usage } from "../errors.ts";
import { type FaceFlags, openFace } from "../faces.ts";
import { addIec62056MeterFlags, checkIec62056Flags } from "../iec62056-line.ts";
import { loadOf } from "../load.ts";
import { showDisplay } from "../meter-display.ts";
import { addMeterFlags, type Fidelity, type MeterFlags } from "../meter-options.ts";
import { settingsOf } from "../meter-settings.ts";
import { checkMisbehave, misbehave, misbehaveHelp } from "../misbehave.ts";
import { loadModel } from "../models.ts";
import { addMqttFlags } from "../mqtt-options.ts";
import { print, printJson, table } from "../output.ts";
import { CommandProcess } from "../process.ts";
import { checkPulses, writePulses } from "../pulse-lines.ts";
import { integer, meterAddress, number, path } from "../values.ts";
import { fidelityOf, powerOn } from "../virtual-meter.ts";
import { addPlaceFlags, face, type Spoken, type WireFlags, wireOf } from "../wires.ts";

interface Flags extends MeterFlags, WireFlags, FaceFlags {
  readonly unit?: number;
  readonly count: number;
  readonly face?: readonly Spoken[];
  readonly pulses?: string;
  readonly list?: true;
  readonly json?: true;
  readonly display?: true;
  readonly settings?: string;
  readonly orderKey?: string;
}

const HELP = `
Examples:
  meterworks meter --model eastron-sdm630 --tcp 127.0.0.1:1502 --unit 1 --current 5 --pf 0.8
  meterworks meter --model meterworks-1p --pty /tmp/meter --profile fixtures/household-day.csv --annual-kwh 3500 --speed 600
  meterworks meter --model meterworks-3p --mqtt mqtt://127.0.0.1:1883 --id flat-7 --state ./flat-7
  meterworks meter --model meterworks-3p --tcp 127.0.0.1:1502 --parts real --uncalibrated --seed 7 --temperature 40
  meterworks meter --model meterworks-1p --tcp 127.0.0.1:1502 --settings fixtures/settings/four-rates.json --display
  meterworks meter --model meterworks-3p --tcp 127.0.0.1:1502 --current 60 --pulses -
  meterworks meter --tcp 127.0.0.1:1502 --misbehave wrong-tid,late:0.2,split:0.3,exception-06:0.1 --seed 7
  meterworks meter --tcp 127.0.0.1:1502 --face iec62056-21@127.0.0.1:1503 --face mqtt@mqtt://127.0.0.1:1883
Then read it: meterworks read --model eastron-sdm630 --tcp 127.0.0.1:1502 --unit 1`;

export function addMeter(program: Command): void {
  const command = program
    .command("meter")
    .description("one virtual meter on a serial line, a PTY, TCP or MQTT; prints `ready WHERE` once it answers")
    .option("--pty <LINK>", "makes a pseudo terminal at this path for other programs (needs socat)", path("--pty"))
    .option("--paced", "pseudo terminals keep the pace of their baud and parity, as a wire does (needs a C compiler)")
    .option("--mqtt <URL>", "publishes to this broker: mqtt[s]://[user:password@]host:port");
  addIec62056MeterFlags(addMqttFlags(addPlaceFlags(addMeterFlags(command))))
    .option("--unit <N>", "Modbus unit address, 1..247 (default: the model's)", integer("--unit", 1, 247))
    .option("--address <12DIGITS>", "DL/T 645 address (default: the unit, padded with zeros)", meterAddress)
    .option("--dlt645 <KEY=VALUE,...>", "how this meter differs, such as key=pressed,zone=480", dlt645Choices("meter"))
    .option("--count <N>", "so many meters of a kind: units (or MQTT ids) count up", integer("--count", 1, 1000), 1)
    .option(
      "--interval <S>",
      "MQTT telemetry every so many seconds of meter time",
      number("--interval", 0.1, 86_400),
      60,
    )
    .option(
      "--max-connections <N>",
      "TCP: at so many, the one that was silent longest makes room for a newcomer",
      integer("--max-connections", 1, 10_000),
      256,
    )
    .option(
      "--mqtt-buffer <N>",
      "telemetry messages kept for a broker that is away; beyond, the oldest are given up",
      integer("--mqtt-buffer", 1, 100_000),
      1000,
    )
    .option(
      "--order-key <KEY>",
      "MQTT: takes orders of this head-end only, its public key as hex or in a file (default: that of the first order)",
    )
    .option(
      "--face <PROTOCOL@WHERE>",
      "a further face of the same meter, repeatable: WHERE as HOST:PORT, pty:LINK, a port or a URL",
      face,
    )
    .option("--settings <FILE>", "tariff, display and more of this meter, as JSON (see docs/meter-functions.md)")
    .option("--display", "shows the meter's display in the terminal; n and p are its two buttons")
    .option(
      "--pulses <FILE>",
      "a line for each pulse of the test outputs, TIME_US active|reactive; - for stdout",
      path("--pulses"),
    )
    .option(
      "--misbehave <LIST>",
      "NAME[:RATE],... of its replies go wrong, to test a head-end (names below)",
      misbehave,
    )
    .option("--list", "only lists the serial ports of this machine")
    .option("--json", "with --list: as JSON")
    .addHelpText("after", `${HELP}\n${misbehaveHelp()}`)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  if (flags.list) return listPorts(flags.json === true);
  const model = loadModel(flags.model);
  const faces = [wireOf(flags, "one of --serial, --pty, --tcp, --mqtt"), ...(flags.face ?? [])];
  checkCount(flags, faces, model);
  checkPaced(flags, faces);
  checkPulses(flags);
  checkMisbehave(flags.misbehave, faces);
  const spoken = (asked: Spoken["protocol"]) => faces.some(({ protocol }) => protocol === asked);
  checkIec62056Flags(flags, spoken("iec62056-21"), "c");
  checkDlt645Flags(flags, spoken("dlt645"));
  const fidelity = fidelityOf(flags);
  const settings = settingsOf(flags.settings, model);
  if (flags.display && flags.count > 1) throw usage("--display shows one meter and --count asks for more");
  if (flags.uncalibrated && flags.parts === "ideal")
    throw usage("--parts ideal have nothing to calibrate", "--uncalibrated goes with --parts real");
  const seed = flags.seed ?? randomSeed();
  // Loads and flags are judged before anything is opened.
  const loads = Array.from({ length: flags.count }, (_, i) => loadOf(flags, model.phases, seed + i));
  await CommandProcess.run(
    flags.speed,
    async (proc) => {
      const nvram = flags.state === undefined ? undefined : new FileNvram(flags.state);
      if (nvram !== undefined) proc.cleanup(() => nvram.close());
      const meters = powerOnAll(proc, flags, model, fidelity, seed, loads, nvram, settings);
      for (const { meter } of meters) if (flags.pulses !== undefined) writePulses(proc, meter, flags.pulses);
      const answering: string[] = [];
      for (const spoken of faces) answering.push(await openFace(proc, spoken, meters, { ...flags, seed }, nvram));
      const where = answering.join(", ");
      print(`ready ${where}`);
      proc.info("meter.ready", { model: model.id, meters: meters.length, where, seed, speed: flags.speed, fidelity });
      if (flags.display) showDisplay(proc, (meters[0] as UnitMeter).meter, settings.display, where);
      await proc.stopped;
    },
    flags.display ? { onlyWarnings: true } : {},
  );
}

function powerOnAll(
  proc: CommandProcess,
  flags: Flags,
  model: MeterModel,
  fidelity: Fidelity,
  seed: number,
  loads: readonly LoadSource[],
  nvram: FileNvram | undefined,
  settings: MeterSettings,
): readonly UnitMeter[] {
  const first = flags.unit ?? model.modbus.defaults.unit;
  const name = flags.id ?? `${model.id}-${first}`;
  const orderKey = flags.orderKey === undefined ? undefined : readPublicKey(flags.orderKey);
  const meters = loads.map((load, i): UnitMeter => {
    const id = flags.count === 1 ? name : `${name}-${i + 1}`;
    const options = {
      id,
      model,
      load,
      fidelity,
      seed: seed + i,
      parts: flags.parts ?? (flags.uncalibrated ? "real" : undefined),
      uncalibrated: flags.uncalibrated,
      temperature: flags.temperature,
      battery: flags.battery,
      reactive: flags.reactive,
      password: flags.password,
      checkpoint: flags.checkpoint,
      settings,
      ...(flags.chip === undefined ? {} : { chip: flags.chip }),
      ...(orderKey === undefined ? {} : { orderKey }),
    };
    const meter = powerOn(nvram === undefined ? options : { ...options, nvram }, proc.clock.now());
    proc.runtime.host(new DeviceFace(meter), undefined, { name: id });
    const line = flags.count > 1 ? undefined : lineOf(meter, { ...flags, unit: first }, nvram);
    return { unit: first + i, meter, ...(line === undefined ? {} : { line }) };
  });
  // The power-fail interrupt of an orderly end.
  proc.cleanup(() => {
    for (const { meter } of meters) meter.powerFail(proc.clock.now());
  });
  return meters;
}

/** Unit and rate as they can be written; meters that share a port, whose rate is one, have theirs fixed. */
function lineOf(meter: Meter, { unit, baud }: { readonly unit: number; readonly baud?: number }, nvram?: FileNvram) {
  const { line, defaults } = meter.model.modbus;
  if (line === undefined) return undefined;
  const memory = ModbusLineMemory.powerOn(line, { unit, baud: baud ?? defaults.baud }, nvram);
  if (memory.ok) return memory.value;
  throw failed(
    `meter ${meter.id} can't read its memory: ${memory.error}`,
    "move its --state folder away to start anew",
  );
}

function checkCount(flags: Flags, faces: readonly Spoken[], model: MeterModel): void {
  if (faces.filter(({ protocol }) => protocol === "mqtt").length > 1)
    throw usage("a meter has one broker: two would each see gaps in its sequence numbers", "bridge the brokers");
  if (flags.count === 1) return;
  const alone = faces.find(({ protocol }) => protocol === "iec62056-21" || protocol === "dlt645");
  if (alone !== undefined)
    throw usage(`${alone.protocol} has one meter and --count asks for more`, "start them one by one");
  if (flags.state !== undefined)
    throw usage("--state keeps one meter and --count asks for more", "start them one by one");
  const last = (flags.unit ?? model.modbus.defaults.unit) + flags.count - 1;
  if (faces.some(({ wire }) => wire.kind !== "mqtt") && last > 247)
    throw usage(`--count ${flags.count} would need unit ${last}`, "units end at 247");
}

function checkPaced({ paced }: Flags, faces: readonly Spoken[]): void {
  if (paced !== true) return;
  const terminals = faces.filter(({ wire }) => wire.kind === "pty");
  if (terminals.length === 0) throw usage("--paced is for --pty", "give --pty LINK, or leave --paced out");
  if (terminals.some(({ protocol }) => protocol === "iec62056-21"))
    throw usage("--paced has one rate and iec62056-21 changes it", "leave --paced out");
}

async function listPorts(json: boolean): Promise<void> {
  const ports = await listSerialPorts();
  if (json) return printJson(ports);
  if (ports.length === 0) print("no serial ports on this machine; --pty LINK makes a virtual one");
  else print(table(ports.map(({ path, description, usb = "", byId = "" }) => [path, description, usb, byId])));
}
