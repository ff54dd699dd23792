/** Keeps the embedded broker's memory bounded: whatever clients leave behind when they go must have an end. */
import type { Aedes } from "aedes";

export interface BrokerLimits {
  /** QoS 1 messages kept for one persistent session while its client is away; later ones are not kept. */
  readonly queuedPerSession: number;
  /** The same of all sessions together. */
  readonly queued: number;
  /** Persistent sessions; a client that wants one more is cut off. */
  readonly sessions: number;
  /** Topics with a retained message; those beyond are delivered and not retained. */
  readonly retainedTopics: number;
  /** Bytes of a retained message. */
  readonly retainedBytes: number;
}

const DEFAULTS: BrokerLimits = {
  queuedPerSession: 1000,
  queued: 200_000,
  sessions: 20_000,
  retainedTopics: 10_000,
  retainedBytes: 65_536,
};

interface Subscription {
  readonly clientId: string;
}

interface Retained {
  readonly topic: string;
  readonly payload: { readonly length: number };
}

interface Named {
  readonly id: string;
}

interface Persistence {
  outgoingEnqueueCombi(subscriptions: readonly Subscription[], packet: unknown): Promise<void>;
  storeRetained(packet: Retained): Promise<void>;
  addSubscriptions(client: Named, subscriptions: readonly unknown[]): Promise<void>;
  cleanSubscriptions(client: Named): Promise<void>;
}

/** aedes has no options for these; its store takes everything through a few methods, which are narrowed here. */
export function limitMemory(aedes: Aedes, overrides: Partial<BrokerLimits> = {}): void {
  const limits = { ...DEFAULTS, ...overrides };
  const { persistence } = aedes as unknown as { persistence: Persistence };
  limitQueues(aedes, persistence, limits);
  limitRetained(persistence, limits);
  limitSessions(persistence, limits);
}

function limitQueues(aedes: Aedes, persistence: Persistence, limits: BrokerLimits): void {
  const connected = (aedes as unknown as { clients: Readonly<Record<string, unknown>> }).clients;
  const queued = new Map<string, number>();
  let total = 0;
  const enqueue = persistence.outgoingEnqueueCombi.bind(persistence);
  persistence.outgoingEnqueueCombi = (subscriptions, packet) => {
    const kept = subscriptions.filter(({ clientId }) => {
      if (connected[clientId] !== undefined) return true;
      const count = queued.get(clientId) ?? 0;
      if (count >= limits.queuedPerSession || total >= limits.queued) return false;
      queued.set(clientId, count + 1);
      total += 1;
      return true;
    });
    return enqueue(kept, packet);
  };
  aedes.on("client", ({ id }) => {
    total -= queued.get(id) ?? 0;
    queued.delete(id);
  });
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
