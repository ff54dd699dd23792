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

/** Bytes in and out of one connected socket, with back-pressure in both directions. */
export class SocketPipe {
  readonly #socket: Socket;
  #goneReason = "closed by the peer";
  #paused = false;

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
    const socket = this.#socket;
    if (!socket.writable || socket.write(bytes)) return;
    const waiting = socket.writableLength;
    if (waiting > DROP_ABOVE) this.drop(`the peer left ${waiting} bytes unread`);
    else if (waiting > PAUSE_ABOVE && !this.#paused) {
      this.#paused = true;
      socket.pause();
    }
  }

  /** Sends what is waiting, then closes; a peer that does not read is cut off after a second. */
  close(reason: string): void {
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
