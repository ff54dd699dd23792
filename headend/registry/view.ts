/** How the registry looks outside, and how JSON from outside becomes a wished entry. */
import { measure, showValue } from "../../src/core/measures.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type Civil, toIso } from "../../src/core/time.ts";
import type { MeterId } from "../ports.ts";
import { type RegistryMeter, type RegistryPatch, whereOf } from "./columns.ts";
import type { Dated, Exchange, PlateOverride, RegistryState } from "./entry.ts";
import {
  datedList,
  parseBinding,
  parseModelName,
  parseNote,
  parseOrderKey,
  parsePlateNumber,
  parseSerial,
} from "./fields.ts";
import { parsePlace, showPlace } from "./place.ts";
import { parseRatio, showRatio } from "./ratio.ts";

function since(from: Civil): string | null {
  return from === 0 ? null : toIso(from);
}

const bindings = (list: readonly Dated<string>[]) => list.map(({ from, value }) => ({ from: since(from), id: value }));

export function registryView(meter: RegistryMeter) {
  const { registration, entry } = meter;
  const { state, serial, plate, orderKey, note } = entry;
  const where = whereOf(meter);
  const ratios = (list: RegistryMeter["entry"]["ct"]) =>
    list.map(({ from, value }) => ({ from: since(from), ratio: showRatio(value) }));
  return {
    ...{ id: registration.id, state, model: registration.model, where: where === null ? null : showPlace(where) },
    ...{ ratio: registration.ratio, serial, plate, ct: ratios(entry.ct), vt: ratios(entry.vt) },
    ...{ customer: bindings(entry.customer), tariff: bindings(entry.tariff), orderKey, note },
    exchanges: entry.exchanges.map(exchangeView),
  };
}

export function exchangeView(exchange: Exchange) {
  const { at, closing, opening, oldSerial, newSerial, oldModel, newModel, key, actor, recordedAt } = exchange;
  const energy = (milliWattHours: number) => showValue(measure("activeEnergyImport"), milliWattHours);
  return {
    ...{ at: toIso(at), closing: energy(closing), opening: energy(opening), energyUnit: "kWh" },
    ...{ oldSerial, newSerial, oldModel, newModel, key, actor, recordedAt: toIso(recordedAt) },
  };
}

/** The body of a PUT, its types checked by the schema. */
export interface RegistryBody {
  readonly state?: RegistryState;
  readonly model?: string;
  readonly where?: string | null;
  readonly serial?: string | null;
  readonly plate?: Partial<PlateOverride>;
  readonly ct?: readonly { readonly from: string | null; readonly ratio: string }[];
  readonly vt?: readonly { readonly from: string | null; readonly ratio: string }[];
  readonly customer?: readonly { readonly from: string | null; readonly id: string }[];
  readonly tariff?: readonly { readonly from: string | null; readonly id: string }[];
  readonly orderKey?: string | null;
  readonly note?: string;
}

/** @returns the first member that is wrong, by name, in a sentence */
export function patchOf(meter: MeterId, body: RegistryBody): Result<RegistryPatch, string> {
  const wrong: string[] = [];
  function read<V, T, N extends keyof RegistryPatch>(
    [body, name]: readonly [keyof RegistryBody, N],
    value: V | undefined,
    parse: (value: V) => Result<T, string>,
  ): { readonly [K in N]?: T } {
    if (value === undefined) return {};
    const parsed = parse(value);
    if (parsed.ok) return { [name]: parsed.value } as { [K in N]?: T };
    wrong.push(`${body}: ${parsed.error}`);
    return {};
  }
  const orNull =
    <T>(parse: (text: string) => Result<T, string>) =>
    (text: string | null): Result<T | null, string> =>
      text === null ? success(null) : parse(text);
  const ratios = (list: NonNullable<RegistryBody["ct"]>) =>
    datedList(
      list.map(({ from, ratio }) => ({ from, value: ratio })),
      parseRatio,
    );
  const ids = (list: NonNullable<RegistryBody["customer"]>) =>
    datedList(
      list.map(({ from, id }) => ({ from, value: id })),
      parseBinding,
    );
  const plateOf = (plate: Partial<PlateOverride>): Result<Partial<PlateOverride>, string> => {
    for (const [name, value] of Object.entries(plate)) {
      const parsed = parsePlateNumber(String(value ?? ""));
      if (!parsed.ok) return failure(`${name}: ${parsed.error}`);
    }
    return success(plate);
  };
  const { state } = body;
  const patch: RegistryPatch = {
    meter,
    ...(state === undefined ? {} : { state }),
    ...read(["plate", "plate"], body.plate, plateOf),
    ...read(["model", "model"], body.model, parseModelName),
    ...read(["where", "place"], body.where, orNull(parsePlace)),
    ...read(["serial", "serial"], body.serial, orNull(parseSerial)),
    ...read(["ct", "ct"], body.ct, ratios),
    ...read(["vt", "vt"], body.vt, ratios),
    ...read(["customer", "customer"], body.customer, ids),
    ...read(["tariff", "tariff"], body.tariff, ids),
    ...read(["orderKey", "orderKey"], body.orderKey, orNull(parseOrderKey)),
    ...read(["note", "note"], body.note, parseNote),
  };
  const [first] = wrong;
  return first === undefined ? success(patch) : failure(first);
}
