/** The Modbus faces at byte level: requests are written by hand, replies read with DataView; no codec of ours in between. */
import { describe, expect, test } from "vitest";
import { ModbusSerialFace } from "../../../firmware-sim/faces/modbus-serial.ts";
import { ModbusTcpFace } from "../../../firmware-sim/faces/modbus-tcp.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { linkId } from "../../../src/core/actor.ts";
import { fromHex, toHex } from "../../../src/core/bytes.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";

const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil(1_767_225_600e6 + seconds * 1e6) });
const LINK = linkId("test");

function meterOf(id: string): Meter {
  const model = findModel(id) as MeterModel;
  const load = constantLoad(mainsOf({ phases: model.phases, voltage: 230, current: 5 }));
  const meter = Meter.powerOn(
    {
      ...{ id, model, nvram: new MemoryNvram(), password: 0x0001_0002, checkpointEvery: 1e7 },
      chip: (start) => new ClosedFormChip({ plate: model.plate, phases: model.phases, load, start, seed: 1 }),
    },
    at(0),
  );
  if (!meter.ok) throw new Error(meter.error);
  return meter.value;
}

/** Asks a TCP face; the PDU of the reply as hex, or undefined for silence. */
function asker(face: ModbusTcpFace) {
  return (pdu: string, now: Now, unit = "01"): string | undefined => {
    const length = (1 + pdu.replace(/\s/g, "").length / 2).toString(16).padStart(4, "0");
    const request = fromHex(`1234 0000 ${length} ${unit} ${pdu}`);
    if (!request.ok) throw new Error(request.error);
    const effects = face.handle({ kind: "bytes", link: LINK, bytes: request.value }, now);
    const sent = effects.flatMap((e) => (e.kind === "send" ? [toHex(e.bytes)] : []));
    expect(sent.length).toBeLessThanOrEqual(1);
    expect(sent[0]?.slice(0, 8) ?? "12340000").toBe("12340000");
    return sent[0]?.slice(14);
  };
}

function tcp(id: string) {
  const meter = meterOf(id);
  const face = new ModbusTcpFace([{ unit: 1, meter }], at(0));
  return { meter, ask: asker(face) };
}

const UNLOCK = "10 1000 0002 04 0001 0002";
const order = (id: number, operation: number, argument = 0) =>
  `10 1010 0009 12 ${id.toString(16).padStart(16, "0")} ${operation.toString(16).padStart(4, "0")} ${argument.toString(16).padStart(16, "0")}`;

describe("SDM630 as served", () => {
  const { ask } = tcp("eastron-sdm630");

  test("voltage L1 is 230.0 as float32 at input 0000", () => {
    expect(ask("04 0000 0002", at(1))).toBe("040443660000");
  });
  test("addresses between and beside values read as zero, beyond the map is exception 02", () => {
    expect(ask("04 002c 0002", at(1))).toBe("040400000000");
    expect(ask("04 0500 0002", at(1))).toBe("8402");
    expect(ask("04 ffff 0002", at(1))).toBe("8402");
  });
  test("it has no holding registers, coils or control: 02 and 01", () => {
    expect(ask("03 0000 0002", at(1))).toBe("8302");
    expect(ask("01 0000 0001", at(1))).toBe("8101");
    expect(ask("05 0000 ff00", at(1))).toBe("8501");
    expect(ask("10 0000 0001 02 0000", at(1))).toBe("9002");
  });
});

