/** Mosquitto's broker and clients, and our head-end and meters beside them. */
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { requirePeer } from "../peers.ts";
import { freePort, type Program, type RunResult, run, start, startCli } from "../programs.ts";
import type { Cleanup } from "./support.ts";

/** A Mosquitto that can be killed and started again on its ports and files. */
export class Mosquitto {
  readonly directory: string;
  readonly #cleanup: Cleanup;
  #program: Program | undefined;

  constructor(cleanup: Cleanup) {
    this.#cleanup = cleanup;
    this.directory = cleanup.directory();
  }

  /** Writes a file beside the configuration; its path. */
  file(name: string, content: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, content);
    return path;
  }

  /** Run by root it would become another user, who may not read its files; `user root` keeps it from that. */
  configure(lines: readonly string[]): void {
    this.file("mosquitto.conf", `${["user root", ...lines].join("\n")}\n`);
  }

  async start(): Promise<void> {
    const args = ["-c", join(this.directory, "mosquitto.conf")];
    const ready = /mosquitto version .* running/;
    this.#program = this.#cleanup.program(await start(requirePeer("mosquitto"), args, { ready }));
  }

  /** Has it save, and waits until the file is in its place: on a disk that is busy it waits for seconds within one save. */
  async save(): Promise<void> {
    const before = this.#saved();
    if (this.#program !== undefined) process.kill(this.#program.pid, "SIGUSR1");
    await eventually(
      () => this.#saved() !== before,
      () => `mosquitto has not saved: ${this.log()}`,
      30_000,
    );
  }

  /** Names the file that was saved last, to tell it from the next. */
  #saved(): string | undefined {
    const file = statSync(join(this.directory, "mosquitto.db"), { throwIfNoEntry: false });
    return file && `${file.ino}:${file.mtimeMs}`;
  }

  async kill(): Promise<void> {
    await this.#program?.stop("SIGKILL");
  }

  /** Reads its users and rules again. */
  reload(): void {
    if (this.#program !== undefined) process.kill(this.#program.pid, "SIGHUP");
  }

  log(): string {
    return this.#program?.stderr() ?? "";
  }
}

/** `mosquitto_pub` to its end. */
export function mosquittoPub(args: readonly string[]): Promise<RunResult> {
  return run(requirePeer("mosquitto_pub"), args, { timeoutMs: 8_000 });
}

/** `mosquitto_sub` that goes on; ready when the broker has granted the subscription. */
export function mosquittoSub(cleanup: Cleanup, args: readonly string[]): Promise<Program> {
  // Into a pipe it would keep what it says of the subscription until there is more.
  const line = ["-oL", requirePeer("mosquitto_sub"), "-d", "-q", "1", "-F", "%t %p", ...args];
  return start("stdbuf", line, { ready: /^Subscribed/ }).then((program) => cleanup.program(program));
}

/** What such a subscriber printed, as topic and payload. */
export function heard(program: Program): { readonly topic: string; readonly payload: string }[] {
  return program
    .stdout()
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      const m = /^(meters\/\S+) (.*)$/.exec(line);
      return m === null ? [] : [{ topic: m[1] as string, payload: m[2] as string }];
    });
}

export class Headend {
  readonly db: string;
  readonly port: number;
  readonly #cleanup: Cleanup;
  readonly #args: readonly string[];
  #program: Program | undefined;

  private constructor(cleanup: Cleanup, port: number, args: readonly string[]) {
    this.#cleanup = cleanup;
    this.#args = args;
    this.port = port;
    this.db = join(cleanup.directory(), "site.db");
  }

  /** With `--broker …` in `args` at an outside broker; else `port` is where its own listens. */
  static async start(cleanup: Cleanup, args: readonly string[]): Promise<Headend> {
    const headend = new Headend(cleanup, await freePort(), args);
    await headend.start();
    return headend;
  }

  async start(): Promise<void> {
    const own = this.#args.includes("--broker") ? [] : ["--broker-listen", `127.0.0.1:${this.port}`];
    const args = ["headend", "--store", `sqlite:${this.db}`, "--http", "127.0.0.1:0", ...own, ...this.#args];
    this.#program = this.#cleanup.program(await startCli(args, { timeoutMs: 30_000 }));
  }

  async stop(signal?: NodeJS.Signals): Promise<void> {
    await this.#program?.stop(signal);
  }

  log(): string {
    return this.#program?.stderr() ?? "";
  }

  /** The flags by which `topup` and `relay` find its API. */
  api(): readonly string[] {
    return [
      "--api",
      /http:\/\/127\.0\.0\.1:\d+/.exec(this.#program?.ready ?? "")?.[0] ?? "",
      "--token-file",
      `${this.db}.token`,
    ];
  }

  /** Sequence numbers stored for this meter, ascending. */
  stored(meter: string): readonly number[] {
    const database = new BetterSqlite3(this.db, { readonly: true });
    try {
      const query = `SELECT r.sequence AS n FROM readings r JOIN meters m ON m.number = r.meter
                     WHERE m.id = ? ORDER BY r.sequence`;
      return (database.prepare(query).all(meter) as { n: number }[]).map(({ n }) => n);
    } finally {
      database.close();
    }
  }
}

export async function startMqttMeter(cleanup: Cleanup, id: string, args: readonly string[]): Promise<Program> {
  const own = ["--model", "meterworks-1p", "--id", id, "--fidelity", "second"];
  return cleanup.program(await startCli(["meter", ...own, ...args]));
}

export async function eventually(condition: () => boolean, what: () => string, withinMs = 12_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
