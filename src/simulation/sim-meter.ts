/** One meter of the simulation through its life: power on, a face on its wire, power cut, power on again. */
import { localSecond } from "../../firmware-sim/clock/local-time.ts";
import { DeviceFace } from "../../firmware-sim/faces/device.ts";
import { ModbusSerialFace } from "../../firmware-sim/faces/modbus-serial.ts";
import { MqttFace } from "../../firmware-sim/faces/mqtt.ts";
import { Meter } from "../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../firmware-sim/metrology/closed-form-chip.ts";
import type { LoadSource } from "../../firmware-sim/metrology/mains.ts";
import type { Nvram } from "../../firmware-sim/nvram/nvram.ts";
import type { MeterSettings } from "../../firmware-sim/settings.ts";
import type { RtuTiming } from "../../protocols/modbus/timing.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import type { MeterOrder } from "../../protocols/orders.ts";
import type { LinkEffect, LinkEvent } from "../core/actor.ts";
import { linkId } from "../core/actor.ts";
import { assert } from "../core/result.ts";
import { MICROS_PER_SECOND } from "../core/time.ts";
import type { VirtualBroker } from "./broker.ts";
import type { FunctionsWitness } from "./checkers/functions.ts";
import { simVerify } from "./cipher.ts";
import type { SimBus } from "./line.ts";
import { type MeterView, viewOf } from "./power/view.ts";
import { DeliveryTruth, WatchedChip } from "./truth.ts";
import { SimHost, type World } from "./world.ts";

/** More than a class of a load profile keeps. */
const MOST_RECORDS = 100_000;

export type SimWire =
  | { readonly kind: "line"; readonly line: SimBus; readonly unit: number; readonly timing: RtuTiming }
  | { readonly kind: "mqtt"; readonly broker: VirtualBroker; readonly interval: number };

export interface SimMeterConfig {
  readonly id: string;
  readonly model: MeterModel;
  readonly load: LoadSource;
  /** Watts, for the slack of checks. */
  readonly peakWatts: number;
  readonly voltage: number;
  readonly password: number;
  readonly seed: number;
  readonly checkpointSeconds: number;
  readonly wire: SimWire;
  readonly nvram: Nvram;
  readonly settings: MeterSettings;
}

export class SimMeter {
  readonly config: SimMeterConfig;
  readonly truth: DeliveryTruth;
  /** How often each order id was carried out, over all lives. */
  readonly done: Map<number, number>;
  readonly #world: World;
  /** Civil times of power cuts that lost up to a checkpoint interval. */
  readonly #hardCuts: number[] = [];
  /** Civil times of power on and off, in turn. */
  readonly #switched: number[] = [];
  /** What the meter's functions had when its power came and went. */
  readonly #views: { readonly view: MeterView; readonly kept: boolean }[] = [];
  readonly #credited = new Map<number, { readonly amount: number; times: number }>();
  #meter: Meter | undefined;
  #hosts: SimHost<LinkEvent, LinkEffect>[] = [];

  constructor(world: World, config: SimMeterConfig, done: Map<number, number>) {
    this.#world = world;
    this.config = config;
    this.done = done;
    this.truth = new DeliveryTruth(config.load);
    this.powerOn();
  }

