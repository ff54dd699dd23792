/** Configuration and registry at the start: one adds to the other, and where they disagree the start says so. */
import type { LogEffect } from "../../src/core/actor.ts";
import type { Now } from "../../src/core/time.ts";
import type { Books, Draft } from "../books.ts";
import type { CollectorConfig, LineConfig, PolledMeterConfig, SiteConfig } from "../config.ts";
import type { ConfigProblem } from "../config-reader.ts";
import { type Directory, knownModels } from "../directory.ts";
import type { RegisteredMeter, StoreSnapshot } from "../ports.ts";
import { planReads } from "../schedule/poll-plan.ts";
import { REGISTRY, REGISTRY_CODEC, type RegistryEntry } from "./entry.ts";
import { NOWHERE, placeOf } from "./place.ts";
import { otherRatio } from "./plan.ts";
import { productOf, transformersAt } from "./ratio.ts";

/** Ratios that the file and the registry say differently: a bill would be wrong by a factor, so nothing is begun. */
export function disagreements(config: SiteConfig, snapshot: StoreSnapshot): readonly ConfigProblem[] {
  const entries = new Map<string, RegistryEntry>();
  for (const { collection, key, text } of snapshot.documents)
    if (collection === REGISTRY) entries.set(key, REGISTRY_CODEC.decode(text));
  const problems: ConfigProblem[] = [];
  const check = ({ id, ratio }: { id: string; ratio?: number }, place: string) => {
    const other = otherRatio(entries.get(id), ratio);
    if (other === undefined) return;
    const problem = `the file says ratio ${ratio} for ${id}, the registry says ${other}: take "ratio" out of the file`;
    problems.push({ place: `${place}.ratio`, problem: `${problem} where the registry is right` });
  };
  for (const [i, line] of config.lines.entries())
    for (const [j, meter] of line.meters.entries()) check(meter, `lines[${i}].meters[${j}]`);
  for (const [i, meter] of (config.mqtt?.meters ?? []).entries()) check(meter, `mqtt.meters[${i}]`);
  return problems;
}

export interface Joined {
  readonly config: CollectorConfig;
  /** Meters of the registry that can't be polled, each with its reason. */
  readonly skipped: readonly LogEffect[];
}

/** The configuration with the registry's active meters on its lines. What the file names is the file's. */
export function withRegistry(config: CollectorConfig, books: Pick<Books, "meters" | "registry">): Joined {
  const named = new Set<string>();
  for (const meter of [...config.lines.flatMap((line) => line.meters), ...(config.mqtt?.meters ?? [])])
    named.add(meter.id);
  const models = knownModels(config);
  const added = new Map<string, PolledMeterConfig[]>();
  const skipped: LogEffect[] = [];
  for (const { meter: id, state, place } of books.registry.values()) {
    if (state !== "active" || place?.kind !== "line" || named.has(id)) continue;
    const skip = (reason: string) =>
      skipped.push({ kind: "log", level: "warn", event: "registry.not-polled", fields: { meter: id, reason } });
    const line = config.lines.find(({ link }) => link === place.line);
    const name = books.meters.get(id)?.model ?? "";
    const model = models.get(name);
    const here = [...(line?.meters ?? []), ...(added.get(place.line) ?? [])];
    if (line === undefined) skip(`there is no line "${place.line}" in the configuration`);
    else if (model === undefined) skip(`no register map of "${name}" is known`);
    else if (here.some(({ unit }) => unit === place.unit))
      skip(`unit ${place.unit} of ${place.line} is another meter's`);
    else if (planReads(model.modbus, line.measures).length === 0)
      skip(`${name} has none of the measures of ${place.line}`);
    else added.set(place.line, [...(added.get(place.line) ?? []), { id, model, unit: place.unit, fromRegistry: true }]);
  }
  const grown = (line: LineConfig): LineConfig => {
    const more = added.get(line.link);
    return more === undefined ? line : { ...line, meters: [...line.meters, ...more] };
  };
  return { config: { ...config, lines: config.lines.map(grown) }, skipped };
}

/**
 * What the configuration says and the store does not know yet: records of meters, and that a meter which was held or
 * removed is in use because a person wrote it into the file. What is on a line no more is reached by nothing.
 */
export function registerConfigured(books: Books, directory: Directory, draft: Draft, now: Now): void {
  const configured = new Set<string>();
  for (const { registration: own, fixedRatio, fromRegistry } of directory.configured()) {
    configured.add(own.id);
    const entry = books.registry.get(own.id);
    const ratio = fixedRatio ?? productOf(transformersAt({ ratio: 1 }, entry, now.civil));
    putRecord(books, { ...own, ratio }, draft);
    if (entry === undefined || fromRegistry || (entry.state === "active" && entry.place === null)) continue;
    books.registry.set(own.id, { ...entry, state: "active", place: null }, draft);
    if (entry.state !== "active") auditActive(entry, draft, now);
  }
  for (const registration of [...books.meters.values()]) {
    const { id, via } = registration;
    if (configured.has(id) || placeOf(via)?.kind !== "line" || books.registry.get(id)?.place?.kind === "line") continue;
    putRecord(books, { ...registration, via: NOWHERE }, draft);
    books.intervals?.end(id, draft, now);
  }
}

function putRecord(books: Books, meter: RegisteredMeter, draft: Draft): void {
  const known = books.meters.get(meter.id);
  if (known?.model === meter.model && known.ratio === meter.ratio && known.via === meter.via) return;
  books.meters.set(meter.id, meter);
  draft.records.push({ kind: "meter", meter });
}

function auditActive({ meter, state }: RegistryEntry, draft: Draft, now: Now): void {
  const entry = { at: now.civil, actor: "configuration", action: `registry ${state} to active`, meter, order: null };
  draft.records.push({ kind: "audit", entry: { ...entry, detail: "the configuration names it" } });
}
