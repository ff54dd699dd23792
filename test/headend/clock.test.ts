/** Clocks of meters that drift, jump or are far off, in virtual time through a whole collector. */
import { describe, expect, test } from "vitest";
import { clockFrom, isDoubted, jumpFrom } from "../../headend/clock/records.ts";
import { type CollectorConfig, DEFAULT_CLOCK } from "../../headend/config.ts";
import type { StoredDocument } from "../../headend/ports.ts";
import { civil, toIso } from "../../src/core/time.ts";
import { FakeModbusMeter, FakeMqttMeter } from "./fakes.ts";
import { busConfig, mqttConfig } from "./site.ts";
import { SECOND, World } from "./world.ts";

const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

/** A clock that runs on by itself: it shows the true time and an error that grows, and can be set. */
class Clock {
  skew: number;
  readonly #drift: number;
  #at = 0;

  /** @param skew µs at the start @param drift µs per s */
  constructor(skew: number, drift = 0) {
    this.skew = skew;
    this.#drift = drift;
  }

  show(world: World): number {
    const now = world.now.civil;
    if (this.#at !== 0) this.skew += ((now - this.#at) / SECOND) * this.#drift;
    this.#at = now;
    return now + this.skew;
  }

  set(world: World, argument: number): void {
    this.show(world);
    this.skew = argument * SECOND - world.now.civil;
  }
}

function polled(clock: Clock, more: Partial<CollectorConfig> = {}): World {
  const meter = new FakeModbusMeter(1);
  const world = new World(
    busConfig({ clock: DEFAULT_CLOCK, lines: [{ ...lineOf(), pollEvery: 60 * SECOND }], ...more }),
    {
      modbus: [meter],
    },
  );
  let orders = 0;
  meter.refuses = () => {
    if (meter.device.done.length > orders) clock.set(world, meter.device.clock);
    orders = meter.device.done.length;
    meter.device.clock = Math.floor(clock.show(world) / SECOND);
    return undefined;
  };
  return world;
}

const lineOf = () => busConfig().lines[0] as CollectorConfig["lines"][number];

/** A meter on MQTT with a clock of its own, which sends by itself once a minute. */
class ClockedMeter extends FakeMqttMeter {
  readonly clock: Clock;
  world: World | undefined;
  #orders = 0;

  constructor(clock: Clock) {
    super("q1");
    this.clock = clock;
  }

