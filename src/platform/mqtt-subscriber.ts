/**
 * Bulk ingest from a broker outside (Mosquitto, EMQX, RabbitMQ): acknowledges in order, after the commit, with thousands in
 * flight. mqtt.js would wait for one acknowledgement before it reads the next message.
 */
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import mqttPacket, { type IConnackPacket, type IPubackPacket, type IPublishPacket, type Packet } from "mqtt-packet";
import { linkId } from "../core/actor.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { connectionProblem, NOT_GREETED, refusalText } from "./connection-problem.ts";
import { Link, plainBytes } from "./link.ts";
import { Outbox, type OutboxOptions, type OutgoingMessage } from "./mqtt-outbox.ts";
import { type BrokerAddress, checkBrokerUrl, type MqttVersion, SESSION_EXPIRY_SECONDS } from "./mqtt-url.ts";
import { OwedAcknowledgements } from "./owed-acknowledgements.ts";
import type { TlsMaterial } from "./tls-files.ts";
import { UnconfirmedPublishes } from "./unconfirmed-publishes.ts";

export interface SubscriberOptions {
  readonly url: string;
  readonly version?: MqttVersion;
  readonly tls?: TlsMaterial;
  /** Fixed: the broker keeps the session, and what was not acknowledged, under this name. */
  readonly clientId: string;
  /** Topic filters, subscribed at QoS 1. */
  readonly subscriptions: readonly string[];
  /** Messages with the actor and not yet acknowledged; above it the socket is not read. */
  readonly maxInFlight?: number;
  readonly keepaliveSeconds?: number;
  /** A connection whose oldest message is unacknowledged for longer (up to twice) is dropped, so that the broker repeats it. */
  readonly acknowledgeWithinMs?: number;
  readonly backoff?: BackoffOptions;
  readonly outbox?: OutboxOptions;
}

const SUBSCRIBE_ID = 65_535;

/** Connects, and again whenever the connection is lost. @throws PlatformError `bad-address` for a URL that is none. */
export function subscribeMqtt(options: SubscriberOptions): Link {
  return new SubscriberLink(options, checkBrokerUrl(options.url));
}

class SubscriberLink extends Link {
  readonly #options: SubscriberOptions;
  readonly #address: BrokerAddress;
  readonly #backoff: Backoff;
  readonly #outbox: Outbox;
  readonly #owed: OwedAcknowledgements;
  readonly #unconfirmed = new UnconfirmedPublishes(SUBSCRIBE_ID - 1);
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  readonly #ageing: NodeJS.Timeout;
  /** What was owed longest when the ages were last looked at. */
  #oldestThen: number | undefined;
  #silentBeats = 0;
  #reason = "";
  #ended = false;

  constructor(options: SubscriberOptions, address: BrokerAddress) {
    super(linkId(`subscriber:${options.clientId}`));
    this.#options = options;
    this.#address = address;
    this.#backoff = new Backoff(options.backoff);
    this.#outbox = new Outbox(options.outbox ?? {}, (message) => this.#sendPublish(message));
    this.#owed = new OwedAcknowledgements((messageId) => this.#write({ cmd: "puback", messageId }));
    this.#ageing = setInterval(() => this.#age(), options.acknowledgeWithinMs ?? 30_000);
    // Deferred, so that listeners can be attached before the first event.
    this.#retry = setTimeout(() => this.#dial(), 0);
  }

