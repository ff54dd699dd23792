/** The forms that seeded defects take. */
import { uint16At } from "../../../protocols/modbus/frame.ts";
import type { ModbusDataModel } from "../../../protocols/modbus/server.ts";
import { crcGood, rtuFrame, type Seeded, UNIT } from "./modbus-device.ts";

/** What is wrong, the check that must say so, and how it is seeded. */
export type Row = readonly [name: string, check: string, seeded: Seeded];

type Pdu = Uint8Array;
type Frame = Uint8Array;

const of = (...values: readonly number[]): Pdu => Uint8Array.from(values);

/** The PDU's reply is another one where the request is as told. */
export function whenPdu(asked: (request: Pdu) => boolean, reply: (reply: Pdu, request: Pdu) => Pdu): Seeded {
  return { pdu: (sound, request) => (asked(request) ? reply(sound, request) : sound) };
}

export const isFc =
  (code: number) =>
  (request: Pdu): boolean =>
    request[0] === code;

/** Another exception instead of the right one. */
export function wrongCode(asked: (request: Pdu) => boolean, code: number): Seeded {
  return whenPdu(asked, (reply) => ((reply[0] as number) & 0x80 ? of(reply[0] as number, code) : reply));
}

/** A byte of the reply is another one. */
export function otherByte(code: number, at: number, change: (byte: number) => number): Seeded {
  return whenPdu(isFc(code), (reply) =>
    (reply[0] as number) & 0x80 ? reply : Uint8Array.from(reply, (byte, i) => (i === at ? change(byte) & 0xff : byte)),
  );
}

/** Quantities up to `limit` instead of the standard's are served with zeros. */
export function servesUpTo(code: number, limit: number, bits: boolean): Seeded {
  return whenPdu(
    (request) => isFc(code)(request) && uint16At(request, 3) <= limit,
    (reply, request) => {
      if (((reply[0] as number) & 0x80) === 0) return reply;
      const quantity = uint16At(request, 3);
      const count = bits ? (quantity + 7) >> 3 : 2 * quantity;
      return of(code, count & 0xff, ...new Array<number>(Math.min(count, 251)).fill(0));
    },
  );
}

export function modelWith(change: (sound: ModbusDataModel) => Partial<ModbusDataModel>): Seeded {
  return { model: (sound) => ({ ...sound, ...change(sound) }) };
}

/** What the server hears is another frame where the sent one is as told; RTU. */
export function hears(asked: (frame: Frame) => boolean, heard: (frame: Frame) => readonly Frame[]): Seeded {
  return { request: (frame) => (asked(frame) ? heard(frame) : [frame]) };
}

export const toUnit = (frame: Frame, unit: number): Frame => rtuFrame(unit, frame.slice(1, -2));
export const goodTo =
  (asked: (unit: number) => boolean) =>
  (frame: Frame): boolean =>
    crcGood(frame) && asked(frame[0] as number);

/** The frame is answered as another unit's, with that unit in the reply. */
export function answersAs(asked: (unit: number) => boolean): Seeded {
  return {
    ...hears(goodTo(asked), (frame) => [toUnit(frame, UNIT)]),
    reply: (reply, request) =>
      reply !== undefined && goodTo(asked)(request) ? toUnit(reply, request[0] as number) : reply,
  };
}

/** A frame that makes an RTU server do nothing and say nothing. */
export const NOTHING: readonly Frame[] = [];
