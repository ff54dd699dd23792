/** Events of meters as they are kept: that one begins, that it ends, or that something was done at once. */
import type { EventState } from "../../protocols/mqtt/message.ts";
import type { MeasureValues } from "../../src/core/measures.ts";
import { civil, MICROS_PER_SECOND, toIso } from "../../src/core/time.ts";
import type { Draft } from "../books.ts";
import { Shelf } from "../documents.ts";
import type { MeterId, MeterReading, StoredDocument } from "../ports.ts";

export interface MeterEventRecord {
  readonly meter: MeterId;
  readonly event: string;
  /** 0 is the meter as a whole. */
  readonly phase: number;
  readonly state: EventState;
  /** Seconds since 1970 of the meter's local clock, which tells no zone. */
  readonly start: number;
  readonly end: number | null;
  /** Energies at its beginning, or at its end where this is that. */
  readonly values: MeasureValues;
  readonly source: MeterReading["source"];
  /** The meter's own count of event messages. */
  readonly sequence: number | null;
}

export const METER_EVENTS = "meter-events";

/** One that is stored already is stored as the same document again. */
export function putEvent(record: MeterEventRecord, draft: Draft): void {
  const { meter, event, phase, state, start, end } = record;
  const at = toIso(civil((end ?? start) * MICROS_PER_SECOND));
  const key = `${meter}/${at}/${event}-${phase}-${state}`;
  draft.records.push({
    kind: "document",
    document: { collection: METER_EVENTS, key, live: false, text: JSON.stringify(record) },
  });
}

/** @throws where the text is none of {@link putEvent}: the store is damaged */
export function eventFrom({ text }: StoredDocument): MeterEventRecord {
  return JSON.parse(text) as MeterEventRecord;
}

/** What a polled meter's events were when they were read last. */
export interface EventsSeen {
  /** How often each kind has begun, by its number. */
  readonly counts: readonly number[];
  /** Those that went on: number of the kind and phase. */
  readonly open: readonly (readonly [kind: number, phase: number])[];
}

/** By meter. */
export function eventsShelf(documents: readonly StoredDocument[]): Shelf<EventsSeen> {
  return new Shelf<EventsSeen>(
    "events-seen",
    { encode: JSON.stringify, decode: (text) => JSON.parse(text) as EventsSeen, live: () => true },
    documents,
  );
}
