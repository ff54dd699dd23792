/** What schedules keep in the store: up to when each dated task is done, and the dated reads themselves. */
import { MEASURES, type MeasureValues, type Quality } from "../../src/core/measures.ts";
import { type Civil, civil, parseIso, toIso } from "../../src/core/time.ts";
import type { Draft } from "../books.ts";
import { Shelf } from "../documents.ts";
import type { MeterId, StoredDocument } from "../ports.ts";
import type { DatedTask } from "./groups.ts";
import type { Settlement } from "./settlement.ts";

/** By `meter/task`: the newest time of the schedule that nothing is owed for. */
export function doneShelf(documents: readonly StoredDocument[]): Shelf<Civil> {
  return new Shelf<Civil>("schedule", { encode: (at) => toIso(at), decode: timeFrom, live: () => true }, documents);
}

export function doneKey(meter: MeterId, task: DatedTask): string {
  return `${meter}/${task}`;
}

function timeFrom(text: string): Civil {
  const parsed = parseIso(text);
  if (!parsed.ok) throw new Error(`a schedule's document: ${parsed.error}`);
  return parsed.value;
}

/** The registers for a time. They are kept here too, beyond the time for which readings are. */
export interface DatedRead {
  readonly meter: MeterId;
  readonly task: DatedTask;
  /** The time for which it is. */
  readonly slot: Civil;
  /** When the values below were taken; the reading of this time is among the meter's readings. */
  readonly taken: Civil;
  readonly quality: Quality;
  readonly values: MeasureValues;
  /** What the meter closed itself at the time; null where it keeps nothing, or nothing of this time. */
  readonly settlement: Settlement | null;
}

export const DATED_READS = "dated-reads";

export function putDatedRead(read: DatedRead, draft: Draft): void {
  const { slot, taken, values, ...rest } = read;
  const energies: Record<string, number | null> = {};
  for (const m of MEASURES) {
    const value = m.kind === "energy" ? values[m.key] : undefined;
    if (value !== undefined) energies[m.key] = value;
  }
  const key = `${read.meter}/${toIso(slot)}/${read.task}`;
  const text = JSON.stringify({ ...rest, slot, taken, values: energies });
  draft.records.push({ kind: "document", document: { collection: DATED_READS, key, live: false, text } });
}

/** @throws where the text is none of {@link putDatedRead}: the store is damaged */
export function datedReadFrom({ text }: StoredDocument): DatedRead {
  const read = JSON.parse(text) as DatedRead;
  return { ...read, slot: civil(read.slot), taken: civil(read.taken) };
}

/** Clocks of meters show local time and tell no zone, so a settlement may seem up to this far from the time it is for, µs. */
const ZONES = 15 * 3_600 * 1_000_000;

export function isOfSlot(settlement: Settlement, slot: Civil): boolean {
  return Math.abs(settlement.time * 1_000_000 - slot) <= ZONES;
}
