/** What happens to a meter in a history: people and programs order, read, program and guess, and the power goes. */
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import type { Meter } from "../../../firmware-sim/meter.ts";
import type { MeterOrder, OrderNumber } from "../../../protocols/orders.ts";
import type { Random } from "../../core/random.ts";
import { civil, MICROS_PER_SECOND, type Now } from "../../core/time.ts";
import type { PowerSetup } from "./setup.ts";
import type { Pending, Witness } from "./witness.ts";

const KINDS = [
  ...(["read", "read", "order", "order", "order", "repeat", "relay", "button", "clock"] as const),
  ...(["clearDemand", "freeze", "wrongPassword", "rightPassword", "program", "cover"] as const),
  ...(["sequence", "powerLoss", "powerFail", "wake"] as const),
] as const;
type DeedKind = (typeof KINDS)[number];

export interface Deed {
  readonly kind: DeedKind;
  /** Seconds after the deed before. */
  readonly after: number;
  readonly number: number;
  readonly order: MeterOrder | undefined;
  readonly pending: Pending;
}

const RELAY_ORDERS = ["trip", "trip", "close", "close", "allowClose", "keepPower", "releaseKeep", "warn"] as const;
/** A clock is set by minutes; by more now and then. */
const CLOCK_STEP = 1_800;

export function drawDeed(random: Random, setup: PowerSetup, witness: Witness): Deed {
  let kind = random.pick(KINDS);
  if (kind === "clock" && !setup.clockMoves) kind = "read";
  const known = [...witness.outcomes.keys()];
  if (kind === "repeat" && known.length === 0) kind = "order";
  const order = kind === "order" ? drawOrder(random, witness) : undefined;
  return {
    kind,
    after: random.pick([0, random.below(90), random.below(600), random.below(2_700)]),
    number: kind === "repeat" ? random.pick(known) : random.below(1_000),
    order,
    pending: {
      ...(order === undefined ? {} : { order }),
      ...(kind === "clearDemand" ? { clears: true } : {}),
      ...(kind === "rightPassword" || kind === "wrongPassword" ? { asks: true } : {}),
      ...(kind === "program" || order !== undefined ? { programs: true } : {}),
      ...(kind === "relay" || order?.operation === "relay-close" ? { relay: true } : {}),
      ...(kind === "sequence" ? { sequence: witness.sequence + 1 } : {}),
    },
  };
}

/** What a deed does; each comes to its end only when what it changed is on the memory. */
export const ACTIONS: Readonly<Record<DeedKind, (meter: Meter, deed: Deed, now: Now, witness: Witness) => void>> = {
  read: (meter, _deed, now) => meter.refresh(now),
  wake: (meter, _deed, now) => {
    meter.wake(now);
    meter.refresh(now);
  },
  order: (meter, { order }, now, witness) => {
    if (order !== undefined) witness.acknowledged(meter.execute(order, now));
  },
  repeat: (meter, { number }, now, witness) => {
    const order = witness.orderOf(number);
    if (order !== undefined) witness.acknowledged(meter.execute(order, now));
    meter.refresh(now);
  },
  relay: (meter, { number }, now) => {
    meter.orderRelay(RELAY_ORDERS[number % RELAY_ORDERS.length] ?? "trip", now);
  },
  button: (meter, _deed, now) => {
    meter.pressButton(now);
  },
  clock: (meter, { number }, now) => {
    const hours = number % 10 === 0 ? 24 : 1;
    const by = Math.round(((number - 500) / 500) * CLOCK_STEP) * hours;
    meter.setClock(civil(meter.clock(now) + by * MICROS_PER_SECOND), now);
  },
  clearDemand: (meter, _deed, now) =>
    during(meter, now, () => meter.functions.clearDemand(localSecond(secondOf(meter, now)))),
  freeze: (meter, _deed, now) => during(meter, now, () => meter.functions.freeze(localSecond(secondOf(meter, now)))),
  wrongPassword: (meter, { number }, now) =>
    during(meter, now, () => {
      meter.functions.authority.ask(number % 2 === 0 ? "modbus" : "dlt645", 2, 2, false, now.mono);
    }),
  rightPassword: (meter, { number }, now) =>
    during(meter, now, () => {
      meter.functions.authority.ask(number % 2 === 0 ? "modbus" : "dlt645", 2, 2, true, now.mono);
    }),
  program: (meter, { number }, now) =>
    during(meter, now, () => {
      const at = localSecond(secondOf(meter, now));
      meter.functions.authority.record({ at, wire: "dlt645", level: 2, operator: number, items: [number] });
      meter.functions.events.note("programming", at);
    }),
  cover: (meter, { number }, now) =>
    during(meter, now, () =>
      meter.functions.input(
        number % 2 === 0 ? "coverOpen" : "magneticField",
        number % 4 < 2,
        localSecond(secondOf(meter, now)),
      ),
    ),
  sequence: (meter, { pending }, now) => {
    meter.refresh(now);
    meter.useSequence(pending.sequence ?? 0, now);
  },
  powerLoss: () => {},
  powerFail: (meter, _deed, now) => meter.powerFail(now),
};

function drawOrder(random: Random, witness: Witness): MeterOrder {
  const operation = random.pick([
    ...(["credit-add", "credit-add", "credit-add", "credit-refund"] as const),
    ...(["relay-open", "relay-close", "relay-close"] as const),
  ]);
  const argument = operation.startsWith("credit") ? random.pick([0, random.below(300), random.below(3_000)]) : 0;
  const order = { id: witness.nextOrder() as OrderNumber, operation, argument };
  witness.orders(order);
  return order;
}

/** The meter is brought up to now, something is changed, and the change is put on the memory before it is told. */
function during(meter: Meter, now: Now, change: () => void): void {
  meter.powerFail(now);
  change();
  meter.powerFail(now);
}

function secondOf(meter: Meter, now: Now): number {
  return Math.floor(meter.clock(now) / MICROS_PER_SECOND);
}
