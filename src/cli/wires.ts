/** `--serial`, `--pty`, `--tcp`, `--mqtt`, `--protocol`, `--baud`, `--parity`: on which wire, and what is spoken there. */
import type { Command } from "commander";
import type { SerialFraming } from "../../protocols/modbus/server.ts";
import { BUSY_HOST_GAP, rtuTiming } from "../../protocols/modbus/timing.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { RTS_USES, type RtsUse } from "../platform/rts-direction.ts";
import { usage } from "./errors.ts";
import { choice, type HostPort, hostPort, integer, path } from "./values.ts";

const PROTOCOLS = ["modbus-rtu", "modbus-ascii", "modbus-tcp", "dlt645", "iec62056-21", "mqtt"] as const;
type Protocol = (typeof PROTOCOLS)[number];
const PARITIES = ["none", "even", "odd"] as const;

export interface SerialFlags {
  readonly baud?: number;
  readonly parity?: (typeof PARITIES)[number];
}

export interface WireFlags extends SerialFlags {
  readonly serial?: string;
  readonly rts?: RtsUse;
  readonly pty?: string;
  readonly tcp?: HostPort;
  readonly mqtt?: string;
  readonly protocol?: Protocol;
  readonly record?: string;
}

/** What `--record` asks for. */
export interface Recording {
  readonly file: string;
  /** What the command speaks there, for whoever decodes it later. */
  readonly protocol: Protocol;
}

export type Wire =
  | { readonly kind: "serial"; readonly path: string; readonly rts?: RtsUse; readonly record?: Recording }
  | { readonly kind: "pty"; readonly path: string }
  | { readonly kind: "tcp"; readonly at: HostPort; readonly record?: Recording }
  | { readonly kind: "mqtt"; readonly url: string };

export function addSerialFlags(command: Command): Command {
  return command
    .option("--baud <N>", "serial speed (default: the model's or protocol's)", integer("--baud", 300, 4_000_000))
    .option("--parity <P>", "none, even or odd (default: the model's or protocol's)", choice("--parity", PARITIES));
}

/** The flags of commands that talk to somebody else's meter, by openLine. */
export function addWireFlags(command: Command): Command {
  return addPlaceFlags(command).option(
    "--record <FILE>",
    "keep every byte both ways, with times, for `meterworks replay` and Wireshark (pcapng)",
    path("--record", "name a file, such as line.pcapng"),
  );
}

/** Where, and what is spoken there. */
export function addPlaceFlags(command: Command): Command {
  return addSerialFlags(
    command
      .option("--serial <PATH>", "a serial port such as /dev/ttyUSB0 or COM3, or rfc2217://HOST:PORT", path("--serial"))
      .option(
        "--rts <WHEN>",
        "RS-485 adapters that do not turn by themselves: RTS is on while we send, or while we receive",
        choice("--rts", RTS_USES),
      )
      .option("--tcp <HOST:PORT>", "Modbus TCP, or what --protocol says on a raw serial server", hostPort("--tcp"))
      .option(
        "--protocol <P>",
        "default: modbus-tcp on --tcp, modbus-rtu on serial lines",
        choice("--protocol", PROTOCOLS),
      ),
  );
}

/** What is spoken where; the first is the default of the wire. */
const SPOKEN: Readonly<Record<Wire["kind"], readonly Protocol[]>> = {
  serial: ["modbus-rtu", "modbus-ascii", "dlt645", "iec62056-21"],
  pty: ["modbus-rtu", "modbus-ascii", "dlt645", "iec62056-21"],
  tcp: ["modbus-tcp", "modbus-rtu", "modbus-ascii", "dlt645", "iec62056-21"],
  mqtt: ["mqtt"],
};

/** One protocol on one wire. */
export interface Spoken {
  readonly protocol: Protocol;
  readonly wire: Wire;
}

