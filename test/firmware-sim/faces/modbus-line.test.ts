/** Unit and rate written over the meter's own line: frames by hand, no codec of ours in between. */
import { describe, expect, test } from "vitest";
import { ModbusLineMemory } from "../../../firmware-sim/faces/modbus-line.ts";
import { ModbusSerialFace } from "../../../firmware-sim/faces/modbus-serial.ts";
import { ModbusTcpFace } from "../../../firmware-sim/faces/modbus-tcp.ts";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { ModbusLine } from "../../../protocols/models/model.ts";
import type { LinkEffect } from "../../../src/core/actor.ts";
import { fromHex, toHex } from "../../../src/core/bytes.ts";
import { crc16 } from "../../headend/fakes.ts";
import { at, Bench, LINK } from "./dlt645-support.ts";

const FACTORY = { unit: 1, baud: 9_600 };

function memoryOf(model: string, nvram?: Nvram): ModbusLineMemory {
  const memory = ModbusLineMemory.powerOn(findModel(model)?.modbus.line as ModbusLine, FACTORY, nvram);
  if (!memory.ok) throw new Error(memory.error);
  return memory.value;
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (!bytes.ok) throw new Error(bytes.error);
  return bytes.value;
}

/** The reply's PDU behind the unit that answers, and changes of rate. */
function rtu(face: ModbusSerialFace, hex: string, seconds: number): string {
  const body = bytesOf(hex);
  const bytes = Uint8Array.of(...body, ...crc16([...body]));
  const effects: LinkEffect[] = [...face.handle({ kind: "bytes", link: LINK, bytes }, at(seconds))];
  for (let i = 1; i <= 20; i++) effects.push(...face.wake(at(seconds + i / 100)));
  return effects
    .flatMap((e) => (e.kind === "send" ? [toHex(e.bytes.slice(0, -2))] : e.kind === "baud" ? [`baud ${e.rate}`] : []))
    .join(", ");
}

describe("an SDM120 in RTU", () => {
  const meter = new Bench("eastron-sdm120").meter;
  const framing = { framing: "rtu", timing: rtuTiming(9_600) } as const;
  const face = new ModbusSerialFace(meter, 1, LINK, framing, at(0), memoryOf("eastron-sdm120"));

  test("is asked and told as its public description says: floats, and a rate by its number", () => {
    expect(rtu(face, "01 03 0014 0002", 1)).toBe("01 03 04 3f800000".replaceAll(" ", ""));
    expect(rtu(face, "01 03 001c 0002", 2)).toBe("01 03 04 40000000".replaceAll(" ", ""));
    // Unit 3: the reply still comes from unit 1, and from then on only 3 answers.
    expect(rtu(face, "01 10 0014 0002 04 40400000", 3)).toBe("011000140002");
    expect(rtu(face, "01 03 0014 0002", 4)).toBe("");
    expect(rtu(face, "03 03 0014 0002", 5)).toBe("03030440400000");
    // Rate 0 is 2400: the port follows behind the reply.
    expect(rtu(face, "03 10 001c 0002 04 00000000", 6)).toBe("0310001c0002, baud 2400");
    expect(rtu(face, "03 03 001c 0002", 7)).toBe("03030400000000");
  });

  test.each([
    ["unit 0", "03 10 0014 0002 04 00000000"],
    ["unit 248", "03 10 0014 0002 04 43780000"],
    ["unit 1.5", "03 10 0014 0002 04 3fc00000"],
    ["rate 3, which it does not have", "03 10 001c 0002 04 40400000"],
  ])("refuses %s as an illegal value", (_, request) => {
    expect(rtu(face, request, 8)).toBe("039003");
  });

  test("half a setting, and any other holding register, has no address to write to", () => {
    expect(rtu(face, "03 10 0014 0001 02 4040", 9)).toBe("039002");
    expect(rtu(face, "03 06 0020 0001", 10)).toBe("038602");
  });
});

describe("a native meter", () => {
  const bench = new Bench("meterworks-1p", { password: 42 });

  function tcp(face: ModbusTcpFace, unit: number, pdu: string, seconds: number): string {
    const body = bytesOf(pdu);
    const bytes = Uint8Array.of(0, 1, 0, 0, 0, body.length + 1, unit, ...body);
    const effects = face.handle({ kind: "bytes", link: LINK, bytes }, at(seconds));
    return effects.flatMap((effect) => (effect.kind === "send" ? [toHex(effect.bytes.slice(6))] : [])).join(", ");
  }

  test("needs the order window, and keeps what was written across a power cut", () => {
    const nvram = new MemoryNvram();
    const face = new ModbusTcpFace([{ unit: 1, meter: bench.meter, line: memoryOf("meterworks-1p", nvram) }], at(0));
    expect(tcp(face, 1, "10 1008 0001 02 0007", 1)).toBe("019004");
    expect(tcp(face, 1, "10 1000 0002 04 0000002a", 2)).toBe("011010000002");
    expect(tcp(face, 1, "10 1008 0001 02 0007", 3)).toBe("011010080001");
    expect(tcp(face, 7, "10 100a 0002 04 00004b00", 4)).toBe("0710100a0002");
    expect(tcp(face, 7, "03 1008 0001", 5)).toBe("0703020007");
    // Behind a gateway that gives no answer for a unit that is not there.
    expect(tcp(face, 1, "03 1008 0001", 6)).not.toBe("0103020007");
    expect(memoryOf("meterworks-1p", nvram).settings).toEqual({ unit: 7, baud: 19_200 });
    expect(memoryOf("meterworks-1p").settings).toEqual(FACTORY);
  });

  test("all its faces move together", () => {
    const line = memoryOf("meterworks-1p");
    const timing = rtuTiming(9_600);
    const serial = new ModbusSerialFace(bench.meter, 1, LINK, { framing: "rtu", timing }, at(0), line);
    const face = new ModbusTcpFace([{ unit: 1, meter: bench.meter, line }], at(0));
    tcp(face, 1, "10 1000 0002 04 0000002a", 10);
    tcp(face, 1, "10 1008 0001 02 0005", 11);
    expect(rtu(serial, "01 03 1008 0001", 12)).toBe("");
    expect(rtu(serial, "05 03 1008 0001", 13)).toBe("0503020005");
  });
});
