/** Functions by which a native meter tells what it is and how its line does, and Modbus ASCII, judged by others' programs. */
import { beforeAll, describe, expect, test } from "vitest";
import { METERWORKS_1P } from "../../protocols/models/meterworks-1p.ts";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { run } from "../programs.ts";
import { dissectRtu } from "./dissect.ts";
import { LineTap } from "./line-tap.ts";
import { addressOf, EXPECTED_UNDER_LOAD, LOAD } from "./sdm630.ts";
import {
  askWithPymodbus,
  Cleanup,
  compileC,
  expectKnownReadings,
  expectNear,
  readJson,
  startPtyMeter,
  startPtyPair,
  startPymodbusServer,
  startTcpMeter,
} from "./support.ts";
import { floatFromWords, rtuFrame } from "./wire.ts";

const NATIVE_METER = ["--model", "meterworks-1p", "--id", "flat-7", "--password", "70000", "--fidelity", "second"];
const SDM630_METER = ["--model", "eastron-sdm630", "--unit", "1", "--fidelity", "second", ...LOAD];
const { control } = METERWORKS_1P.modbus;
if (control === undefined) throw new Error("the native model has a relay");
const { unlock, mailbox } = control;

const OBJECTS = {
  0: "meterworks",
  1: "meterworks-1p",
  2: "1.0",
  4: METERWORKS_1P.name,
  128: "flat-7",
};

describe.each(["rtu", "ascii"] as const)("pymodbus on a serial line in %s", (serial) => {
  describeWithPeers("asks our native meter", ["pymodbus", "socat"], () => {
    const cleanup = new Cleanup();
    let path: string;
    const ask = (...operations: Parameters<typeof askWithPymodbus>[1]) => askWithPymodbus(path, operations, serial);

    beforeAll(async () => {
      path = await startPtyMeter(cleanup, [...NATIVE_METER, "--protocol", `modbus-${serial}`]);
    });

    test("who it is", async () => {
      const [id, basic, all, one] = await ask([17, 1, 0, 0], [43, 1, 1, 0], [43, 1, 3, 0], [43, 1, 4, 2]);
      expect(id?.identifier?.slice(0, 2)).toEqual([1, 0xff]);
      expect(String.fromCharCode(...(id?.identifier?.slice(2) ?? []))).toBe("meterworks-1p flat-7");
      expect(basic).toEqual({ conformity: 0x83, objects: { 0: OBJECTS[0], 1: OBJECTS[1], 2: OBJECTS[2] } });
      expect(all?.objects).toEqual(OBJECTS);
      expect(one?.objects).toEqual({ 2: "1.0" });
    });

    test("how the line does: every good frame is counted, reads of the counters too", async () => {
      const [before] = await ask([8, 1, 11, 0]);
      const [echo, events, log, after] = await ask([8, 1, 0, 0x1234], [11, 1, 0, 0], [12, 1, 0, 0], [8, 1, 11, 0]);
      expect(echo).toEqual({ message: 0x1234 });
      expect(events?.events).toBeGreaterThan(0);
      // Newest first: this request received, the reply before it sent, and so on in turns.
      expect(log?.log?.slice(0, 4)).toEqual([0x80, 0x40, 0x80, 0x40]);
      expect((after?.message ?? 0) - (before?.message ?? 0)).toBe(4);
    });

    test("to open the order window and tell it: one write that reads, and the exception status", async () => {
      const [shut, opened, open, masked] = await ask(
        [7, 1, 0, 0],
        [23, 1, unlock, [2, unlock, [1, 4464]]],
        [7, 1, 0, 0],
        [22, 1, mailbox, [0xf2, 0x25]],
      );
      expect(shut).toEqual({ status: 0 });
      expect(opened).toEqual({ registers: [0, 60] });
      expect(open).toEqual({ status: 2 });
      // The mailbox takes whole orders only.
      expect(masked).toEqual({ exception: 2 });
    });
  });
});

