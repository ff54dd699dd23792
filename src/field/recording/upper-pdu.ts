/**
 * Bytes of a serial line as packets of link type 252: tags (16-bit number and length, big-endian) that name Wireshark's
 * dissector, then the bytes. So an RTU frame is decoded there without any setting.
 */
import { CRC_LENGTH, crc16, MIN_RTU_ADU } from "../../../protocols/modbus/frame.ts";
import { joinBytes } from "../../core/bytes.ts";
import { utf8 } from "../../core/text.ts";
import type { LinkDirection } from "./pcapng-format.ts";

const TAG = { end: 0, dissector: 12, portType: 24, sourcePort: 25, destinationPort: 26, direction: 35 } as const;
const PORT_TYPE_TCP = 2;
/** Which of both sides is the server Wireshark tells by the port, on a serial line too. */
const SERVER_PORT = 502;
const CLIENT_PORT = 50_000;

/** @param bytes what one side sent in one go */
export function upperPdu(bytes: Uint8Array, direction: LinkDirection): Uint8Array {
  const [source, destination] = direction === "out" ? [CLIENT_PORT, SERVER_PORT] : [SERVER_PORT, CLIENT_PORT];
  return joinBytes([
    tag(TAG.dissector, utf8(isRtuFrame(bytes) ? "mbrtu" : "data")),
    tag(TAG.portType, uint32(PORT_TYPE_TCP)),
    tag(TAG.sourcePort, uint32(source)),
    tag(TAG.destinationPort, uint32(destination)),
    tag(TAG.direction, uint32(direction === "out" ? 0 : 1)),
    tag(TAG.end, new Uint8Array(0)),
    bytes,
  ]);
}

/** The bytes behind the tags; undefined where the tags are broken. */
export function upperPduPayload(packet: Uint8Array): Uint8Array | undefined {
  for (let at = 0; at + 4 <= packet.length; ) {
    const number = ((packet[at] as number) << 8) | (packet[at + 1] as number);
    const length = ((packet[at + 2] as number) << 8) | (packet[at + 3] as number);
    at += 4 + length;
    if (number === TAG.end && at <= packet.length) return packet.subarray(at);
  }
  return undefined;
}

/** By its check sum: what else looks like one by chance is one in 65536. */
export function isRtuFrame(bytes: Uint8Array): boolean {
  const end = bytes.length - CRC_LENGTH;
  if (bytes.length < MIN_RTU_ADU) return false;
  const crc = crc16(bytes, 0, end);
  return bytes[end] === (crc & 0xff) && bytes[end + 1] === crc >> 8;
}

/** Numbers and lengths of tags, and lengths are a multiple of four: the dissector's name is filled up with zeros. */
function tag(number: number, value: Uint8Array): Uint8Array {
  const length = Math.ceil(value.length / 4) * 4;
  const whole = new Uint8Array(4 + length);
  whole.set([number >> 8, number & 0xff, length >> 8, length & 0xff]);
  whole.set(value, 4);
  return whole;
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);
}
