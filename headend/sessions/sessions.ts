/** All sessions of a collector: which link belongs to which, and when the next of them is due. */
import type { MeterResponse } from "../../protocols/mqtt/message.ts";
import type { LinkEvent, LinkId } from "../../src/core/actor.ts";
import { assert } from "../../src/core/result.ts";
import { NEVER, type Now, type Wake } from "../../src/core/time.ts";
import type { GapRequest } from "../completeness/gap-filler.ts";
import type { CollectorConfig, Limits } from "../config.ts";
import type { MeterId, Order } from "../ports.ts";
import { Groups } from "../schedule/groups.ts";
import type { Silence } from "./line-meter.ts";
import { LineSession } from "./line-session.ts";
import type { SessionOutput, TaskMaker } from "./line-task.ts";
import { MqttOrders } from "./mqtt-orders.ts";
import { MqttProfiles } from "./mqtt-profile.ts";
import { MqttQueries } from "./mqtt-queries.ts";
import { ProfileTask } from "./profile-task.ts";
import type { TaskKind, WorkKind } from "./work-kinds.ts";

/** Queries for readings are numbered beyond those by which orders are verified. */
const QUERIES_FROM = 2 ** 40;

type ByteEvent = Exclude<LinkEvent, { kind: "message" }>;

/** A line with its wake, worked out again only after something happened on it: a collector may have thousands. */
interface Line {
  readonly session: LineSession;
  wake: Wake;
}

export class Sessions {
  readonly #lines = new Map<LinkId, Line>();
  readonly #mqttLink: LinkId | undefined;
  readonly #mqtt: MqttOrders | undefined;
  readonly #queries: MqttQueries | undefined;
  readonly #profiles: MqttProfiles | undefined;
  #paused = false;

  constructor(config: CollectorConfig, limits: Limits, firstQuery: number) {
    const groups = new Groups(config.groups ?? []);
    for (const line of config.lines) {
      assert(!this.#lines.has(line.link), `line ${line.link} is configured twice`);
      const every = (meter: MeterId) => groups.pollEvery(meter) ?? line.pollEvery;
      this.#lines.set(line.link, { session: new LineSession(line, every), wake: NEVER });
    }
    this.#mqttLink = config.mqtt?.link;
    if (config.mqtt === undefined) return;
    this.#mqtt = new MqttOrders(config.mqtt.link, limits.mqttResend, firstQuery, config.mqtt.signer);
    this.#queries = new MqttQueries(config.mqtt.link, limits.mqttQueries, firstQuery + QUERIES_FROM);
    this.#profiles = new MqttProfiles(config.mqtt.link, firstQuery);
  }

  handle(event: ByteEvent, now: Now): readonly SessionOutput[] {
    if (event.link === this.#mqttLink) return this.#mqttLinkChanged(event, now);
    const outputs = this.#touch(event.link, (session) => {
      if (event.kind === "bytes") return session.receive(event.bytes, now);
      return event.kind === "opened" ? session.opened(now) : session.closed(now);
    });
    return outputs ?? [];
  }

