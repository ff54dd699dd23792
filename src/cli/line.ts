/** The line on which a command talks to somebody else's meter: the flags that say where, and the link they name. */
import type { LineFormat } from "../core/line-format.ts";
import type { Link } from "../platform/link.ts";
import { openSerial, type SerialOptions } from "../platform/serial.ts";
import { connectTcp } from "../platform/tcp-client.ts";
import type { CommandProcess } from "./process.ts";
import { lineOf, recordingOf } from "./record.ts";
import { showHostPort } from "./values.ts";
import type { Wire } from "./wires.ts";

export interface LineOptions {
  /** How a serial port is opened; a TCP connection has no use for it. */
  readonly serial: Omit<SerialOptions, "path">;
  /** Tells links to one place apart. */
  readonly name?: string;
}

/**
 * Opens the line, recorded where the wire says so; it ends with the process. A TCP link opens later, or says why not.
 * @throws PlatformError where a serial port can't be opened
 */
export async function openLine(proc: CommandProcess, wire: Wire, { serial, name }: LineOptions): Promise<Link> {
  const record = wire.kind === "serial" || wire.kind === "tcp" ? wire.record : undefined;
  const recording = record === undefined ? undefined : recordingOf(proc, record);
  const dialled = await dial(wire, serial, name);
  const link = recording?.add(dialled, lineOf(wire, record?.protocol ?? "", serial)) ?? dialled;
  proc.cleanup(() => link.end());
  return link;
}

async function dial(wire: Wire, serial: LineOptions["serial"], name: string | undefined): Promise<Link> {
  if (wire.kind === "tcp") return connectTcp({ ...wire.at, ...(name === undefined ? {} : { name }) });
  if (wire.kind === "serial") return openSerial({ ...serial, ...rtsOf(wire), path: wire.path });
  throw new Error(`no command talks to a meter on a ${wire.kind} wire`);
}

/** What a serial port is opened with beside its format. */
export function rtsOf(wire: Wire): Pick<SerialOptions, "rts"> {
  return wire.kind === "serial" && wire.rts !== undefined ? { rts: wire.rts } : {};
}

/** A line format as the serial port wants it. */
export function serialOf({ baud, parity, dataBits, stopBits }: LineFormat): LineOptions["serial"] {
  return { baudRate: baud, parity, dataBits, stopBits };
}

/** The place as people named it. */
export function showWire(wire: Wire): string {
  return wire.kind === "tcp" ? showHostPort(wire.at) : wire.kind === "mqtt" ? wire.url : wire.path;
}
