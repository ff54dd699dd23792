/** The client's side of 07, 08, 0B, 0C, 11 and 2B/0E: requests as bytes, and replies read or refused. */
import { describe, expect, test } from "vitest";
import { type ModbusRequest, putRequest, refusalOf, requestSize } from "../../../protocols/modbus/message.ts";
import { parseReply } from "../../../protocols/modbus/reply.ts";
import { hex, show } from "./support.ts";

const loopback: ModbusRequest = { function: 8, subfunction: 0, data: hex("a537") };
const count: ModbusRequest = { function: 8, subfunction: 0x0b, data: hex("0000") };
const identify: ModbusRequest = { function: 43, code: 1, object: 0 };

/** Requests and good replies of the examples in V1.1b3, section 6. */
const EXAMPLES: readonly (readonly [ModbusRequest, string, string, string])[] = [
  [{ function: 7 }, "07", "07 6d", "6d"],
  [loopback, "08 00 00 a5 37", "08 0000 a537", "a5 37"],
  [count, "08 00 0b 00 00", "08 000b 0102", "01 02"],
  [{ function: 11 }, "0b", "0b ffff 0108", "ff ff 01 08"],
  [{ function: 12 }, "0c", "0c 08 0000 0108 0121 20 00", "00 00 01 08 01 21 20 00"],
  [{ function: 17 }, "11", "11 03 2a ff 41", "2a ff 41"],
  [identify, "2b 0e 01 00", "2b 0e 01 01 00 00 01 00 02 4142", "01 01 00 00 01 00 02 41 42"],
];

test.each(EXAMPLES)("%j", (request, bytes, reply, data) => {
  expect(refusalOf(request)).toBeUndefined();
  const out = new Uint8Array(requestSize(request));
  putRequest(request, out, 0);
  expect(show(out)).toBe(bytes);
  const pdu = hex(reply);
  const parsed = parseReply(request, pdu, 0, pdu.length);
  expect(parsed.ok && show(parsed.value.data)).toBe(data);
});

describe("replies that are none", () => {
  test.each([
    ["07 without a status", { function: 7 }, "07"],
    ["07 with two bytes", { function: 7 }, "07 6d 00"],
    ["a loopback that came back changed", loopback, "08 0000 a536"],
    ["another sub-function's", loopback, "08 000b a537"],
    ["a cut counter", count, "08 000b 01"],
    ["0B of three bytes", { function: 11 }, "0b ffff 01"],
    ["0C with a wrong byte count", { function: 12 }, "0c 07 0000 0108 0121 20 00"],
    ["0C without its counters", { function: 12 }, "0c 04 0000 0108"],
    ["11 with a wrong byte count", { function: 17 }, "11 04 2a ff 41"],
    ["11 that says nothing", { function: 17 }, "11 00"],
    ["2B of another type", identify, "2b 0d 01 01 00 00 00"],
    ["2B of another code", identify, "2b 0e 02 01 00 00 00"],
    ["2B without its header", identify, "2b 0e 01 01"],
  ] as const)("%s", (_what, request, reply) => {
    const pdu = hex(reply);
    expect(parseReply(request, pdu, 0, pdu.length)).toMatchObject({ ok: false, error: { kind: "bad-reply" } });
  });
});

test.each([
  [{ function: 8, subfunction: 0x1_0000, data: hex("0000") }, "sub-function 65536 is not 0 .. 65535"],
  [{ function: 8, subfunction: 1, data: hex("00") }, "1 bytes of data where 2 belong"],
  [{ function: 8, subfunction: 0, data: new Uint8Array(251) }, "251 bytes of data"],
  [{ function: 43, code: 1, object: 256 }, "object 256 is not 0 .. 255"],
  [{ function: 43, code: 1, object: 0.5 }, "object 0.5 is not 0 .. 255"],
] as const)("%j is refused before it is sent: %s", (request, reason) => {
  expect(refusalOf(request)).toBe(reason);
});
