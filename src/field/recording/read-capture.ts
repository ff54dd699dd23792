/** Capture files of others and of ours: pcapng in either byte order, and classic pcap. A broken one gives what came before. */
import { fromUtf8 } from "../../core/text.ts";
import { BLOCK, BYTE_ORDER_MAGIC, type CapturedPacket, type CaptureFile, OPTION } from "./pcapng-format.ts";

interface Interface {
  readonly linkType: number;
  readonly name: string;
  readonly description: string;
  /** Ticks of its times per second. */
  readonly perSecond: number;
}

/** Magic numbers of classic pcap: microseconds and nanoseconds. */
const PCAP_MICRO = 0xa1b2c3d4;
const PCAP_NANO = 0xa1b23c4d;
const PCAP_HEADER = 24;
const PCAP_RECORD = 16;

/** The packets share the memory of the file. */
export function readCapture(file: Uint8Array): CaptureFile {
  if (file.length === 0) return { packets: [], error: "the file is empty" };
  if (file.length < 12) return { packets: [], error: `${file.length} bytes are no capture file` };
  const view = viewOf(file);
  if (view.getUint32(0) === BLOCK.section) return readPcapng(file, view);
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === PCAP_MICRO || magic === PCAP_NANO) return readPcap(file, view, little, magic === PCAP_NANO);
  }
  return { packets: [], error: "this is neither pcapng nor pcap: it does not begin as one" };
}

function readPcapng(file: Uint8Array, view: DataView): CaptureFile {
  const packets: CapturedPacket[] = [];
  let interfaces: Interface[] = [];
  let section = -1;
  let little = true;
  for (let at = 0; at < file.length; ) {
    const broken = (why: string): CaptureFile => ({ packets, error: `${why} at byte ${at}` });
    if (at + 12 > file.length) return broken("the file ends within a block");
    if (view.getUint32(at) === BLOCK.section) {
      const order = orderOf(view, at + 8);
      if (order === undefined) return broken("a section without its byte-order mark");
      [little, interfaces] = [order, []];
      section += 1;
    }
    const type = view.getUint32(at, little);
    const length = view.getUint32(at + 4, little);
    if (length < 12 || length % 4 !== 0) return broken(`a block says it has ${length} bytes`);
    if (at + length > file.length) return broken("the file ends within a block");
    if (view.getUint32(at + length - 4, little) !== length) return broken("the two lengths of a block differ");
    const body = file.subarray(at + 8, at + length - 4);
    if (type === BLOCK.interface) {
      const found = body.length < 8 ? undefined : interfaceOf(body, little);
      if (found === undefined) return broken("a broken description of an interface");
      interfaces.push(found);
    } else if (type === BLOCK.packet) {
      const packet = packetOf(body, little, interfaces, section);
      if (typeof packet === "string") return broken(packet);
      packets.push(packet);
    }
    // Blocks of other kinds (statistics, names, keys) carry no bytes of a line.
    at += length;
  }
  return { packets };
}

function orderOf(view: DataView, at: number): boolean | undefined {
  if (view.getUint32(at, true) === BYTE_ORDER_MAGIC) return true;
  return view.getUint32(at, false) === BYTE_ORDER_MAGIC ? false : undefined;
}

function interfaceOf(body: Uint8Array, little: boolean): Interface | undefined {
  const found = optionsOf(body, 8, little);
  const resolution = found.get(OPTION.timeResolution)?.[0];
  const perSecond =
    resolution === undefined ? 1e6 : resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** (resolution & 0x7f);
  return {
    linkType: viewOf(body).getUint16(0, little),
    name: textOf(found.get(OPTION.interfaceName)) ?? "",
    description: textOf(found.get(OPTION.interfaceDescription)) ?? "",
    perSecond,
  };
}

function packetOf(
  body: Uint8Array,
  little: boolean,
  interfaces: readonly Interface[],
  section: number,
): CapturedPacket | string {
  if (body.length < 20) return "a broken packet";
  const view = viewOf(body);
  const number = view.getUint32(0, little);
  const of = interfaces[number];
  if (of === undefined) return `a packet of interface ${number}, which the file does not describe,`;
  const kept = view.getUint32(12, little);
  if (20 + kept > body.length) return "a packet longer than its block";
  const ticks = (BigInt(view.getUint32(4, little)) << 32n) | BigInt(view.getUint32(8, little));
  const found = optionsOf(body, 20 + Math.ceil(kept / 4) * 4, little);
  const flags = found.get(OPTION.packetFlags);
  const way = flags === undefined || flags.length < 4 ? 0 : viewOf(flags).getUint32(0, little) & 3;
  return {
    linkType: of.linkType,
    ...{ section, interface: number, interfaceName: of.name, interfaceDescription: of.description },
    time: microsOf(ticks, of.perSecond),
    data: body.subarray(20, 20 + kept),
    isCut: view.getUint32(16, little) > kept,
    direction: way === 1 ? "in" : way === 2 ? "out" : undefined,
    comment: textOf(found.get(OPTION.comment)),
  };
}

/** Nanoseconds since 1970 are beyond 2^53: the division is made before they become a number. */
function microsOf(ticks: bigint, perSecond: number): number {
  if (perSecond === 1e6) return Number(ticks);
  return Number((ticks * 1_000_000n) / BigInt(Math.round(perSecond)));
}

function optionsOf(body: Uint8Array, from: number, little: boolean): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = viewOf(body);
  for (let at = from; at + 4 <= body.length; ) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === OPTION.end || at + 4 + length > body.length) break;
    found.set(code, body.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return found;
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : fromUtf8(bytes);
}

function readPcap(file: Uint8Array, view: DataView, little: boolean, nano: boolean): CaptureFile {
  const packets: CapturedPacket[] = [];
  if (file.length < PCAP_HEADER) return { packets, error: "the file ends within its header" };
  // The high bits may say how long a frame's check sequence is.
  const linkType = view.getUint32(20, little) & 0xffff;
  for (let at = PCAP_HEADER; at < file.length; ) {
    if (at + PCAP_RECORD > file.length) return { packets, error: `the file ends within a packet at byte ${at}` };
    const kept = view.getUint32(at + 8, little);
    const data = file.subarray(at + PCAP_RECORD, at + PCAP_RECORD + kept);
    if (data.length < kept) return { packets, error: `the file ends within a packet at byte ${at}` };
    const fraction = view.getUint32(at + 4, little);
    packets.push({
      ...{ linkType, section: 0, interface: 0, interfaceName: "", interfaceDescription: "" },
      time: view.getUint32(at, little) * 1_000_000 + (nano ? Math.floor(fraction / 1000) : fraction),
      data,
      isCut: view.getUint32(at + 12, little) > kept,
      direction: undefined,
      comment: undefined,
    });
    at += PCAP_RECORD + kept;
  }
  return { packets };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
