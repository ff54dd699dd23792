/** mbpoll (libmodbus inside) reads and writes our meter, over TCP and over a pseudo terminal. */
import { beforeAll, expect, test } from "vitest";
import { METERWORKS_3P } from "../../protocols/models/meterworks-3p.ts";
import { describeWithPeers } from "../peers.ts";
import { addressOf, EXPECTED_UNDER_LOAD, LOAD } from "./sdm630.ts";
import { Cleanup, expectNear, mbpoll, startPtyMeter, startTcpMeter } from "./support.ts";

/** The issue asks for half a percent of each value. */
const TOLERANCE = 0.005;
const FLOAT_INPUT = ["-t", "3:float", "-B"];

async function expectLoad(where: readonly string[], target: string): Promise<void> {
  for (const [measure, value] of EXPECTED_UNDER_LOAD) {
    const address = addressOf(measure);
    const read = await mbpoll([...where, ...FLOAT_INPUT, "-r", String(address), "-c", "1", target]);
    expect(read.error).toBe("");
    expect(read.code).toBe(0);
    expectNear(read.values.get(address), value, TOLERANCE, measure);
  }
}

describeWithPeers("mbpoll against our SDM630 over TCP", ["mbpoll"], () => {
  const cleanup = new Cleanup();
  let where: string[];

  beforeAll(async () => {
    const { port } = await startTcpMeter(cleanup, ["--model", "eastron-sdm630", "--unit", "1", ...LOAD]);
    where = ["-m", "tcp", "-a", "1", "-p", String(port)];
  });

  test("reads the load at the meter's real addresses", () => expectLoad(where, "127.0.0.1"));

  test("reads neighbouring values in one request", async () => {
    const read = await mbpoll([...where, ...FLOAT_INPUT, "-r", "0", "-c", "6", "127.0.0.1"]);
    expect([...read.values.keys()]).toEqual([0, 2, 4, 6, 8, 10]);
  });

  test.each([
    ["an address past the end of the map", ["-t", "3", "-r", "65534", "-c", "2"], "Illegal data address"],
    ["more than the 80 registers of this meter", ["-t", "3", "-r", "0", "-c", "81"], "Illegal data value"],
    ["a write to a measuring register", ["-t", "4", "-r", "0"], "Illegal"],
  ])("is refused %s", async (_what, args, reason) => {
    const values = args[1] === "4" ? ["1"] : [];
    const answer = await mbpoll([...where, ...args, "127.0.0.1", ...values]);
    expect(answer.code).toBe(1);
    expect(answer.error).toContain(reason);
  });
});

describeWithPeers("mbpoll against our SDM630 over a pseudo terminal", ["mbpoll", "socat"], () => {
  const cleanup = new Cleanup();
  const where = ["-m", "rtu", "-a", "1", "-b", "9600", "-P", "none"];
  let path: string;

  beforeAll(async () => {
    path = await startPtyMeter(cleanup, ["--model", "eastron-sdm630", "--unit", "1", ...LOAD]);
  });

  // mbpoll opens and closes the terminal for each value: the meter has to survive that too.
  test("reads the load at the meter's real addresses", () => expectLoad(where, path));

  test("gets silence from a unit that is not there", async () => {
    const answer = await mbpoll(["-m", "rtu", "-a", "2", "-b", "9600", "-P", "none", "-t", "3", "-r", "0", path]);
    expect(answer.code).toBe(1);
    expect(answer.error).toContain("timed out");
  });

  test("is refused an address past the end of the map", async () => {
    const answer = await mbpoll([...where, "-t", "3", "-r", "65534", "-c", "2", path]);
    expect(answer.code).toBe(1);
    expect(answer.error).toContain("Illegal data address");
  });
});

describeWithPeers("mbpoll against the relay of our native meter", ["mbpoll"], () => {
  const cleanup = new Cleanup();
  const control = METERWORKS_3P.modbus.control;
  if (control === undefined) throw new Error("the native model has a relay");
  const coil = ["-t", "0", "-r", String(control.relayCoil)];
  let where: string[];

  beforeAll(async () => {
    const { port } = await startTcpMeter(cleanup, ["--model", "meterworks-3p", "--password", "4711", ...LOAD]);
    where = ["-m", "tcp", "-a", "1", "-p", String(port)];
  });

  const ask = (...args: string[]) => mbpoll([...where, ...args]);
  const relay = async () => (await ask(...coil, "-c", "1", "127.0.0.1")).values.get(control.relayCoil);
  const unlock = (password: number) => {
    const words = [password >>> 16, password & 0xffff].map(String);
    return ask("-t", "4", "-r", String(control.unlock), "127.0.0.1", ...words);
  };

  test("switches it only inside the unlock window, and reads it back", async () => {
    expect(await relay()).toBe(1);
    expect((await ask(...coil, "127.0.0.1", "0")).code).toBe(1);
    expect(await relay()).toBe(1);
    expect((await unlock(4712)).error).toContain("Illegal data value");
    expect((await ask(...coil, "127.0.0.1", "0")).code).toBe(1);
    expect((await unlock(4711)).code).toBe(0);
    expect((await ask(...coil, "127.0.0.1", "0")).code).toBe(0);
    expect(await relay()).toBe(0);
    expect((await ask(...coil, "127.0.0.1", "1")).code).toBe(0);
    expect(await relay()).toBe(1);
  });

  test("reads the relay and the window as discrete inputs, and nothing beyond", async () => {
    const inputs = await ask("-t", "1", "-r", String(control.relayCoil), "-c", "2", "127.0.0.1");
    expect([...inputs.values.values()]).toEqual([1, 1]);
    const beyond = await ask("-t", "1", "-r", String(control.relayCoil + 2), "-c", "1", "127.0.0.1");
    expect(beyond.code).toBe(1);
    expect(beyond.error).toContain("Illegal data address");
  });
});
