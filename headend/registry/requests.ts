/** Wishes of the API about the registry, carried out in the books: whole or not at all, with an audit entry for each meter. */
import { failure, type Result, success } from "../../src/core/result.ts";
import type { Now } from "../../src/core/time.ts";
import type { Books, Draft } from "../books.ts";
import { exchangeIntervals } from "../completeness/fill-work.ts";
import type { Limits } from "../config.ts";
import type { Directory } from "../directory.ts";
import { chargeReading } from "../ledger/accounts.ts";
import type { MeterId, Refusal } from "../ports.ts";
import { rolloverAt, withPlate } from "../validate/plausibility.ts";
import type { RegistryMeter, RegistryPatch } from "./columns.ts";
import { blankEntry, type Exchange, type Place } from "./entry.ts";
import { closingOf, type ExchangeOrder, exchangeOf, isSameExchange, openingBaseline } from "./exchange.ts";
import { type Change, type Mistake, type Plan, planChange, type Surroundings } from "./plan.ts";

export interface RegistryChange {
  readonly patches: readonly RegistryPatch[];
  /** Carries out what is right although other patches are wrong. */
  readonly partial: boolean;
  /** Says what would change, and changes nothing. */
  readonly dryRun: boolean;
  /** Leaves meters alone that are known already, such as those that a scan finds once more. */
  readonly onlyNew: boolean;
  readonly actor: string;
}

export interface PatchOutcome {
  readonly meter: MeterId;
  readonly outcome: "new" | "changed" | "unchanged" | "refused";
  readonly changes: readonly Change[];
  readonly mistakes: readonly Mistake[];
}

/** In the order of the patches, but that those left alone come last. */
export interface RegistryReceipt {
  readonly kind: "registry";
  /** False on a dry run, and where something was wrong and the change was not partial. */
  readonly applied: boolean;
  readonly outcomes: readonly PatchOutcome[];
}

export interface ExchangeReceipt {
  readonly kind: "exchange";
  readonly meter: MeterId;
  readonly exchange: Exchange;
  /** False when this key was used for it before. */
  readonly created: boolean;
}

export function changeRegistry(
  books: Books,
  directory: Directory,
  { patches, partial, dryRun, onlyNew, actor }: RegistryChange,
  draft: Draft,
  now: Now,
): RegistryReceipt {
  const ids = onlyNew ? patches.map(({ meter }) => meter).filter((id) => books.meters.get(id) !== undefined) : [];
  const known = new Set(ids);
  const wished = patches.filter(({ meter }) => !known.has(meter));
  const taken = unitsTaken(books, directory, wished);
  const open = new Map<MeterId, number>();
  for (const { meter } of books.openOrders.values()) open.set(meter, (open.get(meter) ?? 0) + 1);
  const plans = wished.map((patch) =>
    planChange(patch, surroundings(books, directory, patch.meter, taken, open), now.civil),
  );
  const right = plans.every(({ mistakes }) => mistakes.length === 0);
  const applied = !dryRun && (right || partial);
  if (applied) for (const plan of plans) if (plan.mistakes.length === 0) apply(books, plan, actor, draft, now);
  return {
    kind: "registry",
    applied,
    outcomes: [
      ...plans.map(outcomeOf),
      ...[...known].map((meter) => ({ meter, outcome: "unchanged", changes: [], mistakes: [] }) as const),
    ],
  };
}

function outcomeOf({ after, isNew, changes, mistakes }: Plan): PatchOutcome {
  const good = isNew ? "new" : changes.length > 0 ? "changed" : "unchanged";
  return { meter: after.registration.id, outcome: mistakes.length > 0 ? "refused" : good, changes, mistakes };
}

function apply(books: Books, { after, isNew, changes }: Plan, actor: string, draft: Draft, now: Now): void {
  if (!isNew && changes.length === 0) return;
  put(books, after, draft);
  if (after.entry.state === "active") books.intervals?.begin(after.entry.meter, draft, now);
  else if (after.entry.state === "removed") books.intervals?.end(after.entry.meter, draft, now);
  const state = changes.find(({ column }) => column === "state");
  const before = state?.before === "" ? "new" : state?.before;
  const action = state === undefined ? "registry changed" : `registry ${before} to ${state.after}`;
  const detail = changes
    .map(({ column, before, after }) => `${column}: ${before || "-"} to ${after || "-"}`)
    .join(", ");
  audit(after.registration.id, action, detail, actor, draft, now);
}

function put(books: Books, { registration, entry }: RegistryMeter, draft: Draft): void {
  books.meters.set(registration.id, registration);
  draft.records.push({ kind: "meter", meter: registration });
  books.registry.set(entry.meter, entry, draft);
}

function audit(meter: MeterId, action: string, detail: string, actor: string, draft: Draft, now: Now): void {
  draft.records.push({ kind: "audit", entry: { at: now.civil, actor, action, meter, order: null, detail } });
}

