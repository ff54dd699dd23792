/** The answer to a query for the load profile over MQTT. */
import { ANSWER_PARTS, PART_RECORDS, type ProfilePart, type ProfileQuery } from "../../protocols/mqtt/profile.ts";
import { isMeasureKey, type MeasureValues } from "../../src/core/measures.ts";
import { type Civil, civil, MICROS_PER_SECOND } from "../../src/core/time.ts";
import type { Meter } from "../meter.ts";
import { recordsInUtc, type UtcRecord } from "../profile/in-utc.ts";

/** The class that is shown: the first that captures +A, which is class 4 from the factory on. */
const SHOWN = "activeEnergyImport";

/**
 * The parts, in order; one without records where the profile has none in the span.
 * @param time the meter's clock
 */
export function profileParts(meter: Meter, query: ProfileQuery, time: Civil): readonly ProfilePart[] {
  const { profile } = meter.functions;
  const place = profile.settings.classes.findIndex((settings) => settings?.captures.includes(SHOWN));
  const settings = profile.settings.classes[place];
  const keys = settings?.captures ?? [];
  const records = settings ? recordsOf(meter, place, query) : [];
  const parts = Math.max(1, Math.ceil(records.length / PART_RECORDS));
  return Array.from({ length: parts }, (_, i) => ({
    ...({ kind: "profile", meter: meter.id, time, query: query.id } as const),
    ...{ interval: settings?.intervalMinutes ?? 0, part: i + 1, last: i + 1 === parts },
    records: records.slice(i * PART_RECORDS, (i + 1) * PART_RECORDS).map((record) => shown(record, keys)),
  }));
}

function recordsOf(meter: Meter, place: number, { from, to, step }: ProfileQuery): readonly UtcRecord[] {
  const choice = {
    from: { utc: Math.ceil(from / MICROS_PER_SECOND) },
    to: Math.floor(to / MICROS_PER_SECOND),
    step: 60 * step,
    limit: ANSWER_PARTS * PART_RECORDS,
  };
  return recordsInUtc(meter.functions.profile, place, (local, after) => meter.utcOf(local, after), choice);
}

/** Demands have no OBIS code among the measures and are left out. */
function shown({ utc, flags, values }: UtcRecord, keys: readonly string[]): ProfilePart["records"][number] {
  const named: MeasureValues = {};
  for (const [i, key] of keys.entries()) if (isMeasureKey(key)) named[key] = values[i] ?? null;
  const { powerCut, clockChanged, clockDoubt } = flags;
  const marks = [
    ...(powerCut ? (["power-cut"] as const) : []),
    ...(clockChanged ? (["clock-changed"] as const) : []),
    ...(clockDoubt ? (["clock-doubt"] as const) : []),
  ];
  return { time: civil(utc * MICROS_PER_SECOND), marks, values: named };
}
