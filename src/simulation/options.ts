/** What a run is made of: everything is drawn from the seed and printed, so a run can be judged and repeated. */
import { Random } from "../core/random.ts";
import type { BrokerFaults } from "./broker.ts";
import type { LineFaults } from "./line.ts";
import type { StoreFaults } from "./store.ts";

export interface SimOptions {
  readonly seed: number;
  readonly days: number;
  readonly meters: number;
  /** Every meter up to this share (in 1/100) speaks MQTT, the rest sits on RS-485 buses. */
  readonly mqttShare: number;
  readonly metersPerLine: number;
  readonly pollMinutes: number;
  readonly line: LineFaults;
  readonly broker: BrokerFaults;
  readonly store: StoreFaults;
  /** kill -9 of the head-end, times in the run. */
  readonly headendCrashes: number;
  /** Power cuts over all meters; every second one without the power-fail interrupt's checkpoint. */
  readonly powerCuts: number;
  /** Orders by the operator over the run. */
  readonly orders: number;
  /** Seconds between two checkpoints of an idle meter. */
  readonly checkpointSeconds: number;
}

/** Features are switched off at random too: a fault alone shows more than all of them together. */
export function drawOptions(seed: number, days: number, meters: number): SimOptions {
  const random = new Random(seed).fork("options");
  const maybe = (value: number) => (random.chance(1, 2) ? value : 0);
  return {
    seed,
    days,
    meters,
    mqttShare: random.between(0, 100),
    metersPerLine: random.between(1, 8),
    pollMinutes: random.pick([5, 15, 30]),
    line: {
      lost: maybe(random.below(300)),
      flipped: maybe(random.below(300)),
      cut: maybe(random.below(200)),
      noise: maybe(random.below(300)),
      late: maybe(random.below(300)),
    },
    broker: { doubled: maybe(random.below(500)), responseLost: maybe(random.below(3_000)) },
    store: { failed: maybe(random.below(200)), slowest: random.between(1_000, 500_000) },
    headendCrashes: maybe(random.between(1, 3 * days)),
    powerCuts: maybe(random.between(1, meters)),
    orders: random.between(1, 2 * meters),
    checkpointSeconds: random.between(10, 120),
  };
}
