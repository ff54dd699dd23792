import { spawn } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createPty, createPtyPair } from "../../src/platform/pty.ts";
import { openSerial } from "../../src/platform/serial.ts";
import { describeWithPeers } from "../peers.ts";
import { REPOSITORY } from "../programs.ts";
import { echoActor, ScriptedActor, testRuntime, until } from "./support.ts";

const LINE = { baudRate: 9600, parity: "none", dataBits: 8, stopBits: 1 } as const;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "meterworks-test-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Opens the terminal, writes, reads the answer and closes, `times` over: as a polling tool started again and again. */
const POLLER = `
import os, select, sys, termios, tty
path, times = sys.argv[1], int(sys.argv[2])
for i in range(times):
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    question = bytes([i, 0, 13, 10, 17, 19, 255])
    os.write(fd, question)
    answer = b''
    while len(answer) < len(question):
        if not select.select([fd], [], [], 2)[0]: sys.exit('no answer to %d' % i)
        answer += os.read(fd, 100)
    if answer != question: sys.exit('%r came back as %r' % (question, answer))
    os.close(fd)
`;

function runPython(script: string, ...args: string[]): Promise<string> {
  const child = spawn("/usr/bin/python3", ["-c", script, ...args]);
  let complaint = "";
  child.stderr.on("data", (chunk) => {
    complaint += chunk;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve(code === 0 ? "" : complaint || `exit ${code}`)));
}

describeWithPeers("pseudo terminals", ["socat"], () => {
  it("survive a peer that opens and closes them again and again, with every byte value intact", async () => {
    const path = join(folder(), "line 1, meter: a!");
    const { runtime } = testRuntime();
    const actor = echoActor();
    const line = await createPty(path);
    runtime.host(actor).attach(line);
    cleanups.push(() => runtime.close());
    expect(await runPython(POLLER, path, "8")).toBe("");
    expect(actor.kinds().includes("closed")).toBe(false);
    await line.end();
    expect(existsSync(path)).toBe(false);
    expect(actor.events.at(-1)).toMatchObject({ kind: "closed", reason: "ended" });
  });

  it("leave nothing behind when their program is killed", async () => {
    const path = join(folder(), "meter");
    const compiled = join(REPOSITORY, "dist/src/platform/pty.js");
    const script = `import { createPty } from ${JSON.stringify(compiled)};
      await createPty(${JSON.stringify(path)}); console.log("ready"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    child.kill("SIGKILL");
    await until(() => !existsSync(path) && lstatSync(path, { throwIfNoEntry: false }) === undefined, "symlink removed");
  });

  it("are refused where something is already", async () => {
    const path = join(folder(), "taken");
    writeFileSync(path, "");
    await expect(createPty(path)).rejects.toMatchObject({ code: "in-use", message: `${path} exists already` });
    await expect(createPty("/nowhere/at/all")).rejects.toMatchObject({ code: "not-found" });
  });

  it("name the package when socat is missing", async () => {
    vi.stubEnv("PATH", folder());
    cleanups.push(() => vi.unstubAllEnvs());
    await expect(createPty(join(folder(), "x"))).rejects.toMatchObject({
      code: "missing-program",
      hint: expect.stringContaining("apt-get install socat"),
    });
  });
});

describeWithPeers("serial ports", ["socat"], () => {
  it("carry bytes both ways, refuse a second program and say so", async () => {
    const pair = await createPtyPair();
    cleanups.push(() => pair.close());
    const { runtime } = testRuntime();
    cleanups.push(() => runtime.close());
    const [meter, master] = [echoActor(), new ScriptedActor()];
    runtime.host(meter).attach(await openSerial({ path: pair.a, ...LINE }));
    const line = await openSerial({ path: pair.b, ...LINE });
    runtime.host(master).attach(line);
    const frame = Uint8Array.from({ length: 256 }, (_, i) => i);
    line.send(frame);
    const heard = () => master.events.flatMap((event) => (event.kind === "bytes" ? [...event.bytes] : []));
    await until(() => heard().length === 256, "all bytes back");
    expect(heard()).toEqual([...frame]);
    await expect(openSerial({ path: pair.a, ...LINE })).rejects.toMatchObject({
      code: "in-use",
      message: `${pair.a} is in use by another program`,
    });
  });

  it("come back after the adapter was unplugged and plugged in again", async () => {
    const path = join(folder(), "adapter");
    const first = await createPty(path);
    cleanups.push(() => first.end());
    const { runtime } = testRuntime();
    cleanups.push(() => runtime.close());
    const actor = new ScriptedActor();
    const line = await openSerial({ path, ...LINE, backoff: { firstMs: 20, longestMs: 50 } });
    runtime.host(actor).attach(line);
    await first.end();
    await until(() => actor.kinds().includes("closed"), "the loss noticed");
    await until(() => actor.kinds().filter((kind) => kind === "closed").length > 1, "a failed attempt reported");
    const second = await createPty(path);
    cleanups.push(() => second.end());
    await until(() => line.open, "open again");
    const heard: number[] = [];
    second.subscribe((event) => {
      if (event.kind === "bytes") heard.push(...event.bytes);
    });
    line.send(Uint8Array.of(1, 2, 3));
    await until(() => heard.length === 3, "bytes through the new port");
    expect(heard).toEqual([1, 2, 3]);
  });
});

describe("serial port errors", () => {
  it("name the ports there are, or that there is none", async () => {
    await expect(openSerial({ path: "/dev/ttyNOPE7", ...LINE })).rejects.toMatchObject({
      code: "not-found",
      message: "there is no serial port /dev/ttyNOPE7",
      hint: expect.stringMatching(/ports here: |no port was found/),
    });
  });

  it("say that a plain file is no port", async () => {
    const path = join(folder(), "file");
    writeFileSync(path, "");
    await expect(openSerial({ path, ...LINE })).rejects.toMatchObject({
      code: "not-found",
      message: `${path} is no serial port`,
    });
  });
});