describeWithPeers("pymodbus asks our SDM630 in ASCII", ["pymodbus", "socat"], () => {
  const cleanup = new Cleanup();

  test("for its load, and gets the standard's exceptions", async () => {
    const path = await startPtyMeter(cleanup, [...SDM630_METER, "--protocol", "modbus-ascii"]);
    const operations = EXPECTED_UNDER_LOAD.map(([measure]) => [4, 1, addressOf(measure), 2] as const);
    const results = await askWithPymodbus(path, [...operations, [4, 1, 0xfffe, 2], [4, 1, 0, 81]], "ascii");
    for (const [index, [measure, value]] of EXPECTED_UNDER_LOAD.entries())
      expectNear(floatFromWords(results[index]?.registers ?? []), value, 0.005, measure);
    expect(results.slice(-2)).toEqual([{ exception: 2 }, { exception: 3 }]);
  });
});

describeWithPeers("our reader against a pymodbus server in ASCII", ["pymodbus", "socat"], () => {
  const cleanup = new Cleanup();

  test("says each value right", async () => {
    const [theirs, ours] = await startPtyPair(cleanup);
    await startPymodbusServer(cleanup, theirs, "ascii");
    const where = ["--serial", ours, "--protocol", "modbus-ascii"];
    expectKnownReadings(await readJson(["--model", "eastron-sdm630", "--unit", "1", ...where]));
  });
});

describeWithPeers("mbpoll asks for the server id", ["mbpoll", "socat"], () => {
  const cleanup = new Cleanup();
  const ask = (path: string) =>
    run(requirePeer("mbpoll"), ["-m", "rtu", "-a", "1", "-b", "9600", "-P", "none", "-u", "-o", "2", path]);

  test("of our native meter", async () => {
    const { code, stdout } = await ask(await startPtyMeter(cleanup, NATIVE_METER));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Id\s+: 0x01$/m);
    expect(stdout).toMatch(/^Status: On$/m);
    expect(stdout).toMatch(/^Data\s+: meterworks-1p flat-7$/m);
  });

  test("of a model that has none", async () => {
    const { stderr } = await ask(await startPtyMeter(cleanup, SDM630_METER));
    expect(stderr).toContain("Report slave ID failed(-1): Illegal function");
  });
});

describeWithPeers("libmodbus asks our native meter", ["libmodbus", "socat"], () => {
  const cleanup = new Cleanup();
  let client: string;
  let places: Readonly<Record<string, string>>;

  beforeAll(async () => {
    client = await compileC(cleanup, "modbus-client");
    const { port } = await startTcpMeter(cleanup, NATIVE_METER);
    places = { TCP: `tcp:${port}`, RTU: `rtu:${await startPtyMeter(cleanup, NATIVE_METER)}` };
  });

  test.each(["TCP", "RTU"])("over %s for its id, a mask write, a write that reads", async (kind) => {
    const operations = ["17:0:0", `22:${mailbox}:242,37`, `23:${unlock}:2,${unlock},1,4464`, `23:${unlock}:2,0,1,4464`];
    const { stdout, stderr, code } = await run(client, [places[kind] ?? "", "1", ...operations]);
    expect(code, stderr).toBe(0);
    expect(stdout.trimEnd().split("\n")).toEqual([
      "ok 1 255 meterworks-1p flat-7",
      "error Illegal data address",
      "ok 0 60",
      "error Illegal data address",
    ]);
  });
});

describeWithPeers("tshark on the serial functions", ["tshark", "text2pcap", "socat"], () => {
  const cleanup = new Cleanup();

  test("finds no malformed reply", async () => {
    const tap = cleanup.closing(await LineTap.open(await startPtyMeter(cleanup, NATIVE_METER)));
    const pdus = [
      [0x07],
      [0x08, 0, 0, 0xa5, 0x37],
      [0x0b],
      [0x0c],
      [0x11],
      [0x2b, 0x0e, 3, 0],
      [0x16, 0x10, 0x10, 0, 0xf2, 0, 0x25],
    ];
    const frames: Uint8Array[] = [];
    for (const pdu of pdus) {
      const request = rtuFrame(1, Uint8Array.from(pdu));
      tap.send(request);
      const reply = await tap.frame(2_000);
      expect(reply.length, `function ${pdu[0]}`).toBeGreaterThan(0);
      // The dissector takes no frame of 4 bytes, such as a request without data.
      frames.push(...[request, reply].filter((frame) => frame.length > 4));
    }
    for (const packet of await dissectRtu(cleanup, frames)) {
      // Query or response is a guess for some of these functions, so only complaints and CRC are judged.
      expect(packet.protocols).toContain("mbrtu:modbus");
      expect(packet).toMatchObject({ complaint: "", crc: "1" });
    }
  });
});