  powerOn(): void {
    // Outages that overlap end with the first that ends.
    if (this.#meter !== undefined) return;
    const { model, load, seed } = this.config;
    const now = this.#world.now();
    const meter = Meter.powerOn(
      {
        id: this.config.id,
        model,
        chip: (start) => {
          const chip = new ClosedFormChip({ plate: model.plate, phases: model.phases, load, start, seed });
          return new WatchedChip(chip, this.truth, now.civil);
        },
        nvram: this.config.nvram,
        settings: this.config.settings,
        password: this.config.password,
        checkpointEvery: this.config.checkpointSeconds * MICROS_PER_SECOND,
      },
      now,
    );
    assert(meter.ok, "a meter always comes back from its own checkpoints");
    this.#meter = meter.value;
    this.#switched.push(now.civil);
    this.#look(meter.value, true);
    this.#hosts = [new SimHost(this.#world, new DeviceFace(meter.value), (effect) => this.#note(effect))];
    if (this.config.wire.kind === "line") this.#joinLine(meter.value, this.config.wire);
    else this.#connectBroker(meter.value, this.config.wire);
  }

  /** Power is gone; with `orderly` the power-fail interrupt still wrote its checkpoint. */
  powerCut(orderly: boolean): void {
    const { meter, now } = { meter: this.#meter, now: this.#world.now() };
    if (meter === undefined) return;
    if (orderly) meter.powerFail(now);
    else this.#hardCuts.push(now.civil);
    this.#look(meter, orderly);
    this.truth.stops(now.civil);
    this.#switched.push(now.civil);
    for (const host of this.#hosts) host.kill();
    if (this.config.wire.kind === "line") this.config.wire.line.leave(this);
    else this.config.wire.broker.disconnectMeter(this.config.id);
    this.#meter = undefined;
  }

  /** Seconds of energy that cuts up to then may have cost. */
  lostSeconds(until: number): number {
    return this.#hardCuts.filter((at) => at <= until).length * (this.config.checkpointSeconds + 1);
  }

  /** Whether the meter had power at a civil time. */
  hadPower(at: number): boolean {
    return this.#switched.filter((switched) => switched <= at).length % 2 === 1;
  }

  /** The +A that its load profile holds at the end of a run, mWh, by civil time. The meters of a run are set to UTC. */
  profile(): ReadonlyMap<number, number> {
    const profile = this.#meter?.functions.profile;
    const place = profile?.settings.classes.findIndex((c) => c?.captures[0] === "activeEnergyImport") ?? -1;
    const records = profile?.range(place, localSecond(0), localSecond(Number.MAX_SAFE_INTEGER), MOST_RECORDS) ?? [];
    return new Map(records.map(({ at, values }) => [at * MICROS_PER_SECOND, values[0] as number]));
  }

  /** A customer keys credit in at the meter, and presses the button where the relay waits for it. Without power nothing happens. */
  keyIn(order: MeterOrder): void {
    if (this.#meter === undefined) return;
    const credited = this.#credited.get(order.id) ?? { amount: order.argument, times: 0 };
    this.#credited.set(order.id, credited);
    const { credit } = this.#meter.functions;
    const before = credit?.totals.topUps ?? 0;
    this.#meter.execute(order, this.#world.now());
    credited.times += (credit?.totals.topUps ?? 0) - before;
    this.#meter.pressButton(this.#world.now());
    for (const host of this.#hosts) host.touch();
  }

  /** At the end of a run. */
  functions(): FunctionsWitness {
    if (this.#meter !== undefined) this.#look(this.#meter, false);
    const { id, settings } = this.config;
    return { meter: id, settings, views: this.#views, credited: this.#credited };
  }

  #look(meter: Meter, kept: boolean): void {
    this.#views.push({ view: viewOf(meter), kept });
  }

  #joinLine(meter: Meter, wire: SimWire & { kind: "line" }): void {
    const face = new ModbusSerialFace(
      meter,
      wire.unit,
      wire.line.id,
      { framing: "rtu", timing: wire.timing },
      this.#world.now(),
    );
    const host = new SimHost<LinkEvent, LinkEffect>(this.#world, face, (effect) => {
      if (effect.kind === "log") this.#note(effect);
      else end.perform(effect);
    });
    const end = wire.line.join(this, (event) => host.post(event));
    this.#hosts.push(host);
  }

  #connectBroker(meter: Meter, wire: SimWire & { kind: "mqtt" }): void {
    const link = linkId(`mqtt:${meter.id}`);
    const options = { link, interval: wire.interval, nvram: this.config.nvram, verify: simVerify };
    const face = new MqttFace(meter, options, this.#world.now());
    const host = new SimHost<LinkEvent, LinkEffect>(this.#world, face, (effect) => {
      if (effect.kind === "log") this.#note(effect);
      else wire.broker.fromMeter(effect);
    });
    wire.broker.connectMeter(meter.id, link, (event) => host.post(event));
    this.#hosts.push(host);
  }

  #note(effect: LinkEffect): void {
    // An order that moved the relay changes when the chip and the device want to be woken.
    for (const host of this.#hosts) host.touch();
    if (effect.kind !== "log" || effect.event !== "meter.order" || effect.fields?.["status"] !== "done") return;
    const order = effect.fields["order"] as number;
    // What was keyed in is counted where it was.
    if (this.#credited.has(order)) return;
    this.done.set(order, (this.done.get(order) ?? 0) + 1);
  }
}
