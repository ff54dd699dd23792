/**
 * Pseudo terminals, the serial ports that need no hardware. They have no line: baud and parity are accepted there and
 * change nothing.
 */
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linkId } from "../core/actor.ts";
import { Link, plainBytes } from "./link.ts";
import { ptyAddress, startSocat, stopSocat } from "./socat.ts";

/** A terminal nobody reads is full at some kilobytes; what is sent beyond this is lost, as on a wire nobody listens to. */
const MOST_UNREAD = 64 * 1024;

/**
 * Makes a terminal at `linkPath` for another program to open, and a link to its far end, which is open until `end`:
 * a line does not tell who listens. @throws PlatformError `missing-program` without socat.
 */
export async function createPty(linkPath: string): Promise<Link> {
  return new PtyLink(linkPath, await startSocat("socat", ["-t", "0", ptyAddress(linkPath), "STDIO"], [linkPath]));
}

/** Between two terminals socat does not use its standard input: the shell watches it instead. */
const PAIR = 'command -v socat >/dev/null || exit 127; socat "$1" "$2" & read -r _; kill $!; wait $!';

export interface PtyPair {
  readonly a: string;
  readonly b: string;
  close(): Promise<void>;
}

/** Two terminals joined back to back, for two programs. They live in a folder of their own until `close`. */
export async function createPtyPair(): Promise<PtyPair> {
  const folder = await mkdtemp(join(tmpdir(), "meterworks-pty-"));
  const [a, b] = [join(folder, "a"), join(folder, "b")];
  try {
    const child = await startSocat("sh", ["-c", PAIR, "sh", ptyAddress(a), ptyAddress(b)], [a, b]);
    const close = async () => {
      await stopSocat(child);
      await rm(folder, { recursive: true, force: true });
    };
    return { a, b, close };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

class PtyLink extends Link {
  readonly #child: ChildProcess;

  constructor(path: string, child: ChildProcess) {
    super(linkId(`pty:${path}`));
    this.#child = child;
    child.stdout?.on("data", (chunk: Buffer) => this.emit({ kind: "bytes", link: this.id, bytes: plainBytes(chunk) }));
    child.stdin?.on("error", () => {});
    child.once("close", () => this.markClosed("socat ended", true));
    this.markOpen();
  }

  override send(bytes: Uint8Array): void {
    const stdin = this.#child.stdin;
    if (stdin?.writable && stdin.writableLength < MOST_UNREAD) stdin.write(bytes);
  }

  /** A line cannot be hung up: there is nobody in particular at its far end. */
  close(_reason: string): void {}

  async end(): Promise<void> {
    this.markClosed("ended", true);
    await stopSocat(this.#child);
  }
}
