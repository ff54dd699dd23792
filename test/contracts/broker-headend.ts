/** The head-end of the broker contract: the real collector on a real link, over a store in memory that a test can hold up. */
import { Collector } from "../../headend/collector.ts";
import type { CollectorEffect, CollectorEvent, MeterId, StoreBatch } from "../../headend/ports.ts";
import type { Actor } from "../../src/core/actor.ts";
import type { Link } from "../../src/platform/link.ts";
import type { Runtime } from "../../src/platform/runtime.ts";
import { simSigner } from "../../src/simulation/cipher.ts";
import { FakeStore, TEST_MODEL } from "../headend/fakes.ts";
import { testRuntime } from "../platform/support.ts";

/** What outlives a head-end. */
export class HeldStore {
  readonly kept = new FakeStore();
  #held = false;
  #waiting: (() => void)[] = [];

  /** From now on no commit ends, until {@link release}. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    for (const commit of this.#waiting.splice(0)) commit();
  }

  /** `METER/SEQUENCE` of each reading that is stored, by meter and time. */
  taken(): readonly string[] {
    const { readings } = this.kept;
    const sorted = [...readings.values()].sort((a, b) =>
      a.meter === b.meter ? a.time - b.time : a.meter < b.meter ? -1 : 1,
    );
    return sorted.map(({ meter, sequence }) => `${meter}/${sequence}`);
  }

  /** Commits that are held up. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** What is under way is not committed any more: its process is gone. */
  forget(): void {
    this.#waiting = [];
  }

  commit(batch: StoreBatch, done: (refusal: string | undefined) => void): void {
    const commit = () => done(this.kept.commit(batch));
    if (this.#held) this.#waiting.push(commit);
    else setImmediate(commit);
  }
}

export interface HeadendSetup {
  readonly store: HeldStore;
  readonly meters: readonly string[];
  /** An order that is not answered is sent again after so long, µs. */
  readonly resend: number;
}

/** One run of a head-end, from its start to its stop. */
export class ContractHeadend {
  /** Payloads of the telemetry that the broker has given, in order: answers to what the collector asks come besides. */
  readonly delivered: string[] = [];
  /** How many of those were acknowledged. */
  acknowledged = 0;
  readonly bugs: readonly unknown[];
  readonly link: Link;
  readonly #store: HeldStore;
  readonly #runtime: Runtime;
  readonly #post: (event: CollectorEvent) => void;

  constructor(link: Link, { store, meters, resend }: HeadendSetup) {
    this.link = link;
    this.#store = store;
    const { runtime, bugs } = testRuntime();
    [this.#runtime, this.bugs] = [runtime, bugs];
    const config = {
      lines: [],
      mqtt: {
        ...{ link: link.id, signer: simSigner("head-end") },
        meters: meters.map((id) => ({ id: id as MeterId, model: TEST_MODEL })),
      },
      limits: { mqttResend: resend },
      // The meters of the contract have a time of their own.
      clock: { correct: false, correctBeyond: 5_000_000, alarmBeyond: Number.POSITIVE_INFINITY },
    };
    const collector = new Collector(config, store.kept.snapshot(), 1 + store.kept.batches);
    const host = runtime.host<CollectorEvent, CollectorEffect>(this.#watched(collector), (effect, post) => {
      if (effect.kind !== "store") return;
      store.commit(effect.batch, (reason) =>
        post(reason === undefined ? { kind: "stored", id: effect.id } : { kind: "storeFailed", id: effect.id, reason }),
      );
    });
    this.#post = (event) => host.post(event);
    host.attach(link);
  }

  /** Orders the meter's relay open. */
  order(meter: string, key: string): void {
    const order = { operation: "relay-open", argument: 0, key, actor: "operator" } as const;
    this.#post({ kind: "request", request: { kind: "order", meter: meter as MeterId, ticket: 1, ...order } });
  }

  /** Ends it; a commit under way comes to nothing, as when its process is killed. */
  async stop(): Promise<void> {
    this.#store.forget();
    await this.#runtime.close();
  }

  /** The collector, and note of what it hears and acknowledges. */
  #watched(collector: Collector): Actor<CollectorEvent, CollectorEffect> {
    const owed = new Set<number>();
    const noted = (effects: readonly CollectorEffect[]) => {
      for (const effect of effects)
        if (effect.kind === "acknowledge" && owed.delete(effect.token)) this.acknowledged += 1;
      return effects;
    };
    return {
      handle: (event, now) => {
        if (event.kind === "message" && event.topic.endsWith("/telemetry")) {
          this.delivered.push(Buffer.from(event.payload).toString());
          if (event.token !== undefined) owed.add(event.token);
        }
        return noted(collector.handle(event, now));
      },
      wake: (now) => noted(collector.wake(now)),
      nextWake: () => collector.nextWake(),
    };
  }
}
