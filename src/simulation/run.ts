/**
 * A run of the whole system in simulated time: meters, wires, head-end, store, faults, people, and at the end the checkers.
 * The same seed gives the same run.
 */
import { Collector } from "../../headend/collector.ts";
import type { CollectorConfig, LineConfig, PrepaidConfig } from "../../headend/config.ts";
import type { CollectorEffect, CollectorEvent, MeterId, OrderReceipt, Request } from "../../headend/ports.ts";
import type { MeterOrder, OrderNumber } from "../../protocols/orders.ts";
import { minor, pricePerKwh } from "../core/money.ts";
import { Random } from "../core/random.ts";
import { assert } from "../core/result.ts";
import { civil, MICROS_PER_SECOND, mono, SECONDS_PER_DAY } from "../core/time.ts";
import { checkEnergy, type EnergyWitness } from "./checkers/energy.ts";
import { checkFunctions } from "./checkers/functions.ts";
import { checkIntervals, type IntervalWitness } from "./checkers/intervals.ts";
import { checkMoney } from "./checkers/money.ts";
import { checkOrders } from "./checkers/orders.ts";
import { checkReadings } from "./checkers/readings.ts";
import type { Verdict } from "./checkers/verdict.ts";
import { simSigner } from "./cipher.ts";
import type { CopperOptions, SimOptions } from "./options.ts";
import { SimMeter } from "./sim-meter.ts";
import { buildSite, SIM_PASSWORD, type Site, type SiteParts, SOUND_PARTS } from "./site.ts";
import { AddressTwin } from "./twin.ts";
import { SimHost, World } from "./world.ts";

export interface SimReport {
  readonly options: SimOptions;
  readonly events: number;
  readonly readings: number;
  readonly orders: number;
  readonly frames: number;
  readonly harmedFrames: number;
  readonly storeFailures: number;
  readonly verdicts: readonly Verdict[];
}

/** 2026-01-01T00:00:00Z. */
const START = civil(1_767_225_600 * MICROS_PER_SECOND);
const DAY = SECONDS_PER_DAY * MICROS_PER_SECOND;
const MINUTE = 60 * MICROS_PER_SECOND;
/** After the faults have ended everything has this long to come to rest. */
const CALM = 3 * 60 * MINUTE;
const POWER_OUTAGE_MAX = 60 * MINUTE;
const REPAIR_MAX = 60 * MINUTE;
/** Ids of orders that no head-end gave: far above those of the order book. */
const LOCAL_ORDERS = 2 ** 52;
const TWIN_MAX = 60 * MINUTE;

/**
 * @param progress told the share done, 0..1, about a hundred times
 * @param parts replaces parts of the site: how tests plant a defect and see that a checker finds it
 */
export function runSimulation(
  options: SimOptions,
  progress: (share: number) => void = () => {},
  parts: SiteParts = SOUND_PARTS,
): SimReport {
  const simulation = new Simulation(options, parts);
  const end = options.days * DAY;
  for (let step = 1; step <= 100; step++) {
    simulation.run(Math.floor((end * step) / 100));
    progress(step / 100);
  }
  simulation.calmDown();
  simulation.run(end + CALM);
  return simulation.report();
}

class Simulation {
  readonly #options: SimOptions;
  readonly #random: Random;
  readonly #world = new World(START);
  readonly #site: Site;
  readonly #meters: readonly SimMeter[];
  readonly #done = new Map<number, number>();
  readonly #confirmed = new Set<number>();
  readonly #regrets: Random;
  #headend: SimHost<CollectorEvent, CollectorEffect> | undefined;
  #ends: { perform(effect: CollectorEffect & { kind: "send" | "close" }): void; readonly link: string }[] = [];
  #starts = 0;
  #ticket = 0;

