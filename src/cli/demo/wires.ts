/** The demo's wires: meters at one end, what the head-end attaches to at the other. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModbusSerialFace } from "../../../firmware-sim/faces/modbus-serial.ts";
import { ModbusTcpFace } from "../../../firmware-sim/faces/modbus-tcp.ts";
import { MqttFace } from "../../../firmware-sim/faces/mqtt.ts";
import type { LineConfig } from "../../../headend/config.ts";
import type { MeterId } from "../../../headend/ports.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { filterFor, topicFor } from "../../../protocols/mqtt/topics.ts";
import { verifyEd25519 } from "../../platform/ed25519.ts";
import { PlatformError } from "../../platform/errors.ts";
import type { Link } from "../../platform/link.ts";
import { MemoryBus } from "../../platform/memory-bus.ts";
import { type BrokerLink, openBroker } from "../../platform/mqtt-broker.ts";
import { connectMqtt } from "../../platform/mqtt-client.ts";
import { createPty } from "../../platform/pty.ts";
import { openSerial } from "../../platform/serial.ts";
import { listenTcp } from "../../platform/tcp.ts";
import { connectTcp } from "../../platform/tcp-client.ts";
import type { CommandProcess } from "../process.ts";
import { DEMO_PASSWORD, type DemoMeter } from "./fleet.ts";

/** More meters than this get a bus of their own, so that every meter keeps one reading a second. */
const METERS_PER_BUS = 8;
const BAUD = 19_200;

export interface DemoLine {
  readonly link: Link;
  readonly config: LineConfig;
  readonly name: string;
}

/** Modbus RTU: buses of a few meters, on pseudo terminals where socat is there, else within the process. */
export async function rtuLines(
  proc: CommandProcess,
  meters: readonly DemoMeter[],
  pollEvery: number,
): Promise<DemoLine[]> {
  const lines: DemoLine[] = [];
  for (let first = 0; first < meters.length; first += METERS_PER_BUS) {
    const own = meters.slice(first, first + METERS_PER_BUS);
    const bus = await openBus(proc);
    const timing = rtuTiming(BAUD);
    for (const [i, { meter }] of own.entries()) {
      const face = new ModbusSerialFace(meter, i + 1, bus.meters.id, { framing: "rtu", timing }, proc.clock.now());
      proc.runtime.host(face, undefined, { name: meter.id, precise: true }).attach(bus.meters);
    }
    lines.push({
      link: bus.headend,
      name: bus.name,
      config: {
        ...{ link: bus.headend.id, framing: "rtu", baud: BAUD, pollEvery },
        meters: own.map(({ id, model }, i) => ({ id: id as MeterId, unit: i + 1, model, password: DEMO_PASSWORD })),
      },
    });
  }
  return lines;
}

interface Bus {
  readonly name: string;
  readonly meters: Link;
  readonly headend: Link;
}

async function openBus(proc: CommandProcess): Promise<Bus> {
  const folder = mkdtempSync(join(tmpdir(), "meterworks-demo-"));
  proc.cleanup(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "rs485");
  try {
    const meters = await createPty(path);
    proc.cleanup(() => meters.end());
    const headend = await openSerial({ path, baudRate: BAUD, parity: "none", dataBits: 8, stopBits: 1 });
    proc.cleanup(() => headend.end());
    return { name: `rtu ${path}`, meters, headend };
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === "missing-program")) throw error;
    const bus = new MemoryBus("rs485");
    return { name: "rtu (in-process bus: no socat)", meters: bus.port(), headend: bus.port() };
  }
}

/** Modbus TCP: every meter a server of its own, the head-end a connection to each. */
export async function tcpLines(
  proc: CommandProcess,
  meters: readonly DemoMeter[],
  pollEvery: number,
): Promise<DemoLine[]> {
  const lines: DemoLine[] = [];
  for (const { id, meter, model } of meters) {
    const host = proc.runtime.host(new ModbusTcpFace([{ unit: 1, meter }], proc.clock.now()), undefined, { name: id });
    const server = await listenTcp({ host: "127.0.0.1", port: 0 }, (link) => host.attach(link));
    proc.cleanup(() => server.close());
    const link = connectTcp({ host: "127.0.0.1", port: server.port });
    proc.cleanup(() => link.end());
    const own = [{ id: id as MeterId, unit: 1, model, password: DEMO_PASSWORD }];
    lines.push({
      link,
      name: `tcp 127.0.0.1:${server.port}`,
      config: { link: link.id, framing: "tcp", pollEvery, meters: own },
    });
  }
  return lines;
}

/** MQTT: the head-end's embedded broker. */
export async function demoBroker(proc: CommandProcess): Promise<BrokerLink> {
  const broker = await openBroker({ host: "127.0.0.1", port: 0, deliver: [filterFor("telemetry"), filterFor("resp")] });
  proc.cleanup(() => broker.end());
  return broker;
}

export function connectMeters(
  proc: CommandProcess,
  meters: readonly DemoMeter[],
  port: number,
  interval: number,
): void {
  for (const { id, meter } of meters) {
    const link = connectMqtt({
      url: `mqtt://127.0.0.1:${port}`,
      clientId: id,
      subscriptions: [topicFor(id, "cmd")],
    });
    proc.cleanup(() => link.end());
    proc.runtime
      .host(new MqttFace(meter, { link: link.id, interval, verify: verifyEd25519 }, proc.clock.now()), undefined, {
        name: id,
      })
      .attach(link);
  }
}
