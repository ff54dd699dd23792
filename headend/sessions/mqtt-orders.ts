/**
 * Orders over MQTT: the command is published (QoS 1) until the meter says what came of it, then relay and clock are asked
 * for and checked. A precondition on the relay is asked for before; the command leaves once `sent` is stored, so an order that
 * is only queued was certainly not carried out. Repeating a command is safe: the meter answers a known id with its first outcome.
 */
import { encodeCommand, type MeterResponse, type Rejection } from "../../protocols/mqtt/message.ts";
import { signOrder } from "../../protocols/mqtt/order-proof.ts";
import { topicFor } from "../../protocols/mqtt/topics.ts";
import type { LinkId } from "../../src/core/actor.ts";
import type { Signer } from "../../src/core/signature.ts";
import { type Civil, MICROS_PER_SECOND, type Now, SECONDS_PER_DAY } from "../../src/core/time.ts";
import type { OrderStep } from "../commands/orders.ts";
import type { MeterId, Order } from "../ports.ts";
import type { SessionOutput } from "./line-task.ts";
import { refusedByMeter, verify } from "./verify.ts";

const LONGEST_RESEND = 60 * MICROS_PER_SECOND;
/** A counter that a meter says it has had is believed so far ahead of our clock: more could use up all counters. */
const MOST_AHEAD = 3_660 * SECONDS_PER_DAY * MICROS_PER_SECOND;

/** What is the end of an order; a low counter is not, it is sent again with a higher one. */
const REJECTED: Readonly<Record<Exclude<Rejection, "old-counter">, string>> = {
  unsigned: "the meter found no signature on it",
  "other-key":
    "the meter belongs to another key: give the head-end the one it was paired with, or the meter ours (--order-key)",
  "bad-signature": "the meter did not find our signature right",
  expired: "by the meter's clock its deadline had passed: look at that clock",
};

interface Carried {
  order: Order;
  /** Id of the query whose answer is waited for; undefined while the outcome is. */
  query: number | undefined;
  /** Of the last message that carried it. */
  counter: number;
  /** Whether the book was told that it is about to be sent. */
  told: boolean;
  resendAt: number;
  pause: number;
}

export class MqttOrders {
  readonly #link: LinkId;
  readonly #resend: number;
  readonly #byMeter = new Map<MeterId, Carried>();
  #up = false;
  readonly #signer: Signer;
  #lastQuery: number;
  /** Rises with the clock, so that it goes on above what an earlier run used. */
  #lastCounter = 0;

  /** @param firstQuery differs from run to run, so that an answer to an earlier run's query is not taken for ours. */
  constructor(link: LinkId, resend: number, firstQuery: number, signer: Signer) {
    this.#signer = signer;
    this.#link = link;
    this.#resend = resend;
    this.#lastQuery = firstQuery;
  }

