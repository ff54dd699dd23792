/** The link on which `read` asks a meter, whatever is spoken there. */
import type { Link } from "../platform/link.ts";
import { openSerial, type SerialOptions } from "../platform/serial.ts";
import { connectTcp } from "../platform/tcp-client.ts";
import { showHostPort } from "./values.ts";
import type { Wire } from "./wires.ts";

/** @throws PlatformError where a serial port can't be opened; a TCP link opens later, or says why not */
export async function openReadLink(wire: Wire, settings: Omit<SerialOptions, "path">): Promise<Link> {
  if (wire.kind === "tcp") return connectTcp(wire.at);
  if (wire.kind === "serial") return openSerial({ path: wire.path, ...settings });
  throw new Error("read has no flag for this wire");
}

/** The place as people named it. */
export function showWire(wire: Wire): string {
  return wire.kind === "tcp" ? showHostPort(wire.at) : wire.kind === "mqtt" ? wire.url : wire.path;
}
