/**
 * The collector: lines and broker in, store batches out. It composes sessions, books and committer and decides nothing
 * itself. Whatever must not be lost is work for the committer; replies, acknowledgements and orders leave after the commit.
 * Back pressure: while the store is behind, polls pause and publishes wait unacknowledged.
 */
import type { Actor } from "../src/core/actor.ts";
import { Random } from "../src/core/random.ts";
import { assert } from "../src/core/result.ts";
import type { Now, Wake } from "../src/core/time.ts";
import { Books } from "./books.ts";
import { nextIssue } from "./commands/mass-issue.ts";
import { headsByMeter, nextExpiry } from "./commands/orders.ts";
import { Committer, type Work } from "./committer.ts";
import { type CollectorConfig, DEFAULT_LIMITS, DEFAULT_ORDER_POLICY, type Limits, type OrderPolicy } from "./config.ts";
import { checkConfig } from "./config-check.ts";
import { problemText } from "./config-reader.ts";
import { Directory } from "./directory.ts";
import type { CollectorEffect, CollectorEvent, CollectorFigures, MeterId, Order, StoreSnapshot } from "./ports.ts";
import type { SessionOutput } from "./sessions/line-task.ts";
import { acknowledge, counted, MqttIngest, type Publish } from "./sessions/mqtt-ingest.ts";
import { Sessions } from "./sessions/sessions.ts";
import { dueWork, orderStepWork, readingWork, requestWork, startWork } from "./work.ts";

export class Collector implements Actor<CollectorEvent, CollectorEffect> {
  readonly #limits: Limits;
  readonly #policy: OrderPolicy;
  readonly #books: Books;
  readonly #directory: Directory;
  readonly #committer: Committer;
  readonly #sessions: Sessions;
  readonly #ingest: MqttIngest | undefined;
  /** Orders the sessions carry at the moment. */
  readonly #carried = new Map<MeterId, Order>();
  /** Civil time at which an order expires or a mass order gives its next one. */
  #ordersDue = Number.POSITIVE_INFINITY;
  #dispatchDue = true;

  /**
   * @param snapshot the store's state when the process began
   * @param seed differs from start to start; it only numbers the queries to MQTT meters
   */
  constructor(config: CollectorConfig, snapshot: StoreSnapshot, seed: number) {
    const problem = checkConfig(config)[0];
    assert(problem === undefined, problem === undefined ? "" : problemText(problem));
    this.#limits = { ...DEFAULT_LIMITS, ...config.limits };
    this.#policy = config.orders ?? DEFAULT_ORDER_POLICY;
    this.#books = new Books(snapshot);
    this.#directory = new Directory(config, this.#books.meters);
    this.#committer = new Committer(this.#books, this.#limits);
    this.#sessions = new Sessions(config, this.#limits, 1 + new Random(seed).uint32());
    if (config.mqtt !== undefined)
      this.#ingest = new MqttIngest(config.mqtt, this.#limits, this.#books, this.#directory);
    this.#committer.add(startWork(this.#books, this.#directory, config));
  }