  opened(now: Now): SessionOutput[] {
    this.#up = true;
    const out: SessionOutput[] = [];
    for (const carried of this.#byMeter.values()) this.#send(carried, now, out);
    return out;
  }

  closed(): void {
    this.#up = false;
  }

  start(order: Order, now: Now): SessionOutput[] {
    const carried: Carried = {
      order,
      query: undefined,
      counter: 0,
      told: order.state !== "queued",
      resendAt: 0,
      pause: this.#resend,
    };
    this.#byMeter.set(order.meter, carried);
    const out: SessionOutput[] = [];
    if (this.#up) this.#send(carried, now, out);
    return out;
  }

  /** A step of an order is stored: the command may leave where it was told that it is about to. */
  stored(order: Order, now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    const carried = this.#byMeter.get(order.meter);
    if (carried?.order.id !== order.id) return out;
    const waited = carried.order.state === "queued" && order.state === "sent";
    carried.order = order;
    if (waited && this.#up) this.#send(carried, now, out);
    return out;
  }

  cancel(order: Order): void {
    if (this.#byMeter.get(order.meter)?.order.id === order.id) this.#byMeter.delete(order.meter);
  }

  /** An answer of a meter; one that nothing waits for gives nothing. */
  response(response: MeterResponse, now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    const carried = this.#byMeter.get(response.meter as MeterId);
    if (carried === undefined) return out;
    if (response.kind === "outcome" && carried.query === undefined && response.outcome.id === carried.order.id) {
      if (carried.order.state === "queued") return out;
      const { status, relay } = response.outcome;
      if (status === "none") return out;
      this.#tell(carried, { state: "acknowledged", outcome: status }, out);
      if (status !== "done") return this.#end(carried, refusedByMeter(status, relay), out);
      carried.query = this.#nextQuery();
      carried.pause = this.#resend;
      this.#send(carried, now, out);
    } else if (response.kind === "rejected") {
      // Only what was said of our own last message counts: another's may carry the number of our order.
      if (carried.query === undefined && response.id === carried.order.id && response.counter === carried.counter)
        this.#rejected(carried, response, now, out);
    } else if (response.kind === "state" && response.query === carried.query) {
      if (carried.order.state === "queued") {
        this.#announce(carried, response.relay, out);
        return out;
      }
      const clock = Math.floor(response.time / MICROS_PER_SECOND);
      return this.#end(carried, verify(carried.order, { relay: response.relay, clock }, now.civil), out);
    }
    return out;
  }

  wake(now: Now): SessionOutput[] {
    const out: SessionOutput[] = [];
    if (!this.#up) return out;
    for (const carried of this.#byMeter.values()) if (carried.resendAt <= now.mono) this.#send(carried, now, out);
    return out;
  }

  /** Monotonic time of the next repetition. */
  nextWake(): number {
    let next = Number.POSITIVE_INFINITY;
    if (this.#up) for (const carried of this.#byMeter.values()) next = Math.min(next, carried.resendAt);
    return next;
  }

  #send(carried: Carried, now: Now, out: SessionOutput[]): void {
    const { order } = carried;
    if (order.state === "queued" && !carried.told && order.terms.precondition?.relay === undefined)
      this.#announce(carried, null, out);
    if (order.state === "queued" && carried.told) {
      carried.resendAt = Number.POSITIVE_INFINITY;
      return;
    }
    if (order.state === "queued") carried.query ??= this.#nextQuery();
    const { query } = carried;
    const payload =
      query === undefined ? this.#signed(carried, now.civil) : encodeCommand({ kind: "query", id: query });
    const topic = topicFor(order.meter, "cmd");
    out.push({ kind: "publish", link: this.#link, topic, payload, qos: 1, retain: false });
    carried.resendAt = now.mono + carried.pause;
    carried.pause = Math.min(LONGEST_RESEND, carried.pause * 2);
  }

  #announce(carried: Carried, relay: 0 | 1 | null, out: SessionOutput[]): void {
    carried.told = true;
    carried.query = undefined;
    carried.pause = this.#resend;
    carried.resendAt = Number.POSITIVE_INFINITY;
    this.#tell(carried, { state: "sent", wire: "mqtt", relay }, out);
  }

  #nextQuery(): number {
    this.#lastQuery += 1;
    return this.#lastQuery;
  }

  /** Every message has a counter of its own, so that a copy which the broker still holds is of no use afterwards. */
  #signed(carried: Carried, at: Civil): Uint8Array {
    const { id, operation, argument, meter, expiresAt: expires } = carried.order;
    const order = { id, operation, argument };
    this.#lastCounter = Math.max(this.#lastCounter + 1, at);
    carried.counter = this.#lastCounter;
    const proof = signOrder(this.#signer, meter, order, expires, carried.counter);
    return encodeCommand({ kind: "order", order, expires, proof });
  }

  #rejected(
    carried: Carried,
    { reason, last }: MeterResponse & { kind: "rejected" },
    now: Now,
    out: SessionOutput[],
  ): void {
    const fields = { meter: carried.order.meter, order: carried.order.id, reason };
    out.push({ kind: "log", level: "warn", event: "order-rejected", fields });
    if (reason !== "old-counter") {
      this.#end(carried, { state: "failed", outcome: null, relay: null, reason: REJECTED[reason] }, out);
      return;
    }
    // Our clock has gone back since the meter's last order. The next repetition goes above it.
    if (last < now.civil + MOST_AHEAD) this.#lastCounter = Math.max(this.#lastCounter, last);
  }

  #end(carried: Carried, step: OrderStep, out: SessionOutput[]): SessionOutput[] {
    this.#byMeter.delete(carried.order.meter);
    this.#tell(carried, step, out);
    return out;
  }

  #tell(carried: Carried, step: OrderStep, out: SessionOutput[]): void {
    out.push({ kind: "orderStep", order: carried.order.id, step });
  }
}
