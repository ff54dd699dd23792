/**
 * Reads of meters on MQTT: a query by `cmd`, its answer on `resp`. They leave one after the other at a bounded pace, so that
 * the answers of thousands of meters do not come at once; what somebody waits for goes at once.
 */
import { encodeCommand, type MeterResponse } from "../../protocols/mqtt/message.ts";
import { topicFor } from "../../protocols/mqtt/topics.ts";
import type { LinkId } from "../../src/core/actor.ts";
import { type MeasureKey, measure } from "../../src/core/measures.ts";
import { MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import type { MeterId } from "../ports.ts";
import type { SessionOutput } from "./line-task.ts";
import { isUrgent, WORK_KINDS, type WorkKind } from "./work-kinds.ts";

/** A meter that is there answers within seconds; the broker may keep the query for one that is not. */
const PATIENCE = 10 * MICROS_PER_SECOND;

interface Sent {
  readonly meter: MeterId;
  readonly purpose: WorkKind;
  readonly at: Now;
}

export class MqttQueries {
  readonly #link: LinkId;
  /** µs, monotonic. */
  readonly #pause: number;
  #lastQuery: number;
  #up = false;
  #nextAt = 0;
  readonly #waiting: ReadonlyMap<WorkKind, Set<MeterId>> = new Map(WORK_KINDS.map((kind) => [kind, new Set()]));
  /** By query, oldest first. */
  readonly #sent = new Map<number, Sent>();

  /**
   * @param perSecond queries that leave in a second at most, urgent ones aside
   * @param firstQuery differs from run to run, so that an answer to an earlier run's query is not taken for ours
   */
  constructor(link: LinkId, perSecond: number, firstQuery: number) {
    this.#link = link;
    this.#pause = MICROS_PER_SECOND / perSecond;
    this.#lastQuery = firstQuery;
  }

  opened(now: Now): SessionOutput[] {
    this.#up = true;
    return this.#pump(now);
  }

  closed(): void {
    this.#up = false;
  }

  /** Asks a meter for its values; once, also when the same was asked for and has not left yet. */
  start(meter: MeterId, purpose: WorkKind, now: Now): SessionOutput[] {
    this.#waiting.get(purpose)?.add(meter);
    return this.#pump(now);
  }

  cancel(meter: MeterId, purpose: WorkKind): void {
    this.#waiting.get(purpose)?.delete(meter);
    for (const [query, sent] of this.#sent)
      if (sent.meter === meter && sent.purpose === purpose) this.#sent.delete(query);
  }

  /** An answer of a meter; one that nothing waits for gives nothing. */
  response(response: MeterResponse, now: Now): SessionOutput[] {
    if (response.kind !== "state") return [];
    const sent = this.#sent.get(response.query);
    if (sent === undefined || sent.meter !== response.meter) return [];
    this.#sent.delete(response.query);
    const values = { ...response.values };
    for (const key of Object.keys(values) as MeasureKey[]) if (measure(key).isDetail) delete values[key];
    const { meter, purpose, at } = sent;
    const contact = { asked: at.civil, answered: now.civil, shown: response.time };
    return [{ kind: "polled", meter, purpose, source: "mqtt", time: response.time, values, contact }];
  }

  wake(now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    for (const [query, { meter, purpose, at }] of this.#sent) {
      if (at.mono + PATIENCE > now.mono) break;
      this.#sent.delete(query);
      const reason = `no answer to a query by MQTT within ${PATIENCE / MICROS_PER_SECOND} s`;
      out.push({ kind: "pollFailed", meter, purpose, reason });
    }
    return [...out, ...this.#pump(now)];
  }

  nextWake(): number {
    const [oldest] = this.#sent.values();
    const patience = oldest === undefined ? Number.POSITIVE_INFINITY : oldest.at.mono + PATIENCE;
    const waits = this.#up && WORK_KINDS.some((kind) => this.#waitingFor(kind).size > 0);
    return waits ? Math.min(patience, this.#nextAt) : patience;
  }

  #waitingFor(kind: WorkKind): Set<MeterId> {
    return this.#waiting.get(kind) as Set<MeterId>;
  }

  #pump(now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    if (!this.#up) return out;
    for (const kind of WORK_KINDS) {
      for (const meter of this.#waitingFor(kind)) {
        if (!isUrgent(kind)) {
          if (this.#nextAt > now.mono) return out;
          this.#nextAt = now.mono + this.#pause;
        }
        this.#waitingFor(kind).delete(meter);
        this.#lastQuery += 1;
        this.#sent.set(this.#lastQuery, { meter, purpose: kind, at: now });
        const payload = encodeCommand({ kind: "query", id: this.#lastQuery });
        out.push({ kind: "publish", link: this.#link, topic: topicFor(meter, "cmd"), payload, qos: 1, retain: false });
      }
    }
    return out;
  }
}