/** Who is at which unit, once all patches hold: two of one table may change places. */
function unitsTaken(books: Books, directory: Directory, patches: readonly RegistryPatch[]): Map<string, MeterId[]> {
  const places = new Map<MeterId, Place | null>();
  for (const { registration, place } of directory.configured()) places.set(registration.id, place);
  for (const entry of books.registry.values())
    if (entry.state === "removed") places.delete(entry.meter);
    else if (entry.place !== null) places.set(entry.meter, entry.place);
  for (const { meter, place, state } of patches)
    if (state === "removed") places.delete(meter);
    else if (place !== undefined) places.set(meter, place);
  const taken = new Map<string, MeterId[]>();
  for (const [meter, place] of places) {
    if (place?.kind !== "line") continue;
    const unit = unitKey(place);
    taken.set(unit, [...(taken.get(unit) ?? []), meter]);
  }
  return taken;
}

function unitKey({ line, unit }: Place & { kind: "line" }): string {
  return `${unit} ${line}`;
}

function surroundings(
  books: Books,
  directory: Directory,
  meter: MeterId,
  taken: ReadonlyMap<string, readonly MeterId[]>,
  open: ReadonlyMap<MeterId, number>,
): Surroundings {
  const known = directory.inFile(meter);
  return {
    registration: books.meters.get(meter),
    entry: books.registry.get(meter),
    configured:
      known === undefined
        ? undefined
        : { model: known.registration.model, place: known.place, ratio: known.fixedRatio },
    account: books.accounts.get(meter),
    openOrders: open.get(meter) ?? 0,
    hasLine: (line) => directory.hasLine(line),
    hasModel: (model) => directory.modelOf(model) !== undefined,
    neighbour: (place) => taken.get(unitKey(place))?.find((other) => other !== meter),
  };
}

/** @returns the reply, whether the exchange is recorded now or was before */
export function exchangeMeter(
  books: Books,
  limits: Limits,
  directory: Directory,
  order: ExchangeOrder,
  draft: Draft,
  now: Now,
): Result<ExchangeReceipt, Refusal> {
  const registration = books.meters.get(order.meter);
  const known = directory.find(order.meter);
  if (registration === undefined || known === undefined)
    return failure({ reason: "unknown-meter", detail: `there is no meter ${order.meter} in use; see the registry` });
  const entry = books.registry.get(order.meter) ?? blankEntry(order.meter);
  const same = entry.exchanges.find(({ key }) => key === order.key);
  if (same !== undefined)
    return isSameExchange(same, order)
      ? success({ kind: "exchange", meter: order.meter, exchange: same, created: false })
      : failure({
          reason: "key-used-differently",
          detail: `the key "${order.key}" recorded another exchange of ${order.meter}; use a new key for a new one`,
        });
  const refuse = (detail: string) => failure({ reason: "not-plausible", detail } as const);
  const wrongModel = modelProblem(directory, order, registration.model);
  if (wrongModel !== undefined) return refuse(wrongModel);
  const meter = { registration, entry };
  const source = known.line === undefined ? "mqtt" : "modbus";
  const model = withPlate(known.model, entry.plate);
  const account = books.accounts.get(order.meter);
  const closing = closingOf(
    order,
    { meter, model, source, baseline: books.baselines.get(order.meter), account },
    now.civil,
  );
  if (!closing.ok) return refuse(closing.error);
  const { register, offset, at } = closing.value;
  const values = { activeEnergyImport: register + offset };
  const last = { meter: order.meter, time: at, source, sequence: null, quality: "good", values } as const;
  if (account !== undefined && account.energyTo !== null)
    chargeReading(books, limits, last, rolloverAt(model, source, "activeEnergyImport"), draft, now);
  const settled = books.accounts.get(order.meter)?.energyTo ?? null;
  const exchange = exchangeOf(order, meter, closing.value, settled, now.civil);
  put(
    books,
    {
      registration: { ...registration, model: exchange.newModel },
      entry: { ...entry, serial: order.serial, exchanges: [...entry.exchanges, exchange] },
    },
    draft,
  );
  books.baselines.set(order.meter, openingBaseline(exchange));
  exchangeIntervals(books, order.meter, exchange, draft, now);
  const { oldSerial, newSerial, opening } = exchange;
  const detail = `${oldSerial ?? "?"} closed at ${register} mWh, ${newSerial ?? "?"} begins at ${opening} mWh`;
  audit(order.meter, "meter exchanged", `${detail}, key ${order.key}`, order.actor, draft, now);
  return success({ kind: "exchange", meter: order.meter, exchange, created: true });
}

/** The file rules the model of its meters; on a line a model without a register map can't be read. */
function modelProblem(directory: Directory, order: ExchangeOrder, current: string): string | undefined {
  if (order.model === null || order.model === current) return undefined;
  if (directory.inFile(order.meter) !== undefined)
    return `the configuration says that ${order.meter} is a ${current}: change the model there, start again, then record the exchange with the time at which it was done`;
  if (directory.find(order.meter)?.line !== undefined && directory.modelOf(order.model) === undefined)
    return `no register map of "${order.model}" is known here: "meterworks models" lists those that are`;
  return undefined;
}
