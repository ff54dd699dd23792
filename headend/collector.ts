/**
 * The collector: lines and broker in, store batches out. It composes sessions, books and committer and decides nothing
 * itself. Whatever must not be lost is work for the committer; replies, acknowledgements and orders leave after the commit.
 * Back pressure: while the store is behind, polls pause and publishes wait unacknowledged.
 */
import type { Actor } from "../src/core/actor.ts";
import { Random } from "../src/core/random.ts";
import { assert } from "../src/core/result.ts";
import type { Now, Wake } from "../src/core/time.ts";
import { Alarms } from "./alarms/alarms.ts";
import type { MeterPlace } from "./alarms/availability.ts";
import type { Incident } from "./alarms/incident.ts";
import { Books, type Draft } from "./books.ts";
import { nextIssue } from "./commands/mass-issue.ts";
import { headsByMeter, nextExpiry } from "./commands/orders.ts";
import { Committer, type Work } from "./committer.ts";
import { fillWork } from "./completeness/fill-work.ts";
import { GapFiller } from "./completeness/gap-filler.ts";
import { type CollectorConfig, DEFAULT_LIMITS, DEFAULT_ORDER_POLICY, type Limits, type OrderPolicy } from "./config.ts";
import { checkConfig } from "./config-check.ts";
import { problemText } from "./config-reader.ts";
import { Directory } from "./directory.ts";
import type {
  CollectorEffect,
  CollectorEvent,
  CollectorFigures,
  MeterId,
  Order,
  Request,
  StoreBatch,
  StoreSnapshot,
} from "./ports.ts";
import { withRegistry } from "./registry/start.ts";
import type { CronPort } from "./schedule/cron-port.ts";
import { ScheduleDesk } from "./schedule/desk.ts";
import type { SessionOutput } from "./sessions/line-task.ts";
import { acknowledge, counted, MqttIngest, type Publish } from "./sessions/mqtt-ingest.ts";
import { Sessions } from "./sessions/sessions.ts";
import { dueWork, orderStepWork, requestWork, startWork } from "./work.ts";

export class Collector implements Actor<CollectorEvent, CollectorEffect> {
  readonly #limits: Limits;
  readonly #policy: OrderPolicy;
  readonly #books: Books;
  readonly #directory: Directory;
  readonly #committer: Committer;
  readonly #sessions: Sessions;
  readonly #desk: ScheduleDesk;
  readonly #ingest: MqttIngest | undefined;
  readonly #gaps: GapFiller;
  /** Undefined where none are asked for. */
  readonly #alarms: Alarms | undefined;
  /** Orders the sessions carry at the moment. */
  readonly #carried = new Map<MeterId, Order>();
  /** Civil time at which an order expires or a mass order gives its next one. */
  #ordersDue = Number.POSITIVE_INFINITY;
  #dispatchDue = true;

