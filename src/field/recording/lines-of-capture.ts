/** What was said on each line of a capture, in order and by whom: serial lines of our recordings, and TCP connections. */
import { type TcpSegment, tcpSegmentOf } from "./link-layers.ts";
import { type CapturedPacket, LINK_TYPE } from "./pcapng-format.ts";
import { TcpOrder } from "./tcp-order.ts";
import { upperPduPayload } from "./upper-pdu.ts";

export interface Utterance {
  /** µs since 1970. */
  readonly time: number;
  /** `out`: from the master, client or reader. */
  readonly direction: "out" | "in";
  readonly bytes: Uint8Array;
  readonly afterLoss: boolean;
  /** What a serial line was set to before this. */
  readonly setting?: string;
}

export interface CapturedLine {
  readonly name: string;
  /** As the recording says; undefined in captures of others. */
  readonly protocol: string | undefined;
  readonly kind: "tcp" | "serial";
  readonly utterances: readonly Utterance[];
}

interface OpenLine extends CapturedLine {
  readonly utterances: Utterance[];
}

interface Connection {
  readonly line: OpenLine;
  readonly server: string;
  readonly out: TcpOrder;
  readonly in: TcpOrder;
}

/**
 * @param ports of servers, in captures of others: a connection to none of them is passed over
 * @returns the lines, and how many packets were passed over
 */
export function linesOf(packets: readonly CapturedPacket[], ports: readonly number[]) {
  const reader = new LineReader(ports);
  for (const packet of packets) reader.take(packet);
  return { lines: reader.end(), passedOver: reader.passedOver };
}

class LineReader {
  passedOver = 0;
  readonly #ports: readonly number[];
  readonly #serial = new Map<string, OpenLine>();
  readonly #connections = new Map<string, Connection>();

  constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  take(packet: CapturedPacket): void {
    if (packet.linkType === LINK_TYPE.upperPdu) {
      this.#takeSerial(packet);
      return;
    }
    const segment = tcpSegmentOf(packet);
    const connection = segment === undefined ? undefined : this.#connectionOf(segment, packet);
    if (segment === undefined || connection === undefined) this.passedOver += 1;
    else takeSegment(connection, segment);
  }

  end(): readonly CapturedLine[] {
    for (const connection of this.#connections.values()) {
      push(connection.line, "out", connection.out.end());
      push(connection.line, "in", connection.in.end());
    }
    const all = [...this.#serial.values(), ...[...this.#connections.values()].map(({ line }) => line)];
    return all.filter(({ utterances }) => utterances.length > 0);
  }

  #takeSerial(packet: CapturedPacket): void {
    const bytes = upperPduPayload(packet.data);
    if (bytes === undefined || packet.direction === undefined) {
      this.passedOver += 1;
      return;
    }
    const key = `${packet.section}/${packet.interface}`;
    const line = this.#serial.get(key) ?? openLine("serial", packet.interfaceName || `line ${key}`, packet);
    this.#serial.set(key, line);
    const setting = SETTING.exec(packet.comment ?? "")?.[1];
    line.utterances.push({
      ...{ time: packet.time, direction: packet.direction, bytes, afterLoss: false },
      ...(setting === undefined ? {} : { setting }),
    });
  }

  #connectionOf(segment: TcpSegment, packet: CapturedPacket): Connection | undefined {
    const ends = [segment.from, segment.to].sort().join(" ");
    const key = `${packet.section}/${packet.interface} ${ends}`;
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const isOurs = protocolOf(packet) !== undefined;
    const server = isOurs ? serverOfOurs(segment, packet) : this.#serverOf(segment);
    if (server === undefined) return undefined;
    const name = isOurs && packet.interfaceName !== "" ? packet.interfaceName : `tcp:${server}`;
    const connection = { line: openLine("tcp", name, packet), server, out: new TcpOrder(), in: new TcpOrder() };
    this.#connections.set(key, connection);
    return connection;
  }

  #serverOf({ from, to, fromPort, toPort }: TcpSegment): string | undefined {
    if (this.#ports.includes(toPort)) return to;
    return this.#ports.includes(fromPort) ? from : undefined;
  }
}

function takeSegment({ line, server, out, in: back }: Connection, segment: TcpSegment): void {
  if (segment.to === server) push(line, "out", out.accept(segment));
  else push(line, "in", back.accept(segment));
}

function serverOfOurs({ from, to }: TcpSegment, { direction }: CapturedPacket): string {
  return direction === "in" ? from : to;
}

function push(line: OpenLine, direction: Utterance["direction"], parts: ReturnType<TcpOrder["end"]>): void {
  for (const part of parts) line.utterances.push({ direction, ...part });
}

function openLine(kind: CapturedLine["kind"], name: string, packet: CapturedPacket): OpenLine {
  return { name, protocol: protocolOf(packet), kind, utterances: [] };
}

/** As the recorder writes it into a packet's comment. */
const SETTING = /^line set to ([^;]+)/;
const PROTOCOL = /^(modbus-rtu|modbus-ascii|modbus-tcp|dlt645|iec62056-21)\b/;

/** Our recordings say it at the beginning of the interface's description. */
function protocolOf({ interfaceDescription }: CapturedPacket): string | undefined {
  return PROTOCOL.exec(interfaceDescription)?.[1];
}
