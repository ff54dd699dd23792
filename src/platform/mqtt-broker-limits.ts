/** Keeps the embedded broker's memory bounded: a session that never returns must not collect messages for ever. */
import type { Aedes } from "aedes";

/** QoS 1 messages kept for a persistent session while its client is away; later ones are not kept. */
const OFFLINE_LIMIT = 1000;

interface Subscription {
  readonly clientId: string;
}

interface Persistence {
  outgoingEnqueueCombi(subscriptions: readonly Subscription[], packet: unknown): Promise<void>;
}

/** aedes has no option for this; its store takes what is queued through one method, which is narrowed here. */
export function limitOfflineQueues(aedes: Aedes): void {
  const persistence = (aedes as unknown as { persistence: Persistence }).persistence;
  const connected = (aedes as unknown as { clients: Readonly<Record<string, unknown>> }).clients;
  const queued = new Map<string, number>();
  const enqueue = persistence.outgoingEnqueueCombi.bind(persistence);
  persistence.outgoingEnqueueCombi = (subscriptions, packet) => {
    const kept = subscriptions.filter(({ clientId }) => {
      if (connected[clientId] !== undefined) return true;
      const count = (queued.get(clientId) ?? 0) + 1;
      queued.set(clientId, count);
      return count <= OFFLINE_LIMIT;
    });
    return enqueue(kept, packet);
  };
  aedes.on("client", (client) => queued.delete(client.id));
}
