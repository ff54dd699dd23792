/** `--serial`, `--pty`, `--tcp`, `--mqtt`, `--protocol`, `--baud`, `--parity`: on which wire, and what is spoken there. */
import type { Command } from "commander";
import { type RtuTiming, rtuTiming } from "../../protocols/modbus/timing.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { usage } from "./errors.ts";
import { choice, type HostPort, hostPort, integer } from "./values.ts";

const PROTOCOLS = ["modbus-rtu", "modbus-ascii", "modbus-tcp", "dlt645", "iec62056-21", "mqtt"] as const;
type Protocol = (typeof PROTOCOLS)[number];
const PARITIES = ["none", "even", "odd"] as const;

export interface SerialFlags {
  readonly baud?: number;
  readonly parity?: (typeof PARITIES)[number];
}

export interface WireFlags extends SerialFlags {
  readonly serial?: string;
  readonly pty?: string;
  readonly tcp?: HostPort;
  readonly mqtt?: string;
  readonly protocol?: Protocol;
}

export type Wire =
  | { readonly kind: "serial"; readonly path: string }
  | { readonly kind: "pty"; readonly path: string }
  | { readonly kind: "tcp"; readonly at: HostPort }
  | { readonly kind: "mqtt"; readonly url: string };

export function addSerialFlags(command: Command): Command {
  return command
    .option("--baud <N>", "serial speed (default: the model's)", integer("--baud", 300, 4_000_000))
    .option("--parity <P>", "none, even or odd (default: the model's)", choice("--parity", PARITIES));
}

export function addWireFlags(command: Command): Command {
  return addSerialFlags(
    command
      .option("--serial <PATH>", "a serial port such as /dev/ttyUSB0 or COM3")
      .option("--tcp <HOST:PORT>", "Modbus TCP", hostPort("--tcp"))
      .option(
        "--protocol <P>",
        "default: modbus-tcp on --tcp, modbus-rtu on serial lines",
        choice("--protocol", PROTOCOLS),
      ),
  );
}

/** The one wire that the flags name. */
export function wireOf(flags: WireFlags, offered: string): Wire {
  const wires: Wire[] = [];
  if (flags.serial !== undefined) wires.push({ kind: "serial", path: flags.serial });
  if (flags.pty !== undefined) wires.push({ kind: "pty", path: flags.pty });
  if (flags.tcp !== undefined) wires.push({ kind: "tcp", at: flags.tcp });
  if (flags.mqtt !== undefined) wires.push({ kind: "mqtt", url: flags.mqtt });
  const [wire, second] = wires;
  if (wire === undefined) throw usage("no wire is named", `give ${offered}`);
  if (second !== undefined) throw usage(`${wires.map((w) => `--${w.kind}`).join(" and ")} are two wires`, "give one");
  checkProtocol(wire, flags.protocol);
  return wire;
}

const SPOKEN: Readonly<Record<Wire["kind"], Protocol>> = {
  serial: "modbus-rtu",
  pty: "modbus-rtu",
  tcp: "modbus-tcp",
  mqtt: "mqtt",
};

function checkProtocol(wire: Wire, protocol: Protocol | undefined): void {
  if (protocol === undefined || protocol === SPOKEN[wire.kind]) return;
  throw usage(
    `--protocol ${protocol} is not offered on --${wire.kind} in this version`,
    `leave --protocol out for ${SPOKEN[wire.kind]}`,
  );
}

/** Serial settings: the flags, else the model's. */
export function serialSettings(flags: SerialFlags, model: MeterModel) {
  const defaults = model.modbus.defaults;
  const parity = flags.parity ?? defaults.parity;
  return {
    baudRate: flags.baud ?? defaults.baud,
    parity,
    dataBits: 8,
    stopBits: flags.parity === undefined ? defaults.stopBits : 1,
  } as const;
}

export function timingOf(settings: ReturnType<typeof serialSettings>): RtuTiming {
  const bitsPerChar = 1 + settings.dataBits + (settings.parity === "none" ? 0 : 1) + settings.stopBits;
  return rtuTiming(settings.baudRate, { bitsPerChar });
}
