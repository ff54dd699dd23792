/** Opens a virtual meter's face on a wire and says where it answers. */
import { Iec62056Face } from "../../firmware-sim/faces/iec62056-21.ts";
import { ModbusSerialFace } from "../../firmware-sim/faces/modbus-serial.ts";
import { ModbusTcpFace, type UnitMeter } from "../../firmware-sim/faces/modbus-tcp.ts";
import { MqttFace } from "../../firmware-sim/faces/mqtt.ts";
import type { Nvram } from "../../firmware-sim/nvram/nvram.ts";
import type { SerialFraming } from "../../protocols/modbus/server.ts";
import { topicFor } from "../../protocols/mqtt/topics.ts";
import type { LinkEvent } from "../core/actor.ts";
import { MICROS_PER_SECOND } from "../core/time.ts";
import { verifyEd25519 } from "../platform/ed25519.ts";
import type { Host } from "../platform/host.ts";
import type { Link } from "../platform/link.ts";
import { connectMqtt } from "../platform/mqtt-client.ts";
import { createPacedLine } from "../platform/pacer.ts";
import { createPty } from "../platform/pty.ts";
import { openSerial, type SerialOptions } from "../platform/serial.ts";
import { listenTcp } from "../platform/tcp.ts";
import { type Dlt645FaceFlags, dlt645Host } from "./dlt645-face.ts";
import { dlt645Line } from "./dlt645-options.ts";
import { type Iec62056MeterFlags, iec62056Port } from "./iec62056-line.ts";
import { keptLine } from "./kept-line.ts";
import { rtsOf } from "./line.ts";
import { behaving, type NamedShare } from "./misbehave.ts";
import { brokerAt, type MqttFlags, withoutPassword } from "./mqtt-options.ts";
import type { CommandProcess } from "./process.ts";
import { showHostPort } from "./values.ts";
import { framingOf, type SerialFlags, type Spoken, serialSettings, type Wire } from "./wires.ts";

export interface FaceFlags extends SerialFlags, MqttFlags, Iec62056MeterFlags, Dlt645FaceFlags {
  /** Seconds of meter time between two telemetry messages. */
  readonly interval: number;
  /** Telemetry messages that may wait for a broker that is away. */
  readonly mqttBuffer: number;
  /** Pseudo terminals keep the pace of their line. */
  readonly paced?: true;
  /** TCP: at so many the one that was silent longest makes room. */
  readonly maxConnections: number;
  /** What its replies suffer, drawn from the seed. */
  readonly misbehave?: readonly NamedShare[];
  readonly seed?: number;
}

/**
 * @param nvram the meter's memory where `--state` keeps one: telemetry that waits for a broker is kept there too
 * @returns where it answers, as the `ready` line says it
 */
export function openFace(
  proc: CommandProcess,
  { protocol, wire }: Spoken,
  meters: readonly UnitMeter[],
  flags: FaceFlags,
  nvram: Nvram | undefined,
): Promise<string> {
  if (protocol === "dlt645") return openDlt645(proc, wire, meters[0] as UnitMeter, flags, nvram);
  if (protocol === "iec62056-21") return openIec62056(proc, wire, meters[0] as UnitMeter, flags);
  switch (wire.kind) {
    case "tcp":
      if (protocol !== "modbus-tcp") return openSerialServer(proc, { protocol, wire }, meters, flags);
      return openModbusTcp(proc, wire, meters, flags);
    case "mqtt":
      return connectBroker(proc, wire, meters, flags, nvram);
    default:
      return openModbusSerial(proc, { protocol, wire }, meters, flags);
  }
}

type TcpWire = Wire & { kind: "tcp" };

async function openModbusTcp(proc: CommandProcess, wire: TcpWire, meters: readonly UnitMeter[], flags: FaceFlags) {
  const face = behaving(new ModbusTcpFace(meters, proc.clock.now()), "modbus-tcp", flags, "");
  return listen(proc, wire, proc.runtime.host(face, undefined, { name: "modbus-tcp" }), flags);
}

/** As behind a transparent serial server: the line's frames as they are. Each connection is a line of its own. */
function openSerialServer(
  proc: CommandProcess,
  { protocol, wire }: Spoken & { readonly wire: TcpWire },
  meters: readonly UnitMeter[],
  flags: FaceFlags,
): Promise<string> {
  const framing = framingOf(lineSettings(flags, protocol, meters));
  return accept(proc, wire, flags, (link) => {
    const hosts = joinModbusLine(proc, link, framing, meters, flags);
    link.whenFinished(() => {
      for (const host of hosts) host.close();
    });
  });
}

function listen(proc: CommandProcess, wire: TcpWire, host: Host<LinkEvent>, flags: FaceFlags): Promise<string> {
  return accept(proc, wire, flags, (link) => host.attach(link));
}

async function accept(proc: CommandProcess, { at }: TcpWire, flags: FaceFlags, take: (link: Link) => void) {
  const server = await listenTcp({ ...at, maxConnections: flags.maxConnections }, take);
  proc.cleanup(() => server.close());
  return showHostPort({ host: at.host, port: server.port });
}

