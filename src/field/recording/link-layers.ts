/** From a captured packet to the TCP segment in it: Ethernet and its relatives, IPv4 and IPv6. */
import { type CapturedPacket, LINK_TYPE } from "./pcapng-format.ts";

export interface TcpSegment {
  readonly time: number;
  /** `address:port` of both ends. */
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly sequence: number;
  readonly syn: boolean;
  readonly ack: boolean;
  readonly data: Uint8Array;
}

const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd, vlan: [0x8100, 0x88a8] } as const;
const PROTOCOL_TCP = 6;

/** Undefined for every other kind of packet, and for those that are cut before the end of their headers. */
export function tcpSegmentOf(packet: CapturedPacket): TcpSegment | undefined {
  const ip = ipPacketOf(packet);
  if (ip === undefined || ip.length < 20) return undefined;
  const version = (ip[0] as number) >> 4;
  const inner = version === 4 ? insideIpv4(ip) : version === 6 ? insideIpv6(ip) : undefined;
  return inner === undefined ? undefined : segmentOf(inner, packet.time);
}

function ipPacketOf({ linkType, data }: CapturedPacket): Uint8Array | undefined {
  switch (linkType) {
    case LINK_TYPE.ethernet:
      return behindEthertype(data, 12);
    case LINK_TYPE.linuxCooked:
      return behindEthertype(data, 14);
    case LINK_TYPE.linuxCooked2: {
      const type = uint16(data, 0);
      return type === ETHERTYPE.ipv4 || type === ETHERTYPE.ipv6 ? data.subarray(20) : undefined;
    }
    case LINK_TYPE.null:
    case LINK_TYPE.loop:
      return data.subarray(4);
    case LINK_TYPE.rawIp:
      return data;
    default:
      return undefined;
  }
}

function behindEthertype(data: Uint8Array, at: number): Uint8Array | undefined {
  const type = uint16(data, at);
  if ((ETHERTYPE.vlan as readonly number[]).includes(type)) return behindEthertype(data, at + 4);
  return type === ETHERTYPE.ipv4 || type === ETHERTYPE.ipv6 ? data.subarray(at + 2) : undefined;
}

interface Inner {
  readonly from: string;
  readonly to: string;
  readonly tcp: Uint8Array;
}

function insideIpv4(ip: Uint8Array): Inner | undefined {
  const header = 4 * ((ip[0] as number) & 0x0f);
  const fragment = uint16(ip, 6) & 0x3fff;
  if (ip[9] !== PROTOCOL_TCP || header < 20 || fragment !== 0) return undefined;
  // Cards that cut segments themselves leave the total length at 0; short frames are filled up behind it.
  const total = uint16(ip, 2) || ip.length;
  return {
    from: [...ip.subarray(12, 16)].join("."),
    to: [...ip.subarray(16, 20)].join("."),
    tcp: ip.subarray(header, total),
  };
}

function insideIpv6(ip: Uint8Array): Inner | undefined {
  if (ip.length < 40 || ip[6] !== PROTOCOL_TCP) return undefined;
  const address = (at: number) =>
    `[${Array.from({ length: 8 }, (_, i) => uint16(ip, at + 2 * i).toString(16)).join(":")}]`;
  return { from: address(8), to: address(24), tcp: ip.subarray(40, 40 + (uint16(ip, 4) || ip.length)) };
}

function segmentOf({ from, to, tcp }: Inner, time: number): TcpSegment | undefined {
  if (tcp.length < 20) return undefined;
  const [fromPort, toPort] = [uint16(tcp, 0), uint16(tcp, 2)];
  const flags = tcp[13] as number;
  return {
    ...{ time, from: `${from}:${fromPort}`, to: `${to}:${toPort}`, fromPort, toPort },
    sequence: uint16(tcp, 4) * 65_536 + uint16(tcp, 6),
    syn: (flags & 0x02) !== 0,
    ack: (flags & 0x10) !== 0,
    data: tcp.subarray(4 * ((tcp[12] as number) >> 4)),
  };
}

/** NaN behind the end, which equals nothing. */
function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? Number.NaN) * 256 + (bytes[at + 1] ?? Number.NaN);
}
