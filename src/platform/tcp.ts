/** TCP servers: each accepted connection is a link. */
import { createServer, type Server, type Socket } from "node:net";
import { linkId } from "../core/actor.ts";
import { PlatformError, systemCode } from "./errors.ts";
import { Link } from "./link.ts";
import { SocketPipe } from "./tcp-link.ts";

export interface TcpServerOptions {
  readonly host: string;
  /** 0 lets the system choose; see {@link TcpServer.port}. */
  readonly port: number;
  /** At this many the one that was silent longest makes room: MODBUS Messaging on TCP/IP 4.2.1 calls it so. 256 by default. */
  readonly maxConnections?: number;
  /** A connection silent for this long is dropped (within a quarter more); never by default. */
  readonly idleTimeoutMs?: number;
}

export interface TcpServer {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  close(): Promise<void>;
}

const SWEEPS_PER_TIMEOUT = 4;

/** Listens; rejects with a {@link PlatformError} when the address cannot be had. `onLink` gets each connection, already open. */
export async function listenTcp(options: TcpServerOptions, onLink: (link: Link) => void): Promise<TcpServer> {
  const pool = new Connections(options.maxConnections ?? 256, onLink);
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }, (socket) =>
    pool.accept(socket),
  );
  const port = await listenOn(server, options.host, options.port);
  const sweep =
    options.idleTimeoutMs === undefined
      ? undefined
      : setInterval(() => pool.sweep(), Math.max(1, options.idleTimeoutMs / SWEEPS_PER_TIMEOUT));
  return {
    host: options.host,
    port,
    get connections() {
      return pool.size;
    },
    close: () => closeServer(server, pool, sweep),
  };
}

/** Binds any server and returns its port. @throws PlatformError `in-use`, `permission`, `bad-address` or `failed`. */
export function listenOn(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, `${host}:${port}`, host)));
    server.listen({ host, port, backlog: 511 }, () => {
      // From here on an error is one failed accept (out of descriptors): the connections we have go on.
      server.removeAllListeners("error").on("error", () => {});
      resolve((server.address() as { port: number }).port);
    });
  });
}

function closeServer(server: Server, pool: Connections, sweep: NodeJS.Timeout | undefined): Promise<void> {
  clearInterval(sweep);
  return new Promise((resolve) => {
    server.close(() => resolve());
    pool.dropAll("server is stopping");
  });
}

class Connections {
  readonly #limit: number;
  readonly #onLink: (link: Link) => void;
  readonly #links = new Set<AcceptedLink>();
  #serial = 0;
  /** Counts every chunk received: comparing it tells who was silent longest, without reading a clock per chunk. */
  #activity = 0;

  constructor(limit: number, onLink: (link: Link) => void) {
    this.#limit = limit;
    this.#onLink = onLink;
  }

  get size(): number {
    return this.#links.size;
  }

  accept(socket: Socket): void {
    if (this.#links.size >= this.#limit) this.#longestSilent()?.drop("dropped for a new connection");
    this.#serial += 1;
    const id = `tcp:${socket.remoteAddress ?? "?"}:${socket.remotePort ?? 0}#${this.#serial}`;
    const link: AcceptedLink = new AcceptedLink(
      id,
      socket,
      () => ++this.#activity,
      () => this.#links.delete(link),
    );
    this.#links.add(link);
    this.#onLink(link);
  }

  sweep(): void {
    for (const link of this.#links) link.sweep(SWEEPS_PER_TIMEOUT);
  }

  dropAll(reason: string): void {
    for (const link of this.#links) link.drop(reason);
  }

  #longestSilent(): AcceptedLink | undefined {
    let longest: AcceptedLink | undefined;
    for (const link of this.#links)
      if (longest === undefined || link.lastActivity < longest.lastActivity) longest = link;
    return longest;
  }
}

class AcceptedLink extends Link {
  lastActivity: number;
  readonly #pipe: SocketPipe;
  readonly #gone: () => void;
  #sweptActivity = -1;
  #silentSweeps = 0;

  constructor(id: string, socket: Socket, tick: () => number, gone: () => void) {
    super(linkId(id));
    this.lastActivity = tick();
    this.#gone = gone;
    this.#pipe = new SocketPipe(socket, {
      onBytes: (bytes) => {
        this.lastActivity = tick();
        this.emit({ kind: "bytes", link: this.id, bytes });
      },
      onGone: (reason) => this.#finish(reason),
    });
    this.markOpen();
  }

  override send(bytes: Uint8Array): void {
    this.#pipe.send(bytes);
  }

  close(reason: string): void {
    this.#pipe.close(reason);
  }

  async end(): Promise<void> {
    this.drop("ended");
  }

  /** Cuts the connection off at once; the actor learns it before a newcomer takes the place. */
  drop(reason: string): void {
    this.#pipe.drop(reason);
    this.#finish(reason);
  }

  /** Called at even intervals; drops the connection at the n-th in a row without traffic. */
  sweep(limit: number): void {
    this.#silentSweeps = this.lastActivity === this.#sweptActivity ? this.#silentSweeps + 1 : 0;
    this.#sweptActivity = this.lastActivity;
    if (this.#silentSweeps >= limit) this.drop("idle for too long");
  }

  #finish(reason: string): void {
    this.#gone();
    this.markClosed(reason, true);
  }
}

function listenError(error: Error, where: string, host: string): PlatformError {
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return new PlatformError("in-use", `${where} is in use by another program`, "choose another port, or stop it");
    case "EACCES":
      return new PlatformError(
        "permission",
        `not allowed to listen on ${where}`,
        "ports below 1024 belong to root: use a higher one",
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new PlatformError(
        "bad-address",
        `${host} is no address of this machine`,
        "use 127.0.0.1 for this machine only, 0.0.0.0 for every interface",
      );
    default:
      return new PlatformError(
        "failed",
        `cannot listen on ${where}: ${error.message}`,
        "check the address and the port",
      );
  }
}
