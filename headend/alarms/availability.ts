/**
 * How much of the time meters could be reached, and how often and how long not. Counted is the time from a meter's first
 * contact on in which a head-end ran; a meter is down while it is silent itself, or its line, gateway or broker is lost or
 * silent. All sums are exact µs.
 */

import type { LinkId } from "../../src/core/actor.ts";
import { type Civil, civil } from "../../src/core/time.ts";
import type { MeterId } from "../ports.ts";
import type { Incident, IncidentKind, Place } from "./incident.ts";
import { endOf } from "./incidents.ts";
import type { Run } from "./runs.ts";

/** Where a meter is reached. */
export interface MeterPlace {
  readonly meter: MeterId;
  readonly line: LinkId | null;
  readonly gateway: string | null;
  readonly broker: LinkId | null;
}

/** From <= time < to. */
export interface Span {
  readonly from: Civil;
  readonly to: Civil;
}

export interface Availability {
  /** The meter, line or site. */
  readonly name: string;
  readonly meters: number;
  /** µs in which it was expected to be there and somebody looked; over lines and sites the sum over their meters. */
  readonly watched: bigint;
  readonly down: bigint;
  /** Times in a row without contact; they count where they touch what was watched. */
  readonly outages: number;
}

export interface History {
  readonly runs: readonly Run[];
  readonly incidents: readonly Incident[];
  /** First contact by meter; a meter without one was there before anybody noted it. */
  readonly contacts: ReadonlyMap<string, Civil>;
}

export const BY = ["meter", "line", "site"] as const;
export type By = (typeof BY)[number];

const OUTAGES: ReadonlySet<IncidentKind> = new Set([
  "line-down",
  "line-silent",
  "gateway-down",
  "gateway-silent",
  "broker-down",
  "broker-silent",
  "meter-silent",
]);

/** Figures by name. `now` is the end of what is not over. Meters on MQTT are the line `mqtt`. */
export function availability(
  by: By,
  places: readonly MeterPlace[],
  { runs, incidents, contacts }: History,
  period: Span,
  now: Civil,
): readonly Availability[] {
  const watched = clip(merge(runs.map(({ from, seen }) => ({ from, to: seen }))), period);
  const outages = new Map<string, Span[]>();
  for (const incident of incidents) {
    if (!OUTAGES.has(incident.kind)) continue;
    const key = keyOf(incident.place);
    const spans = outages.get(key) ?? [];
    outages.set(key, spans);
    spans.push({ from: incident.since, to: endOf(incident, now) });
  }
  const rows = new Map<string, Availability>();
  for (const place of places) {
    const first = contacts.get(place.meter) ?? period.from;
    const own = clip(watched, { from: first, to: period.to });
    const spans = placesOf(place).flatMap((at) => outages.get(keyOf(at)) ?? []);
    const name = by === "meter" ? place.meter : by === "line" ? (place.line ?? "mqtt") : "site";
    rows.set(name, add(rows.get(name), name, own, merge(spans)));
  }
  return [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function add(
  row: Availability | undefined,
  name: string,
  watched: readonly Span[],
  down: readonly Span[],
): Availability {
  const before = row ?? { name, meters: 0, watched: 0n, down: 0n, outages: 0 };
  const touched = down.map((span) => length(clip(watched, span))).filter((micros) => micros > 0);
  return {
    name,
    meters: before.meters + 1,
    watched: before.watched + BigInt(length(watched)),
    down: before.down + touched.reduce((sum, micros) => sum + BigInt(micros), 0n),
    outages: before.outages + touched.length,
  };
}

function placesOf({ meter, line, gateway, broker }: MeterPlace): readonly Place[] {
  return [
    { part: "meter", name: meter },
    ...(line === null ? [] : [{ part: "line", name: line } as const]),
    ...(gateway === null ? [] : [{ part: "gateway", name: gateway } as const]),
    ...(broker === null ? [] : [{ part: "broker", name: broker } as const]),
  ];
}

function keyOf({ part, name }: Place): string {
  return `${part} ${name}`;
}

/** What is covered by any of them, without overlaps, in order. */
function merge(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    if (span.to <= span.from) continue;
    const last = merged.at(-1);
    if (last === undefined || span.from > last.to) merged.push(span);
    else if (span.to > last.to) merged[merged.length - 1] = { from: last.from, to: span.to };
  }
  return merged;
}

function clip(spans: readonly Span[], within: Span): readonly Span[] {
  return spans
    .map(({ from, to }) => ({ from: civil(Math.max(from, within.from)), to: civil(Math.min(to, within.to)) }))
    .filter(({ from, to }) => from < to);
}

function length(spans: readonly Span[]): number {
  return spans.reduce((sum, { from, to }) => sum + (to - from), 0);
}
