/**
 * The embedded broker (aedes). A meter's QoS 1 publish is given to the actor first, and acknowledged to the meter only when
 * the actor says that it is safe: PUBACK then means "stored", not "received". aedes speaks MQTT 3.1.1.
 */
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Aedes, type Client, type PublishPacket } from "aedes";
import { linkId } from "../core/actor.ts";
import { type AccessOptions, BrokerAccess, hasRoom, type OnRefused } from "./broker-access.ts";
import { HeldPublishes } from "./held-publishes.ts";
import { Link, plainBytes } from "./link.ts";
import { BROKER_LIMITS, type BrokerLimits, limitMemory } from "./mqtt-broker-limits.ts";
import { PacketSizeCheck } from "./mqtt-packet-size.ts";
import { listenOn } from "./tcp.ts";
import type { TlsMaterial } from "./tls-files.ts";
import { topicMatches } from "./topic-filter.ts";

export interface BrokerOptions {
  readonly host: string;
  readonly port: number;
  /** Filters of the topics the actor gets and acknowledges; everything else the broker handles alone. */
  readonly deliver: readonly string[];
  /** Messages given to the actor and not yet acknowledged, at most; further clients are not read meanwhile. */
  readonly maxInFlight?: number;
  /** A client whose message is unacknowledged for longer (up to twice) is cut off, so that it repeats it. */
  readonly acknowledgeWithinMs?: number;
  readonly maxConnections?: number;
  /** Certificate and key for TLS; with `ca` clients may show a certificate of their own. */
  readonly tls?: TlsMaterial;
  /** Undefined leaves the broker open: everybody may do everything. */
  readonly access?: AccessOptions;
  readonly limits?: Partial<BrokerLimits>;
  /** Told of each refusal, for the log: who (as far as known), and what. */
  readonly onRefused?: OnRefused;
}

/** The broker as one link: `message` events in, `publish` and `acknowledge` effects out. */
export interface BrokerLink extends Link {
  readonly port: number;
  /** Clients connected at present. */
  readonly clients: number;
}

/** Listens; rejects with a PlatformError when the address cannot be had. */
export async function openBroker(options: BrokerOptions): Promise<BrokerLink> {
  const aedes = await Aedes.createBroker({ connectTimeout: 10_000 });
  const server = serverOf(options);
  server.maxConnections = options.maxConnections ?? 20_000;
  try {
    return new EmbeddedBroker(aedes, server, await listenOn(server, options.host, options.port), options);
  } catch (error) {
    aedes.close();
    throw error;
  }
}

function serverOf({ tls, access, onRefused }: BrokerOptions): Server {
  if (tls === undefined) return createServer({ noDelay: true });
  const server = createTlsServer({
    ...tls,
    noDelay: true,
    minVersion: "TLSv1.2",
    handshakeTimeout: 10_000,
    requestCert: tls.ca !== undefined,
    // With a file of users a client without certificate may still come by its password.
    rejectUnauthorized: tls.ca !== undefined && access?.users === undefined,
  });
  server.on("tlsClientError", (error, socket) => {
    // Of a client certificate that was not accepted the error says only that the socket went.
    const { authorizationError: distrust } = socket as { readonly authorizationError?: Error | string | null };
    onRefused?.(socket.remoteAddress ?? "", `TLS: ${distrust ?? error.message}`);
    socket.destroy();
  });
  return server;
}

class EmbeddedBroker extends Link implements BrokerLink {
  readonly port: number;
  readonly #aedes: Aedes;
  readonly #server: Server;
  readonly #filters: readonly string[];
  readonly #held: HeldPublishes<Client>;
  readonly #access: BrokerAccess | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #ageing: NodeJS.Timeout;
  #ended = false;

  constructor(aedes: Aedes, server: Server, port: number, options: BrokerOptions) {
    super(linkId(`broker:${options.host}:${port}`));
    this.port = port;
    this.#aedes = aedes;
    this.#server = server;
    this.#filters = options.deliver;
    this.#held = new HeldPublishes(options.maxInFlight ?? 10_000, ({ topic, payload }, token) =>
      this.emit({ kind: "message", link: this.id, topic, payload, token }),
    );
    this.#ageing = setInterval(() => {
      for (const client of this.#held.markAge()) cutOff(client);
    }, options.acknowledgeWithinMs ?? 30_000);
    const limits = { ...BROKER_LIMITS, ...options.limits };
    const onRefused = options.onRefused ?? (() => {});
    limitMemory(aedes, limits);
    this.#access = options.access === undefined ? undefined : new BrokerAccess(options.access, onRefused);
    aedes.authorizeSubscribe = (client, subscription, done) =>
      done(null, hasRoom(client, subscription.topic) ? subscription : null);
    this.#access?.guard(aedes);
    aedes.authorizePublish = (client, packet, done) => this.#arrived(client, packet, done);
    aedes.on("clientDisconnect", (client) => this.#held.forget(client));
    server.on("connection", (socket) => this.#track(socket));
    server.on(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      refuseLongPackets(socket, limits.packetBytes, onRefused);
      aedes.handle(socket);
    });
    this.markOpen();
  }

  get clients(): number {
    return this.#aedes.connectedClients;
  }

  override publish(topic: string, payload: Uint8Array, qos: 0 | 1, retain: boolean, token?: number): void {
    if (this.#ended) return;
    const packet: PublishPacket = { cmd: "publish", topic, payload: Buffer.from(payload), qos, retain, dup: false };
    this.#aedes.publish(packet, () => {
      if (token !== undefined) this.emit({ kind: "published", link: this.id, token });
    });
  }

  override acknowledge(token: number): void {
    this.#held.acknowledge(token);
  }

  /** Cuts off the clients that wait for an acknowledgement, so that they repeat; the broker stays. */
  close(_reason: string): void {
    for (const client of this.#held.clients()) cutOff(client);
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#ageing);
    this.markClosed("ended", true);
    const serverClosed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await serverClosed;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #arrived(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const { topic, qos } = packet;
    if (topic.startsWith("$SYS/")) {
      done(new Error("$SYS belongs to the broker"));
      return;
    }
    if (this.#access?.mayPublish(client, topic) === false) {
      done(new Error(`not allowed to publish ${topic}`));
      return;
    }
    if (!this.#filters.some((filter) => topicMatches(filter, topic))) {
      done();
      return;
    }
    const payload = plainBytes(typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload);
    // A will comes when its client has gone, and QoS 0 expects nothing: neither is owed an acknowledgement.
    if (qos === 0 || client === null || client.closed) {
      this.emit({ kind: "message", link: this.id, topic, payload, token: undefined });
      done();
      return;
    }
    this.#held.hold({ client, topic, payload, release: () => done() });
  }
}

/** Without goodbye: the client sees a lost connection and repeats what was not acknowledged. */
function cutOff(client: Client): void {
  client.conn.destroy();
}

/** aedes takes its bytes with `read`, and its parser would keep all of a packet, however long it says that it is. */
function refuseLongPackets(socket: Socket, limit: number, onRefused: OnRefused): void {
  const check = new PacketSizeCheck(limit);
  const read = socket.read.bind(socket);
  socket.read = (size?: number): Buffer | null => {
    const bytes: Buffer | null = read(size);
    const announced = bytes === null ? undefined : check.take(bytes);
    if (announced === undefined) return bytes;
    onRefused(socket.remoteAddress ?? "", `a packet of ${announced} bytes or more; ${limit} is the limit`);
    socket.destroy();
    return null;
  };
}
