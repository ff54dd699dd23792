/** Several faces on one meter: Modbus TCP and IEC 62056-21 show the same load, the latter to a reader written here by hand. */
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, type Program, runCli, startCli } from "../programs.ts";

let meter: Program | undefined;
let modbus = "";
let optical = 0;
let bus = 0;

beforeAll(async () => {
  optical = await freePort();
  bus = await freePort();
  const load = ["--mains", "231", "--current", "4", "--fidelity", "second"];
  const faces = [
    "--tcp",
    "127.0.0.1:0",
    "--face",
    `iec62056-21@127.0.0.1:${optical}`,
    "--face",
    `dlt645@127.0.0.1:${bus}`,
  ];
  const address = ["--address", "000000000161"];
  meter = await startCli(["meter", "--model", "meterworks-1p", ...load, ...faces, ...address], { timeoutMs: 30_000 });
  modbus = /127\.0\.0\.1:\d+/.exec(meter.ready)?.[0] ?? "";
});

afterAll(async () => {
  await meter?.stop();
});

interface Row {
  readonly obis: string;
  readonly value: string | null;
}

async function read(args: readonly string[]): Promise<Map<string, number>> {
  const result = await runCli(["read", ...args, "--json"], { timeoutMs: 20_000 });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return new Map((JSON.parse(result.stdout) as Row[]).map(({ obis, value }) => [obis, Number(value)]));
}

test("both faces show the same load", async () => {
  const overModbus = await read(["--model", "meterworks-1p", "--tcp", modbus]);
  const overOptical = await read(["--protocol", "iec62056-21", "--tcp", `127.0.0.1:${optical}`]);
  expect(overModbus.get("1-0:16.7.0")).toBeCloseTo(924, 2);
  expect(overOptical.get("1-0:16.7.0")).toBe(924);
  expect(overOptical.get("1-0:32.7.0")).toBe(231);
  expect(overOptical.get("1-0:31.7.0")).toBe(4);
});

/** Sign-on and readout in mode C as bytes, and the block check character by exclusive or: no code of ours. */
test("a hand-made reader gets a readout whose check character is right", async () => {
  const socket = connect(optical, "127.0.0.1");
  let received = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
  });
  const until = async (ready: () => boolean) => {
    for (let i = 0; i < 500 && !ready(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(ready()).toBe(true);
  };
  socket.write("/?!\r\n");
  await until(() => received.includes("\r\n"));
  expect(received.toString("latin1")).toMatch(/^\/[A-Z]{3}5meterworks-1p\r\n$/);
  received = Buffer.alloc(0);
  socket.write("\x06050\r\n");
  const etx = () => received.indexOf(3);
  await until(() => etx() > 0 && received.length > etx() + 1);
  socket.destroy();
  expect(received[0]).toBe(2);
  const checked = received.subarray(1, etx() + 1);
  expect(received[etx() + 1]).toBe(checked.reduce((bcc, byte) => bcc ^ byte, 0));
  expect(checked.toString("latin1")).toMatch(/\r\n16\.7\.0\(000\.924\*kW\)\r\n/);
});

/** DL/T 645 by hand: data bytes plus 33h, checksum the sum of all from the first 68h on; low byte first. */
test("a hand-made DL/T 645 request for the voltage of phase A is answered with 231.0 V", async () => {
  const body = [0x68, 0x61, 0x01, 0, 0, 0, 0, 0x68, 0x11, 4, ...[0x00, 0x01, 0x01, 0x02].map((byte) => byte + 0x33)];
  const sum = body.reduce((all, byte) => all + byte, 0) & 0xff;
  const socket = connect(bus, "127.0.0.1");
  const answer = new Promise<Buffer>((resolve) => {
    let received = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      const start = received.indexOf(0x68);
      if (start >= 0 && received.length >= start + 18) resolve(received.subarray(start));
    });
  });
  socket.write(Uint8Array.of(0xfe, 0xfe, ...body, sum, 0x16));
  const frame = await answer;
  socket.destroy();
  expect(frame.subarray(0, 10).toString("hex")).toBe("686101000000006891" + "06");
  const data = [...frame.subarray(10, 16)].map((byte) => (byte - 0x33) & 0xff);
  expect(data).toEqual([0x00, 0x01, 0x01, 0x02, 0x10, 0x23]);
});
