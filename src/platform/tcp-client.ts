/** A TCP connection that is dialled, and dialled again whenever it is lost. */
import { connect, type Socket } from "node:net";
import { linkId } from "../core/actor.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { Link } from "./link.ts";
import { SocketPipe } from "./tcp-link.ts";

export interface TcpClientOptions {
  readonly host: string;
  readonly port: number;
  /** The link's name; `tcp:host:port` by default. Two links to one address need names. */
  readonly name?: string;
  readonly connectTimeoutMs?: number;
  readonly backoff?: BackoffOptions;
}

/** Dials at once. Every failed attempt is a `closed` with its reason; ends only by {@link Link.end}. */
export function connectTcp(options: TcpClientOptions): Link {
  return new DialledLink(options);
}

class DialledLink extends Link {
  readonly #options: TcpClientOptions;
  readonly #backoff: Backoff;
  #socket: Socket | undefined;
  #pipe: SocketPipe | undefined;
  #retry: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: TcpClientOptions) {
    super(linkId(options.name ?? `tcp:${options.host}:${options.port}`));
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
    // Deferred, so that listeners can be attached before the first event.
    this.#retry = setTimeout(() => this.#dial(), 0);
  }

  override send(bytes: Uint8Array): void {
    if (this.open) this.#pipe?.send(bytes);
  }

  close(reason: string): void {
    this.#pipe?.drop(reason);
  }

  end(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#pipe?.close("ended");
    this.markClosed("ended", true);
    const socket = this.#socket;
    if (socket === undefined) return Promise.resolve();
    return new Promise((resolve) => socket.once("close", () => resolve()));
  }

  #dial(): void {
    const { host, port } = this.#options;
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
    const pipe = new SocketPipe(socket, {
      onBytes: (bytes) => this.emit({ kind: "bytes", link: this.id, bytes }),
      onGone: (reason) => this.#gone(reason),
    });
    const patience = this.#options.connectTimeoutMs ?? 5000;
    const timeout = setTimeout(() => pipe.drop(`no connection to ${host}:${port} within ${patience} ms`), patience);
    socket.once("close", () => clearTimeout(timeout));
    socket.once("connect", () => {
      clearTimeout(timeout);
      this.#backoff.reset();
      this.markOpen();
    });
    this.#socket = socket;
    this.#pipe = pipe;
  }

  #gone(reason: string): void {
    this.#socket = undefined;
    this.#pipe = undefined;
    if (this.#ended) return;
    this.#retry = setTimeout(() => this.#dial(), this.#backoff.nextMs());
    this.markClosed(reason, false);
  }
}
