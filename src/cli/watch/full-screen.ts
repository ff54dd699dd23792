/** A program's own page of the terminal: what was there before comes back when it ends, however it ends. */

const REDRAW_MS = 500;
const CTRL_C = "\x03";
/** Alternate screen, cursor hidden, and no wrapping where a line is as wide as the terminal. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";

export interface FullScreenUser {
  draw(columns: number, rows: number): readonly string[];
  /** Ctrl-C is a key here. */
  key(key: string): void;
}

export class FullScreen {
  readonly #user: FullScreenUser;
  readonly #redraw = () => this.draw();
  readonly #leave = () => process.stdout.write(LEAVE);
  readonly #keys = (data: Buffer) => {
    for (const key of data.toString("utf8")) this.#user.key(key === CTRL_C ? "q" : key);
  };
  #timer: NodeJS.Timeout | undefined;

  constructor(user: FullScreenUser) {
    this.#user = user;
  }

  begin(): void {
    process.stdout.write(ENTER);
    // Also when a bug ends the process: a terminal left on this page is of no use to anybody.
    process.once("exit", this.#leave);
    process.stdout.on("resize", this.#redraw);
    this.#timer = setInterval(this.#redraw, REDRAW_MS);
    if (process.stdin.isTTY === true) {
      process.stdin.setRawMode(true);
      process.stdin.on("data", this.#keys);
    }
    this.draw();
  }

  draw(): void {
    if (this.#timer === undefined) return;
    const { columns, rows } = process.stdout;
    const lines = this.#user.draw(columns ?? 80, rows ?? 24).slice(0, rows ?? 24);
    // Erased first: behind a line as wide as the terminal the erasing would take its last character.
    process.stdout.write(`\x1b[H${lines.map((line) => `\x1b[2K${line}`).join("\r\n")}`);
  }

  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    process.stdout.off("resize", this.#redraw);
    if (process.stdin.isTTY === true) {
      process.stdin.off("data", this.#keys);
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
    process.off("exit", this.#leave);
    this.#leave();
  }
}
