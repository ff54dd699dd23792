/** `meter --max-connections`: the connection that was silent longest makes room (MODBUS Messaging on TCP/IP V1.0b, 4.2.1). */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { CLI, freePort, type Program, startCli, temporaryDirectory } from "../programs.ts";

let meter: Program | undefined;
let port = 0;
const sockets: Socket[] = [];

beforeAll(async () => {
  const flags = ["--model", "eastron-sdm630", "--fidelity", "second", "--max-connections", "2"];
  meter = await startCli(["meter", ...flags, "--tcp", "127.0.0.1:0"]);
  port = Number(/:(\d+)/.exec(meter.ready)?.[1]);
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await meter?.stop();
});

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
    sockets.push(socket);
  });
}

/** The voltage of L1 by a request written by hand. */
function ask(socket: Socket, transaction: number): Promise<string> {
  return new Promise((resolve) => {
    socket.once("data", (reply) => resolve(reply.toString("hex")));
    socket.write(Buffer.from([0, transaction, 0, 0, 0, 6, 1, 4, 0, 0, 0, 2]));
  });
}

test("a head-end says once that a line is away, and that it is back", async () => {
  const folder = temporaryDirectory();
  const away = await freePort();
  const config = join(folder.path, "site.json");
  const meters = [{ id: "a", model: "eastron-sdm630", unit: 1 }];
  writeFileSync(config, JSON.stringify({ lines: [{ where: { tcp: `127.0.0.1:${away}` }, meters }] }));
  const flags = ["--config", config, "--store", `sqlite:${join(folder.path, "a.db")}`, "--broker", "none"];
  const headend = await startCli(["headend", ...flags, "--http", "127.0.0.1:0"]);
  const silent = createServer();
  try {
    await expect.poll(() => headend.stderr(), { timeout: 5_000 }).toMatch(/ECONNREFUSED.*"event":"line.lost"/);
    await new Promise<void>((resolve) => silent.listen(away, "127.0.0.1", resolve));
    await expect.poll(() => headend.stderr(), { timeout: 10_000 }).toMatch(/"event":"line.back"/);
    expect(headend.stderr().split("line.lost")).toHaveLength(2);
  } finally {
    await headend.stop();
    silent.close();
    folder.remove();
  }
});

test("a reading that is interrupted is not a good one", async () => {
  const silent = createServer();
  const asked = new Promise<void>((resolve) =>
    silent.once("connection", (socket) => socket.once("data", () => resolve())),
  );
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const where = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const read = spawn(process.execPath, [
    CLI,
    "read",
    "--model",
    "eastron-sdm630",
    "--tcp",
    where,
    "--timeout",
    "60000",
  ]);
  const code = new Promise((resolve) => read.once("close", resolve));
  await asked;
  read.kill("SIGTERM");
  expect(await code).toBe(1);
  silent.close();
});

describeWithPeers("pseudo terminals", ["socat"], () => {
  test("one that is taken away is told", async () => {
    const folder = temporaryDirectory();
    const link = join(folder.path, "meter");
    const lost = await startCli(["meter", "--fidelity", "second", "--pty", link]);
    try {
      // Its only child is the terminal's.
      const [socat] = readFileSync(`/proc/${lost.pid}/task/${lost.pid}/children`, "utf8").split(" ");
      process.kill(Number(socat), "SIGKILL");
      await expect.poll(() => lost.stderr(), { timeout: 5_000 }).toMatch(/"reason":"socat ended","event":"line.lost"/);
    } finally {
      await lost.stop();
      folder.remove();
    }
  });
});

test("a third connection drops the one of two that was silent longest", async () => {
  const first = await open();
  const second = await open();
  expect(await ask(second, 1)).toMatch(/^000100000007010404/);
  expect(await ask(first, 2)).toMatch(/^000200000007010404/);
  const dropped = new Promise<void>((resolve) => second.once("close", () => resolve()));
  const third = await open();
  await dropped;
  expect(await ask(third, 3)).toMatch(/^000300000007010404/);
  expect(await ask(first, 4)).toMatch(/^000400000007010404/);
});
