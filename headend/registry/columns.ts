/** The columns of the registry as a table: one list for import, export and for what a change is shown as. */
import { isMeterName } from "../../protocols/mqtt/topics.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import type { MeterId, RegisteredMeter } from "../ports.ts";
import {
  type Dated,
  type Place,
  type PlateOverride,
  REGISTRY_STATES,
  type RegistryEntry,
  type RegistryState,
} from "./entry.ts";
import {
  parseBinding,
  parseDated,
  parseModelName,
  parseNote,
  parseOrderKey,
  parsePlateNumber,
  parseSerial,
  showDated,
} from "./fields.ts";
import { parsePlace, placeOf, showPlace } from "./place.ts";
import { parseRatio, type Ratio, showRatio } from "./ratio.ts";

/** A meter as the registry knows it: its record, and its entry or a blank one. */
export interface RegistryMeter {
  readonly registration: RegisteredMeter;
  readonly entry: RegistryEntry;
}

/** What somebody wants an entry to be; what is left out stays as it is. */
export interface RegistryPatch {
  readonly meter: MeterId;
  readonly state?: RegistryState;
  readonly model?: string;
  readonly place?: Place | null;
  readonly serial?: string | null;
  readonly plate?: Partial<PlateOverride>;
  readonly ct?: readonly Dated<Ratio>[];
  readonly vt?: readonly Dated<Ratio>[];
  readonly customer?: readonly Dated<string>[];
  readonly tariff?: readonly Dated<string>[];
  readonly orderKey?: string | null;
  readonly note?: string;
}

/** All but the meter's id, which says what a line is about. */
export type ColumnName =
  | "state"
  | "model"
  | "where"
  | "serial"
  | keyof PlateOverride
  | "ct"
  | "vt"
  | "customer"
  | "tariff"
  | "orderKey"
  | "note";

type Fragment = Omit<RegistryPatch, "meter">;

interface Column {
  readonly name: ColumnName;
  show(meter: RegistryMeter): string;
  read(cell: string): Result<Fragment, string>;
}

export function parseMeterId(text: string): Result<MeterId, string> {
  if (isMeterName(text)) return success(text as MeterId);
  return failure(`"${text.slice(0, 80)}" is no meter id: 1 to 64 letters, digits, dots, dashes and underlines`);
}

function parseState(text: string): Result<RegistryState, string> {
  const state = REGISTRY_STATES.find((known) => known === text);
  return state === undefined
    ? failure(`"${text.slice(0, 80)}" is no state; one of: ${REGISTRY_STATES.join(", ")}`)
    : success(state);
}

function column<T>(
  name: ColumnName,
  show: (meter: RegistryMeter) => string,
  parse: (cell: string) => Result<T, string>,
  fragment: (value: T) => Fragment,
): Column {
  return {
    name,
    show,
    read(cell) {
      const parsed = parse(cell);
      return parsed.ok ? success(fragment(parsed.value)) : parsed;
    },
  };
}

const plate = (name: keyof PlateOverride) =>
  column(
    name,
    ({ entry }) => String(entry.plate[name] ?? ""),
    parsePlateNumber,
    (value) => ({ plate: { [name]: value } }),
  );

const ratios = (name: "ct" | "vt") =>
  column(
    name,
    ({ entry }) => showDated(entry[name], showRatio),
    (cell) => parseDated(cell, parseRatio),
    (value) => ({ [name]: value }),
  );

const bindings = (name: "customer" | "tariff") =>
  column(
    name,
    ({ entry }) => showDated(entry[name], (id) => id),
    (cell) => parseDated(cell, parseBinding),
    (value) => ({ [name]: value }),
  );

const parseWhere = (cell: string): Result<Place | null, string> => (cell === "" ? success(null) : parsePlace(cell));

/** Behind `id`, in the order of an export. */
export const COLUMNS: readonly Column[] = [
  column(
    "state",
    ({ entry }) => entry.state,
    parseState,
    (state) => ({ state }),
  ),
  column(
    "model",
    ({ registration }) => registration.model,
    parseModelName,
    (model) => ({ model }),
  ),
  column("where", showWhere, parseWhere, (place) => ({ place })),
  column(
    "serial",
    ({ entry }) => entry.serial ?? "",
    parseSerial,
    (serial) => ({ serial }),
  ),
  plate("un"),
  plate("imax"),
  plate("constant"),
  ratios("ct"),
  ratios("vt"),
  bindings("customer"),
  bindings("tariff"),
  column(
    "orderKey",
    ({ entry }) => entry.orderKey ?? "",
    parseOrderKey,
    (orderKey) => ({ orderKey }),
  ),
  column(
    "note",
    ({ entry }) => entry.note,
    parseNote,
    (note) => ({ note }),
  ),
];

/** Where the meter is; empty for one that nothing reaches. */
export function whereOf({ registration, entry }: RegistryMeter): Place | null {
  return entry.place ?? placeOf(registration.via);
}

function showWhere(meter: RegistryMeter): string {
  const place = whereOf(meter);
  return place === null ? "" : showPlace(place);
}

/** Two fragments of one row: the plate's members add up. */
export function merged(a: Fragment, b: Fragment): Fragment {
  const both = a.plate === undefined || b.plate === undefined ? {} : { plate: { ...a.plate, ...b.plate } };
  return { ...a, ...b, ...both };
}
