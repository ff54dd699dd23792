/** Orders over MQTT between the head-end's session and the meter's own judgement of their signatures. */
import { beforeEach, expect, test } from "vitest";
import { OrderPairing } from "../../../firmware-sim/control/pairing.ts";
import type { SessionOutput } from "../../../headend/sessions/line-task.ts";
import { MqttOrders } from "../../../headend/sessions/mqtt-orders.ts";
import { decodeCommand, type MeterCommand, type MeterResponse } from "../../../protocols/mqtt/message.ts";
import { linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { simSigner, simVerify } from "../../../src/simulation/cipher.ts";
import { at, order } from "../../contracts/store.ts";

const now = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: at(seconds) });
const ORDER = order(7, "m1", { state: "sent" });

let orders: MqttOrders;
let meter: OrderPairing;

function session(signer = simSigner("head-end")): MqttOrders {
  const made = new MqttOrders(linkId("broker"), 2_000_000, 1, signer);
  made.opened(now(0));
  return made;
}

beforeEach(() => {
  orders = session();
  meter = new OrderPairing(undefined);
});

/** The order messages among what the session wants sent. */
function sent(outputs: readonly SessionOutput[]): (MeterCommand & { kind: "order" })[] {
  return outputs.flatMap((output) => {
    if (output.kind !== "publish") return [];
    const command = decodeCommand(output.payload);
    if (!command.ok || command.value.kind !== "order") throw new Error("an order was expected");
    return [command.value];
  });
}

const steps = (outputs: readonly SessionOutput[]) =>
  outputs.flatMap((output) => (output.kind === "orderStep" ? [output.step] : []));

/** What the meter says to an order that it does not take. */
function judged(command: MeterCommand & { kind: "order" }): MeterResponse | undefined {
  const reason = meter.take("m1", command, false, simVerify);
  if (reason === undefined) return undefined;
  const counter = command.proof?.counter ?? null;
  const { id } = command.order;
  return { kind: "rejected", meter: "m1", id, reason, counter, last: meter.lastCounter, time: civil(0) };
}

test("every message of an order is signed with a counter of its own, and the meter takes the first", () => {
  const first = sent(orders.start(ORDER, now(1)));
  const second = sent(orders.wake(now(4)));
  expect(first).toHaveLength(1);
  expect(second).toHaveLength(1);
  const [a, b] = [...first, ...second] as [(typeof first)[0], (typeof first)[0]];
  expect(b.proof?.counter).toBeGreaterThan(a.proof?.counter as number);
  expect(judged(b)).toBeUndefined();
  expect(judged(a), "an older message of it is of no use any more").toMatchObject({ reason: "old-counter" });
});

test("after the head-end's clock went back it goes on above the meter's last counter", () => {
  const [before] = sent(orders.start(ORDER, now(90_000)));
  expect(judged(before as NonNullable<typeof before>)).toBeUndefined();
  orders = session();
  const [low] = sent(orders.start(order(8, "m1", { state: "sent" }), now(1)));
  const rejected = judged(low as NonNullable<typeof low>);
  expect(rejected).toMatchObject({ reason: "old-counter" });
  expect(steps(orders.response(rejected as MeterResponse, now(2)))).toEqual([]);
  const [high] = sent(orders.wake(now(4)));
  expect(judged(high as NonNullable<typeof high>)).toBeUndefined();
});

test("a counter far beyond our time is not believed: it would use up all counters", () => {
  const [message] = sent(orders.start(ORDER, now(1)));
  const { proof } = message as NonNullable<typeof message>;
  const lie = { kind: "rejected", meter: "m1", id: ORDER.id, reason: "old-counter", time: civil(0) } as const;
  orders.response({ ...lie, counter: proof?.counter ?? 0, last: Number.MAX_SAFE_INTEGER - 1 }, now(2));
  const [next] = sent(orders.wake(now(4)));
  expect(next?.proof?.counter).toBeLessThan(at(100));
});

test("a meter that belongs to another head-end ends the order with what to do", () => {
  const [theirs] = sent(session(simSigner("somebody")).start(ORDER, now(1)));
  expect(judged(theirs as NonNullable<typeof theirs>)).toBeUndefined();
  const [ours] = sent(orders.start(ORDER, now(1)));
  const out = orders.response(judged(ours as NonNullable<typeof ours>) as MeterResponse, now(2));
  expect(steps(out)).toMatchObject([{ state: "failed", reason: expect.stringMatching(/another key.*--order-key/) }]);
});

test("what a meter says to somebody else's message with our order's number does not end our order", () => {
  const [ours] = sent(orders.start(ORDER, now(1)));
  const forged = { ...(ours as NonNullable<typeof ours>), proof: undefined };
  const rejected = judged(forged);
  expect(rejected).toMatchObject({ reason: "unsigned", counter: null });
  expect(orders.response(rejected as MeterResponse, now(2))).toEqual([]);
  expect(judged(sent(orders.wake(now(4)))[0] as typeof forged)).toBeUndefined();
});
