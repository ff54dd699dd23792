/**
 * A TCP connection whose bytes were seen at the socket, told as Ethernet packets: Wireshark and tshark decode what is in
 * them as they do a capture. Sequence numbers and check sums are right; addresses of machines known by name only are
 * documentation addresses (RFC 5737), and the server's port is the standard's where the protocol has one.
 */
import { joinBytes } from "../../core/bytes.ts";
import type { LinkDirection } from "./pcapng-format.ts";

const FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;
const MOST_PER_PACKET = 1460;
const LOCALHOST = [127, 0, 0, 1];
const UNKNOWN_SERVER = [192, 0, 2, 1];
const US = [192, 0, 2, 2];

interface Side {
  readonly mac: readonly number[];
  readonly address: readonly number[];
  readonly port: number;
  sequence: number;
}

export class TcpPackets {
  readonly #us: Side;
  readonly #server: Side;
  #identification = 0;

  /** @param connection tells connections to one place apart: 0, 1, … */
  constructor(host: string, serverPort: number, connection: number) {
    const address = addressOf(host);
    const ours = address[0] === LOCALHOST[0] ? address : US;
    const port = 49_152 + (connection % 16_384);
    this.#us = { mac: [2, 0, 0, 0, 0, 1], address: ours, port, sequence: 1000 };
    this.#server = { mac: [2, 0, 0, 0, 0, 2], address, port: serverPort, sequence: 2000 };
  }

  /** The handshake. */
  opened(): readonly [LinkDirection, Uint8Array][] {
    return [
      ["out", this.#packet("out", FLAG.syn)],
      ["in", this.#packet("in", FLAG.syn | FLAG.ack)],
      ["out", this.#packet("out", FLAG.ack)],
    ];
  }

  carried(direction: LinkDirection, bytes: Uint8Array): readonly [LinkDirection, Uint8Array][] {
    const packets: [LinkDirection, Uint8Array][] = [];
    for (let at = 0; at < bytes.length; at += MOST_PER_PACKET)
      packets.push([direction, this.#packet(direction, FLAG.psh | FLAG.ack, bytes.subarray(at, at + MOST_PER_PACKET))]);
    return packets;
  }

  /** Who closed it the socket does not say: it is told as ours. */
  closed(): readonly [LinkDirection, Uint8Array][] {
    return [["out", this.#packet("out", FLAG.rst | FLAG.ack)]];
  }

  #packet(direction: LinkDirection, flags: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
    const [from, to] = direction === "out" ? [this.#us, this.#server] : [this.#server, this.#us];
    const tcp = tcpSegment(from, to, flags, data);
    from.sequence = (from.sequence + data.length + (flags & (FLAG.syn | FLAG.fin) ? 1 : 0)) >>> 0;
    this.#identification = (this.#identification + 1) & 0xffff;
    const ip = ipHeader(from, to, tcp.length, this.#identification);
    return joinBytes([Uint8Array.of(...to.mac, ...from.mac, 0x08, 0x00), ip, tcp]);
  }
}

function addressOf(host: string): readonly number[] {
  if (host === "localhost" || host === "::1") return LOCALHOST;
  const parts = host.split(".").map(Number);
  return parts.length === 4 && parts.every((part) => part >= 0 && part <= 255) ? parts : UNKNOWN_SERVER;
}

function ipHeader(from: Side, to: Side, tcpLength: number, identification: number): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  // Version 4, five words; "don't fragment"; 64 hops; TCP.
  header[0] = 0x45;
  view.setUint16(2, 20 + tcpLength);
  view.setUint16(4, identification);
  view.setUint16(6, 0x4000);
  header.set([64, 6], 8);
  header.set([...from.address, ...to.address], 12);
  view.setUint16(10, onesComplementSum([header]));
  return header;
}

function tcpSegment(from: Side, to: Side, flags: number, data: Uint8Array): Uint8Array {
  const segment = new Uint8Array(20 + data.length);
  const view = new DataView(segment.buffer);
  view.setUint16(0, from.port);
  view.setUint16(2, to.port);
  view.setUint32(4, from.sequence);
  view.setUint32(8, flags & FLAG.ack ? to.sequence : 0);
  view.setUint16(12, 0x5000 | flags);
  view.setUint16(14, 0xffff);
  segment.set(data, 20);
  const pseudo = Uint8Array.of(...from.address, ...to.address, 0, 6, segment.length >> 8, segment.length & 0xff);
  view.setUint16(16, onesComplementSum([pseudo, segment]));
  return segment;
}

/** The Internet check sum (RFC 1071); every part but the last has an even length. */
function onesComplementSum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts)
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] as number) << 8) | (part[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