  override command(payload: string, _iso: string): string | undefined {
    const world = this.world as World;
    const answer = super.command(payload, toIso(civil(Math.round(this.clock.show(world)))));
    if (this.device.done.length > this.#orders) this.clock.set(world, this.device.clock);
    this.#orders = this.device.done.length;
    return answer;
  }

  send(): void {
    const world = this.world as World;
    this.device.energyWh += 1;
    world.publish("q1", "telemetry", this.telemetry(toIso(civil(Math.round(this.clock.show(world))))));
  }
}

function published(clock: Clock): { world: World; meter: ClockedMeter } {
  const meter = new ClockedMeter(clock);
  const world = new World(mqttConfig(), { mqtt: [meter] });
  meter.world = world;
  return { world, meter };
}

function minutes(world: World, meter: ClockedMeter, count: number): void {
  for (let i = 0; i < count; i++) {
    meter.send();
    world.run(60 * SECOND);
  }
}

const documents = (world: World, name: string): readonly StoredDocument[] =>
  [...world.store.documents.values()].filter(({ collection }) => collection === name);
const state = (world: World) => clockFrom(documents(world, "clock")[0]?.text as string);
const jumps = (world: World) => documents(world, "clock-jumps").map(jumpFrom);
const orders = (world: World) =>
  [...world.store.orders.values()].map(({ operation, state }) => `${operation} ${state}`);
const audit = (world: World) => world.store.audit.filter(({ actor }) => actor === "clock").map(({ action }) => action);

describe("a polled meter", () => {
  test("whose clock drifts is corrected once it is off by 5 s, and at most once a day", () => {
    const clock = new Clock(0, 600);
    const world = polled(clock);
    world.run(2 * HOUR);
    expect(orders(world)).toEqual([]);
    expect(state(world).offset / SECOND).toBeCloseTo(4.3, 0);
    world.run(HOUR);
    expect(orders(world)).toEqual(["clock-set done"]);
    expect(Math.abs(clock.skew)).toBeLessThan(3 * SECOND);
    world.run(20 * HOUR);
    expect(orders(world)).toHaveLength(1);
    expect(clock.skew).toBeGreaterThan(30 * SECOND);
    world.run(4 * HOUR);
    expect(orders(world)).toEqual(["clock-set done", "clock-set done"]);
    expect(Math.abs(clock.skew)).toBeLessThan(10 * SECOND);
    expect(jumps(world).every(({ cause }) => cause === "order")).toBe(true);
    // What drifts has not jumped, and a correction by 5 s is none yet.
    expect(jumps(world)).toHaveLength(1);
  });

  test("that is off by more than 15 min is a person's business, told once", () => {
    const world = polled(new Clock(-HOUR));
    world.run(2 * DAY);
    expect(orders(world)).toEqual([]);
    expect(audit(world)).toEqual(["clock alarm"]);
    expect(state(world)).toMatchObject({ corrected: null, alarm: expect.any(Number) });
    expect(state(world).offset / SECOND).toBeCloseTo(-3600, 0);
  });

  test("whose clock jumps: from when to when, by how much, and what put it right", () => {
    const clock = new Clock(0);
    const world = polled(clock);
    world.run(HOUR);
    const before = world.now.civil;
    clock.skew = 60 * SECOND;
    world.run(HOUR);
    const [jump, back] = jumps(world);
    expect(jump?.from).toBeLessThanOrEqual(before);
    expect(jump?.to).toBeGreaterThan(before);
    expect(jump?.cause).toBe("unknown");
    expect(((jump?.after ?? 0) - (jump?.before ?? 0)) / SECOND).toBeCloseTo(60, -0.5);
    expect(back?.cause).toBe("order");
    expect(audit(world)).toContain("clock jumped");
    // Intervals by the meter's own clock about the newest jump are in doubt, others are not.
    const { lastJump } = state(world);
    expect(lastJump).toEqual(back);
    const quarter = (from: number) => isDoubted(state(world), civil(from), civil(from + 900 * SECOND));
    const moment = lastJump?.to ?? 0;
    expect([quarter(moment - 300 * SECOND), quarter(moment + 50 * SECOND)]).toEqual([true, true]);
    expect([quarter(moment - 2 * HOUR), quarter(moment + 120 * SECOND)]).toEqual([false, false]);
  });

  test("is only measured where correcting is switched off, also over a restart", () => {
    const world = polled(new Clock(60 * SECOND), {
      clock: { correct: false, correctBeyond: 5 * SECOND, alarmBeyond: 900 * SECOND },
    });
    world.run(HOUR);
    world.restart();
    world.run(HOUR);
    expect(orders(world)).toEqual([]);
    expect(jumps(world)).toEqual([]);
    expect(state(world).offset / SECOND).toBeCloseTo(60, 0);
  });
});

describe("a meter on MQTT", () => {
  const qualities = (world: World) => world.store.readingsOf("q1").map(({ quality }) => quality);

  test("that was set forward: its reading is in doubt, it is asked, and corrected by an order", () => {
    const { world, meter } = published(new Clock(0));
    minutes(world, meter, 10);
    meter.clock.skew = 40 * SECOND;
    minutes(world, meter, 20);
    expect(orders(world)).toEqual(["clock-set done"]);
    expect(Math.abs(meter.clock.skew)).toBeLessThan(2 * SECOND);
    expect(
      qualities(world)
        .slice(0, 10)
        .every((quality) => quality === "good"),
    ).toBe(true);
    expect(qualities(world)).toContain("clock-doubt");
    expect(qualities(world).slice(-5)).toEqual(["good", "good", "good", "good", "good"]);
  });

  test("that is slow by a minute is found by its messages and corrected", () => {
    const { world, meter } = published(new Clock(-60 * SECOND));
    minutes(world, meter, 12);
    expect(orders(world)).toEqual(["clock-set done"]);
    expect(Math.abs(meter.clock.skew)).toBeLessThan(2 * SECOND);
  });

  test("whose messages come late, many at once after an outage, has no wrong clock", () => {
    const { world, meter } = published(new Clock(0));
    minutes(world, meter, 10);
    const kept: string[] = [];
    for (let i = 0; i < 40; i++) {
      kept.push(meter.telemetry(world.iso));
      world.run(60 * SECOND);
    }
    for (const message of kept) world.publish("q1", "telemetry", message);
    world.run(10 * SECOND);
    minutes(world, meter, 20);
    expect(orders(world)).toEqual([]);
    expect(jumps(world)).toEqual([]);
    expect(audit(world)).toEqual([]);
    expect(new Set(qualities(world))).toEqual(new Set(["good"]));
  });
});
