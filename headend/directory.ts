/** Which meters there are, how each is reached and what it can do. Configured ones come first, self-registered ones after. */
import { MODELS } from "../protocols/models/index.ts";
import type { MeterModel } from "../protocols/models/model.ts";
import type { OrderOperation } from "../protocols/orders.ts";
import type { LinkId } from "../src/core/actor.ts";
import { assert } from "../src/core/result.ts";
import type { MeterPlace } from "./alarms/availability.ts";
import type { Books } from "./books.ts";
import type { MeterConfig, SiteConfig } from "./config.ts";
import type { MeterId, Refusal, RegisteredMeter } from "./ports.ts";
import type { Place } from "./registry/entry.ts";
import { showPlace } from "./registry/place.ts";

export interface KnownMeter {
  /** Undefined for a self-registered meter of a model that no file describes: it is stored, but never switched. */
  readonly model: MeterModel | undefined;
  /** The Modbus line it is on; undefined over MQTT. */
  readonly line: LinkId | undefined;
  /** False for one that registered itself. */
  readonly configured: boolean;
  readonly registration: RegisteredMeter;
  readonly place: Place;
  /** CT × VT as the configuration file says it; undefined where it says nothing. */
  readonly fixedRatio: number | undefined;
  /** Waits for a person: it is heard, and carries nothing out. */
  readonly held: boolean;
  /** On a line because the registry says so, not the configuration file. */
  readonly fromRegistry: boolean;
}

const MQTT: Place = { kind: "mqtt" };
const VIA_MQTT = showPlace(MQTT);

export class Directory {
  readonly #registered: Pick<Books["meters"], "get" | "values">;
  readonly #gateways = new Map<LinkId, string>();
  readonly #broker: LinkId | null;
  readonly #configured = new Map<MeterId, KnownMeter>();
  /** What {@link find} made of meters that registered themselves: it is asked several times for each message. */
  readonly #publishing = new Map<MeterId, KnownMeter>();
  readonly #models: ReadonlyMap<string, MeterModel>;
  readonly #lines: ReadonlySet<string>;
  readonly #registry: Pick<Books["registry"], "get">;
  readonly #mqtt: boolean;

  /**
   * @param registered the meters that the store knows, self-registered ones among them
   * @param registry what it knows of them beside
   */
  constructor(
    config: SiteConfig,
    registered: Pick<Books["meters"], "get" | "values">,
    registry: Pick<Books["registry"], "get">,
  ) {
    this.#registered = registered;
    this.#registry = registry;
    this.#lines = new Set(config.lines.map(({ link }) => link));
    this.#mqtt = config.mqtt !== undefined;
    this.#broker = config.mqtt?.link ?? null;
    for (const { link, gateway } of config.lines) if (gateway !== undefined) this.#gateways.set(link, gateway);
    this.#models = knownModels(config);
    for (const line of config.lines)
      for (const meter of line.meters) this.#add(meter, line.link, { kind: "line", line: line.link, unit: meter.unit });
    for (const meter of config.mqtt?.meters ?? []) this.#add(meter, undefined, MQTT);
  }

  configured(): IterableIterator<KnownMeter> {
    return this.#configured.values();
  }

  /** What the configuration file itself says of a meter; those that the registry brought to a line are not in it. */
  inFile(id: MeterId): KnownMeter | undefined {
    const known = this.#configured.get(id);
    return known?.fromRegistry ? undefined : known;
  }

  hasLine(line: string): boolean {
    return this.#lines.has(line);
  }

  modelOf(model: string): MeterModel | undefined {
    return this.#models.get(model);
  }

  /** A meter in use or held; a removed one is not found, nor one that was moved and is still polled where it was. */
  find(id: MeterId): KnownMeter | undefined {
    const state = this.#registry.get(id)?.state;
    if (state === "removed") return undefined;
    const configured = this.#configured.get(id);
    if (configured !== undefined) return configured.fromRegistry && this.#changed(configured) ? undefined : configured;
    const registration = this.#registered.get(id);
    // A meter that was once on a line and is no longer configured cannot be reached any more.
    if (!this.#mqtt || registration === undefined || registration.via !== VIA_MQTT) return undefined;
    const held = state === "held";
    const before = this.#publishing.get(id);
    if (before?.registration === registration && before.held === held) return before;
    const known: KnownMeter = {
      ...{ model: this.#models.get(registration.model), line: undefined, configured: false, registration },
      ...{ place: MQTT, fixedRatio: undefined, fromRegistry: false, held },
    };
    this.#publishing.set(id, known);
    return known;
  }

  /** Where each meter that can be reached is, by its id. */
  places(): readonly MeterPlace[] {
    const configured = [...this.#configured.values()].map(({ line = null, registration: { id } }) => {
      const gateway = line === null ? null : (this.#gateways.get(line) ?? null);
      return { meter: id, line, gateway, broker: line === null ? this.#broker : null };
    });
    const others = [...this.#registered.values()]
      .filter(({ id, via }) => this.#mqtt && via === VIA_MQTT && !this.#configured.has(id))
      .map(({ id }) => ({ meter: id, line: null, gateway: null, broker: this.#broker }));
    return [...configured, ...others].sort((a, b) => (a.meter < b.meter ? -1 : 1));
  }

  /** Its line goes on as it began: what it reads is of another meter, or by another's register map. */
  #changed({ registration: { id, model, via } }: KnownMeter): boolean {
    const now = this.#registered.get(id);
    return now !== undefined && (now.model !== model || now.via !== via);
  }

  /** What a meter that publishes without being configured is registered as. */
  static selfRegistered(id: MeterId, model: string): RegisteredMeter {
    return { id, model, ratio: 1, via: VIA_MQTT };
  }

  #add(meter: MeterConfig, line: LinkId | undefined, place: Place): void {
    assert(!this.#configured.has(meter.id), `meter ${meter.id} is configured twice`);
    const registration = { id: meter.id, model: meter.model.id, ratio: meter.ratio ?? 1, via: showPlace(place) };
    this.#configured.set(meter.id, {
      ...{ model: meter.model, line, configured: true, registration },
      ...{ place, fixedRatio: meter.ratio, fromRegistry: meter.fromRegistry === true, held: false },
    });
  }
}

/** Built-in models, those that were given, and those that a configured meter has from a file of its own. */
export function knownModels(config: SiteConfig): ReadonlyMap<string, MeterModel> {
  const used = [...config.lines.flatMap((line) => line.meters), ...(config.mqtt?.meters ?? [])].map(
    ({ model }) => model,
  );
  return new Map([...MODELS, ...(config.models ?? []), ...used].map((model) => [model.id, model]));
}

/** Whether the meter keeps a load profile that the head-end can ask for, on a line or over MQTT: the native models do. */
export function keepsProfile({ model }: KnownMeter): boolean {
  return model?.modbus.control?.functions !== undefined;
}

/** Why a meter cannot carry out an operation; undefined when it can. Checked before anything is queued. */
export function inability(meter: KnownMeter, operation: OrderOperation): Refusal | undefined {
  const { model, line, registration } = meter;
  if (meter.held)
    return { reason: "not-active", detail: `${registration.id} is held: "meterworks registry accept" makes it active` };
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
