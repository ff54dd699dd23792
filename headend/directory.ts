/** Which meters there are, how each is reached and what it can do. Configured ones come first, self-registered ones after. */
import { MODELS } from "../protocols/models/index.ts";
import type { MeterModel } from "../protocols/models/model.ts";
import type { OrderOperation } from "../protocols/orders.ts";
import type { LinkId } from "../src/core/actor.ts";
import { assert } from "../src/core/result.ts";
import type { Books } from "./books.ts";
import type { MeterConfig, SiteConfig } from "./config.ts";
import type { MeterId, Refusal, RegisteredMeter } from "./ports.ts";

export interface KnownMeter {
  /** Undefined for a self-registered meter of a model that no file describes: it is stored, but never switched. */
  readonly model: MeterModel | undefined;
  /** The Modbus line it is on; undefined over MQTT. */
  readonly line: LinkId | undefined;
  /** False for one that registered itself. */
  readonly configured: boolean;
  readonly registration: RegisteredMeter;
}

const VIA_MQTT = "mqtt";

function viaLine(line: string, unit: number): string {
  return `line ${line} unit ${unit}`;
}

/** The line's name out of a meter's registration; `mqtt` for one on MQTT. */
export function lineOfVia(via: string): string {
  return /^line (.*) unit \d+$/.exec(via)?.[1] ?? via;
}

export class Directory {
  readonly #registered: Pick<Books["meters"], "get">;
  readonly #configured = new Map<MeterId, KnownMeter>();
  readonly #models: ReadonlyMap<string, MeterModel>;
  readonly #mqtt: boolean;

  /** @param registered the meters that the store knows, self-registered ones among them */
  constructor(config: SiteConfig, registered: Pick<Books["meters"], "get">) {
    this.#registered = registered;
    this.#mqtt = config.mqtt !== undefined;
    this.#models = new Map([...MODELS, ...(config.models ?? [])].map((model) => [model.id, model]));
    for (const line of config.lines)
      for (const meter of line.meters) this.#add(meter, line.link, viaLine(line.link, meter.unit));
    for (const meter of config.mqtt?.meters ?? []) this.#add(meter, undefined, VIA_MQTT);
  }

  configured(): IterableIterator<KnownMeter> {
    return this.#configured.values();
  }

  find(id: MeterId): KnownMeter | undefined {
    const configured = this.#configured.get(id);
    if (configured !== undefined) return configured;
    const registration = this.#registered.get(id);
    // A meter that was once on a line and is no longer configured cannot be reached any more.
    if (!this.#mqtt || registration === undefined || registration.via !== VIA_MQTT) return undefined;
    return { model: this.#models.get(registration.model), line: undefined, configured: false, registration };
  }

  /** What a meter that publishes without being configured is registered as. */
  static selfRegistered(id: MeterId, model: string): RegisteredMeter {
    return { id, model, ratio: 1, via: VIA_MQTT };
  }

  #add(meter: MeterConfig, line: LinkId | undefined, via: string): void {
    assert(!this.#configured.has(meter.id), `meter ${meter.id} is configured twice`);
    const registration = { id: meter.id, model: meter.model.id, ratio: meter.ratio ?? 1, via };
    this.#configured.set(meter.id, { model: meter.model, line, configured: true, registration });
  }
}

/** Whether the meter keeps a load profile that the head-end can ask for, on a line or over MQTT: the native models do. */
export function keepsProfile({ model }: KnownMeter): boolean {
  return model?.modbus.control?.functions !== undefined;
}

/** Why a meter cannot carry out an operation; undefined when it can. Checked before anything is queued. */
export function inability(meter: KnownMeter, operation: OrderOperation): Refusal | undefined {
  const { model, line, registration } = meter;
  const what = `${registration.id} is a ${registration.model}`;
  // Over MQTT every meter takes commands; over Modbus only models with an order mailbox do.
  const commandable = model !== undefined && (line === undefined || model.modbus.control !== undefined);
  if (operation === "clock-set") {
    if (commandable && model.modbus.registers.some((register) => register.measure === "clock")) return undefined;
    return { reason: "no-clock", detail: `${what}: this model has no clock that can be set` };
  }
  if (commandable && model.plate.relayAmps !== null) return undefined;
  return { reason: "no-relay", detail: `${what}: this model has no relay` };
}
