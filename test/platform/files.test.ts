import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeFileAtomic } from "../../src/platform/atomic-file.ts";
import { lockDirectory } from "../../src/platform/directory-lock.ts";
import { FileNvram } from "../../src/platform/file-nvram.ts";
import { REPOSITORY } from "../programs.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "meterworks-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("non-volatile memory in files", () => {
  it("keeps what was written, whole, also when it gets shorter, across a restart", () => {
    const first = new FileNvram(join(folder, "new", "state"));
    expect(first.read("slot-a")).toBeUndefined();
    first.write("slot-a", bytes(1, 2, 3, 4));
    first.write("slot-a", bytes(9, 8));
    first.write("slot-b", bytes());
    first.close();
    const second = new FileNvram(join(folder, "new", "state"));
    expect(second.read("slot-a")).toEqual(bytes(9, 8));
    expect(second.read("slot-b")).toEqual(bytes());
    second.close();
  });

  it("leaves the other cell alone when one is torn", () => {
    const nvram = new FileNvram(folder);
    nvram.write("slot-a", bytes(1, 1, 1, 1));
    nvram.write("slot-b", bytes(2, 2, 2, 2));
    // A cut in the middle of a write: some of the new bytes are there, the length is wrong.
    const files = readdirSync(folder).filter((name) => name.includes("slot-a"));
    expect(files).toHaveLength(1);
    truncateSync(join(folder, files[0] as string), 3);
    expect(nvram.read("slot-a")).toEqual(bytes(1, 1, 1));
    expect(nvram.read("slot-b")).toEqual(bytes(2, 2, 2, 2));
    nvram.write("slot-a", bytes(3, 3, 3, 3));
    expect(nvram.read("slot-a")).toEqual(bytes(3, 3, 3, 3));
    nvram.close();
  });

  it("changes a part of a cell in place, and only there; asking for one that never was makes none", () => {
    const nvram = new FileNvram(folder);
    expect(nvram.readAt("ring.0", 0, 4)).toEqual(bytes());
    expect(nvram.read("ring.0")).toBeUndefined();
    nvram.writeAt("ring.0", 3, bytes(7, 8));
    nvram.writeAt("ring.0", 0, bytes(1));
    expect(nvram.read("ring.0")).toEqual(bytes(1, 0, 0, 7, 8));
    expect(nvram.readAt("ring.0", 4, 9)).toEqual(bytes(8));
    nvram.close();
  });

  it("survives kill -9 at any moment with at most the cell being written lost", async () => {
    // Cells are written in turn with the number of the write; printed only after the write returned.
    const script = `import { FileNvram } from ${JSON.stringify(join(REPOSITORY, "dist/src/platform/file-nvram.js"))};
      const nvram = new FileNvram(${JSON.stringify(folder)});
      for (let i = 1; ; i++) { nvram.write("slot-" + (i % 2), new Uint8Array(new Uint32Array(64).fill(i).buffer)); console.log(i); }`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
    let confirmed = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      confirmed = Number(chunk.toString().trim().split("\n").at(-1));
      if (confirmed > 20) child.kill("SIGKILL");
    });
    await new Promise((resolve) => child.once("close", resolve));
    const nvram = new FileNvram(folder);
    const numbers = ["slot-0", "slot-1"].map((cell) => {
      const words = new Uint32Array((nvram.read(cell) as Uint8Array).slice().buffer);
      return words.length === 64 && words.every((word) => word === words[0]) ? (words[0] as number) : 0;
    });
    nvram.close();
    expect(confirmed).toBeGreaterThan(20);
    expect(Math.max(...numbers)).toBeGreaterThanOrEqual(confirmed);
  });

  it("is one process's own: a second is told whose it is", () => {
    const nvram = new FileNvram(folder);
    expect(() => new FileNvram(folder)).toThrow(`${folder} is in use by process ${process.pid}`);
    nvram.close();
    new FileNvram(folder).close();
  });

  it("says what is wrong with a directory that cannot be written", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => new FileNvram(join(folder, "file", "state"))).toThrow("is no folder");
    expect(() => new FileNvram("/proc/meterworks")).toThrow(/there is no folder|not allowed/);
  });
});

describe("directory locks", () => {
  it("of a process that died are taken over", () => {
    const dead = spawnSync("true").pid;
    writeFileSync(join(folder, "lock"), `${dead} 12345\n`);
    const release = lockDirectory(folder);
    expect(readFileSync(join(folder, "lock"), "utf8")).toMatch(new RegExp(`^${process.pid} \\d+\n$`));
    release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("of an earlier process with the number of a living one are taken over", () => {
    writeFileSync(join(folder, "lock"), `${process.pid} 1\n`);
    lockDirectory(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("that name nobody are taken over", () => {
    writeFileSync(join(folder, "lock"), "");
    lockDirectory(folder)();
  });

  it("of a living process are respected, and not released by others", () => {
    const release = lockDirectory(folder);
    expect(() => lockDirectory(folder)).toThrow("in use");
    writeFileSync(join(folder, "lock"), "1 1\n");
    release();
    expect(readFileSync(join(folder, "lock"), "utf8")).toBe("1 1\n");
  });
});

describe("small files", () => {
  it("are replaced whole and readable by their owner only", () => {
    const path = join(folder, "token");
    writeFileAtomic(path, "first, and longer");
    writeFileAtomic(path, "second");
    expect(readFileSync(path, "utf8")).toBe("second");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["token"]);
  });

  it("that cannot be written say why and leave no draft", () => {
    expect(() => writeFileAtomic(join(folder, "no", "token"), "x")).toThrow("there is no folder");
    expect(readdirSync(folder)).toEqual([]);
  });
});
