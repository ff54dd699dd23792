/**
 * Faults for real, and how the head-end tells them: an unplugged serial line, a TCP connection that is reset, a store's file
 * that another process holds, a dead meter, kill -9. Each heals without a person. The meters, the relay between them and the
 * second process at the database are programs of their own.
 */
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { afterAll, expect, test } from "vitest";
import { AlarmList, TOKEN } from "../alarm-list.ts";
import { type Program, startCli, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
const file = join(directory.path, "site.db");
const programs = new Set<Program>();
const servers: (() => void)[] = [];
afterAll(async () => {
  for (const close of servers) close();
  await Promise.all([...programs].map((program) => program.stop()));
  directory.remove();
});

async function begin(args: readonly string[]): Promise<Program> {
  const program = await startCli(args, { env: { METERWORKS_LOG: "silent", METERWORKS_TOKEN: TOKEN } });
  programs.add(program);
  return program;
}

const virtualMeter = (...wire: string[]) => begin(["meter", "--model", "meterworks-1p", ...wire]);

/** A relay before a meter, so that its connections can be reset and refused while the meter lives. */
async function relayTo(target: number) {
  const sockets = new Set<Socket>();
  let refusing = false;
  const server = createServer((client) => {
    sockets.add(client.on("error", () => {}));
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const meter = connect(target, "127.0.0.1").on("error", () => client.destroy());
    client.pipe(meter).pipe(client);
    client.on("close", () => {
      meter.destroy();
      sockets.delete(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const refuse = (on: boolean) => {
    refusing = on;
    if (on) for (const socket of sockets) socket.resetAndDestroy();
  };
  return { port: (server.address() as AddressInfo).port, refuse };
}

function startHeadend(): Promise<Program> {
  const args = ["--config", join(directory.path, "site.json"), "--store", `sqlite:${file}`];
  return begin(["headend", ...args, "--http", "127.0.0.1:0", "--broker", "none"]);
}
const portOf = ({ ready }: Program) => Number(/:(\d+)\b/.exec(ready)?.[1]);

test("each fault is told where it is, and over when it is healed", { timeout: 60_000 }, async () => {
  const tty = join(directory.path, "tty");
  let serialMeter = await virtualMeter("--pty", tty);
  const tcpMeter = await virtualMeter("--tcp", "127.0.0.1:0");
  const relay = await relayTo(portOf(tcpMeter));
  const meter = (id: string, unit = 1) => ({ id, model: "meterworks-1p", unit });
  const lines = [
    { name: "bus", where: { serial: tty }, pollSeconds: 0.2, timeoutSeconds: 1, meters: [meter("s1")] },
    {
      ...{ name: "hall", where: { tcp: `127.0.0.1:${relay.port}` }, pollSeconds: 0.2, timeoutSeconds: 1, retries: 0 },
      meters: [meter("t1"), meter("t2", 2)],
    },
  ];
  writeFileSync(join(directory.path, "site.json"), JSON.stringify({ lines }));
  let headend = await startHeadend();
  let list = new AlarmList(headend);
  const until = (expected: readonly string[]) => list.until(expected);
  // Unit 2 is not there: one meter of two, so the meter.
  const dead = "meter-silent t2";
  await until([dead]);

  await serialMeter.stop();
  await until([dead, "line-down bus"]);
  serialMeter = await virtualMeter("--pty", tty);
  await until([dead]);

  relay.refuse(true);
  await until([dead, "line-down hall"]);
  expect((await list.read("open")).find(({ name }) => name === "hall")?.cause).toMatch(/reset|closed|ECONN/i);
  relay.refuse(false);
  await until([dead]);

  const other = new BetterSqlite3(file);
  other.exec("BEGIN IMMEDIATE");
  await until([dead, "store-failing store"]);
  expect((await list.read("open")).find(({ part }) => part === "store")?.cause).toMatch(/locked|busy/i);
  other.exec("COMMIT");
  other.close();
  await until([dead]);

  await headend.stop("SIGKILL");
  headend = await startHeadend();
  list = new AlarmList(headend);
  await until([dead]);
  const all = await list.read("all");
  expect(all.map(({ kind, part, name }) => `${kind} ${part} ${name}`).sort()).toEqual([
    "line-down line bus",
    "line-down line hall",
    "meter-silent meter t2",
    "store-failing store store",
    "unclean-stop head-end head-end",
  ]);
  for (const { kind, open, seconds } of all) {
    expect(open, kind).toBe(kind === "meter-silent");
    if (!open) expect(seconds, kind).not.toBeNull();
  }
});
