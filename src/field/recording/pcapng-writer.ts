/** The blocks of a pcapng file that a recording is made of, little-endian (draft-ietf-opsawg-pcapng). */
import { joinBytes } from "../../core/bytes.ts";
import { utf8 } from "../../core/text.ts";
import { BLOCK, BYTE_ORDER_MAGIC, type LinkDirection, OPTION } from "./pcapng-format.ts";

export interface InterfaceDescription {
  /** A LINKTYPE, such as 1 for Ethernet. */
  readonly linkType: number;
  readonly name: string;
  readonly description: string;
}

/** A file, or a further part of one: interfaces count from 0 again. */
export function sectionHeader(application: string): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, 1, true);
  // The section's length is not known while it is being written.
  view.setBigInt64(8, -1n, true);
  return block(BLOCK.section, [body, options([[OPTION.userApplication, utf8(application)]])]);
}

/** Times of its packets count in microseconds, which is what a reader takes when it is told nothing. */
export function interfaceBlock({ linkType, name, description }: InterfaceDescription): Uint8Array {
  const body = new Uint8Array(8);
  new DataView(body.buffer).setUint16(0, linkType, true);
  const named = options([
    [OPTION.interfaceName, utf8(name)],
    [OPTION.interfaceDescription, utf8(description)],
  ]);
  return block(BLOCK.interface, [body, named]);
}

/** @param time µs since 1970 */
export function packetBlock(
  onInterface: number,
  time: number,
  data: Uint8Array,
  direction: LinkDirection | undefined,
  comment?: string,
): Uint8Array {
  const head = new Uint8Array(20);
  const view = new DataView(head.buffer);
  view.setUint32(0, onInterface, true);
  view.setUint32(4, Math.floor(time / 2 ** 32), true);
  view.setUint32(8, time % 2 ** 32, true);
  view.setUint32(12, data.length, true);
  view.setUint32(16, data.length, true);
  const flags = Uint8Array.of(direction === "in" ? 1 : direction === "out" ? 2 : 0, 0, 0, 0);
  const said: [number, Uint8Array][] = comment === undefined ? [] : [[OPTION.comment, utf8(comment)]];
  return block(BLOCK.packet, [head, padded(data), options([...said, [OPTION.packetFlags, flags]])]);
}

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = joinBytes(parts);
  const whole = new Uint8Array(body.length + 12);
  const view = new DataView(whole.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, whole.length, true);
  whole.set(body, 8);
  view.setUint32(whole.length - 4, whole.length, true);
  return whole;
}

function options(list: readonly (readonly [code: number, value: Uint8Array])[]): Uint8Array {
  const parts = list.flatMap(([code, value]) => [word(code, value.length), padded(value)]);
  return joinBytes([...parts, word(OPTION.end, 0)]);
}

function word(code: number, length: number): Uint8Array {
  return Uint8Array.of(code & 0xff, code >> 8, length & 0xff, length >> 8);
}

/** Everything in a block begins at a multiple of four. */
function padded(data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(data.length / 4) * 4);
  whole.set(data);
  return whole;
}