/** A serial port; or a pseudo terminal, with `--paced` behind a line whose bytes take their time. */
async function openLine(
  proc: CommandProcess,
  wire: Wire & { readonly kind: "serial" | "pty" },
  settings: Omit<SerialOptions, "path">,
  { paced }: FaceFlags,
): Promise<Link> {
  const { kind, path } = wire;
  let port = path;
  if (kind === "pty" && paced === true) {
    const { baudRate, parity, dataBits, stopBits } = settings;
    const bitsPerChar = 1 + dataBits + (parity === "none" ? 0 : 1) + stopBits;
    const line = await createPacedLine({ baud: baudRate, bitsPerChar, a: path });
    proc.cleanup(() => line.end());
    port = line.b;
  }
  const plain = kind === "pty" && paced !== true;
  return keptLine(proc, plain ? await createPty(path) : await openSerial({ path: port, ...settings, ...rtsOf(wire) }));
}

/** On a bus every meter has a face of its own and hears what the others are asked. */
async function openModbusSerial(
  proc: CommandProcess,
  { protocol, wire }: Spoken & { readonly wire: { kind: "serial" | "pty" } },
  meters: readonly UnitMeter[],
  flags: FaceFlags,
): Promise<string> {
  const settings = lineSettings(flags, protocol, meters);
  const link = await openLine(proc, wire, settings, flags);
  joinModbusLine(proc, link, framingOf(settings), meters, flags);
  return wire.path;
}

/** The rate is what was written over the line last, where the meter keeps one. */
function lineSettings(flags: FaceFlags, protocol: Spoken["protocol"], meters: readonly UnitMeter[]) {
  const [first] = meters as readonly [UnitMeter];
  const settings = serialSettings(flags, first.meter.model, protocol);
  return { ...settings, baudRate: first.line?.settings.baud ?? settings.baudRate };
}

function joinModbusLine(
  proc: CommandProcess,
  link: Link,
  framing: SerialFraming,
  meters: readonly UnitMeter[],
  flags: FaceFlags,
): readonly Host<LinkEvent>[] {
  return meters.map(({ unit, meter, line }) => {
    const sound = new ModbusSerialFace(meter, unit, link.id, framing, proc.clock.now(), line);
    const face = behaving(sound, `modbus-${framing.framing}`, flags, meter.id);
    const host = proc.runtime.host(face, undefined, { name: meter.id, precise: true });
    host.attach(link);
    return host;
  });
}

/** Over TCP it is the raw frames, as a transparent serial server carries them. */
async function openDlt645(
  proc: CommandProcess,
  wire: Wire,
  meter: UnitMeter,
  flags: FaceFlags,
  nvram: Nvram | undefined,
): Promise<string> {
  const host = dlt645Host(proc, wire, meter, flags, nvram);
  if (wire.kind === "tcp") return listen(proc, wire, host, flags);
  if (wire.kind === "mqtt") throw new Error("DL/T 645 has no face on a broker");
  host.attach(await openLine(proc, wire, dlt645Line(flags), flags));
  return wire.path;
}

/** The baud change-over happens on real ports; neither TCP nor a pseudo terminal of ours has a line. */
async function openIec62056(proc: CommandProcess, wire: Wire, { meter }: UnitMeter, flags: FaceFlags): Promise<string> {
  const settings = iec62056Port(flags, "sign-on");
  const port = wire.kind === "serial";
  const sound = new Iec62056Face(meter, proc.clock.now(), {
    mode: flags.mode.toUpperCase() as "A" | "B" | "C",
    ...(port ? { signOnBaud: settings.baudRate, parity: flags.softParity ? "even" : "port" } : {}),
  });
  const face = behaving(sound, "iec62056-21", flags, meter.id);
  const host = proc.runtime.host(face, undefined, { name: "iec62056-21" });
  if (wire.kind === "tcp") return listen(proc, wire, host, flags);
  if (wire.kind === "mqtt") throw new Error("IEC 62056-21 has no face on a broker");
  const link = port ? await openSerial({ path: wire.path, ...settings, ...rtsOf(wire) }) : await createPty(wire.path);
  host.attach(keptLine(proc, link));
  return wire.path;
}

async function connectBroker(
  proc: CommandProcess,
  { url }: Wire & { kind: "mqtt" },
  meters: readonly UnitMeter[],
  flags: FaceFlags,
  nvram: Nvram | undefined,
): Promise<string> {
  const broker = brokerAt(url, flags);
  for (const { meter } of meters) {
    const subscriptions = [topicFor(meter.id, "cmd")];
    const link = connectMqtt({ ...broker, clientId: meter.id, persistent: true, subscriptions });
    proc.cleanup(() => link.end());
    const options = {
      link: link.id,
      verify: verifyEd25519,
      interval: Math.round(flags.interval * MICROS_PER_SECOND),
      buffer: flags.mqttBuffer,
      ...(nvram === undefined ? {} : { nvram }),
    };
    proc.runtime.host(new MqttFace(meter, options, proc.clock.now()), undefined, { name: meter.id }).attach(link);
  }
  return withoutPassword(url);
}
