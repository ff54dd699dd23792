import { describe, expect, test } from "vitest";
import { type ModbusDataModel, respond } from "../../../protocols/modbus/server.ts";
import { hex, MemoryDevice, show } from "./support.ts";

function ask(model: ModbusDataModel, request: string | Uint8Array): string | undefined {
  const pdu = typeof request === "string" ? hex(request) : request;
  // Dirty room on purpose: nothing of it may reach the wire.
  const out = new Uint8Array(300).fill(0xee);
  const length = respond(model, Uint8Array.of(0xaa, ...pdu, 0xaa), 1, pdu.length, out, 5);
  expect([...out.subarray(0, 5), ...out.subarray(5 + 253)].every((byte) => byte === 0xee)).toBe(true);
  return show(out.subarray(5, 5 + length));
}

const many = (byte: string, count: number): string => byte.repeat(count);

describe("general rules", () => {
  test("36: big-endian words, bits lowest first", () => {
    const device = new MemoryDevice();
    device.holding[7] = 0x1234;
    device.coils.set([1, 0, 1, 1, 0, 0, 1, 1, 1, 1], 20);
    expect(ask(device, "03 0007 0001")).toBe("03 02 12 34");
    expect(ask(device, "01 0014 000a")).toBe("01 02 cd 03");
  });

  test("38, 39: unknown functions, 0 and those from 128 on: exception 01", () => {
    for (const code of [0, 7, 8, 0x0b, 0x0c, 0x11, 0x14, 0x15, 0x18, 0x2b, 0x64, 0x7f, 0x80, 0x83, 0xff]) {
      const expected = (code | 0x80).toString(16).padStart(2, "0");
      expect(ask(new MemoryDevice(), Uint8Array.of(code, 0, 0, 0, 1))).toBe(`${expected} 01`);
    }
  });

  test("39: a function that the device has not got is exception 01, before its data are looked at", () => {
    for (const code of [1, 2, 3, 4, 5, 6, 15, 16, 17, 22, 23, 43]) {
      expect(ask({}, Uint8Array.of(code, 0xff, 0xff, 0, 0))).toBe(`${(code | 0x80).toString(16)} 01`);
    }
  });

  test("40: a bad quantity is found before a bad address, a bad address before execution", () => {
    const device = new MemoryDevice();
    device.writeResult = 4;
    expect(ask(device, "03 ffff 0000")).toBe("83 03");
    expect(ask(device, "10 ffff 0001 04 0000 0000")).toBe("90 03");
    expect(ask(device, "10 ffff 0001 02 0000")).toBe("90 02");
    expect(ask(device, "06 0001 0000")).toBe("86 04");
  });

  test("41, 42: past the end is 02, without wraparound, and nothing is written", () => {
    const device = new MemoryDevice(0x10000);
    expect(ask(device, "03 ffff 0001")).toBe("03 02 ff ff");
    expect(ask(device, "03 ffff 0002")).toBe("83 02");
    expect(ask(device, "01 fff9 0008")).toBe("81 02");
    expect(ask(device, "10 ffff 0002 04 1111 2222")).toBe("90 02");
    expect(ask(device, "0f fff8 0009 02 ff01")).toBe("8f 02");
    expect(device.writes).toBe(0);
    expect(ask(new MemoryDevice(10), "10 0009 0002 04 1111 2222")).toBe("90 02");
  });

  test.each(["01", "02", "03", "04", "05", "06", "0f", "10"])("40: function %s with a wrong length is 03", (code) => {
    const device = new MemoryDevice();
    const refused = `${(Number.parseInt(code, 16) | 0x80).toString(16)} 03`;
    for (const rest of ["", "00", "0000", "000000", "0000 0001 00 00", "0000 0001 02 00", "0000 0001 02 000000"])
      expect(ask(device, code + rest)).toBe(refused);
    expect(device.writes).toBe(0);
  });
});

