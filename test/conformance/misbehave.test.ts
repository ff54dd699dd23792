/** What others' clients see of `meter --misbehave`: mbpoll (libmodbus) over TCP and a pseudo terminal, pymodbus over TCP. */
import { expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { askWithPymodbus, Cleanup, mbpoll, startPtyMeter, startTcpMeter } from "./support.ts";

const METER = ["--model", "eastron-sdm630", "--unit", "1", "--fidelity", "second", "--seed", "1"];
const READ = ["-a", "1", "-t", "3:float", "-B", "-r", "0", "-c", "2", "-o", "0.3"];

describeWithPeers("mbpoll before a misbehaving meter", ["mbpoll", "socat"], () => {
  const cleanup = new Cleanup();

  test.each([
    ["exception-06", /busy/i],
    ["silent", /timed? ?out/i],
    ["wrong-tid", /invalid data|timed? ?out/i],
    ["wrong-function", /invalid|timed? ?out/i],
    ["fewer-registers", /invalid|quantity|timed? ?out/i],
    ["hang-up", /reset|closed|broken|timed? ?out/i],
  ])("over TCP, %s", async (name, complaint) => {
    const { port } = await startTcpMeter(cleanup, [...METER, "--misbehave", name]);
    const answer = await mbpoll(["-m", "tcp", "-p", String(port), ...READ, "127.0.0.1"]);
    expect(answer.code).toBe(1);
    expect(answer.error).toMatch(complaint);
    expect(answer.values.size).toBe(0);
  });

  test("over TCP libmodbus does not look at the unit: such a server goes unnoticed", async () => {
    const { port } = await startTcpMeter(cleanup, [...METER, "--misbehave", "wrong-unit"]);
    const answer = await mbpoll(["-m", "tcp", "-p", String(port), ...READ, "127.0.0.1"]);
    expect(answer.values.get(0)).toBeCloseTo(230, 0);
  });

  test.each([
    ["bad-crc", /crc/i],
    ["short", /timed? ?out|invalid|crc/i],
    ["garbage", /timed? ?out|invalid|crc|not from requested/i],
    ["echo-request", /timed? ?out|invalid|crc/i],
  ])("in RTU, %s", async (name, complaint) => {
    const path = await startPtyMeter(cleanup, [...METER, "--misbehave", name]);
    const answer = await mbpoll(["-m", "rtu", "-b", "9600", "-P", "none", ...READ, path]);
    expect(answer.code).toBe(1);
    expect(answer.error).toMatch(complaint);
    expect(answer.values.size).toBe(0);
  });

  test("what is only delivered badly is read", async () => {
    const { port } = await startTcpMeter(cleanup, [...METER, "--misbehave", "dribble"]);
    const answer = await mbpoll(["-m", "tcp", "-p", String(port), ...READ, "127.0.0.1"]);
    expect(answer.values.get(0)).toBeCloseTo(230, 0);
  });
});

describeWithPeers("pymodbus before a misbehaving meter", ["pymodbus"], () => {
  const cleanup = new Cleanup();

  test("an exception arrives as one", async () => {
    const { port } = await startTcpMeter(cleanup, [...METER, "--misbehave", "exception-0a"]);
    expect(await askWithPymodbus(port, [[4, 1, 0, 2]])).toEqual([{ exception: 10 }]);
  });
});