  constructor(options: SimOptions, parts: SiteParts) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#regrets = this.#random.fork("regrets");
    this.#site = buildSite(this.#world, options, this.#random.fork("site"), parts);
    this.#meters = this.#site.meters.map((config) => new SimMeter(this.#world, config, this.#done));
    this.#startHeadend();
    this.#schedule(this.#random.fork("schedule"));
  }

  run(until: number): void {
    this.#world.run(mono(until));
  }

  /** No further faults: what is broken is repaired and has time to recover. */
  calmDown(): void {
    for (const line of this.#site.lines) line.calm();
    this.#site.broker.calm();
    this.#site.store.calm();
    this.#startHeadend();
  }

  report(): SimReport {
    const { store, lines } = this.#site;
    const readings = store.readings();
    const witnesses = new Map(this.#meters.map((meter) => [meter.config.id, this.#energyWitness(meter)]));
    const { completeness } = this.#options;
    const voltages = new Map(this.#meters.map(({ config }) => [config.id, config.voltage]));
    return {
      options: this.#options,
      events: this.#world.events,
      readings: readings.length,
      orders: store.orders().length,
      frames: lines.reduce((sum, line) => sum + line.frames, 0),
      harmedFrames: lines.reduce((sum, line) => sum + line.harmed, 0),
      storeFailures: store.failures,
      verdicts: [
        checkEnergy(readings, witnesses),
        checkReadings(readings, voltages),
        checkMoney(store.accounts(), store.postings(), readings),
        checkOrders(store.orders(), this.#done, this.#confirmed),
        checkFunctions(this.#meters.map((meter) => meter.functions())),
        ...(completeness === null
          ? []
          : [
              checkIntervals(
                readings,
                store.documents(),
                completeness,
                this.#world.now().civil,
                this.#intervalWitnesses(),
              ),
            ]),
      ],
    };
  }

  /** Of the meters that keep a load profile. */
  #intervalWitnesses(): readonly IntervalWitness[] {
    return this.#meters
      .filter(({ config: { model } }) => model.modbus.control?.functions !== undefined)
      .map((meter) => ({
        meter: meter.config.id as MeterId,
        energy: this.#energyWitness(meter),
        hadPower: (at) => meter.hadPower(at),
        profile: meter.profile(),
      }));
  }

  #energyWitness(meter: SimMeter): EnergyWitness {
    return {
      truth: meter.truth,
      peakWatts: meter.config.peakWatts,
      lostSeconds: (until) => meter.lostSeconds(until),
    };
  }

  #startHeadend(): void {
    if (this.#headend !== undefined) return;
    this.#starts += 1;
    const { store, broker, lines } = this.#site;
    const collector = new Collector(this.#config(), store.snapshot(), this.#options.seed + this.#starts);
    const host = new SimHost<CollectorEvent, CollectorEffect>(this.#world, collector, (effect) =>
      this.#perform(host, effect),
    );
    this.#headend = host;
    this.#ends = lines.map((line) => {
      const end = line.join(this, (event) => host.post(event), this.#site.port);
      return { link: line.id, perform: (effect) => end.perform(effect) };
    });
    broker.connectHeadend((event) => host.post(event));
  }

  #crashHeadend(): void {
    if (this.#headend === undefined) return;
    this.#headend.kill();
    this.#headend = undefined;
    this.#site.store.crash();
    this.#site.broker.disconnectHeadend();
    for (const line of this.#site.lines) line.leave(this);
    this.#world.after(this.#options.headendAwayMinutes * MINUTE, () => this.#startHeadend());
  }

  #perform(host: SimHost<CollectorEvent, CollectorEffect>, effect: CollectorEffect): void {
    switch (effect.kind) {
      case "store":
        this.#site.store.commit(effect.id, effect.batch, (event) => host.post(event));
        return;
      case "reply":
        if (effect.result.ok && effect.result.value.kind === "order") this.#confirm(effect.result.value);
        return;
      case "send":
      case "close":
        for (const end of this.#ends) if (end.link === effect.link) end.perform(effect);
        return;
      case "publish":
      case "acknowledge":
        this.#site.broker.fromHeadend(effect);
        return;
      case "notify":
        if (effect.notice.kind === "balance" && effect.notice.level === "empty")
          this.#customerPays(effect.notice.meter);
        return;
      case "log":
      case "observe":
        return;
    }
  }

  /** The operator thinks better of an order now and then; whether that comes in time is the head-end's to say. */
  #confirm({ order, created }: OrderReceipt): void {
    this.#confirmed.add(order.id);
    if (!created || !this.#regrets.chance(1, 4)) return;
    const cancel = { kind: "decide-order", order: order.id, decision: "cancel", actor: "operator" } as const;
    this.#world.after(this.#regrets.below(this.#regrets.pick([2 * MICROS_PER_SECOND, MINUTE])), () =>
      this.#ask(cancel),
    );
  }

  /** Someone who sits in the dark tops up after a while, and sends the same payment twice now and then. */
  #customerPays(meter: MeterId): void {
    if (this.#random.chance(1, 4)) return;
    this.#ticket += 1;
    const request = {
      kind: "topup",
      meter,
      amount: minor(BigInt(this.#random.between(500, 5_000))),
      actor: "customer",
    } as const;
    const key = `payment-${this.#ticket}`;
    const delay = this.#random.below(30 * MINUTE);
    this.#world.after(delay, () => this.#ask({ ...request, key }));
    if (this.#random.chance(1, 3)) this.#world.after(delay + MINUTE, () => this.#ask({ ...request, key }));
  }

  #ask(request: Request extends infer R ? (R extends unknown ? Omit<R, "ticket"> : never) : never): void {
    this.#ticket += 1;
    this.#headend?.post({ kind: "request", request: { ...request, ticket: this.#ticket } });
  }

  #schedule(random: Random): void {
    const length = this.#options.days * DAY;
    for (let i = 0; i < this.#options.headendCrashes; i++)
      this.#world.at(random.below(length), () => this.#crashHeadend());
    for (let i = 0; i < this.#options.powerCuts; i++) {
      const meter = random.pick(this.#meters);
      const at = random.below(length);
      this.#world.at(at, () => meter.powerCut(i % 2 === 0));
      this.#world.at(at + random.between(MINUTE, POWER_OUTAGE_MAX), () => meter.powerOn());
    }
    this.#scheduleCredit(random.fork("credit"), length);
    if (this.#options.copper !== null) this.#scheduleCopper(this.#options.copper, random.fork("copper"), length);
    const controllable = this.#meters.filter(({ config }) => config.model.plate.relayAmps !== null);
    for (let i = 0; i < this.#options.orders && controllable.length > 0; i++) {
      const meter = random.pick(controllable).config.id as MeterId;
      const operation = random.pick(["relay-open", "relay-close", "relay-allow"] as const);
      const request = {
        kind: "order",
        meter,
        operation,
        argument: 0,
        key: `operator-${i}`,
        actor: "operator",
      } as const;
      const at = random.below(length);
      this.#world.at(at, () => this.#ask(request));
      // The operator's script repeats itself: the same key is the same order.
      if (random.chance(1, 3)) this.#world.at(at + random.below(MINUTE), () => this.#ask(request));
    }
  }

  /** Customers of meters with credit of their own key some in, and some key the same in again. */
  #scheduleCredit(random: Random, length: number): void {
    let id = LOCAL_ORDERS;
    for (const meter of this.#meters.filter(({ config }) => config.settings.credit !== null)) {
      for (let left = this.#options.days; left > 0; left--) {
        id += 1;
        const argument = random.between(1_000, 30_000);
        const order: MeterOrder = { id: id as OrderNumber, operation: "credit-add", argument };
        const at = random.below(length);
        for (const again of [0, ...(random.chance(1, 3) ? [random.below(30 * MINUTE)] : [])])
          this.#world.at(at + again, () => meter.keyIn(order));
      }
    }
  }

  /** All of it ends before the calm. */
  #scheduleCopper(copper: CopperOptions, random: Random, length: number): void {
    const onLines = this.#meters.flatMap(({ config: { wire } }) => (wire.kind === "line" ? [wire] : []));
    if (onLines.length === 0) return;
    const within = (from: number, longest: number) => Math.min(length, from + random.between(1, longest));
    for (let i = 0; i < copper.cuts; i++) {
      const line = random.pick(this.#site.copper);
      const place = random.below(this.#options.metersPerLine);
      const at = random.below(length);
      this.#world.at(at, () => line.cut(place));
      this.#world.at(within(at, REPAIR_MAX), () => line.repair(place));
    }
    for (let i = 0; i < copper.twins; i++) {
      const { line, unit, timing } = random.pick(onLines);
      const at = random.below(length);
      const until = within(at, TWIN_MAX);
      this.#world.at(at, () => {
        const twin = new AddressTwin(this.#world, line, unit, timing);
        this.#world.at(until, () => twin.leave());
      });
    }
  }

  #config(): CollectorConfig {
    const every = this.#options.pollMinutes * MINUTE;
    const lines = this.#site.lines.map((line): LineConfig => {
      const meters = this.#site.meters.flatMap((config) =>
        config.wire.kind === "line" && config.wire.line === line
          ? [{ id: config.id as MeterId, unit: config.wire.unit, model: config.model, password: SIM_PASSWORD }]
          : [],
      );
      const { baud, bitsPerChar, port } = this.#site;
      const serial = { baud, bitsPerChar, byteTimes: !port.lumps, echo: port.echo };
      return { link: line.id, framing: "rtu", ...serial, pollEvery: every, meters };
    });
    const overMqtt = this.#site.meters.filter(({ wire }) => wire.kind === "mqtt");
    return {
      lines,
      ...(this.#options.completeness === null ? {} : { completeness: this.#options.completeness }),
      mqtt: {
        link: this.#site.broker.link,
        signer: simSigner("head-end"),
        meters: overMqtt.map(({ id, model }) => ({ id: id as MeterId, model })),
      },
      prepaid: this.#site.prepaid.map(
        (id): PrepaidConfig => ({
          meter: id as MeterId,
          currency: "EUR",
          price: pricePerKwh(31_415_926n),
          warnAt: minor(500n),
          cutAt: minor(0n),
          initial: minor(1_000n),
        }),
      ),
    };
  }
}

/** A run whose checkers found nothing. */
export function isGood(report: SimReport): boolean {
  assert(report.verdicts.length > 0, "a run is judged");
  return report.verdicts.every((verdict) => verdict.violations.length === 0);
}
