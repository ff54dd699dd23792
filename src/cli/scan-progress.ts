/** A bar on stderr: how far a scan is, what it tries just now, how long it will take if nothing more answers. */
import { showLineFormat } from "../core/line-format.ts";
import { MICROS_PER_SECOND } from "../core/time.ts";
import type { ScanProgress } from "../field/scan/found.ts";

const BAR = 24;
const REDRAW_MS = 200;
const CLEAR = "\r\x1b[K";

export class ScanBar {
  readonly #out: NodeJS.WriteStream | undefined;
  #drawn = Number.NEGATIVE_INFINITY;

  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out.isTTY === true ? out : undefined;
  }

  show(progress: ScanProgress, found: number): void {
    const now = performance.now();
    if (this.#out === undefined || !(now - this.#drawn >= REDRAW_MS)) return;
    this.#drawn = now;
    this.#out.write(CLEAR + barLine(progress, found).slice(0, (this.#out.columns || 80) - 1));
  }

  /** Before something else is printed. */
  clear(): void {
    this.#out?.write(CLEAR);
    this.#drawn = Number.NEGATIVE_INFINITY;
  }

  /** Nothing is drawn any more. */
  end(): void {
    this.clear();
    this.#drawn = Number.POSITIVE_INFINITY;
  }
}

/** `[######------]  50 %  1:04 left  modbus-rtu 9600 8N1  2 found`. */
export function barLine({ spent, left, protocol, format }: ScanProgress, found: number): string {
  const share = spent + left === 0 ? 1 : spent / (spent + left);
  const full = Math.floor(share * BAR);
  const seconds = Math.ceil(left / MICROS_PER_SECOND);
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const place = format === undefined ? protocol : `${protocol} ${showLineFormat(format)}`;
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `[${"#".repeat(full)}${"-".repeat(BAR - full)}] ${percent} %  ${time} left  ${place}  ${found} found`;
}
