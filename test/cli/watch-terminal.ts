/** A terminal of a given size with a command in it: tmux, on a server of its own. */
import { requirePeer } from "../peers.ts";
import { CLI, run } from "../programs.ts";

export class Terminal {
  readonly #server: string;

  private constructor(server: string) {
    this.#server = server;
  }

  static async open(server: string, columns: number, rows: number): Promise<Terminal> {
    const terminal = new Terminal(server);
    await terminal.#tmux("new-session", "-d", "-x", String(columns), "-y", String(rows), "env PS1=prompt: sh");
    return terminal;
  }

  async meterworks(args: readonly string[]): Promise<void> {
    await this.#tmux("send-keys", `${process.execPath} ${CLI} ${args.join(" ")}`, "Enter");
  }

  async key(key: string): Promise<void> {
    await this.#tmux("send-keys", key);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** What stands there now, without blanks at the ends of lines. */
  async text(): Promise<string> {
    return (await this.#tmux("capture-pane", "-p")).replace(/\s+$/, "");
  }

  /** @throws Error with what stands there when the pattern does not come in time */
  async shows(pattern: RegExp, patienceMs = 10_000): Promise<string> {
    const end = performance.now() + patienceMs;
    for (;;) {
      const text = await this.text();
      if (pattern.test(text)) return text;
      if (performance.now() > end) throw new Error(`no ${pattern} in the terminal:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async close(): Promise<void> {
    await this.#tmux("kill-server");
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(requirePeer("tmux"), ["-L", this.#server, "-f", "/dev/null", ...args], {
      env: { LANG: "C.UTF-8", LC_ALL: "C.UTF-8" },
    });
    return stdout;
  }
}