describe("control of the native models", () => {
  test("an order needs the window: exception 04, and the id stays free", () => {
    const { meter, ask } = tcp("meterworks-1p");
    expect(ask(order(5, 1), at(1))).toBe("9004");
    expect(meter.relayClosed).toBe(true);
    expect(ask(UNLOCK, at(2))).toBe("1010000002");
    expect(ask(order(5, 1), at(3))).toBe("1010100009");
    expect(meter.relayClosed).toBe(false);
    expect(ask("03 1020 0006", at(3))).toBe(`030c${"0000000000000005"}${"0001"}${"0000"}`);
  });

  test("a wrong password is exception 03 and closes the window", () => {
    const { ask } = tcp("meterworks-1p");
    ask(UNLOCK, at(1));
    expect(ask("10 1000 0002 04 0001 0003", at(2))).toBe("9003");
    expect(ask(order(5, 1), at(3))).toBe("9004");
  });

  test("the window closes after its seconds, which can be read", () => {
    const { ask } = tcp("meterworks-1p");
    ask(UNLOCK, at(0));
    expect(ask("03 1000 0002", at(10))).toBe("030400000032");
    expect(ask(order(5, 1), at(59.9))).toBe("1010100009");
    expect(ask(order(6, 1), at(60.1))).toBe("9004");
  });

  test("a repeated order is acknowledged and not done again", () => {
    const { meter, ask } = tcp("meterworks-1p");
    ask(UNLOCK, at(0));
    ask(order(5, 1), at(1));
    ask(order(6, 2), at(2));
    expect(ask(order(5, 1), at(3))).toBe("1010100009");
    expect(meter.relayClosed).toBe(true);
    expect(ask("03 1020 0006", at(3))).toBe(`030c${"0000000000000005"}${"0001"}${"0001"}`);
  });

  test.each([
    ["id 0", order(0, 1)],
    ["an unknown operation", order(5, 9)],
    ["an id beyond 2^53", "10 1010 0009 12 0020000000000000 0001 0000000000000000"],
  ])("%s is exception 03", (_, request) => {
    const { ask } = tcp("meterworks-1p");
    ask(UNLOCK, at(0));
    expect(ask(request, at(1))).toBe("9003");
  });

  test("half a mailbox, a measure, or a lone password register cannot be written: 02, nothing changes", () => {
    const { meter, ask } = tcp("meterworks-1p");
    ask(UNLOCK, at(0));
    expect(ask("10 1010 0004 08 0000000000000005", at(1))).toBe("9002");
    expect(ask("06 0000 0001", at(1))).toBe("8602");
    expect(ask("06 1000 0001", at(1))).toBe("8602");
    expect(meter.lastOutcome).toBeUndefined();
  });

  test("the relay's coil reads and, inside the window, writes", () => {
    const { meter, ask } = tcp("meterworks-1p");
    expect(ask("01 0000 0001", at(0))).toBe("010101");
    expect(ask("05 0000 0000", at(1))).toBe("8504");
    ask(UNLOCK, at(2));
    expect(ask("05 0000 0000", at(3))).toBe("0500000000");
    expect(meter.relayClosed).toBe(false);
    expect(ask("02 0000 0002", at(3))).toBe("020102");
    expect(ask("0f 0000 0001 01 01", at(4))).toBe("0f00000001");
    expect(meter.relayClosed).toBe(true);
    expect(ask("01 0001 0001", at(4))).toBe("8102");
  });

  test("FC 03 and 04 reach the same registers, and holes are refused", () => {
    const { ask } = tcp("meterworks-3p");
    expect(ask("03 0000 0010", at(1))?.slice(2)).toBe(ask("04 0000 0010", at(1))?.slice(2));
    expect(ask("03 006c 0004", at(1))).toBe("8302");
  });
});

describe("several meters behind one address", () => {
  test("units answer for themselves; 0 and 255 mean the meter only where there is one", () => {
    const alone = tcp("meterworks-1p");
    expect(alone.ask("03 0000 0001", at(1), "ff")).toBe(alone.ask("03 0000 0001", at(1), "01"));
    const face = new ModbusTcpFace(
      [
        { unit: 1, meter: meterOf("meterworks-1p") },
        { unit: 2, meter: meterOf("meterworks-3p") },
      ],
      at(0),
    );
    const ask = asker(face);
    expect(ask("03 0000 0001", at(1), "02")).toMatch(/^0302[0-9a-f]{4}$/);
    expect(ask("03 0000 0001", at(1), "ff")).toBeUndefined();
    expect(ask("03 0000 0001", at(1), "03")).toBeUndefined();
  });
});

const text = (words: string): string => toHex(Uint8Array.from(words, (c) => c.charCodeAt(0)));

