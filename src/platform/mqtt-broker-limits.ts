/** Keeps the embedded broker's memory bounded: whatever clients leave behind, or never take, must have an end. */
import type { Aedes } from "aedes";
import { Quota } from "./quota.ts";

export interface BrokerLimits {
  /** Bytes of one packet a client may send; with more it is cut off before they are read. */
  readonly packetBytes: number;
  /** QoS 1 and 2 messages kept for one persistent session while its client is away; later ones are not kept. */
  readonly queuedPerSession: number;
  /** The same of a client that is there and does not acknowledge; with more it is cut off. */
  readonly unacknowledged: number;
  /** Of all sessions together; with those that are connected twice as much. */
  readonly queued: number;
  readonly queuedBytes: number;
  /** QoS 2 messages of clients whose second half has not come. */
  readonly incoming: number;
  readonly incomingBytes: number;
  /** Persistent sessions; a client that wants one more is cut off. */
  readonly sessions: number;
  /** Topics with a retained message; those beyond are delivered and not retained. */
  readonly retainedTopics: number;
  /** Bytes of a retained message. */
  readonly retainedBytes: number;
}

export const BROKER_LIMITS: BrokerLimits = {
  packetBytes: 262_144,
  queuedPerSession: 1000,
  unacknowledged: 10_000,
  queued: 200_000,
  queuedBytes: 134_217_728,
  incoming: 10_000,
  incomingBytes: 33_554_432,
  sessions: 20_000,
  retainedTopics: 10_000,
  retainedBytes: 8192,
};

interface Named {
  readonly id: string;
}

interface Stored {
  readonly topic: string;
  readonly payload: { readonly length: number };
}

interface Persistence {
  outgoingEnqueueCombi(subscriptions: readonly { readonly clientId: string }[], packet: Stored): Promise<void>;
  outgoingClearMessageId(client: Named, packet: unknown): Promise<Stored | undefined>;
  incomingStorePacket(client: Named, packet: Stored): Promise<void>;
  incomingGetPacket(client: Named, packet: unknown): Promise<Stored>;
  incomingDelPacket(client: Named, packet: unknown): Promise<void>;
  cleanIncoming(client: Named): Promise<void>;
  storeRetained(packet: Stored): Promise<void>;
  addSubscriptions(client: Named, subscriptions: readonly unknown[]): Promise<void>;
  cleanSubscriptions(client: Named): Promise<void>;
}

/** aedes has no options for these; its store takes everything through a few methods, which are narrowed here. */
export function limitMemory(aedes: Aedes, limits: BrokerLimits): void {
  const { persistence } = aedes as unknown as { persistence: Persistence };
  limitQueues(aedes, persistence, limits);
  limitIncoming(persistence, limits);
  limitRetained(persistence, limits);
  limitSessions(persistence, limits);
}

/** Counted from what is put in to what is acknowledged, not by who is there: a client may come, take nothing and go. */
function limitQueues(aedes: Aedes, persistence: Persistence, limits: BrokerLimits): void {
  const connected = (aedes as unknown as { clients: Readonly<Record<string, unknown>> }).clients;
  const quota = new Quota(limits.queued, limits.queuedBytes);
  const enqueue = persistence.outgoingEnqueueCombi.bind(persistence);
  const clear = persistence.outgoingClearMessageId.bind(persistence);
  persistence.outgoingEnqueueCombi = (subscriptions, packet) => {
    const kept = subscriptions.filter(({ clientId }) => {
      const { length } = packet.payload;
      if (connected[clientId] === undefined) return quota.take(clientId, length, limits.queuedPerSession);
      // Twice the room: those that are away must not fill it up for those that are here.
      return quota.take(clientId, length, limits.unacknowledged, 2);
    });
    return enqueue(kept, packet);
  };
  persistence.outgoingClearMessageId = async (client, packet) => {
    // The store remembers every id it is asked for; most that acknowledge have no session in it.
    if (quota.count(client.id) === 0) return undefined;
    const cleared = await clear(client, packet);
    // A PUBREL that took the place of its message has no payload.
    if (cleared !== undefined) quota.give(client.id, cleared.payload?.length ?? 0);
    return cleared;
  };
}

function limitIncoming(persistence: Persistence, limits: BrokerLimits): void {
  const quota = new Quota(limits.incoming, limits.incomingBytes);
  const store = persistence.incomingStorePacket.bind(persistence);
  const remove = persistence.incomingDelPacket.bind(persistence);
  const clean = persistence.cleanIncoming.bind(persistence);
  persistence.incomingStorePacket = async (client, packet) => {
    if (!quota.take(client.id, packet.payload.length, limits.incoming)) throw new Error("too many QoS 2 messages");
    await store(client, packet);
  };
  persistence.incomingDelPacket = async (client, packet) => {
    const stored = await persistence.incomingGetPacket(client, packet);
    await remove(client, packet);
    quota.give(client.id, stored.payload.length);
  };
  persistence.cleanIncoming = async (client) => {
    quota.giveAll(client.id);
    await clean(client);
  };
}

function limitRetained(persistence: Persistence, limits: BrokerLimits): void {
  const topics = new Set<string>();
  const store = persistence.storeRetained.bind(persistence);
  persistence.storeRetained = async (packet) => {
    const { topic, payload } = packet;
    if (payload.length === 0) topics.delete(topic);
    else if (payload.length > limits.retainedBytes) return;
    else if (!topics.has(topic)) {
      if (topics.size >= limits.retainedTopics) return;
      topics.add(topic);
    }
    await store(packet);
  };
}

function limitSessions(persistence: Persistence, limits: BrokerLimits): void {
  const sessions = new Set<string>();
  const add = persistence.addSubscriptions.bind(persistence);
  const clean = persistence.cleanSubscriptions.bind(persistence);
  persistence.addSubscriptions = async (client, subscriptions) => {
    if (!sessions.has(client.id) && sessions.size >= limits.sessions) throw new Error("too many sessions");
    sessions.add(client.id);
    await add(client, subscriptions);
  };
  persistence.cleanSubscriptions = async (client) => {
    sessions.delete(client.id);
    await clean(client);
  };
}
