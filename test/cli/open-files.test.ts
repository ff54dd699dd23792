import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { requireOpenFiles } from "../../src/cli/open-files.ts";
import { parseOpenFileLimit } from "../../src/platform/open-files.ts";
import { describeWithPeers } from "../peers.ts";
import { CLI, run, temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
afterAll(() => directory.remove());

describe("the limit of open files", () => {
  test("is read from proc(5) limits", () => {
    const text =
      "Max processes             95931    95931    processes\nMax open files            1024      524288    files\n";
    expect(parseOpenFileLimit(text)).toBe(1024);
    expect(parseOpenFileLimit("Max open files            unlimited   unlimited   files")).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(parseOpenFileLimit("nothing of it")).toBeUndefined();
  });

  test("leaves the embedded broker what lines and store do not need", () => {
    expect(requireOpenFiles({ lines: 100, meters: 500 }, 1024)).toBe(1024 - 100 - 200);
    expect(requireOpenFiles({ lines: 100, meters: 500 }, 1_000_000)).toBe(20_000);
    expect(() => requireOpenFiles({ lines: 100, meters: 725 }, 1024)).toThrow(/1025 open files.*allowed 1024/);
  });
});

describeWithPeers("the limit of open files", ["prlimit"], () => {
  test("is judged before the head-end opens anything", async () => {
    const lines = Array.from({ length: 100 }, (_, i) => ({
      where: { tcp: `127.0.0.1:${20_000 + i}` },
      meters: [{ id: `m-${i}`, model: "meterworks-1p", unit: 1 }],
    }));
    const config = join(directory.path, "site.json");
    writeFileSync(config, JSON.stringify({ lines }));
    const store = join(directory.path, "site.db");
    const args = ["headend", "--config", config, "--store", `sqlite:${store}`, "--broker", "none"];
    const result = await run("prlimit", ["--nofile=256:256", process.execPath, CLI, ...args]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain("100 lines and 0 meters need 300 open files, this process is allowed 256");
    expect(result.stderr).toContain("ulimit -n 300");
  });
});