describe("what a meter tells of itself", () => {
  test("native: server id, and each object of its identification", () => {
    const { ask } = tcp("meterworks-1p");
    expect(ask("11", at(1))).toBe(`111d01ff${text("meterworks-1p meterworks-1p")}`);
    expect(ask("2b 0e 04 00", at(1))).toBe(`2b0e0483000001000a${text("meterworks")}`);
    expect(ask("2b 0e 04 01", at(1))).toBe(`2b0e0483000001010d${text("meterworks-1p")}`);
    expect(ask("2b 0e 04 80", at(1))).toBe(`2b0e0483000001800d${text("meterworks-1p")}`);
    expect(ask("2b 0e 04 81", at(1))).toBe("ab02");
  });

  test("on TCP the functions of serial lines are exception 01, whatever the model", () => {
    for (const code of ["07", "08", "0b", "0c"])
      expect(tcp("meterworks-1p").ask(`${code} 0000 0000`, at(1))).toBe(
        `${(0x80 | Number(`0x${code}`)).toString(16)}01`,
      );
  });

  test("a model that names no further functions has none", () => {
    const { ask } = tcp("eastron-sdm630");
    expect(ask("11", at(1))).toBe("9101");
    expect(ask("2b 0e 01 00", at(1))).toBe("ab01");
  });

  test("exception status on a serial line: relay open, order window open", () => {
    const meter = meterOf("meterworks-1p");
    const face = new ModbusSerialFace(meter, 1, LINK, { framing: "rtu", timing: rtuTiming(9600) }, at(0));
    const exchange = (request: string, seconds: number) => {
      face.handle({ kind: "bytes", link: LINK, bytes: withCrc(request) }, at(seconds));
      const sent = face.wake(at(seconds + 0.1)).flatMap((e) => (e.kind === "send" ? [toHex(e.bytes)] : []));
      return sent[0]?.slice(2, -4);
    };
    expect(exchange("01 07", 1)).toBe("0700");
    expect(exchange(`01 ${UNLOCK}`, 2)).toBe("1010000002");
    expect(exchange("01 07", 3)).toBe("0702");
    expect(exchange("01 05 0000 0000", 4)).toBe("0500000000");
    expect(exchange("01 07", 5)).toBe("0703");
    expect(exchange("01 07", 100)).toBe("0701");
  });
});

describe("mailbox by functions 16 and 17", () => {
  test("one request unlocks and reads the window; an order and its outcome are one request too", () => {
    const { ask, meter } = tcp("meterworks-1p");
    expect(ask("17 1000 0002 1000 0002 04 0001 0002", at(1))).toBe("17040000003c");
    const write = order(77, 1).slice("10 1010 0009 12".length);
    expect(ask(`17 1020 0006 1010 0009 12 ${write}`, at(2))).toBe("170c000000000000004d00010000");
    expect(meter.relayClosed).toBe(false);
  });

  test("the mailbox takes no single register: 02, and nothing is done", () => {
    const { ask, meter } = tcp("meterworks-1p");
    ask(UNLOCK, at(1));
    expect(ask("16 1014 0000 0001", at(2))).toBe("9602");
    expect(ask("17 0000 0001 1014 0001 02 0001", at(2))).toBe("9702");
    expect(meter.lastOutcome).toBeUndefined();
  });
});

/** CRC-16 bit by bit: not the table of the product. */
function withCrc(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (!bytes.ok) throw new Error(bytes.error);
  let crc = 0xffff;
  for (const byte of bytes.value) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return Uint8Array.of(...bytes.value, crc & 0xff, crc >>> 8);
}

describe("RTU", () => {
  test("the reply leaves t3.5 after the request's last byte, and only to its own unit", () => {
    const timing = rtuTiming(9600);
    const face = new ModbusSerialFace(meterOf("eastron-sdm630"), 9, LINK, { framing: "rtu", timing }, at(0));
    face.handle({ kind: "bytes", link: LINK, bytes: withCrc("08 04 0000 0002") }, at(1));
    expect(face.wake(at(1.1))).toEqual([]);
    face.handle({ kind: "bytes", link: LINK, bytes: withCrc("09 04 0000 0002") }, at(2));
    expect(face.nextWake().mono).toBe(2e6 + timing.t35);
    expect(face.wake({ ...at(2), mono: mono(2e6 + timing.t35 - 1) })).toEqual([]);
    const [reply] = face.wake({ ...at(2), mono: mono(2e6 + timing.t35) });
    expect(reply).toMatchObject({ kind: "send", link: LINK });
    expect(toHex((reply as { bytes: Uint8Array }).bytes)).toBe(toHex(withCrc("09 04 04 43660000")));
  });
});
