/** The load generator must notice a wrong answer: a server that lies in one byte, and one that does not. */
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { Cleanup } from "../conformance/support.ts";
import { describeWithPeers, requirePeer } from "../peers.ts";
import { REPOSITORY, run } from "../programs.ts";
import type { LoadReport } from "./measure.ts";
import { patternBytes } from "./pattern.ts";

describeWithPeers("the load generator", ["libmodbus"], () => {
  const cleanup = new Cleanup();
  let load: string;

  beforeAll(async () => {
    load = join(cleanup.directory(), "load");
    const source = join(REPOSITORY, "test/bench/c/load.c");
    const built = await run(requirePeer("libmodbus"), ["-O2", "-Wall", "-Wextra", "-Werror", "-o", load, source]);
    expect(built.stderr).toBe("");
  });

  /** Serves the pattern; `spoil` changes a reply before it is sent. */
  async function loadOn(spoil: (reply: Buffer) => Buffer, check = "pattern") {
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("data", (request: Buffer) => {
        const header = Buffer.from([0, 0, 0, 0, 0, 123, 1, 3, 120]);
        request.copy(header, 0, 0, 2);
        socket.write(spoil(Buffer.concat([header, patternBytes()])));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = address === null || typeof address === "string" ? 0 : address.port;
    const result = await run(load, ["127.0.0.1", String(port), "1", "3", "20", "100", check]);
    for (const socket of sockets) socket.destroy();
    server.close();
    return result;
  }

  const flip =
    (at: number) =>
    (reply: Buffer): Buffer => {
      reply[at] = (reply[at] ?? 0) ^ 0x01;
      return reply;
    };

  test("counts good replies and prints rate, CPU and latencies", async () => {
    const { code, stdout } = await loadOn((reply) => reply);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.slice(0, 2)).toEqual(["measuring", "measured"]);
    const report = JSON.parse(lines[2] ?? "") as LoadReport;
    expect(report.requests).toBeGreaterThan(10);
    expect(report.seconds).toBeCloseTo(0.1, 1);
    expect(report.p50).toBeLessThanOrEqual(report.p99);
  });

  test.each([
    ["transaction id", 1],
    ["protocol id", 3],
    ["length", 5],
    ["unit", 6],
    ["function", 7],
    ["byte count", 8],
    ["value of register", 9 + 2 * 59 + 1],
  ])("refuses a wrong %s", async (what, at) => {
    const { code, stderr } = await loadOn(flip(at));
    expect(code).toBe(1);
    expect(stderr).toContain(`wrong ${what}`);
  });

  test("leaves values alone when only headers are to be checked", async () => {
    expect((await loadOn(flip(20), "header")).code).toBe(0);
  });

  test("refuses an exception and a reply that is too long", async () => {
    expect((await loadOn((reply) => Buffer.from([...reply.subarray(0, 4), 0, 3, 1, 0x83, 2]))).stderr).toContain(
      "exception",
    );
    expect((await loadOn((reply) => Buffer.concat([reply, Uint8Array.of(0)]))).stderr).toContain("too long");
  });
});