  /**
   * @param file what the configuration says; meters of the registry come to its lines
   * @param snapshot the store's state when the process began
   * @param seed differs from start to start; it only numbers the queries to MQTT meters
   * @param cron knows calendar times; needed where a schedule has some
   */
  constructor(file: CollectorConfig, snapshot: StoreSnapshot, seed: number, cron?: CronPort) {
    const problem = checkConfig(file)[0];
    assert(problem === undefined, problem === undefined ? "" : problemText(problem));
    this.#limits = { ...DEFAULT_LIMITS, ...file.limits };
    this.#policy = file.orders ?? DEFAULT_ORDER_POLICY;
    this.#books = new Books(snapshot, file.completeness);
    const { config, skipped } = withRegistry(file, this.#books);
    this.#directory = new Directory(config, this.#books.meters, this.#books.registry);
    this.#gaps = new GapFiller(this.#books, this.#directory);
    this.#committer = new Committer(this.#books, this.#limits);
    this.#sessions = new Sessions(config, this.#limits, 1 + new Random(seed).uint32());
    const parts = { config, limits: this.#limits, books: this.#books, directory: this.#directory };
    this.#desk = new ScheduleDesk({ ...parts, sessions: this.#sessions, cron });
    if (config.mqtt !== undefined)
      this.#ingest = new MqttIngest(config.mqtt, this.#limits, this.#books, this.#directory, this.#desk, (meter, now) =>
        this.#alarms?.heard(meter, now),
      );
    if (config.alarms !== undefined) this.#alarms = new Alarms(config, config.alarms.speed, snapshot, this.#books);
    this.#committer.add(startWork(this.#books, this.#directory, config, skipped));
  }

  handle(event: CollectorEvent, now: Now): readonly CollectorEffect[] {
    const out: CollectorEffect[] = [];
    this.#alarms?.look(now);
    switch (event.kind) {
      case "stored":
        out.push(...this.#committer.stored(event.id));
        this.#alarms?.batchStored(this.#committer.full, now);
        this.#dispatchDue = true;
        break;
      case "storeFailed":
        out.push(...this.#committer.failed(event.id, event.reason, now));
        this.#alarms?.batchFailed(event.reason, now);
        this.#dispatchDue = true;
        break;
      case "request":
        this.#request(event.request, now, out);
        break;
      case "message":
        this.#message(event, now, out);
        break;
      default:
        if (event.kind === "opened" || event.kind === "closed") this.#alarms?.link(event, now);
        this.#take(this.#sessions.handle(event, now), now, out);
    }
    this.#settle(now, out);
    return out;
  }

  wake(now: Now): readonly CollectorEffect[] {
    const out: CollectorEffect[] = [];
    this.#alarms?.look(now);
    this.#alarms?.wake(now);
    const begun = this.#desk.begin(now);
    if (begun !== undefined) this.#committer.add(begun);
    this.#take(this.#sessions.wake(now), now, out);
    this.#take(this.#desk.wake(now), now, out);
    if (now.civil >= this.#ordersDue) {
      this.#ordersDue = Number.POSITIVE_INFINITY;
      this.#committer.add(dueWork(this.#books, this.#limits, this.#directory));
    }
    this.#settle(now, out);
    return out;
  }

  nextWake(): Wake {
    const sessions = this.#sessions.nextWake();
    const desk = this.#desk.nextWake();
    return {
      mono: Math.min(
        sessions.mono,
        desk.mono,
        this.#committer.nextWake(),
        this.#alarms?.nextWake() ?? Number.POSITIVE_INFINITY,
      ),
      civil: Math.min(sessions.civil, desk.civil, this.#ordersDue),
    };
  }

  /** For gauges; costs as much as there are open orders. */
  figures(): CollectorFigures {
    return { backlog: this.#committer.backlog, openOrders: [...this.#books.openOrders.values()] };
  }

  /** Incidents that last, oldest first. */
  open(): readonly Incident[] {
    return this.#alarms?.open() ?? [];
  }

  get unlisted(): number {
    return this.#alarms?.unlisted ?? 0;
  }

  places(): readonly MeterPlace[] {
    return this.#directory.places();
  }

  /** What to store last at an orderly end. */
  farewell(now: Now): StoreBatch {
    return this.#alarms?.farewell(now) ?? [];
  }

  /** After every event: what is committed is acted on, then the next batch is begun from what has gathered. */
  #settle(now: Now, out: CollectorEffect[]): void {
    if (this.#dispatchDue) this.#dispatch(now, out);
    if (this.#alarms !== undefined) this.#tellAlarms(this.#alarms, now, out);
    const batches = this.#committer.pump(now);
    if (batches.some(({ kind }) => kind === "store")) this.#alarms?.batchGiven(now);
    out.push(...batches);
    if (!this.#committer.full) this.#fillGaps(now, out);
    this.#take(this.#sessions.pausePolls(this.#committer.full, now), now, out);
  }

  #tellAlarms(alarms: Alarms, now: Now, out: CollectorEffect[]): void {
    if (this.#committer.full) alarms.storeFull(this.#committer.backlog, now);
    out.push(...alarms.told());
    const work = alarms.work();
    if (work !== undefined) this.#committer.add(work);
  }

  /** Behind everything else, and never into a store that is behind. */
  #fillGaps(now: Now, out: CollectorEffect[]): void {
    for (const request of this.#gaps.next(now))
      this.#take(this.#sessions.fillGap(request, this.#directory.find(request.meter)?.line, now), now, out);
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
        if (head !== carried) {
          const { line } = this.#directory.find(meter) ?? {};
          this.#take(this.#sessions.orderStored(head, line, now), now, out);
        }
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
      this.#take(this.#sessions.startOrder(order, known.line, now), now, out);
    }
  }

  #request(request: Extract<CollectorEvent, { kind: "request" }>["request"], now: Now, out: CollectorEffect[]): void {
    if (request.kind === "read") {
      this.#take(this.#desk.request(request, now), now, out);
      return;
    }
    const work = request.kind === "acknowledge" ? this.#acknowledgeWork(request) : this.#bookWork(request);
    if (this.#committer.overfull) out.push(...(work.abandoned?.("it is behind") ?? []));
    else this.#committer.add(work);
  }

  /** Meters that are accepted or said by it come into the schedules with the same batch. */
  #bookWork(request: Parameters<typeof requestWork>[4]): Work {
    const work = requestWork(this.#books, this.#limits, this.#policy, this.#directory, request);
    if (request.kind !== "registry") return work;
    const apply = (draft: Draft, now: Now) => {
      work.apply(draft, now);
      for (const { meter } of request.patches) {
        const known = this.#directory.find(meter);
        if (known !== undefined) this.#desk.registered(known, draft, now);
      }
    };
    return { ...work, apply };
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
      this.#committer.add(
        incoming.meter === undefined ? incoming.work : this.#heardWith(incoming.work, incoming.meter),
      );
      return;
    }
    this.#take(this.#sessions.response(incoming.response, now), now, out);
    // In the queue behind the steps it caused: the meter may forget its answer once they are stored.
    this.#committer.add({
      apply: (draft) => draft.after.push(counted("answer"), ...acknowledge(publish)),
      abandoned: () => [counted("not-stored")],
    });
  }

  #take(outputs: readonly (SessionOutput | CollectorEffect)[], now: Now, out: CollectorEffect[]): void {
    for (const output of outputs) {
      if (output.kind === "polled") {
        const { meter } = output;
        const known = this.#directory.find(meter);
        if (known === undefined) continue;
        this.#committer.add(this.#heardWith(this.#desk.polled(known, output), meter));
        out.push({ kind: "notify", notice: { kind: "poll", meter, ok: true, reason: "" } });
        this.#countPoll(meter, null, now, out);
      } else if (output.kind === "pollFailed") {
        const { meter, reason } = output;
        out.push({ kind: "notify", notice: { kind: "poll", meter, ok: false, reason } });
        this.#countPoll(meter, reason, now, out);
        out.push(...this.#desk.failed(output, now));
      } else if (output.kind === "eventsRead") this.#committer.add(this.#desk.eventsRead(output));
      else if (output.kind === "profiled") this.#committer.add(fillWork(this.#books, output.piece));
      else if (output.kind === "profileEnd") this.#profileEnd(output, now, out);
      else if (output.kind === "orderStep") {
        this.#committer.add(this.#stepWork(output.order, output.step));
        if (output.step.state === "verified") this.#desk.orderDone(output.order);
      } else {
        if (output.kind === "observe") this.#alarms?.observed(output.observation, now);
        else if (output.kind === "close") this.#alarms?.closing(output.link, now);
        out.push(output);
      }
    }
  }

  /** A meter is looked at for gaps once its reading is in the books. */
  #heardWith(work: Work, meter: MeterId): Work {
    return {
      ...work,
      apply: (draft, now) => {
        work.apply(draft, now);
        this.#gaps.heard(meter);
      },
    };
  }

  #profileEnd(end: Extract<SessionOutput, { kind: "profileEnd" }>, now: Now, out: CollectorEffect[]): void {
    const { meter, progress, reason } = end;
    // In the queue behind the readings: what is asked for next follows from what is stored.
    this.#committer.add({ apply: () => this.#gaps.ended(meter, progress, now), abandoned: () => [] });
    if (reason !== "")
      out.push({ kind: "log", level: "debug", event: "intervals-not-read", fields: { meter, reason } });
  }

  /** @param failure why it failed, or null */
  #countPoll(meter: MeterId, failure: string | null, now: Now, out: CollectorEffect[]): void {
    const line = this.#directory.find(meter)?.line;
    if (line === undefined) return;
    out.push({ kind: "observe", observation: { kind: "poll", line, ok: failure === null } });
    this.#alarms?.poll(line, meter, failure, now);
  }

  #acknowledgeWork(request: Extract<Request, { kind: "acknowledge" }>): Work {
    assert(this.#alarms !== undefined, "alarms are acknowledged where they are kept");
    return this.#alarms.acknowledgeWork(request);
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
