/** `conformance modbus` against servers that others wrote: the deviations that we know of them are found, with their bytes. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { describeWithPeers } from "../peers.ts";
import { freePort, runCli } from "../programs.ts";
import { Cleanup, compileC, startLibmodbusServer, startPtyPair, startPymodbusServer } from "./support.ts";

interface Judged {
  readonly failed: number;
  readonly checks: readonly {
    readonly id: string;
    readonly clause: string;
    readonly verdict: "pass" | "fail" | "skip";
    readonly seen?: string;
    readonly exchanges: readonly { readonly sent: string; readonly received: string }[];
  }[];
}

/** What these servers offer beside the reads: all of it may be written to. */
const MAP = {
  protocol: "modbus",
  device: "a server of others",
  functions: "01 02 03 04 05 06 0F 10 11 14 16 17 08/00 08/0B 08/0C 08/0E".split(" "),
  read: Object.fromEntries(["coil", "discrete", "holding", "input"].map((t) => [t, [{ address: 0, count: 32 }]])),
  write: { coil: [{ address: 0, count: 8 }], holding: [{ address: 0, count: 8 }] },
};

async function judge(cleanup: Cleanup, where: readonly string[], checks: readonly string[]): Promise<Judged> {
  const map = join(cleanup.directory(), "map.json");
  writeFileSync(map, JSON.stringify(MAP));
  const chosen = checks.flatMap((id) => ["--check", id]);
  const result = await runCli(["conformance", "modbus", ...where, "--map", map, ...chosen, "--json"], {
    timeoutMs: 60_000,
  });
  expect(result.code, result.stderr).toBe(1);
  return JSON.parse(result.stdout) as Judged;
}

/** The verdicts, each with what was seen; a failure has its clause and bytes. */
function verdicts({ checks }: Judged): Readonly<Record<string, string>> {
  for (const { id, clause, verdict, exchanges } of checks.filter((check) => check.verdict === "fail")) {
    expect(clause, id).toMatch(/^MODBUS .* V1/);
    expect(
      exchanges.some(({ sent }) => sent !== ""),
      `${id}: ${verdict}`,
    ).toBe(true);
  }
  return Object.fromEntries(checks.map(({ id, verdict, seen }) => [id, seen ?? verdict]));
}

describeWithPeers("a pymodbus server is judged on a serial line", ["pymodbus", "socat"], () => {
  const cleanup = new Cleanup();
  let line: string;

  beforeAll(async () => {
    const [theirs, ours] = await startPtyPair(cleanup);
    await startPymodbusServer(cleanup, theirs);
    line = ours;
  });

  test("its known deviations are found, and what it does right is not among them", async () => {
    const judged = await judge(
      cleanup,
      ["--serial", line],
      [
        ...["pdu.answers", "pdu.unknown-function", "rtu.crc-wrong", "serial.other-unit", "fc03.quantity-0"],
        ...["fc03.quantity-above", "fc05.value", "fc10.done", "fc10.byte-count", "fc16.masks", "fc17.done"],
        ...["fc11.server-id", "fc14.reply", "fc08.loopback"],
        ...["fc08.bus-messages", "fc08.errors", "fc08.server-messages"],
      ],
    );
    expect(verdicts(judged)).toEqual({
      "pdu.answers": "pass",
      "pdu.unknown-function": "silence to 64",
      "rtu.crc-wrong": "pass",
      "serial.other-unit": "pass",
      "fc03.quantity-0": "pass",
      "fc03.quantity-above": "pass",
      "fc05.value": "reply 05 00 00 00 00",
      "fc10.done": "pass",
      "fc10.byte-count": "silence",
      "fc16.masks": "pass",
      "fc17.done": "pass",
      "fc11.server-id": "reply 11 09 50 79 6d 6f 64 62 75 73 ff",
      "fc14.reply": "reply 14 00",
      "fc08.loopback": "pass",
      "fc08.bus-messages": "0, then 0: a difference of 0",
      "fc08.errors": "0, then 0: a difference of 0",
      "fc08.server-messages": "0, then 0: a difference of 0",
    });
  }, 90_000);
});

describeWithPeers("a libmodbus server is judged over TCP", ["libmodbus"], () => {
  const cleanup = new Cleanup();
  let where: readonly string[];

  beforeAll(async () => {
    const port = await freePort();
    await startLibmodbusServer(cleanup, await compileC(cleanup, "modbus-server"), port);
    where = ["--tcp", `127.0.0.1:${port}`];
  });

  test("it is told that it reads neither protocol id nor length, and takes one connection", async () => {
    const checks = ["tcp.transaction", "tcp.split", "tcp.joined", "fc05.value", "fc10.done", "fc03.quantity-above"];
    const judged = await judge(cleanup, where, [...checks, "tcp.protocol-id", "tcp.length-0", "tcp.connections"]);
    const found = verdicts(judged);
    expect(found).toMatchObject(Object.fromEntries(checks.map((id) => [id, "pass"])));
    expect(found).toMatchObject({
      "tcp.protocol-id": expect.stringMatching(/^00 .. 00 00 00 05 01 03 02/),
      "tcp.length-0": expect.stringMatching(/^00 .. 00 00 00 05 01 03 02/),
      "tcp.connections": "silence on the second connection",
    });
    expect(judged.failed).toBe(3);
  }, 90_000);

  test("the reports count the same cases, each failure with its clause and bytes", async () => {
    const directory = cleanup.directory();
    const [junit, html] = [join(directory, "junit.xml"), join(directory, "report.html")];
    const args = ["conformance", "modbus", ...where, "--group", "tcp", "--junit", junit, "--html", html];
    const result = await runCli(args, { timeoutMs: 60_000 });
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/^FAIL {2}tcp\.protocol-id .*\[MODBUS Messaging on TCP\/IP V1\.0b, 3\.1\.3\]$/m);
    const [, failures] = /failures="(\d+)"/.exec(readFileSync(junit, "utf8")) ?? [];
    expect(readFileSync(junit, "utf8").match(/<failure /g)).toHaveLength(Number(failures));
    expect(readFileSync(html, "utf8")).toContain("&gt; 00 ");
    expect(result.stderr).toContain(`${failures} of `);
  }, 90_000);
});
