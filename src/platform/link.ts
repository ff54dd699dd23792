/** One line, connection or broker session: what the runtime needs of it. Each kind of port has one subclass. */
import type { LinkEvent, LinkId } from "../core/actor.ts";
import type { LineFormat } from "../core/line-format.ts";
import { assert } from "../core/result.ts";

export type LinkListener = (event: LinkEvent) => void;

export abstract class Link {
  readonly id: LinkId;
  #listeners: LinkListener[] = [];
  #finishers: (() => void)[] = [];
  #open = false;
  #finished = false;
  /** Messages that are owed an acknowledgement and came before an actor took the link; undefined from then on. */
  #early: LinkEvent[] | undefined = [];

  constructor(id: LinkId) {
    this.id = id;
  }

  /** Between its `opened` and its `closed`. */
  get open(): boolean {
    return this.#open;
  }

  /** True from the last `closed` on: the link never opens again. */
  get finished(): boolean {
    return this.#finished;
  }

  /** A bus may have many listeners: each gets every event, as on a multi-drop line. Returns the way to stop listening. */
  subscribe(listener: LinkListener): () => void {
    // Copied on write, so that a listener may come or go while an event is being given out.
    this.#listeners = [...this.#listeners, listener];
    if (this.#open) listener({ kind: "opened", link: this.id });
    return () => {
      this.#listeners = this.#listeners.filter((l) => l !== listener);
    };
  }

  /**
   * Subscribes the actor whose link this is. A broker gives what it has kept as soon as it is greeted, which may be before the
   * actor is there: nobody else would acknowledge it, and all later acknowledgements wait for it. There are never more than a
   * link lets be in flight.
   */
  take(listener: LinkListener): () => void {
    const stop = this.subscribe(listener);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) listener(event);
    return stop;
  }

  /** Calls back after the last `closed`. The link must not be finished yet. */
  whenFinished(callback: () => void): void {
    this.#finishers.push(callback);
  }

  /** Sends bytes; dropped silently while the link is closed, as a wire without power would. */
  send(_bytes: Uint8Array): void {
    assert(false, `link ${this.id} carries messages, not bytes`);
  }

  /** Goes to another rate after what was sent; a link without bit timing has nothing to do. */
  setBaud(_rate: number): void {}

  /** Goes to other settings of a serial line; a link without bit timing has nothing to do. */
  setFormat(_format: LineFormat): void {}

  publish(_topic: string, _payload: Uint8Array, _qos: 0 | 1, _retain: boolean, _token?: number): void {
    assert(false, `link ${this.id} carries bytes, not messages`);
  }

  acknowledge(_token: number): void {
    assert(false, `link ${this.id} owes no acknowledgement`);
  }

  /** Drops the present connection; a link that reconnects will, an accepted connection is finished. */
  abstract close(reason: string): void;

  /** Ends the link for good and frees what it holds. */
  abstract end(): Promise<void>;

  protected markOpen(): void {
    if (this.#open) return;
    this.#open = true;
    this.emit({ kind: "opened", link: this.id });
  }

  /** Also for an attempt to open that failed: the actor learns why, and `closed` may come without an `opened`. */
  protected markClosed(reason: string, finished: boolean): void {
    if (this.#finished) return;
    this.#finished = finished;
    this.#open = false;
    // What this connection gave is given again on the next one.
    if (this.#early !== undefined) this.#early = [];
    this.emit({ kind: "closed", link: this.id, reason });
    if (finished) for (const callback of this.#finishers.splice(0)) callback();
  }

  protected emit(event: LinkEvent): void {
    if (event.kind === "message" && event.token !== undefined) this.#early?.push(event);
    const listeners = this.#listeners;
    if (listeners.length === 1) (listeners[0] as LinkListener)(event);
    else for (const listener of listeners) listener(event);
  }
}

/**
 * A Node buffer as a plain array over the same memory: `Buffer.slice` shares where `Uint8Array.slice` copies, and the pure
 * layers rely on the copy.
 */
export function plainBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.length);
}
