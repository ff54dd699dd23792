/** Numbers of the capture file formats: pcapng, classic pcap, and the link types that are understood in them. */

export const BLOCK = { section: 0x0a0d0d0a, interface: 1, simplePacket: 3, packet: 6 } as const;
export const OPTION = {
  end: 0,
  comment: 1,
  packetFlags: 2,
  interfaceName: 2,
  interfaceDescription: 3,
  userApplication: 4,
  timeResolution: 9,
} as const;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

export const LINK_TYPE = {
  /** BSD loopback: four bytes of address family. */
  null: 0,
  ethernet: 1,
  rawIp: 101,
  /** OpenBSD loopback: as BSD's, in network order. */
  loop: 108,
  /** Linux "any" device, cooked. */
  linuxCooked: 113,
  /** What Wireshark calls "exported PDU": tags that say who dissects the payload, then the payload. */
  upperPdu: 252,
  linuxCooked2: 276,
} as const;

/** As seen from the program that captured. */
export type LinkDirection = "in" | "out";

/** One packet of a capture file. */
export interface CapturedPacket {
  readonly linkType: number;
  /** Number and texts of its interface, within its section. */
  readonly section: number;
  readonly interface: number;
  readonly interfaceName: string;
  readonly interfaceDescription: string;
  /** µs since 1970. */
  readonly time: number;
  readonly data: Uint8Array;
  /** True where the capture kept only the beginning of the packet. */
  readonly isCut: boolean;
  readonly direction: LinkDirection | undefined;
  readonly comment: string | undefined;
}

/** What could be read of a file, and what stopped the reading before its end. */
export interface CaptureFile {
  readonly packets: readonly CapturedPacket[];
  readonly error?: string;
}
