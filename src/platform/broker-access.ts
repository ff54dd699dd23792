/**
 * Who is at the embedded broker and what they may do. A client is who its certificate or its password says; its client id is
 * only a name for its session, and sessions of different users never meet.
 */
import { TLSSocket } from "node:tls";
import type { Aedes, AuthenticateError, Client, ConnectPacket } from "aedes";
import { type BrokerRole, type BrokerUser, PasswordCheck, USER_NAME } from "./broker-users.ts";

/** CONNACK 4 and 5 of MQTT 3.1.1, table 3.1. */
const BAD_USER_OR_PASSWORD = 4;
const NOT_AUTHORIZED = 5;
/** Topic filters of one session. */
const FILTERS_LIMIT = 100;

interface BrokerIdentity {
  readonly name: string;
  readonly role: BrokerRole;
}

/** What an identity may do. */
export interface AccessRules {
  mayPublish(identity: BrokerIdentity, topic: string): boolean;
  maySubscribe(identity: BrokerIdentity, filter: string): boolean;
}

export interface AccessOptions {
  readonly rules: AccessRules;
  /** Undefined: certificates are the only way in. */
  readonly users: readonly BrokerUser[] | undefined;
}

export type OnRefused = (name: string, what: string) => void;

export class BrokerAccess {
  readonly #options: AccessOptions;
  readonly #users: ReadonlyMap<string, BrokerUser>;
  readonly #passwords = new PasswordCheck();
  readonly #identities = new WeakMap<Client, BrokerIdentity>();
  readonly #onRefused: OnRefused;

  constructor(options: AccessOptions, onRefused: OnRefused) {
    this.#options = options;
    this.#onRefused = onRefused;
    this.#users = new Map((options.users ?? []).map((user) => [user.name, user]));
  }

  /** Puts itself in the broker's way, but for publishes: those the broker's owner asks with {@link mayPublish}. */
  guard(aedes: Aedes): void {
    aedes.preConnect = (client, packet, done) => {
      const name = commonName(client) ?? packet.username;
      const id = packet.clientId;
      // The prefix keeps one user from taking over the session of another by using its client id.
      if (name !== undefined && id !== "")
        (packet as { clientId: ConnectPacket["clientId"] }).clientId = `${name}/${id}`;
      done(null, true);
    };
    aedes.authenticate = (client, username, password, done) => {
      this.#identify(client, username, password).then(
        (identity) => {
          if (identity !== undefined) {
            this.#identities.set(client, identity);
            done(null, true);
            return;
          }
          this.#onRefused(username ?? "", "connect");
          const returnCode = username === undefined ? NOT_AUTHORIZED : BAD_USER_OR_PASSWORD;
          done(Object.assign(new Error("not authorized"), { returnCode }) as AuthenticateError, false);
        },
        (error: Error) => done(Object.assign(error, { returnCode: NOT_AUTHORIZED }) as AuthenticateError, false),
      );
    };
    aedes.authorizeSubscribe = (client, subscription, done) => {
      const identity = this.#identities.get(client);
      const allowed = identity !== undefined && this.#options.rules.maySubscribe(identity, subscription.topic);
      if (!allowed) this.#onRefused(identity?.name ?? "", `subscribe ${subscription.topic}`);
      done(null, allowed && hasRoom(client, subscription.topic) ? subscription : null);
    };
  }

  mayPublish(client: Client | null, topic: string): boolean {
    // Without a client it is the broker itself, or our own publish.
    if (client === null) return true;
    const identity = this.#identities.get(client);
    const allowed = identity !== undefined && this.#options.rules.mayPublish(identity, topic);
    if (!allowed) this.#onRefused(identity?.name ?? "", `publish ${topic}`);
    return allowed;
  }

  async #identify(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
  ): Promise<BrokerIdentity | undefined> {
    const certified = commonName(client);
    if (certified !== undefined) {
      const role = this.#users.get(certified)?.role ?? "meter";
      return USER_NAME.test(certified) ? { name: certified, role } : undefined;
    }
    const user = username === undefined ? undefined : this.#users.get(username);
    if (user === undefined || password === undefined) return undefined;
    return (await this.#passwords.right(user, password)) ? { name: user.name, role: user.role } : undefined;
  }
}

/** Whether the session may have one more filter. */
export function hasRoom(client: Client, filter: string): boolean {
  const { subscriptions } = client as unknown as { subscriptions: Readonly<Record<string, unknown>> };
  return subscriptions[filter] !== undefined || Object.keys(subscriptions).length < FILTERS_LIMIT;
}

/** Of a client certificate that one of our authorities signed. */
function commonName(client: Client): string | undefined {
  const socket = client.conn;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === "string" ? name : undefined;
}