describe("function codes", () => {
  test("47, 48: coils and discrete inputs, quantity 1 .. 2000", () => {
    const device = new MemoryDevice(2000);
    device.coils.fill(1);
    for (const [code, refused] of [
      ["01", "81 03"],
      ["02", "82 03"],
    ] as const) {
      expect(ask(device, `${code} 0000 0000`)).toBe(refused);
      expect(ask(device, `${code} 0000 07d1`)).toBe(refused);
    }
    expect(ask(device, "01 0000 07d0")).toBe(show(hex(`01 fa ${many("ff", 250)}`)));
    expect(ask(device, "01 0000 0003")).toBe("01 01 07");
    expect(ask(device, "02 0000 0009")).toBe("02 02 49 00");
  });

  test("48: unused high bits are zero even if the model puts ones there", () => {
    const careless: ModbusDataModel = {
      readBits(_table, _address, _quantity, out, at) {
        out[at] = 0xff;
        out[at + 1] = 0xff;
        return 0;
      },
    };
    expect(ask(careless, "01 0000 0009")).toBe("01 02 ff 01");
  });

  test("49, 50: registers, quantity 1 .. 125", () => {
    const device = new MemoryDevice();
    for (const [code, refused] of [
      ["03", "83 03"],
      ["04", "84 03"],
    ] as const) {
      expect(ask(device, `${code} 0000 0000`)).toBe(refused);
      expect(ask(device, `${code} 0000 007e`)).toBe(refused);
      expect(ask(device, `${code} 0000 ffff`)).toBe(refused);
      expect(ask(device, `${code} 0000 007d`)).toHaveLength(252 * 3 - 1);
    }
    expect(ask(device, "04 0001 0002")).toBe("04 04 10 01 10 02");
  });

  test("50: registers a model leaves out are zero", () => {
    expect(ask({ readRegisters: () => 0 }, "03 0000 0002")).toBe("03 04 00 00 00 00");
  });

  test("51: function 05 takes FF00 and 0000 and echoes them", () => {
    const device = new MemoryDevice();
    expect(ask(device, "05 0005 ff00")).toBe("05 00 05 ff 00");
    expect(device.coils[5]).toBe(1);
    for (const value of ["1234", "0001", "ff01", "ffff", "00ff"]) expect(ask(device, `05 0005 ${value}`)).toBe("85 03");
    expect(device.coils[5]).toBe(1);
    expect(ask(device, "05 0005 0000")).toBe("05 00 05 00 00");
    expect(device.coils[5]).toBe(0);
  });

  test("52: function 06 echoes", () => {
    const device = new MemoryDevice();
    expect(ask(device, "06 0009 beef")).toBe("06 00 09 be ef");
    expect(device.holding[9]).toBe(0xbeef);
  });

  test("54: function 0F, quantity 1 .. 1968 and its byte count", () => {
    const device = new MemoryDevice(2000);
    expect(ask(device, "0f 0013 000a 02 cd01")).toBe("0f 00 13 00 0a");
    expect([...device.coils.subarray(0x12, 0x1e)]).toEqual([0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0]);
    expect(ask(device, "0f 0000 000a 01 cd")).toBe("8f 03");
    expect(ask(device, "0f 0000 0000 00")).toBe("8f 03");
    expect(ask(device, `0f 0000 07b0 f6 ${many("ff", 246)}`)).toBe("0f 00 00 07 b0");
    expect(ask(device, `0f 0000 07b1 f7 ${many("ff", 247)}`)).toBe("8f 03");
  });

  test("55: function 10, quantity 1 .. 123 and its byte count", () => {
    const device = new MemoryDevice();
    expect(ask(device, "10 0001 0002 04 000a 0102")).toBe("10 00 01 00 02");
    expect([...device.holding.subarray(0, 4)]).toEqual([0, 10, 0x0102, 3]);
    expect(ask(device, "10 0001 0002 03 000a01")).toBe("90 03");
    expect(ask(device, "10 0001 0002 04 000a01")).toBe("90 03");
    expect(ask(device, "10 0001 0000 00")).toBe("90 03");
    expect(ask(device, `10 0000 007b f6 ${many("00", 246)}`)).toBe("10 00 00 00 7b");
    expect(ask(device, `10 0000 007c f8 ${many("00", 248)}`)).toBe("90 03");
  });

  test("56: one write is one call, so the model can take it whole or not at all", () => {
    const calls: number[][] = [];
    const model: ModbusDataModel = {
      writeRegisters(address, quantity, bytes, at) {
        calls.push([address, quantity, ...bytes.subarray(at, at + 2 * quantity)]);
        return 0;
      },
    };
    ask(model, "10 0010 0002 04 41 f0 00 00");
    ask(model, "06 0010 1234");
    expect(calls).toEqual([
      [0x10, 2, 0x41, 0xf0, 0, 0],
      [0x10, 1, 0x12, 0x34],
    ]);
  });
});
