/**
 * What is known of a metering point beside model and way (those are its `meter` record): device, transformers, customer,
 * key. A point keeps its id when its device is exchanged. A meter that nobody ever said anything about has no entry.
 */
import type { Civil } from "../../src/core/time.ts";
import type { DocumentCodec } from "../documents.ts";
import type { MeterId } from "../ports.ts";
import type { Ratio } from "./ratio.ts";

/**
 * held: heard of or found, and waiting for a person; its readings are stored, nothing else happens with it.
 * active: in use. removed: neither polled nor listened to; what was stored of it stays.
 */
export const REGISTRY_STATES = ["held", "active", "removed"] as const;
export type RegistryState = (typeof REGISTRY_STATES)[number];

/** A value and the time from which it holds, until the next of the list begins; 0 is "from the beginning". */
export interface Dated<T> {
  readonly from: Civil;
  readonly value: T;
}

/** Where the registry itself says that a meter is; null where the configuration or the meter's own telemetry says it. */
export type Place = { readonly kind: "line"; readonly line: string; readonly unit: number } | { readonly kind: "mqtt" };

/** What the rating plate says where it differs from the model: volts phase to neutral, amperes, imp/kWh. */
export interface PlateOverride {
  readonly un: number | null;
  readonly imax: number | null;
  readonly constant: number | null;
}

/** One device of the point followed another. */
export interface Exchange {
  readonly at: Civil;
  /** +A registers, mWh: the old device's last and the new one's first. */
  readonly closing: number;
  readonly opening: number;
  readonly oldSerial: string | null;
  readonly newSerial: string | null;
  readonly oldModel: string;
  readonly newModel: string;
  /** mWh that are added to the new device's +A register, so that the energy of the point runs on without a step. */
  readonly offset: number;
  /** The requester's idempotency key. */
  readonly key: string;
  readonly actor: string;
  /** When it was told to the head-end. */
  readonly recordedAt: Civil;
}

export interface RegistryEntry {
  readonly meter: MeterId;
  readonly state: RegistryState;
  /** Of the device that is in place. */
  readonly serial: string | null;
  readonly place: Place | null;
  readonly plate: PlateOverride;
  readonly ct: readonly Dated<Ratio>[];
  readonly vt: readonly Dated<Ratio>[];
  readonly customer: readonly Dated<string>[];
  readonly tariff: readonly Dated<string>[];
  /** The public key whose orders the meter was told to take (Ed25519, 32 bytes in base64), for the record. */
  readonly orderKey: string | null;
  readonly note: string;
  /** Oldest first. */
  readonly exchanges: readonly Exchange[];
}

/** What holds of a meter that has no entry. */
export function blankEntry(meter: MeterId, state: RegistryState = "active"): RegistryEntry {
  return {
    meter,
    state,
    serial: null,
    place: null,
    plate: { un: null, imax: null, constant: null },
    ct: [],
    vt: [],
    customer: [],
    tariff: [],
    orderKey: null,
    note: "",
    exchanges: [],
  };
}

export const REGISTRY = "registry";

/** Removed ones stay live: the collector must go on to know that it does not listen to them. */
export const REGISTRY_CODEC: DocumentCodec<RegistryEntry> = {
  encode: (entry) => JSON.stringify(entry),
  decode: (text) => JSON.parse(text) as RegistryEntry,
  live: () => true,
};

/** Orders, schedules and money are for active meters only; one without an entry is active. */
export function isActive(entry: RegistryEntry | undefined): boolean {
  return entry === undefined || entry.state === "active";
}

/** The last exchange: since then another device counts. */
export function lastExchange(entry: RegistryEntry | undefined): Exchange | undefined {
  return entry?.exchanges.at(-1);
}

/** What holds at a time; undefined before the first began. The list is sorted. */
export function valueAt<T>(list: readonly Dated<T>[], at: Civil): T | undefined {
  return list.findLast(({ from }) => from <= at)?.value;
}