  response(response: MeterResponse, now: Now): readonly SessionOutput[] {
    if (response.kind === "profile") return this.#profiles?.response(response, now) ?? [];
    return [...(this.#mqtt?.response(response, now) ?? []), ...(this.#queries?.response(response, now) ?? [])];
  }

  /** @param line undefined for a meter on MQTT */
  startOrder(order: Order, line: LinkId | undefined, now: Now): readonly SessionOutput[] {
    if (line === undefined) return this.#mqtt?.start(order, now) ?? [];
    return this.#touch(line, (session) => session.startOrder(order, now)) ?? [];
  }

  /** A step of an order that is carried is stored. */
  orderStored(order: Order, line: LinkId | undefined, now: Now): readonly SessionOutput[] {
    if (line === undefined) return this.#mqtt?.stored(order, now) ?? [];
    return this.#touch(line, (session) => session.orderStored(order, now)) ?? [];
  }

  cancelOrder(order: Order, line: LinkId | undefined): void {
    if (line === undefined) this.#mqtt?.cancel(order);
    else this.#touch(line, (session) => session.cancelOrder(order));
  }

  /** Begins a piece of work with a meter on a line. */
  startTask(meter: MeterId, line: LinkId, kind: TaskKind, make: TaskMaker, now: Now): readonly SessionOutput[] {
    return this.#touch(line, (session) => session.startTask(meter, kind, make, now)) ?? [];
  }

  /** Asks a meter on MQTT for its values. */
  query(meter: MeterId, purpose: WorkKind, now: Now): readonly SessionOutput[] {
    return this.#queries?.start(meter, purpose, now) ?? [];
  }

  /** @param line undefined for a meter on MQTT */
  cancelTask(meter: MeterId, line: LinkId | undefined, kind: WorkKind): void {
    if (line === undefined) this.#queries?.cancel(meter, kind);
    else this.#touch(line, (session) => session.cancelTask(meter, kind));
  }

  /** Since when and why a meter on a line does not answer; undefined when it did the last time. */
  silence(meter: MeterId, line: LinkId): Silence | undefined {
    return this.#lines.get(line)?.session.silence(meter);
  }

  isUp(line: LinkId): boolean {
    return this.#lines.get(line)?.session.isUp ?? false;
  }

  /**
   * Asks a meter for intervals of its load profile.
   * @param line undefined for a meter on MQTT
   */
  fillGap(request: GapRequest, line: LinkId | undefined, now: Now): readonly SessionOutput[] {
    if (line === undefined) return this.#profiles?.start(request, now) ?? [];
    const make: TaskMaker = ({ model }) => new ProfileTask(request, model.modbus.control?.functions ?? 0);
    return this.#touch(line, (session) => session.startTask(request.meter, "gap", make, now)) ?? [];
  }

  /** Stops or resumes polling on all lines. */
  pausePolls(paused: boolean, now: Now): readonly SessionOutput[] {
    if (paused === this.#paused) return [];
    this.#paused = paused;
    const outputs: SessionOutput[] = [];
    for (const line of this.#lines.values()) {
      line.session.pausePolls(paused);
      if (!paused) outputs.push(...line.session.wake(now));
      line.wake = line.session.nextWake();
    }
    return outputs;
  }

  wake(now: Now): readonly SessionOutput[] {
    const outputs: SessionOutput[] = [
      ...(this.#mqtt?.wake(now) ?? []),
      ...(this.#queries?.wake(now) ?? []),
      ...(this.#profiles?.wake(now) ?? []),
    ];
    for (const line of this.#lines.values()) {
      if (line.wake.mono > now.mono && line.wake.civil > now.civil) continue;
      outputs.push(...line.session.wake(now));
      line.wake = line.session.nextWake();
    }
    return outputs;
  }

  nextWake(): Wake {
    const never = Number.POSITIVE_INFINITY;
    const [orders, queries, profiles] = [this.#mqtt?.nextWake(), this.#queries?.nextWake(), this.#profiles?.nextWake()];
    let mono = Math.min(orders ?? never, queries ?? never, profiles ?? never);
    let civil = Number.POSITIVE_INFINITY;
    for (const { wake } of this.#lines.values()) {
      mono = Math.min(mono, wake.mono);
      civil = Math.min(civil, wake.civil);
    }
    return { mono, civil };
  }

  /** Does something with one line and works out its wake again; undefined when the link is none of ours. */
  #touch<T>(link: LinkId, action: (session: LineSession) => T): T | undefined {
    const line = this.#lines.get(link);
    if (line === undefined) return undefined;
    const result = action(line.session);
    line.wake = line.session.nextWake();
    return result;
  }

  #mqttLinkChanged(event: ByteEvent, now: Now): readonly SessionOutput[] {
    if (event.kind === "opened") {
      this.#profiles?.opened();
      return [...(this.#mqtt?.opened(now) ?? []), ...(this.#queries?.opened(now) ?? [])];
    }
    if (event.kind !== "closed") return [];
    this.#mqtt?.closed();
    this.#queries?.closed();
    return this.#profiles?.closed() ?? [];
  }
}
