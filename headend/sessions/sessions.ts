/** All sessions of a collector: which link belongs to which, and when the next of them is due. */
import type { MeterResponse } from "../../protocols/mqtt/message.ts";
import type { LinkEvent, LinkId } from "../../src/core/actor.ts";
import { assert } from "../../src/core/result.ts";
import { NEVER, type Now, type Wake } from "../../src/core/time.ts";
import type { GapRequest } from "../completeness/gap-filler.ts";
import type { CollectorConfig, Limits } from "../config.ts";
import type { Order } from "../ports.ts";
import { LineSession } from "./line-session.ts";
import type { SessionOutput, TaskMaker } from "./line-task.ts";
import { MqttOrders } from "./mqtt-orders.ts";
import { MqttProfiles } from "./mqtt-profile.ts";
import { ProfileTask } from "./profile-task.ts";

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
  readonly #profiles: MqttProfiles | undefined;
  #paused = false;

  constructor(config: CollectorConfig, limits: Limits, firstQuery: number) {
    for (const line of config.lines) {
      assert(!this.#lines.has(line.link), `line ${line.link} is configured twice`);
      this.#lines.set(line.link, { session: new LineSession(line), wake: NEVER });
    }
    this.#mqttLink = config.mqtt?.link;
    if (config.mqtt === undefined) return;
    this.#mqtt = new MqttOrders(config.mqtt.link, limits.mqttResend, firstQuery, config.mqtt.signer);
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
    return this.#mqtt?.response(response, now) ?? [];
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
    const outputs: SessionOutput[] = [...(this.#mqtt?.wake(now) ?? []), ...(this.#profiles?.wake(now) ?? [])];
    for (const line of this.#lines.values()) {
      if (line.wake.mono > now.mono && line.wake.civil > now.civil) continue;
      outputs.push(...line.session.wake(now));
      line.wake = line.session.nextWake();
    }
    return outputs;
  }

  nextWake(): Wake {
    const never = Number.POSITIVE_INFINITY;
    let mono = Math.min(this.#mqtt?.nextWake() ?? never, this.#profiles?.nextWake() ?? never);
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
      return this.#mqtt?.opened(now) ?? [];
    }
    if (event.kind !== "closed") return [];
    this.#mqtt?.closed();
    return this.#profiles?.closed() ?? [];
  }
}
