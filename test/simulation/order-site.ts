/** A head-end, one real meter and the wire between them in virtual time, each of which can be killed at any moment. */
import { mainsOf, stepLoad } from "../../firmware-sim/metrology/mains.ts";
import { MemoryNvram } from "../../firmware-sim/nvram/nvram.ts";
import { factorySettings } from "../../firmware-sim/settings.ts";
import { Collector } from "../../headend/collector.ts";
import type { CollectorEffect, CollectorEvent, MeterId } from "../../headend/ports.ts";
import { rtuTiming } from "../../protocols/modbus/timing.ts";
import { findModel } from "../../protocols/models/index.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { linkId } from "../../src/core/actor.ts";
import { Random } from "../../src/core/random.ts";
import { civil, mono } from "../../src/core/time.ts";
import { VirtualBroker } from "../../src/simulation/broker.ts";
import { simSigner } from "../../src/simulation/cipher.ts";
import { VirtualLine } from "../../src/simulation/line.ts";
import { SimMeter } from "../../src/simulation/sim-meter.ts";
import { SimStore } from "../../src/simulation/store.ts";
import { SimHost, type SimLink, World } from "../../src/simulation/world.ts";

export const SECOND = 1_000_000;
const START = civil(1_795_881_600 * SECOND);
const METER = "m1" as MeterId;
const PASSWORD = 4711;
const MODEL = findModel("meterworks-1p") as MeterModel;
const SOUND_LINE = { lost: 0, flipped: 0, cut: 0, noise: 0, late: 0 };

export type Wire = "modbus" | "mqtt";
export type Victim = "head-end" | "meter" | "broker";

/** Decides what is left to chance: whether a commit that was under way at a crash is on the disk. */
class Coin extends Random {
  readonly #side: boolean;

  constructor(side: boolean) {
    super(1);
    this.#side = side;
  }

  override chance(): boolean {
    return this.#side;
  }
}

export class OrderSite {
  readonly world = new World(START);
  readonly store: SimStore;
  /** How often the meter carried out each order, counted at the meter. */
  readonly done = new Map<number, number>();
  /** Moments at which something reached or left the head-end or the store. */
  readonly moments: number[] = [];
  readonly #broker: VirtualBroker;
  readonly #line: VirtualLine;
  readonly #meter: SimMeter;
  readonly #wire: Wire;
  #headend: SimHost<CollectorEvent, CollectorEffect> | undefined;
  #end: SimLink | undefined;
  #starts = 0;

  /** @param committed whether a commit under way survives the head-end's crash */
  constructor(wire: Wire, committed: boolean) {
    const { world } = this;
    this.#wire = wire;
    // A slow disk: what leaves before it is stored shows.
    this.store = new SimStore(world, { failed: 0, slowest: 300_000 }, new Coin(committed));
    this.#broker = new VirtualBroker(world, { doubled: 0, responseLost: 0 }, new Random(2));
    this.#line = new VirtualLine(world, linkId("bus"), 9_600, 10, SOUND_LINE, new Random(3));
    const timing = rtuTiming(9_600, { bitsPerChar: 10, byteTimes: false });
    this.#meter = new SimMeter(
      world,
      {
        ...{
          id: METER,
          model: MODEL,
          peakWatts: 1_150,
          voltage: 230,
          password: PASSWORD,
          seed: 4,
          checkpointSeconds: 10,
        },
        load: stepLoad(START, [{ seconds: 86_400, mains: mainsOf({ phases: 1, voltage: 230, current: 5, angle: 0 }) }]),
        wire:
          wire === "modbus"
            ? { kind: "line", line: this.#line, unit: 1, timing }
            : { kind: "mqtt", broker: this.#broker, interval: 3_600 * SECOND },
        nvram: new MemoryNvram(),
        settings: factorySettings(MODEL),
      },
      this.done,
    );
    this.#startHeadend();
  }

  run(seconds: number): void {
    this.world.run(mono(this.world.now().mono + Math.round(seconds * SECOND)));
  }

  runUntil(at: number): void {
    this.world.run(mono(at));
  }

  /** A requester who repeats the request until it was answered: the key makes it one order. */
  ask(expirySeconds: number): void {
    const expiresAt = civil(this.world.now().civil + expirySeconds * SECOND);
    for (const again of [0, 1, 4])
      this.world.after(again * SECOND, () => {
        const order = { meter: METER, operation: "relay-open", argument: 0, key: "k", actor: "anna" } as const;
        this.#headend?.post({ kind: "request", request: { kind: "order", ticket: 1, ...order, expiresAt } });
      });
  }

  kill(victim: Victim, outageSeconds: number): void {
    const outage = Math.round(outageSeconds * SECOND);
    if (victim === "broker") this.#broker.kill(outage);
    else if (victim === "meter") {
      this.#meter.powerCut(false);
      this.world.after(outage, () => this.#meter.powerOn());
    } else this.#killHeadend(outage);
  }

  #killHeadend(outage: number): void {
    this.#headend?.kill();
    this.#headend = undefined;
    this.store.crash();
    this.#broker.disconnectHeadend();
    this.#line.leave(this);
    this.world.after(outage, () => this.#startHeadend());
  }

  get order() {
    return this.store.orders()[0];
  }

  /** The states of the order's life as the audit has them, and what it says at the end. */
  get life(): { readonly states: readonly string[]; readonly last: string } {
    const entries = this.store.audit.filter(({ order }) => order !== null);
    return {
      states: entries.map(({ action }) => action.replace("order relay-open ", "")),
      last: entries.at(-1)?.detail ?? "",
    };
  }

  #startHeadend(): void {
    this.#starts += 1;
    const meter = { id: METER, model: MODEL };
    const config =
      this.#wire === "modbus"
        ? {
            lines: [
              {
                ...({ link: this.#line.id, framing: "rtu", baud: 9_600, bitsPerChar: 10, byteTimes: false } as const),
                pollEvery: 3_600 * SECOND,
                meters: [{ ...meter, unit: 1, password: PASSWORD }],
              },
            ],
          }
        : { lines: [], mqtt: { link: this.#broker.link, signer: simSigner("head-end"), meters: [meter] } };
    const collector = new Collector(config, this.store.snapshot(), this.#starts);
    const host = new SimHost<CollectorEvent, CollectorEffect>(this.world, collector, (effect) =>
      this.#perform(host, effect),
    );
    const hear = (event: CollectorEvent) => {
      this.moments.push(this.world.now().mono);
      host.post(event);
    };
    this.#headend = host;
    if (this.#wire === "modbus") this.#end = this.#line.join(this, hear);
    else this.#broker.connectHeadend(hear);
  }

  #perform(host: SimHost<CollectorEvent, CollectorEffect>, effect: CollectorEffect): void {
    this.moments.push(this.world.now().mono);
    if (effect.kind === "store")
      this.store.commit(effect.id, effect.batch, (event) => {
        this.moments.push(this.world.now().mono);
        host.post(event);
      });
    else if (effect.kind === "send" || effect.kind === "close") this.#end?.perform(effect);
    else if (effect.kind === "publish" || effect.kind === "acknowledge") this.#broker.fromHeadend(effect);
  }
}