  override publish(topic: string, payload: Uint8Array, qos: 0 | 1, retain: boolean, token?: number): void {
    if (!this.#ended) this.#outbox.offer({ topic, payload, qos, retain, token });
  }

  override acknowledge(token: number): void {
    this.#owed.acknowledge(token);
    if (this.#owed.size < this.#maxInFlight && this.#socket?.isPaused()) this.#socket.resume();
  }

  /** Drops the connection: after the reconnect the broker repeats everything unacknowledged. */
  close(reason: string): void {
    this.#reason = reason;
    this.#socket?.destroy();
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#retry);
    clearInterval(this.#ageing);
    this.markClosed("ended", true);
    const socket = this.#socket;
    if (socket === undefined) return;
    if (socket.writable) socket.write(mqttPacket.generate({ cmd: "disconnect" }, { protocolVersion: this.#protocol }));
    socket.destroySoon();
    await new Promise<void>((resolve) => {
      const cut = setTimeout(() => socket.destroy(), 500);
      socket.once("close", () => {
        clearTimeout(cut);
        resolve();
      });
    });
  }

  get #maxInFlight(): number {
    return this.#options.maxInFlight ?? 5000;
  }

  get #protocol(): 4 | 5 {
    return this.#options.version === "5" ? 5 : 4;
  }

  get #keepalive(): number {
    return this.#options.keepaliveSeconds ?? 30;
  }

  #dial(): void {
    const { host, port, tls } = this.#address;
    this.#reason = NOT_GREETED;
    const socket = tls
      ? // A server name is a name: an address has no place there (RFC 6066, 3).
        connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...this.#options.tls })
      : connectPlain({ host, port, noDelay: true });
    this.#socket = socket;
    const parser = mqttPacket.parser({ protocolVersion: this.#protocol });
    parser.on("packet", (packet: Packet) => this.#received(packet));
    parser.on("error", (error: Error) => this.close(`the broker sent no MQTT: ${error.message}`));
    socket.on("data", (chunk: Buffer) => {
      this.#silentBeats = 0;
      parser.parse(chunk);
    });
    socket.on("error", (error) => {
      this.#reason = connectionProblem(error);
    });
    socket.once(tls ? "secureConnect" : "connect", () => this.#sayHello());
    socket.once("close", () => this.#gone(socket));
    this.#silentBeats = 0;
    this.#heartbeat = setInterval(() => this.#beat(socket), this.#keepalive * 500);
  }

  /** Twice per keepalive. A broker answers PINGREQ, so three silent beats mean that it is gone, or never greeted us. */
  #beat(socket: Socket): void {
    // While we do not read, silence is our own doing.
    if (!socket.isPaused()) this.#silentBeats += 1;
    if (this.#silentBeats > 3) this.close("the broker is silent");
    else if (this.open) this.#write({ cmd: "pingreq" });
  }

  /** What the collector turned away or could not store holds up all later acknowledgements; only a repetition frees them. */
  #age(): void {
    const { oldest } = this.#owed;
    if (oldest !== undefined && oldest === this.#oldestThen) this.close("a message was not stored in time");
    this.#oldestThen = oldest;
  }

  #sayHello(): void {
    const { username, password } = this.#address;
    this.#write({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: this.#protocol,
      clean: false,
      ...(this.#protocol === 5 ? { properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS } } : {}),
      clientId: this.#options.clientId,
      keepalive: this.#keepalive,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: Buffer.from(password) }),
    });
  }

  #received(packet: Packet): void {
    switch (packet.cmd) {
      case "connack":
        this.#welcomed(packet);
        return;
      case "suback":
        if (packet.granted.some((code) => Number(code) >= 128)) this.close("the broker refused the subscription");
        else this.#ready();
        return;
      case "publish":
        this.#arrived(packet);
        return;
      case "puback":
        this.#confirmed(packet);
        return;
      case "disconnect":
        this.#reason = `the broker closed the session with code ${packet.reasonCode}`;
        return;
      default:
        return;
    }
  }

  #welcomed(packet: IConnackPacket): void {
    const code = (this.#protocol === 5 ? packet.reasonCode : packet.returnCode) ?? 0;
    if (code !== 0) {
      this.close(refusalText(code));
      return;
    }
    this.#reason = "connection lost";
    const subscriptions = this.#options.subscriptions.map((topic) => ({ topic, qos: 1 as const }));
    this.#write({ cmd: "subscribe", messageId: SUBSCRIBE_ID, subscriptions });
  }

  #ready(): void {
    this.#backoff.reset();
    this.markOpen();
    // Repeated before anything new, in the order of the first sending (MQTT 3.1.1, 4.6).
    for (const [messageId, message] of this.#unconfirmed.all()) this.#writePublish(message, messageId, true);
    this.#outbox.start();
  }

  /** An MQTT 5 broker may refuse: an order that may not be given is over, and the collector's own waiting tells it. */
  #confirmed(packet: IPubackPacket): void {
    const message = this.#unconfirmed.confirm(packet.messageId ?? 0);
    if (message === undefined) return;
    this.#outbox.settled();
    if (message.token !== undefined && Number(packet.reasonCode ?? 0) < 128)
      this.emit({ kind: "published", link: this.id, token: message.token });
  }

  /** A persistent session may deliver before our SUBACK; that is taken like any other message. */
  #arrived(packet: IPublishPacket): void {
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    const token = packet.qos === 0 ? undefined : this.#owed.owe(packet.messageId ?? 0);
    if (this.#owed.size >= this.#maxInFlight) this.#socket?.pause();
    this.emit({ kind: "message", link: this.id, topic: packet.topic, payload: plainBytes(payload), token });
  }

  #sendPublish(message: OutgoingMessage): void {
    this.#writePublish(message, message.qos === 0 ? undefined : this.#unconfirmed.add(message), false);
  }

  #writePublish(message: OutgoingMessage, messageId: number | undefined, dup: boolean): void {
    const payload = Buffer.from(message.payload.buffer, message.payload.byteOffset, message.payload.length);
    const { topic, qos, retain } = message;
    this.#write({
      cmd: "publish",
      topic,
      qos,
      retain,
      payload,
      dup,
      ...(messageId === undefined ? {} : { messageId }),
    });
  }

  #write(packet: Packet): void {
    const socket = this.#socket;
    if (!socket?.writable) return;
    // A commit acknowledges hundreds at once: they leave in one segment.
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    mqttPacket.writeToStream(packet, socket, { protocolVersion: this.#protocol });
  }

  #gone(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.#owed.forgetAll();
    this.#outbox.stop();
    clearInterval(this.#heartbeat);
    if (this.#ended) return;
    this.#retry = setTimeout(() => this.#dial(), this.#backoff.nextMs());
    this.markClosed(this.#reason, false);
  }
}
