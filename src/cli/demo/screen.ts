/** The demo's terminal: a table redrawn in place where stdout is a terminal, otherwise one line per happening. */
import type { LiveTable } from "../../../headend/console/live-table.ts";
import type { Notice } from "../../../headend/ports.ts";
import { print } from "../output.ts";

const REDRAW_MS = 250;
const NARROWEST = 40;

export class Screen {
  readonly #table: LiveTable;
  readonly #mode: "quiet" | "live" | "lines";
  #heading: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #drawn = 0;

  constructor(table: LiveTable, options: { readonly quiet: boolean }) {
    this.#table = table;
    this.#mode = options.quiet ? "quiet" : process.stdout.isTTY === true ? "live" : "lines";
  }

  begin(heading: readonly string[]): void {
    this.#heading = heading;
    if (this.#mode === "lines") for (const line of heading) print(line);
    if (this.#mode === "live") this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
  }

  take(notice: Notice): void {
    this.#table.take(notice);
    if (this.#mode !== "lines" || notice.kind !== "order") return;
    const { meter, operation, state, reason } = notice.order;
    print(`${meter}: ${operation} ${state} (${reason})`);
  }

  happened(text: string): void {
    this.#table.note(text);
    if (this.#mode === "lines") print(text);
  }

  end(): void {
    clearInterval(this.#timer);
    if (this.#mode === "live") this.#draw();
    if (this.#mode === "lines") for (const line of this.#table.render(Number.MAX_SAFE_INTEGER)) print(line);
  }

  /** Goes back over what was drawn before, so that the terminal's history stays whole. */
  #draw(): void {
    const width = Math.max(NARROWEST, process.stdout.columns ?? 80);
    const height = Math.max(10, (process.stdout.rows ?? 24) - 1);
    const all = [...this.#heading.map((line) => line.slice(0, width)), "", ...this.#table.render(width)];
    const lines = all.slice(0, height);
    const up = this.#drawn === 0 ? "" : `\x1b[${this.#drawn}A`;
    process.stdout.write(`${up}\r\x1b[J${lines.join("\n")}\n`);
    this.#drawn = lines.length;
  }
}
