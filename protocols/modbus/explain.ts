/** Captured Modbus bytes field by field: RTU, ASCII and TCP frames, what they say and what is wrong with them. */
import { toHex } from "../../src/core/bytes.ts";
import type { ExplainedField, Explanation } from "../explain.ts";
import { explainPdu } from "./explain-pdu.ts";
import { crc16, MAX_MBAP_COUNT, MAX_RTU_ADU, MBAP_LENGTH, MIN_MBAP_COUNT, MIN_RTU_ADU, uint16At } from "./frame.ts";

export type ModbusDirection = "request" | "reply";

const refused = (error: string, fields: readonly ExplainedField[] = []): Explanation => ({
  ok: false,
  error,
  fields,
  readings: [],
});

function unitText(unit: number): string {
  if (unit === 0) return "0 (broadcast)";
  return unit > 247 ? `${unit} (reserved on serial lines)` : String(unit);
}

/** Fields of a frame around its PDU; the frame's own fault (CRC, length) comes before one inside. */
function assemble(
  head: readonly ExplainedField[],
  pdu: Uint8Array,
  base: number,
  tail: readonly ExplainedField[],
  direction: ModbusDirection,
): Explanation {
  const inner = explainPdu(pdu, base, direction);
  const fields = [...head, ...inner.fields, ...tail];
  const outer = [...head, ...tail].find((field) => field.fault !== undefined);
  const error = outer === undefined ? inner.error : `${outer.name}: ${outer.fault}`;
  return error === undefined
    ? { ok: true, fields, readings: inner.readings }
    : { ok: false, error, fields, readings: [] };
}

/** Unit, PDU, CRC-16 low byte first (MODBUS over Serial Line V1.02, 2.5.1). */
export function explainModbusRtu(bytes: Uint8Array, direction: ModbusDirection): Explanation {
  if (bytes.length < MIN_RTU_ADU)
    return refused(`${bytes.length} byte(s) are no RTU frame: the shortest has ${MIN_RTU_ADU}`);
  if (bytes.length > MAX_RTU_ADU)
    return refused(`${bytes.length} bytes are no RTU frame: the longest has ${MAX_RTU_ADU}`);
  const end = bytes.length - 2;
  const right = crc16(bytes, 0, end);
  const shown = toHex(Uint8Array.of(right & 0xff, right >> 8));
  const seen = toHex(bytes.subarray(end));
  const crc = { offset: end, length: 2, name: "CRC", value: seen };
  const unit = { offset: 0, length: 1, name: "unit", value: unitText(bytes[0] as number) };
  const tail = seen === shown ? crc : { ...crc, fault: `wrong: these bytes have ${shown}` };
  return assemble([unit], bytes.subarray(1, end), 1, [tail], direction);
}

/** MBAP header and PDU (MODBUS Messaging on TCP/IP V1.0b, 3.1.3). */
export function explainModbusTcp(bytes: Uint8Array, direction: ModbusDirection): Explanation {
  if (bytes.length < MBAP_LENGTH + 1)
    return refused(`${bytes.length} byte(s) are no Modbus TCP frame: the header alone has ${MBAP_LENGTH}`);
  const protocol = uint16At(bytes, 2);
  const length = uint16At(bytes, 4);
  const follows = bytes.length - 6;
  const head: ExplainedField[] = [
    { offset: 0, length: 2, name: "transaction", value: String(uint16At(bytes, 0)) },
    {
      ...{ offset: 2, length: 2, name: "protocol", value: String(protocol) },
      ...(protocol === 0 ? {} : { fault: "must be 0: this is not Modbus" }),
    },
    { offset: 4, length: 2, name: "length", value: String(length), ...lengthFault(length, follows) },
    { offset: 6, length: 1, name: "unit", value: unitText(bytes[6] as number) },
  ];
  const end = Math.min(bytes.length, 6 + Math.max(length, MIN_MBAP_COUNT));
  return assemble(head, bytes.subarray(MBAP_LENGTH, end), MBAP_LENGTH, [], direction);
}

function lengthFault(length: number, follows: number): { fault?: string } {
  if (length < MIN_MBAP_COUNT || length > MAX_MBAP_COUNT)
    return { fault: `must be ${MIN_MBAP_COUNT} to ${MAX_MBAP_COUNT}` };
  return length === follows ? {} : { fault: `${follows} byte(s) follow` };
}

const COLON = 0x3a;
const MAX_ASCII = 513;

/** `:` + upper-case hex digits + LRC + CR LF (MODBUS over Serial Line V1.02, 2.5.2). Offsets are those of the characters. */
export function explainModbusAscii(bytes: Uint8Array, direction: ModbusDirection): Explanation {
  if (bytes[0] !== COLON) return refused("an ASCII frame begins with a colon");
  if (bytes.length > MAX_ASCII)
    return refused(`${bytes.length} characters are no ASCII frame: the longest has ${MAX_ASCII}`);
  const text = String.fromCharCode(...bytes);
  const m = /^:((?:[0-9A-F]{2})+)\r?\n?$/.exec(text);
  if (m?.[1] === undefined) return refused(asciiFault(text));
  const digits = m[1];
  const binary = Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
  if (binary.length < 3) return refused("an ASCII frame has at least unit, function and LRC");
  const end = binary.length - 1;
  const right = -binary.subarray(0, end).reduce((sum, byte) => sum + byte, 0) & 0xff;
  const inner = assemble(
    [{ offset: 0, length: 1, name: "unit", value: unitText(binary[0] as number) }],
    binary.subarray(1, end),
    1,
    [lrcField(end, binary[end] as number, right)],
    direction,
  );
  // Two characters a byte, after the colon.
  const fields = inner.fields.map((field) => ({ ...field, offset: 1 + 2 * field.offset, length: 2 * field.length }));
  return { ...inner, fields: [{ offset: 0, length: 1, name: "start", value: ":" }, ...fields] };
}

function lrcField(offset: number, seen: number, right: number): ExplainedField {
  const text = (value: number) => value.toString(16).toUpperCase().padStart(2, "0");
  const field = { offset, length: 1, name: "LRC", value: text(seen) };
  return seen === right ? field : { ...field, fault: `wrong: these bytes have ${text(right)}` };
}

function asciiFault(text: string): string {
  const odd = /[^0-9A-F\r\n]/.exec(text.slice(1));
  if (odd !== null) return `"${odd[0]}" at character ${odd.index + 1} is no upper-case hex digit`;
  return "an odd number of hex digits, or characters after the line end";
}
