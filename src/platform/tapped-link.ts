/** A link that tells a listener everything that passes it, both ways, as it passes. */
import type { LineFormat } from "../core/line-format.ts";
import { Link } from "./link.ts";

export interface Tap {
  opened(): void;
  closed(reason: string): void;
  sent(bytes: Uint8Array): void;
  received(bytes: Uint8Array): void;
  /** A serial port is to go to another rate, or to other settings altogether. */
  changed(to: number | LineFormat): void;
}

/** Stands for `inner`, under its name; whoever uses it has no other business with `inner`. */
export class TappedLink extends Link {
  readonly #inner: Link;
  readonly #tap: Tap;

  constructor(inner: Link, tap: Tap) {
    super(inner.id);
    this.#inner = inner;
    this.#tap = tap;
    inner.subscribe((event) => {
      if (event.kind === "opened") {
        tap.opened();
        this.markOpen();
      } else if (event.kind === "closed") {
        if (this.open) tap.closed(event.reason);
        this.markClosed(event.reason, inner.finished);
      } else {
        if (event.kind === "bytes") tap.received(event.bytes);
        this.emit(event);
      }
    });
  }

  override send(bytes: Uint8Array): void {
    // The inner link drops what is sent while it is closed: that was never on the line.
    if (this.#inner.open) this.#tap.sent(bytes);
    this.#inner.send(bytes);
  }

  override setBaud(rate: number): void {
    this.#tap.changed(rate);
    this.#inner.setBaud(rate);
  }

  override setFormat(format: LineFormat): void {
    this.#tap.changed(format);
    this.#inner.setFormat(format);
  }

  close(reason: string): void {
    this.#inner.close(reason);
  }

  end(): Promise<void> {
    return this.#inner.end();
  }
}
