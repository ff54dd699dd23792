/** A meter's or tool's session with a broker, by mqtt.js. For bulk ingest see mqtt-subscriber.ts. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { linkId } from "../core/actor.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { connectionProblem, NOT_GREETED } from "./connection-problem.ts";
import { Link, plainBytes } from "./link.ts";
import { Outbox, type OutboxOptions, type OutgoingMessage } from "./mqtt-outbox.ts";
import { checkBrokerUrl, type MqttVersion, SESSION_EXPIRY_SECONDS } from "./mqtt-url.ts";
import type { TlsMaterial } from "./tls-files.ts";

export interface MqttClientOptions {
  /** `mqtt://host:1883` or `mqtts://…`, with `user:password@` where the broker asks for it. */
  readonly url: string;
  readonly version?: MqttVersion;
  readonly tls?: TlsMaterial;
  /** Fixed, so that the broker knows the session again. */
  readonly clientId: string;
  /** The broker keeps subscriptions and QoS 1 messages while we are away. */
  readonly persistent?: boolean;
  /** Topic filters, subscribed at QoS 1 on every connection. */
  readonly subscriptions?: readonly string[];
  /** What the broker says in our name when we vanish. */
  readonly will?: OutgoingMessage;
  readonly backoff?: BackoffOptions;
  readonly outbox?: OutboxOptions;
}

/**
 * Connects, and again whenever the connection is lost; each failed attempt is a `closed` with its reason. `opened` comes
 * once the subscriptions stand. A QoS 1 message is acknowledged to the broker after the actor has handled it.
 * @throws PlatformError `bad-address` for a URL that is none.
 */
export function connectMqtt(options: MqttClientOptions): Link {
  checkBrokerUrl(options.url);
  return new MqttLink(options);
}

/** How long `end` waits for what is in flight. */
const FAREWELL_MS = 1000;

class MqttLink extends Link {
  readonly #client: MqttClient;
  readonly #outbox: Outbox;
  readonly #subscriptions: readonly string[];
  /** Refused by an MQTT 5 broker, which may think better of it: still in flight, and sent again on the next connection. */
  #refused: OutgoingMessage[] = [];
  #reason = NOT_GREETED;
  #ended = false;

  constructor(options: MqttClientOptions) {
    super(linkId(`mqtt:${options.clientId}`));
    this.#subscriptions = options.subscriptions ?? [];
    this.#outbox = new Outbox(options.outbox ?? {}, (message) => this.#send(message));
    const backoff = new Backoff(options.backoff);
    this.#client = connect(options.url, clientOptions(options, backoff.nextMs()));
    this.#client.on("connect", () => {
      this.#reason = "connection lost";
      // A broker that took us and refused what we say is not asked again at full speed.
      if (this.#refused.length === 0) backoff.reset();
      this.#subscribe();
    });
    // mqtt.js waits a fixed time; it reads that time anew before each wait.
    this.#client.on("reconnect", () => {
      this.#client.options.reconnectPeriod = backoff.nextMs();
    });
    this.#client.on("message", (topic, payload) =>
      this.emit({ kind: "message", link: this.id, topic, payload: plainBytes(payload), token: undefined }),
    );
    this.#client.on("error", (error) => {
      this.#reason = connectionProblem(error);
    });
    this.#client.on("close", () => this.#lost());
  }

  override publish(topic: string, payload: Uint8Array, qos: 0 | 1, retain: boolean, token?: number): void {
    if (!this.#ended) this.#outbox.offer({ topic, payload, qos, retain, token });
  }

  close(reason: string): void {
    this.#reason = reason;
    this.#client.stream.destroy();
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#outbox.stop();
    this.markClosed("ended", true);
    // A goodbye waits for acknowledgements that a broker which hangs never gives; then the connection is cut instead.
    const settled = () => Object.keys(this.#client.outgoing).length === 0;
    for (let waited = 0; waited < FAREWELL_MS && this.#client.connected && !settled(); waited += 10) await sleep(10);
    await this.#client.endAsync(!settled());
  }

  #subscribe(): void {
    if (this.#subscriptions.length === 0) {
      this.#ready();
      return;
    }
    this.#client.subscribe([...this.#subscriptions], { qos: 1 }, (error) => {
      // Without its subscriptions the session is deaf; only a new attempt can mend that.
      if (error === null) return this.#ready();
      const topics = this.#subscriptions.join(", ");
      // mqtt.js says so of the broker's answer; other errors are of the connection.
      if (/^Subscribe error/.test(error.message))
        this.close(`the broker refuses ${topics} to this user; a meter's user has the name of its --id`);
      else this.close(`no subscription: ${error.message}`);
    });
  }

  #ready(): void {
    if (this.#ended) return;
    for (const message of this.#refused.splice(0)) this.#send(message);
    this.markOpen();
    this.#outbox.start();
  }

  #lost(): void {
    this.#outbox.stop();
    if (!this.#ended) this.markClosed(this.#reason, false);
    this.#reason = NOT_GREETED;
  }

  #send(message: OutgoingMessage): void {
    const { topic, payload, qos, retain } = message;
    this.#client.publish(topic, asBuffer(payload), { qos, retain }, (error) => {
      if (qos === 1) this.#settled(message, error ?? undefined);
    });
  }

  #settled(message: OutgoingMessage, error: Error | undefined): void {
    if (this.#ended) return;
    if (error !== undefined) {
      this.#refused.push(message);
      this.close(`a message was refused: ${error.message}`);
      return;
    }
    this.#outbox.settled();
    if (message.token !== undefined) this.emit({ kind: "published", link: this.id, token: message.token });
  }
}

function clientOptions(options: MqttClientOptions, reconnectPeriod: number): IClientOptions {
  const { clientId, will, persistent = false } = options;
  const five = options.version === "5";
  return {
    clientId,
    protocolVersion: five ? 5 : 4,
    ...(five && persistent ? { properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS } } : {}),
    ...options.tls,
    clean: !persistent,
    reconnectPeriod,
    // A broker that refuses today (restarting, not yet configured) may take us tomorrow.
    reconnectOnConnackError: true,
    queueQoSZero: false,
    resubscribe: false,
    keepalive: 30,
    connectTimeout: 10_000,
    ...(will === undefined ? {} : { will: { ...will, payload: asBuffer(will.payload) } }),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
