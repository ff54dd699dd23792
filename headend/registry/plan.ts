/** What a wished entry changes, and why it may not: decided here, carried out in work.ts. */
import type { Civil } from "../../src/core/time.ts";
import type { PrepaidAccount, RegisteredMeter } from "../ports.ts";
import { COLUMNS, type ColumnName, type RegistryMeter, type RegistryPatch, whereOf } from "./columns.ts";
import { blankEntry, type Place, type RegistryEntry } from "./entry.ts";
import { NOWHERE, samePlace, showPlace } from "./place.ts";
import { productOf, transformersAt } from "./ratio.ts";

/** What the head-end knows around one meter. */
export interface Surroundings {
  readonly registration: RegisteredMeter | undefined;
  readonly entry: RegistryEntry | undefined;
  /** What the configuration file says of it; undefined where it does not name the meter. */
  readonly configured:
    | { readonly model: string; readonly place: Place; readonly ratio: number | undefined }
    | undefined;
  readonly account: PrepaidAccount | undefined;
  /** Orders of it that have not come to an end. */
  readonly openOrders: number;
  /** Whether there is such a line. */
  hasLine(line: string): boolean;
  /** Whether a map of this model is known: only then can a meter on a line be read. */
  hasModel(model: string): boolean;
  /** Who else is at a place on a line. */
  neighbour(place: Place & { kind: "line" }): string | undefined;
}

export interface Mistake {
  readonly column: ColumnName;
  readonly problem: string;
}

export interface Change {
  readonly column: ColumnName;
  readonly before: string;
  readonly after: string;
}

export interface Plan {
  readonly isNew: boolean;
  readonly after: RegistryMeter;
  readonly changes: readonly Change[];
  readonly mistakes: readonly Mistake[];
}

/** How a registry meter stands before anything is wished of it; a new one has no model and no place yet. */
function standing({ registration, entry }: Surroundings, patch: RegistryPatch): RegistryMeter {
  return {
    registration: registration ?? { id: patch.meter, model: "", ratio: 1, via: NOWHERE },
    entry: entry ?? blankEntry(patch.meter),
  };
}

export function planChange(patch: RegistryPatch, around: Surroundings, now: Civil): Plan {
  const before = standing(around, patch);
  const { meter: _id, model, place, plate, ...members } = patch;
  const where = place === undefined ? whereOf(before) : place;
  const moved = !samePlace(where, whereOf(before));
  const entry: RegistryEntry = {
    ...before.entry,
    ...members,
    plate: { ...before.entry.plate, ...plate },
    ...(moved ? { place: where } : {}),
  };
  const fixed = around.configured?.ratio;
  const listed = entry.ct.length + entry.vt.length > 0;
  const kept = before.entry.ct.length + before.entry.vt.length > 0 ? (fixed ?? 1) : before.registration.ratio;
  const registration: RegisteredMeter = {
    id: patch.meter,
    model: model ?? before.registration.model,
    ratio: listed ? productOf(transformersAt(before.registration, entry, now)) : kept,
    via: moved ? (where === null ? NOWHERE : showPlace(where)) : before.registration.via,
  };
  const after = { registration, entry };
  const isNew = around.registration === undefined;
  return {
    isNew,
    after,
    changes: COLUMNS.map(({ name, show }) => ({
      column: name,
      before: isNew ? "" : show(before),
      after: show(after),
    })).filter((change) => change.before !== change.after),
    mistakes: mistakesOf(after, around),
  };
}

function mistakesOf(after: RegistryMeter, around: Surroundings): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const say = (column: ColumnName, problem: string) => mistakes.push({ column, problem });
  const { registration, entry } = after;
  const where = whereOf(after);
  if (around.configured !== undefined) againstConfiguration(after, around.configured, say);
  else {
    if (registration.model === "") say("model", "a new meter needs its model");
    if (where === null && entry.state !== "removed") say("where", 'say where it is: "line NAME unit 1" or "mqtt"');
    if (where?.kind === "line") onLine(registration.model, where, entry, around, say);
  }
  const direct = [...entry.ct, ...entry.vt].every(({ value }) => value.primary === value.secondary);
  if (around.account !== undefined && !direct) say("ct", "a prepaid meter is a direct one: it has no transformers");
  if (entry.state !== "active" && around.openOrders > 0)
    say("state", `${around.openOrders} orders of it are not done yet: wait for their end, or cancel them`);
  return mistakes;
}

type Say = (column: ColumnName, problem: string) => void;

/** The configuration file rules what it says: to change it there is the way to change it. */
function againstConfiguration(
  after: RegistryMeter,
  configured: NonNullable<Surroundings["configured"]>,
  say: Say,
): void {
  const { registration, entry } = after;
  const there = "change it there, or take the meter out of the file";
  if (registration.model !== configured.model) say("model", `the configuration says ${configured.model}: ${there}`);
  if (!samePlace(whereOf(after), configured.place))
    say("where", `the configuration says ${showPlace(configured.place)}: ${there}`);
  if (entry.state !== "active")
    say("state", "the configuration names this meter, so it is active: take it out there first");
  const other = otherRatio(entry, configured.ratio);
  if (other !== undefined)
    say("ct", `the configuration says ratio ${configured.ratio}, this makes ${other}: take "ratio" out there first`);
}

/** A product of dated transformers that is not the configured one; undefined where nothing disagrees. */
export function otherRatio(entry: RegistryEntry | undefined, configured: number | undefined): number | undefined {
  if (entry === undefined || configured === undefined || entry.ct.length + entry.vt.length === 0) return undefined;
  const begins = [0, ...[...entry.ct, ...entry.vt].map(({ from }) => from)];
  return begins
    .map((at) => productOf(transformersAt({ ratio: 1 }, entry, at as Civil)))
    .find((product) => product !== configured);
}

function onLine(
  model: string,
  where: Place & { kind: "line" },
  entry: RegistryEntry,
  around: Surroundings,
  say: Say,
): void {
  if (entry.state === "removed") return;
  if (!around.hasLine(where.line)) say("where", `there is no line "${where.line}" in the configuration`);
  const neighbour = around.neighbour(where);
  if (neighbour !== undefined)
    say("where", `${neighbour} is at unit ${where.unit} of ${where.line}; two would answer at once`);
  // A found one may wait for somebody who knows what it is.
  if (entry.state === "active" && model !== "" && !around.hasModel(model))
    say("model", `no register map of "${model}" is known here: "meterworks models" lists those that are`);
}