  handle(event: CollectorEvent, now: Now): readonly CollectorEffect[] {
    const out: CollectorEffect[] = [];
    switch (event.kind) {
      case "stored":
        out.push(...this.#committer.stored(event.id));
        this.#dispatchDue = true;
        break;
      case "storeFailed":
        out.push(...this.#committer.failed(event.id, event.reason, now));
        this.#dispatchDue = true;
        break;
      case "request":
        this.#request(event.request, out);
        break;
      case "message":
        this.#message(event, now, out);
        break;
      default:
        this.#take(this.#sessions.handle(event, now), out);
    }
    this.#settle(now, out);
    return out;
  }

  wake(now: Now): readonly CollectorEffect[] {
    const out: CollectorEffect[] = [];
    this.#take(this.#sessions.wake(now), out);
    if (now.civil >= this.#ordersDue) {
      this.#ordersDue = Number.POSITIVE_INFINITY;
      this.#committer.add(dueWork(this.#books, this.#limits, this.#directory));
    }
    this.#settle(now, out);
    return out;
  }

  nextWake(): Wake {
    const sessions = this.#sessions.nextWake();
    return {
      mono: Math.min(sessions.mono, this.#committer.nextWake()),
      civil: Math.min(sessions.civil, this.#ordersDue),
    };
  }

  /** For gauges; costs as much as there are open orders. */
  figures(): CollectorFigures {
    return { backlog: this.#committer.backlog, openOrders: [...this.#books.openOrders.values()] };
  }

  /** After every event: what is committed is acted on, then the next batch is begun from what has gathered. */
  #settle(now: Now, out: CollectorEffect[]): void {
    if (this.#dispatchDue) this.#dispatch(now, out);
    out.push(...this.#committer.pump(now));
    this.#take(this.#sessions.pausePolls(this.#committer.full, now), out);
  }

  /**
   * Gives each meter its oldest open order. Called only between a commit (or a rollback) and the next batch, when the books
   * hold nothing that is not stored: an order is never sent before it is persisted.
   */
  #dispatch(now: Now, out: CollectorEffect[]): void {
    this.#dispatchDue = false;
    const heads = headsByMeter(this.#books);
    for (const [meter, carried] of this.#carried) {
      const head = heads.get(meter);
      if (head?.id === carried.id) {
        this.#carried.set(meter, head);
        if (head !== carried) this.#take(this.#sessions.orderStored(head, this.#directory.find(meter)?.line, now), out);
        continue;
      }
      this.#sessions.cancelOrder(carried, this.#directory.find(meter)?.line);
      this.#carried.delete(meter);
    }
    this.#ordersDue = Math.min(nextExpiry(this.#books), nextIssue(this.#books, now));
    for (const order of heads.values()) {
      const known = this.#directory.find(order.meter);
      if (this.#carried.has(order.meter) || known === undefined) continue;
      this.#carried.set(order.meter, order);
      this.#take(this.#sessions.startOrder(order, known.line, now), out);
    }
  }

  #request(request: Extract<CollectorEvent, { kind: "request" }>["request"], out: CollectorEffect[]): void {
    const work = requestWork(this.#books, this.#limits, this.#policy, this.#directory, request);
    if (this.#committer.overfull) out.push(...(work.abandoned?.("it is behind") ?? []));
    else this.#committer.add(work);
  }

  #message(publish: Publish, now: Now, out: CollectorEffect[]): void {
    // Beyond the bound a publish is left unacknowledged, so its sender repeats it.
    if (this.#ingest === undefined) return;
    if (this.#committer.overfull) {
      out.push(counted("turned-away"));
      return;
    }
    const incoming = this.#ingest.take(publish, now);
    if (incoming.kind === "work") {
      this.#committer.add(incoming.work);
      return;
    }
    this.#take(this.#sessions.response(incoming.response, now), out);
    // In the queue behind the steps it caused: the meter may forget its answer once they are stored.
    this.#committer.add({
      apply: (draft) => draft.after.push(counted("answer"), ...acknowledge(publish)),
      abandoned: () => [counted("not-stored")],
    });
  }

  #take(outputs: readonly SessionOutput[], out: CollectorEffect[]): void {
    for (const output of outputs) {
      if (output.kind === "polled") {
        const { meter, time, values } = output;
        const known = this.#directory.find(meter);
        if (known === undefined) continue;
        const reading = { meter, time, source: "modbus", sequence: null, quality: "good", values } as const;
        this.#committer.add(readingWork(this.#books, this.#limits, known, reading));
        out.push({ kind: "notify", notice: { kind: "poll", meter, ok: true, reason: "" } });
        this.#countPoll(meter, true, out);
      } else if (output.kind === "pollFailed") {
        const { meter, reason } = output;
        out.push({ kind: "notify", notice: { kind: "poll", meter, ok: false, reason } });
        this.#countPoll(meter, false, out);
      } else if (output.kind === "orderStep") this.#committer.add(this.#stepWork(output.order, output.step));
      else out.push(output);
    }
  }

  #countPoll(meter: MeterId, ok: boolean, out: CollectorEffect[]): void {
    const line = this.#directory.find(meter)?.line;
    if (line !== undefined) out.push({ kind: "observe", observation: { kind: "poll", line, ok } });
  }

  #stepWork(id: Order["id"], step: Parameters<typeof orderStepWork>[2]): Work {
    const work = orderStepWork(this.#books, id, step);
    return {
      apply: work.apply,
      // The step is lost, the order is not: it is carried again from its stored state, which the meter answers alike.
      abandoned: (reason) => {
        for (const [meter, order] of this.#carried) {
          if (order.id !== id) continue;
          this.#sessions.cancelOrder(order, this.#directory.find(meter)?.line);
          this.#carried.delete(meter);
        }
        return [{ kind: "log", level: "error", event: "order-step-not-stored", fields: { order: id, reason } }];
      },
    };
  }
}
