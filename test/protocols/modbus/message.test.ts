import jsmodbus from "jsmodbus";
import { describe, expect, test } from "vitest";
import { type ModbusRequest, putRequest, refusalOf, requestSize } from "../../../protocols/modbus/message.ts";
import { parseReply } from "../../../protocols/modbus/reply.ts";
import { hex, show } from "./support.ts";

/** An independent encoder of the same PDUs. */
type PeerBody = new (...parameters: unknown[]) => { createPayload(): Uint8Array };
const peer = jsmodbus.requests as unknown as Readonly<Record<string, PeerBody>>;

function pdu(request: ModbusRequest): string | undefined {
  const out = new Uint8Array(requestSize(request));
  putRequest(request, out, 0);
  return show(out);
}

describe("requests as bytes", () => {
  const cases: [ModbusRequest, string, string, unknown[]][] = [
    [{ function: 1, address: 0x13, quantity: 0x25 }, "01 00 13 00 25", "ReadCoilsRequestBody", [0x13, 0x25]],
    [{ function: 2, address: 0xc4, quantity: 0x16 }, "02 00 c4 00 16", "ReadDiscreteInputsRequestBody", [0xc4, 0x16]],
    [{ function: 3, address: 0x6b, quantity: 3 }, "03 00 6b 00 03", "ReadHoldingRegistersRequestBody", [0x6b, 3]],
    [{ function: 4, address: 8, quantity: 1 }, "04 00 08 00 01", "ReadInputRegistersRequestBody", [8, 1]],
    [{ function: 5, address: 0xac, on: true }, "05 00 ac ff 00", "WriteSingleCoilRequestBody", [0xac, true]],
    [{ function: 5, address: 0xac, on: false }, "05 00 ac 00 00", "WriteSingleCoilRequestBody", [0xac, false]],
    [{ function: 6, address: 1, value: 3 }, "06 00 01 00 03", "WriteSingleRegisterRequestBody", [1, 3]],
    [
      { function: 15, address: 0x13, quantity: 10, bits: hex("cd01") },
      "0f 00 13 00 0a 02 cd 01",
      "WriteMultipleCoilsRequestBody",
      [0x13, Buffer.from([0xcd, 0x01]), 10],
    ],
    [
      { function: 16, address: 1, words: hex("000a0102") },
      "10 00 01 00 02 04 00 0a 01 02",
      "WriteMultipleRegistersRequestBody",
      [1, Buffer.from([0, 10, 1, 2])],
    ],
  ];
  test.each(cases)("%j", (request, bytes, body, parameters) => {
    expect(refusalOf(request)).toBeUndefined();
    expect(pdu(request)).toBe(bytes);
    const Body = peer[body] as PeerBody;
    expect(show(new Body(...parameters).createPayload())).toBe(bytes);
  });
});

test.each([
  [{ function: 3, address: 0, quantity: 0 }],
  [{ function: 3, address: 0, quantity: 126 }],
  [{ function: 4, address: 65_535, quantity: 2 }],
  [{ function: 4, address: -1, quantity: 2 }],
  [{ function: 4, address: 1.5, quantity: 2 }],
  [{ function: 1, address: 0, quantity: 2001 }],
  [{ function: 6, address: 0, value: 65_536 }],
  [{ function: 6, address: 0, value: Number.NaN }],
  [{ function: 15, address: 0, quantity: 9, bits: Uint8Array.of(1) }],
  [{ function: 15, address: 0, quantity: 1969, bits: new Uint8Array(247) }],
  [{ function: 16, address: 0, words: new Uint8Array(0) }],
  [{ function: 16, address: 0, words: new Uint8Array(3) }],
  [{ function: 16, address: 0, words: new Uint8Array(248) }],
  [{ function: 20 }],
] as unknown as [ModbusRequest][])("refused before it is sent: %j", (request) => {
  expect(refusalOf(request)).toBeTypeOf("string");
});

describe("45: replies against what was asked", () => {
  const parse = (request: ModbusRequest, text: string) => {
    const bytes = hex(text);
    return parseReply(request, Uint8Array.of(9, ...bytes, 9), 1, bytes.length);
  };
  const read: ModbusRequest = { function: 3, address: 0, quantity: 2 };

  test("good ones", () => {
    expect(parse(read, "03 04 03e8 03e9")).toEqual({ ok: true, value: { function: 3, data: hex("03e803e9") } });
    expect(parse({ function: 1, address: 0, quantity: 9 }, "01 02 ff 01")).toMatchObject({ ok: true });
    expect(parse({ function: 16, address: 1, words: hex("00010002") }, "10 0001 0002")).toEqual({
      ok: true,
      value: { function: 16, data: new Uint8Array(0) },
    });
    expect(parse({ function: 15, address: 1, quantity: 9, bits: hex("ff01") }, "0f 0001 0009")).toMatchObject({
      ok: true,
    });
    expect(parse({ function: 5, address: 1, on: true }, "05 0001 ff00")).toMatchObject({ ok: true });
    expect(parse({ function: 6, address: 1, value: 0xbeef }, "06 0001 beef")).toMatchObject({ ok: true });
  });

  test("exceptions keep their code", () => {
    for (const code of [1, 2, 3, 4, 5, 6, 8, 10, 11, 0x77])
      expect(parse(read, `83 ${code.toString(16).padStart(2, "0")}`)).toEqual({
        ok: false,
        error: { kind: "exception", code },
      });
  });

  test.each([
    [read, "03 04 03e8"],
    [read, "03 04 03e8 03e9 00"],
    [read, "03 02 03e8"],
    [read, "03 02 03e8 03e9"],
    [read, "03"],
    [read, "04 04 03e8 03e9"],
    [read, "83"],
    [read, "83 02 00"],
    [read, "84 02"],
    [{ function: 6, address: 1, value: 5 }, "06 0001 0006"],
    [{ function: 6, address: 1, value: 5 }, "06 0002 0005"],
    [{ function: 6, address: 1, value: 5 }, "06 0001 00"],
    [{ function: 5, address: 1, on: true }, "05 0001 0000"],
    [{ function: 16, address: 1, words: hex("00010002") }, "10 0001 0004"],
  ] as [ModbusRequest, string][])("%j answered by %s is no reply", (request, text) => {
    expect(parse(request, text)).toMatchObject({ ok: false, error: { kind: "bad-reply" } });
  });

  test("the data are a copy: the buffer that brought them is used again", () => {
    const bytes = Buffer.from("03040102ffff", "hex");
    const result = parseReply(read, bytes, 0, 6);
    bytes.fill(0);
    expect(result).toMatchObject({ ok: true, value: { data: hex("0102ffff") } });
  });
});
