import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Backoff } from "../../src/platform/backoff.ts";
import { createLogger } from "../../src/platform/logger.ts";
import { Shutdown } from "../../src/platform/shutdown.ts";
import { REPOSITORY } from "../programs.ts";

const compiled = (name: string) => JSON.stringify(join(REPOSITORY, "dist/src/platform", name));

/** Runs a script with the compiled platform; `onLine` may signal it. */
async function runScript(script: string, onLine: (line: string, kill: (signal: NodeJS.Signals) => void) => void) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  const lines: string[] = [];
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.stdout.on("data", (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split("\n")) {
      lines.push(line);
      onLine(line, (signal) => child.kill(signal));
    }
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { lines, errors, code };
}

describe("an orderly end", () => {
  it("closes the last opened first, once, and goes on after a failure", async () => {
    const trace: string[] = [];
    const failures: unknown[] = [];
    const shutdown = new Shutdown({ exit: () => {}, onError: (error) => failures.push(error) });
    shutdown.add(async () => void trace.push("store"));
    shutdown.add(() => {
      throw new Error("stuck");
    });
    shutdown.add(async () => void trace.push("links"));
    await Promise.all([shutdown.run(), shutdown.run()]);
    expect(trace).toEqual(["links", "store"]);
    expect(failures).toHaveLength(1);
  });

  it("answers a signal with its clean-up and exit code 0", async () => {
    const script = `import { Shutdown } from ${compiled("shutdown.js")};
      const shutdown = new Shutdown();
      shutdown.add(async () => { await new Promise((r) => setTimeout(r, 20)); console.log("cleaned"); });
      setInterval(() => {}, 1000); console.log("ready");`;
    const { lines, code } = await runScript(script, (line, kill) => line === "ready" && kill("SIGTERM"));
    expect({ lines, code }).toEqual({ lines: ["ready", "cleaned"], code: 0 });
  });

  it("answers the second Ctrl-C at once", async () => {
    const script = `import { Shutdown } from ${compiled("shutdown.js")};
      const shutdown = new Shutdown();
      shutdown.add(() => { console.log("cleaning"); return new Promise(() => {}); });
      setInterval(() => {}, 1000); console.log("ready");`;
    const { code } = await runScript(script, (_line, kill) => kill("SIGINT"));
    expect(code).toBe(130);
  });
});

describe("a bug in an actor", () => {
  it("ends the process with exit code 1 and a stack on stderr", async () => {
    const script = `import { Runtime } from ${compiled("runtime.js")};
      import { SystemClock } from ${compiled("clock.js")};
      import { createLogger } from ${compiled("logger.js")};
      const runtime = new Runtime({ clock: new SystemClock(), log: createLogger() });
      const never = { mono: Infinity, civil: Infinity };
      const actor = { handle() { throw new Error("a bug of ours"); }, wake: () => [], nextWake: () => never };
      runtime.host(actor, undefined, { name: "meter" }).post("x");
      setInterval(() => {}, 1000);`;
    const { code, errors } = await runScript(script, () => {});
    expect(code).toBe(1);
    expect(JSON.parse(errors)).toMatchObject({ level: "error", event: "bug", host: "meter" });
    expect(errors).toContain("a bug of ours");
  });
});

describe("the log", () => {
  it("is one JSON document a line for machines", () => {
    const lines: string[] = [];
    const log = createLogger({ level: "info", pretty: false, write: (line) => lines.push(line) });
    log({ kind: "log", level: "warn", event: "link closed", fields: { link: "tcp:1", attempts: 2 } });
    log({ kind: "log", level: "debug", event: "not shown" });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      level: "warn",
      event: "link closed",
      link: "tcp:1",
      attempts: 2,
    });
  });

  it("is one short line for people, with the stack below", () => {
    const lines: string[] = [];
    const log = createLogger({ level: "debug", pretty: true, write: (line) => lines.push(line) });
    log({ kind: "log", level: "info", event: "opened", fields: { link: "tcp:1", reason: 'he said "no"', n: null } });
    log({ kind: "log", level: "error", event: "bug", fields: { stack: "Error: x\n    at y" } });
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d info opened link=tcp:1 reason="he said \\"no\\"" n=null\n$/);
    expect(lines[1]).toMatch(/^\S+ error bug\nError: x\n {4}at y\n$/);
  });
});

describe("waiting before the next attempt", () => {
  it("doubles to its bound with half of it drawn, and starts over after a success", () => {
    const backoff = new Backoff({ firstMs: 100, longestMs: 1000 });
    for (const step of [100, 200, 400, 800, 1000, 1000]) {
      const wait = backoff.nextMs();
      expect(wait).toBeGreaterThanOrEqual(step / 2);
      expect(wait).toBeLessThanOrEqual(step);
    }
    backoff.reset();
    expect(backoff.nextMs()).toBeLessThanOrEqual(100);
  });
});