/** The one wire that the flags name, and what is spoken there. */
export function wireOf(flags: WireFlags, offered: string): Spoken {
  const wires: Wire[] = [];
  const rts = flags.rts === undefined ? {} : { rts: flags.rts };
  if (flags.serial !== undefined) wires.push({ kind: "serial", path: flags.serial, ...rts });
  else if (flags.rts !== undefined) throw usage("--rts is for --serial", "leave it out");
  if (flags.pty !== undefined) wires.push({ kind: "pty", path: flags.pty });
  if (flags.tcp !== undefined) wires.push({ kind: "tcp", at: flags.tcp });
  if (flags.mqtt !== undefined) wires.push({ kind: "mqtt", url: flags.mqtt });
  const [wire, second] = wires;
  if (wire === undefined) throw usage("no wire is named", `give ${offered}`);
  if (second !== undefined) throw usage(`${wires.map((w) => `--${w.kind}`).join(" and ")} are two wires`, "give one");
  const protocol = spokenOn(wire, flags.protocol);
  return { protocol, wire: recordedWire(wire, protocol, flags.record) };
}

function recordedWire(wire: Wire, protocol: Protocol, file: string | undefined): Wire {
  if (file === undefined || wire.kind === "mqtt" || wire.kind === "pty") return wire;
  return { ...wire, record: { file, protocol } };
}

/** `--face PROTOCOL@WHERE`: WHERE is HOST:PORT, `pty:LINK`, a serial port's path, or a broker's URL. */
export function face(text: string, before: readonly Spoken[] = []): readonly Spoken[] {
  const m = /^([a-z0-9-]+)@(.+)$/.exec(text);
  if (m === null) throw usage(`--face "${text}" is no PROTOCOL@WHERE`, "for example modbus-tcp@127.0.0.1:1502");
  const protocol = choice("--face", PROTOCOLS)(m[1] as string);
  const wire = whereOf(m[2] as string);
  return [...before, { protocol: spokenOn(wire, protocol, `--face ${text}:`), wire }];
}

function whereOf(text: string): Wire {
  if (/^mqtts?:/.test(text)) return { kind: "mqtt", url: text };
  if (text.startsWith("pty:")) return { kind: "pty", path: path("--face pty:")(text.slice("pty:".length)) };
  if (/[\\/]|^COM\d+$/i.test(text)) return { kind: "serial", path: text };
  return { kind: "tcp", at: hostPort("--face")(text) };
}

function spokenOn(wire: Wire, protocol: Protocol | undefined, flag = "--protocol"): Protocol {
  const spoken = SPOKEN[wire.kind];
  if (protocol === undefined) return spoken[0] as Protocol;
  if (spoken.includes(protocol)) return protocol;
  throw usage(
    `${flag} ${protocol} is not offered on --${wire.kind} in this version`,
    `spoken there: ${spoken.join(", ")}`,
  );
}

/**
 * Serial settings of a Modbus line: the flags, else the model's. In ASCII a character has 7 data bits, and without parity
 * a second stop bit (serial line V1.02, 2.5.2); 7E1 where the model's line has no parity of its own.
 */
export function serialSettings(flags: SerialFlags, model: MeterModel, protocol: Protocol) {
  const defaults = model.modbus.defaults;
  const baudRate = flags.baud ?? defaults.baud;
  if (protocol === "modbus-ascii") {
    const parity = flags.parity ?? (defaults.parity === "none" ? "even" : defaults.parity);
    return { baudRate, parity, dataBits: 7, stopBits: parity === "none" ? 2 : 1 } as const;
  }
  const parity = flags.parity ?? defaults.parity;
  return { baudRate, parity, dataBits: 8, stopBits: flags.parity === undefined ? defaults.stopBits : 1 } as const;
}

/** What a Modbus server on such a line must know of it. */
export function framingOf(settings: ReturnType<typeof serialSettings>): SerialFraming {
  const { baudRate, parity, dataBits, stopBits } = settings;
  const bitsPerChar = 1 + dataBits + (parity === "none" ? 0 : 1) + stopBits;
  return dataBits === 7
    ? { framing: "ascii", timing: { baud: baudRate, bitsPerChar } }
    : { framing: "rtu", timing: rtuTiming(baudRate, { bitsPerChar, lumpGap: BUSY_HOST_GAP }) };
}
