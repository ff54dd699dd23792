/** tshark's Modbus dissectors judge recorded bytes of our server and our client, on TCP and on a serial line. */
import { beforeAll, describe, expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { freePort, runCli } from "../programs.ts";
import { dissectRtu, dissectTcp, expectClean } from "./dissect.ts";
import { LineTap } from "./line-tap.ts";
import { LOAD } from "./sdm630.ts";
import { Cleanup, mbpoll, startPtyMeter, startPtyPair, startPymodbusServer, startTcpMeter } from "./support.ts";
import { type Chunk, floatWords, hex, readPdu, recordTcp, rtuFrame } from "./wire.ts";

const SDM630_METER = ["--model", "eastron-sdm630", "--unit", "1", ...LOAD];
const READ_SDM630 = ["read", "--model", "eastron-sdm630", "--unit", "1"];

function corrupted(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x40;
  return copy;
}

describeWithPeers("tshark on our Modbus TCP server", ["tshark", "text2pcap", "mbpoll"], () => {
  const cleanup = new Cleanup();
  let chunks: readonly Chunk[];

  beforeAll(async () => {
    const meter = await startTcpMeter(cleanup, SDM630_METER);
    const recorder = cleanup.closing(await recordTcp(meter.port));
    const where = ["-m", "tcp", "-a", "1", "-p", String(recorder.port)];
    await mbpoll([...where, "-t", "3", "-r", "0", "-c", "60", "127.0.0.1"]);
    await mbpoll([...where, "-t", "3", "-r", "65534", "-c", "2", "127.0.0.1"]);
    await mbpoll([...where, "-t", "3", "-r", "70", "-c", "2", "127.0.0.1"]);
    chunks = recorder.chunks;
  });

  test("finds no malformed packet, and the registers in the replies", async () => {
    expect(chunks).toHaveLength(6);
    const packets = await dissectTcp(cleanup, chunks);
    expectClean(packets, "mbtcp");
    expect(packets.map(({ registers }) => registers)).toEqual([0, 60, 0, 0, 0, 2]);
    expect(packets[3]?.info).toContain("Exception returned");
  });

  // Protocol id and length: what follows carries no check on TCP.
  test.each([2, 4, 5])("finds byte %i of a reply corrupted", async (at) => {
    const bad = chunks.map((chunk, i) => (i === 1 ? { ...chunk, bytes: corrupted(chunk.bytes, at) } : chunk));
    const packets = await dissectTcp(cleanup, bad);
    expect(() => expectClean(packets, "mbtcp")).toThrow();
  });
});

describeWithPeers("tshark on our Modbus TCP client", ["tshark", "text2pcap", "pymodbus"], () => {
  const cleanup = new Cleanup();

  test("finds no malformed packet", async () => {
    const port = await freePort();
    await startPymodbusServer(cleanup, port);
    const recorder = cleanup.closing(await recordTcp(port));
    const read = await runCli([...READ_SDM630, "--tcp", `127.0.0.1:${recorder.port}`, "--json"]);
    expect(read.code, read.stderr).toBe(0);
    const packets = await dissectTcp(cleanup, recorder.chunks);
    expectClean(packets, "mbtcp");
    const queries = packets.filter(({ info }) => info.includes("Query"));
    expect(queries.length).toBeGreaterThan(0);
    // The poll plan: 43 values take a handful of requests, not one each.
    expect(queries.length).toBeLessThanOrEqual(8);
    for (const query of queries) expect(query.info).toContain("Func:   4: Read Input Registers");
  });
});

describeWithPeers("tshark on our RTU server", ["tshark", "text2pcap", "socat"], () => {
  const cleanup = new Cleanup();
  let tap: LineTap;

  beforeAll(async () => {
    tap = cleanup.closing(await LineTap.open(await startPtyMeter(cleanup, SDM630_METER)));
  });

  async function ask(frame: Uint8Array, patienceMs = 2_000): Promise<Buffer> {
    tap.send(frame);
    return tap.frame(patienceMs);
  }

  test("finds every reply well formed with a good CRC, and a flipped bit in any of them", async () => {
    const frames: Buffer[] = [];
    for (const pdu of [readPdu(4, 0, 60), readPdu(4, 0x34, 2), readPdu(4, 0xfffe, 2), readPdu(4, 0, 0)]) {
      const request = rtuFrame(1, pdu);
      frames.push(request, await ask(request));
    }
    const packets = await dissectRtu(cleanup, frames);
    expectClean(packets, "mbrtu");
    expect(packets.map(({ registers }) => registers)).toEqual([0, 60, 0, 2, 0, 0, 0, 0]);
    expect(hex(frames[5] ?? Buffer.alloc(0))).toBe(hex(rtuFrame(1, Buffer.of(0x84, 2))));
    expect(hex(frames[7] ?? Buffer.alloc(0))).toBe(hex(rtuFrame(1, Buffer.of(0x84, 3))));

    const bad = await dissectRtu(
      cleanup,
      frames.map((frame) => corrupted(frame, 4)),
    );
    for (const packet of bad) expect(packet.complaint).toContain("Incorrect CRC");
  });

  test("hears nothing after a wrong CRC, a foreign unit or a broadcast, and then an answer again", async () => {
    const good = rtuFrame(1, readPdu(4, 0, 2));
    const QUIET_MS = 400;
    expect(hex(await ask(corrupted(good, good.length - 1), QUIET_MS))).toBe("");
    expect(hex(await ask(rtuFrame(2, readPdu(4, 0, 2)), QUIET_MS))).toBe("");
    expect(hex(await ask(rtuFrame(0, readPdu(4, 0, 2)), QUIET_MS))).toBe("");
    expect(await ask(good)).toHaveLength(9);
  });
});

describeWithPeers("tshark on our RTU client", ["tshark", "text2pcap", "socat"], () => {
  const cleanup = new Cleanup();

  test("finds every request well formed with a good CRC", async () => {
    const [theirs, ours] = await startPtyPair(cleanup);
    const tap = cleanup.closing(await LineTap.open(theirs));
    let ended = false;
    const reading = runCli([...READ_SDM630, "--serial", ours, "--json"], { timeoutMs: 25_000 }).finally(() => {
      ended = true;
    });
    const frames: Buffer[] = [];
    while (!ended) {
      const request = await tap.frame(500);
      if (request.length === 0) continue;
      const quantity = request.readUInt16BE(4);
      const [high, low] = floatWords(230.5);
      const values = Buffer.alloc(2 * quantity);
      for (let i = 0; i < quantity; i++) values.writeUInt16BE(i % 2 === 0 ? high : low, 2 * i);
      const reply = rtuFrame(1, Buffer.concat([Uint8Array.of(4, values.length), values]));
      frames.push(request, reply);
      tap.send(reply);
    }
    const result = await reading;
    expect(result.code, result.stderr).toBe(0);
    expect(frames.length).toBeGreaterThan(0);
    expectClean(await dissectRtu(cleanup, frames), "mbrtu");
  });
});

describe("the independent CRC of these tests", () => {
  test("gives the vectors of the standard's captured frames", () => {
    expect(hex(rtuFrame(1, readPdu(3, 0, 2)))).toBe("010300000002c40b");
    expect(hex(rtuFrame(1, Buffer.from("030403e803e9", "hex")))).toBe("01030403e803e9bb3d");
  });
});
