/**
 * What happens on the lines of a command as the bytes of a pcapng file. A serial line's bytes that come in lumps without a
 * silence are one packet, so that a frame is decoded as one; when each lump came is told in the packet's comment.
 */
import { joinBytes } from "../../core/bytes.ts";
import { LINK_TYPE, type LinkDirection } from "./pcapng-format.ts";
import { interfaceBlock, packetBlock, sectionHeader } from "./pcapng-writer.ts";
import { TcpPackets } from "./tcp-packets.ts";
import { upperPdu } from "./upper-pdu.ts";

/** Bytes with less silence than this between them belong together: a busy computer hands a frame over in lumps, µs. */
export const LUMP_GAP = 50_000;
const LONGEST_BURST = 8_192;

/** A line as it is told to the recorder. */
export interface RecordedLine {
  readonly name: string;
  /** What is spoken there, and how the line is set. */
  readonly description: string;
  /** Where it leads; absent for serial lines. */
  readonly tcp?: { readonly host: string; readonly port: number };
}

interface Burst {
  readonly direction: LinkDirection;
  readonly lumps: { readonly time: number; readonly bytes: Uint8Array }[];
  length: number;
}

/** Times are µs since 1970. Every method gives the bytes to append to the file, perhaps none. */
export class LineRecorder {
  readonly #number: number;
  readonly #tcp: RecordedLine["tcp"];
  #connection: TcpPackets | undefined;
  #connections: number;
  #burst: Burst | undefined;
  /** What the line was set to after the last packet. */
  #setting: string | undefined;

  /** @param number of the line within its section, from 0 */
  constructor(number: number, line: RecordedLine) {
    this.#number = number;
    this.#tcp = line.tcp;
    this.#connections = 256 * number;
  }

  opened(time: number): Uint8Array {
    const { host, port } = this.#tcp ?? {};
    if (host === undefined || port === undefined) return this.flush();
    this.#connection = new TcpPackets(host, port, this.#connections);
    this.#connections += 1;
    return this.#packets(time, this.#connection.opened());
  }

  closed(time: number): Uint8Array {
    const packets = this.#connection?.closed() ?? [];
    this.#connection = undefined;
    return joinBytes([this.flush(), this.#packets(time, packets)]);
  }

  carried(time: number, direction: LinkDirection, bytes: Uint8Array): Uint8Array {
    if (this.#tcp !== undefined) return this.#packets(time, this.#connection?.carried(direction, bytes) ?? []);
    const before = this.#continues(time, direction) ? new Uint8Array(0) : this.flush();
    this.#burst ??= { direction, lumps: [], length: 0 };
    // The caller may use its array again.
    this.#burst.lumps.push({ time, bytes: bytes.slice() });
    this.#burst.length += bytes.length;
    return before;
  }

  /** A serial line goes to other settings, such as `2400 8E1`: told with the next packet. */
  changed(setting: string): Uint8Array {
    const before = this.flush();
    this.#setting = setting;
    return before;
  }

  /** What was kept back for a further lump: due {@link LUMP_GAP} after the last one, and at the end. */
  flush(): Uint8Array {
    const burst = this.#burst;
    this.#burst = undefined;
    const first = burst?.lumps[0];
    if (burst === undefined || first === undefined) return new Uint8Array(0);
    const bytes = joinBytes(burst.lumps.map((lump) => lump.bytes));
    const lumps = burst.lumps.map((lump) => `${lump.bytes.length}@${lump.time - first.time}`);
    const notes = [
      ...(this.#setting === undefined ? [] : [`line set to ${this.#setting}`]),
      ...(lumps.length === 1 ? [] : [`lumps (bytes@µs): ${lumps.join(" ")}`]),
    ];
    this.#setting = undefined;
    const comment = notes.length === 0 ? undefined : notes.join("; ");
    return packetBlock(this.#number, first.time, upperPdu(bytes, burst.direction), burst.direction, comment);
  }

  #continues(time: number, direction: LinkDirection): boolean {
    const burst = this.#burst;
    const last = burst?.lumps.at(-1);
    if (burst === undefined || last === undefined || burst.length >= LONGEST_BURST) return false;
    // What we send is a frame each time.
    return direction === "in" && burst.direction === "in" && time - last.time < LUMP_GAP;
  }

  #packets(time: number, packets: readonly (readonly [LinkDirection, Uint8Array])[]): Uint8Array {
    return joinBytes(packets.map(([direction, data]) => packetBlock(this.#number, time, data, direction)));
  }
}

/** How a recording begins. */
export function recordingHead(version: string): Uint8Array {
  return sectionHeader(`meterworks ${version}`);
}

/** How a line of a recording begins; lines are numbered in the order of these. */
export function lineHead({ name, description, tcp }: RecordedLine): Uint8Array {
  return interfaceBlock({
    linkType: tcp === undefined ? LINK_TYPE.upperPdu : LINK_TYPE.ethernet,
    name,
    description,
  });
}
