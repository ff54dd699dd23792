/** Replies of a DL/T 645-2007 meter, both ways between typed values and control byte with data field. */
import { failure, type Result, success } from "../../src/core/result.ts";
import type { MessageFault } from "./errors.ts";
import { bytesOfDigits, digitsAt } from "./frame.ts";
import { ABNORMAL, controlHex, FROM_METER, FUNCTION, type FunctionCode, functionOf, MORE } from "./functions.ts";
import { type Identifier, identifierAt, identifierBytes } from "./identifier.ts";
import { type Password, passwordAt, passwordBytes } from "./message.ts";

export type Dlt645Reply =
  | {
      readonly kind: "data";
      readonly identifier: Identifier;
      readonly data: Uint8Array;
      /** D5: the rest is read with function 12. */
      readonly more: boolean;
      /** SEQ of a following frame. */
      readonly sequence?: number;
    }
  | { readonly kind: "address"; readonly address: string }
  | { readonly kind: "baud"; readonly feature: number }
  | { readonly kind: "password"; readonly password: Password }
  | { readonly kind: "done" }
  /** ERR bits; two bytes (SERR) in the prepaid functions of some meters. */
  | { readonly kind: "refused"; readonly code: number; readonly wide: boolean };

export interface EncodedReply {
  readonly control: number;
  readonly data: Uint8Array;
}

/** A reply to `code` as control byte and data. */
export function encodeReply(code: FunctionCode, reply: Dlt645Reply): EncodedReply {
  const control = code | FROM_METER;
  switch (reply.kind) {
    case "data": {
      const sequence = reply.sequence === undefined ? [] : [reply.sequence];
      return {
        control: reply.more ? control | MORE : control,
        data: Uint8Array.of(...identifierBytes(reply.identifier), ...reply.data, ...sequence),
      };
    }
    case "address":
      return { control, data: bytesOfDigits(reply.address) };
    case "baud":
      return { control, data: Uint8Array.of(reply.feature) };
    case "password":
      return { control, data: Uint8Array.of(...passwordBytes(reply.password)) };
    case "done":
      return { control, data: new Uint8Array(0) };
    case "refused":
      return {
        control: control | ABNORMAL,
        data: reply.wide ? Uint8Array.of(reply.code & 0xff, reply.code >> 8) : Uint8Array.of(reply.code),
      };
  }
}

/** Reads a frame that comes from a meter. */
export function parseReply(control: number, data: Uint8Array): Result<Dlt645Reply, MessageFault> {
  const code = functionOf(control);
  if ((control & FROM_METER) === 0 || code === undefined || code === FUNCTION.setTime)
    return failure({ kind: "unknown-function", detail: `control ${controlHex(control)} is no reply of DL/T 645-2007` });
  const reply = (control & ABNORMAL) !== 0 ? parseRefusal(data) : parseGood(code, (control & MORE) !== 0, data);
  if (reply !== undefined) return success(reply);
  return failure({
    kind: "bad-length",
    detail: `a reply with control ${controlHex(control)} has no ${data.length} data bytes`,
  });
}

function parseRefusal(data: Uint8Array): Dlt645Reply | undefined {
  if (data.length === 0 || data.length > 2) return undefined;
  return { kind: "refused", code: (data[0] as number) | ((data[1] ?? 0) << 8), wide: data.length === 2 };
}

/** Undefined where the data does not have the function's length. */
function parseGood(code: FunctionCode, more: boolean, data: Uint8Array): Dlt645Reply | undefined {
  switch (code) {
    case FUNCTION.read:
    case FUNCTION.security:
      if (data.length < 4) return undefined;
      return { kind: "data", identifier: identifierAt(data, 0), data: data.slice(4), more };
    case FUNCTION.readFollowing: {
      const last = data.length - 1;
      if (last < 4) return undefined;
      const sequence = data[last] as number;
      return { kind: "data", identifier: identifierAt(data, 0), data: data.slice(4, last), more, sequence };
    }
    case FUNCTION.readAddress:
      return data.length === 6 ? { kind: "address", address: digitsAt(data, 0, 6) } : undefined;
    case FUNCTION.changeBaud:
      return data.length === 1 ? { kind: "baud", feature: data[0] as number } : undefined;
    case FUNCTION.changePassword:
      return data.length === 4 ? { kind: "password", password: passwordAt(data, 0) } : undefined;
    default:
      return data.length === 0 ? { kind: "done" } : undefined;
  }
}
