/** A socket as a link: what accepted and dialled connections have in common. */
import type { Socket } from "node:net";
import { plainBytes } from "./link.ts";

/** Above this the peer is not reading its answers, so we stop reading its requests. */
const PAUSE_ABOVE = 64 * 1024;
/** Above this it never will: an actor that sends unasked must not fill our memory. */
const DROP_ABOVE = 4 * 1024 * 1024;

export interface SocketHandlers {
  onBytes(bytes: Uint8Array): void;
  /** Once, whatever ended it. */
  onGone(reason: string): void;
}

/**
 * Pipes with something to send. They are flushed together once per turn of the event loop, after everything that had arrived
 * was read: with many busy connections the peers are woken by many answers at once instead of by each, which took a quarter
 * of the CPU per request away on both sides (measured by `make bench`, 50 connections).
 */
let waiting: SocketPipe[] = [];

function flushWaiting(): void {
  const pipes = waiting;
  waiting = [];
  for (const pipe of pipes) pipe.flush();
}

/** Bytes in and out of one connected socket, with back-pressure in both directions. */
export class SocketPipe {
  readonly #socket: Socket;
  #goneReason = "closed by the peer";
  #paused = false;
  /** Sent in this turn of the loop and not given to the socket yet. */
  #queued: Uint8Array[] = [];

  constructor(socket: Socket, handlers: SocketHandlers) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => handlers.onBytes(plainBytes(chunk)));
    socket.on("drain", () => {
      if (!this.#paused) return;
      this.#paused = false;
      socket.resume();
    });
    socket.on("error", (error) => {
      this.#goneReason = error.message;
    });
    socket.once("close", () => handlers.onGone(this.#goneReason));
  }

  send(bytes: Uint8Array): void {
    this.#queued.push(bytes);
    if (this.#queued.length > 1) return;
    waiting.push(this);
    if (waiting.length === 1) setImmediate(flushWaiting);
  }

  /** Gives the socket what was sent. */
  flush(): void {
    const socket = this.#socket;
    const queued = this.#queued;
    this.#queued = [];
    if (queued.length === 0 || !socket.writable) return;
    const all = queued.length === 1 ? (queued[0] as Uint8Array) : Buffer.concat(queued);
    if (socket.write(all)) return;
    const unread = socket.writableLength;
    if (unread > DROP_ABOVE) this.drop(`the peer left ${unread} bytes unread`);
    else if (unread > PAUSE_ABOVE && !this.#paused) {
      this.#paused = true;
      socket.pause();
    }
  }

  /** Sends what is waiting, then closes; a peer that does not read is cut off after a second. */
  close(reason: string): void {
    this.flush();
    this.#goneReason = reason;
    this.#socket.destroySoon();
    const cut = setTimeout(() => this.#socket.destroy(), 1000);
    this.#socket.once("close", () => clearTimeout(cut));
  }

  drop(reason: string): void {
    this.#goneReason = reason;
    this.#socket.destroy();
  }
}
