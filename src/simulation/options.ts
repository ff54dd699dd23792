/** What a run is made of: everything is drawn from the seed and printed, so a run can be judged and repeated. */
import type { CompletenessConfig } from "../../headend/completeness/interval-book.ts";
import { Random } from "../core/random.ts";
import type { BrokerFaults } from "./broker.ts";
import type { CopperFaults } from "./copper.ts";
import type { LineFaults } from "./line.ts";
import type { StoreFaults } from "./store.ts";

/** Serial lines that are simulated by bits. */
export interface CopperOptions {
  readonly faults: CopperFaults;
  /** The head-end's port is a USB adapter that hands bytes over in lumps; otherwise it gives the time of each. */
  readonly headendLumps: boolean;
  /** The head-end's adapter hears what it sends. */
  readonly headendEcho: boolean;
  /** The meters' UARTs do not give the time of each byte either. */
  readonly meterLumps: boolean;
  /** Times that a wire is cut and, within an hour, repaired. */
  readonly cuts: number;
  /** Times that a strange device with the address of a meter is on its line, for up to an hour. */
  readonly twins: number;
}

export interface SimOptions {
  readonly seed: number;
  readonly days: number;
  readonly meters: number;
  /** Every meter up to this share (in 1/100) speaks MQTT, the rest sits on RS-485 buses. */
  readonly mqttShare: number;
  readonly metersPerLine: number;
  readonly pollMinutes: number;
  /** Of lines that are simulated by frames: those of a run without `copper`. */
  readonly line: LineFaults;
  readonly copper: CopperOptions | null;
  readonly broker: BrokerFaults;
  readonly store: StoreFaults;
  /** kill -9 of the head-end, times in the run. */
  readonly headendCrashes: number;
  /** How long it is away after each. */
  readonly headendAwayMinutes: number;
  /** Power cuts over all meters; every second one without the power-fail interrupt's checkpoint. */
  readonly powerCuts: number;
  /** Orders by the operator over the run. */
  readonly orders: number;
  /** Seconds between two checkpoints of an idle meter. */
  readonly checkpointSeconds: number;
  /** Which intervals the head-end expects and fills in from load profiles; null: none. */
  readonly completeness: CompletenessConfig | null;
}

/** A share of the seeds has its serial lines simulated by bits, which takes up to seven times as long. */
const COPPER_SHARE = 3;

function copperOf(seed: number): CopperOptions | null {
  return new Random(seed).fork("wires").chance(1, COPPER_SHARE) ? drawCopper(seed) : null;
}

/** What goes wrong on the copper of a seed. A frame has up to 255 bytes, and each receiver has faults of its own. */
export function drawCopper(seed: number): CopperOptions {
  const random = new Random(seed).fork("copper");
  const maybe = (most: number) => (random.chance(1, 2) ? random.between(1, most) : 0);
  return {
    faults: {
      ...{ lost: maybe(5), doubled: maybe(5), late: maybe(5), flipped: maybe(5) },
      ...{ noise: maybe(300), turnaround: maybe(300), stray: maybe(1_000), ringing: 0, chatty: maybe(300) },
    },
    headendLumps: random.chance(1, 2),
    headendEcho: random.chance(1, 3),
    meterLumps: random.chance(1, 3),
    cuts: maybe(6),
    twins: maybe(4),
  };
}

/**
 * Features are switched off at random too: a fault alone shows more than all of them together.
 * @param copper null for lines by frames; default: as the seed says
 */
export function drawOptions(seed: number, days: number, meters: number, copper = copperOf(seed)): SimOptions {
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
    copper,
    broker: { doubled: maybe(random.below(500)), responseLost: maybe(random.below(3_000)) },
    store: { failed: maybe(random.below(200)), slowest: random.between(1_000, 500_000) },
    headendCrashes: maybe(random.between(1, 3 * days)),
    powerCuts: maybe(random.between(1, meters)),
    orders: random.between(1, 2 * meters),
    checkpointSeconds: random.between(10, 120),
    completeness: drawCompleteness(new Random(seed).fork("completeness")),
    headendAwayMinutes: new Random(seed).fork("away").pick([1, 1, 20, 100, 300]),
  };
}

function drawCompleteness(random: Random): CompletenessConfig | null {
  if (random.chance(1, 4)) return null;
  return { minutes: random.pick([5, 15, 15, 30]), from: random.pick(["any", "profile"] as const) };
}
