/** Records of a load profile by UTC: what wires show whose reader does not know the meter's zone. */
import { SECONDS_PER_DAY } from "../../src/core/time.ts";
import type { LocalSecond } from "../clock/local-time.ts";
import type { LoadProfile } from "./load-profile.ts";
import type { RecordFlags } from "./record.ts";

export interface UtcRecord {
  /** End of the interval, seconds since 1970 in UTC. */
  readonly utc: number;
  readonly flags: RecordFlags;
  readonly values: readonly (number | null)[];
}

export interface RecordChoice {
  /** The first record written at or after this UTC second begins; or the record of this age, 0 the newest. */
  readonly from: { readonly utc: number } | { readonly age: number };
  /** Last UTC second; infinity for no end. */
  readonly to: number;
  /** Seconds: only records at its multiples of the day in UTC; 0 for all. */
  readonly step: number;
  readonly limit: number;
}

/**
 * The chosen records of a class in the order of writing.
 * @param place 0 for class 1
 * @param utcOf the UTC second of a local one behind another: {@link Meter.utcOf}
 */
export function recordsInUtc(
  profile: LoadProfile,
  place: number,
  utcOf: (local: LocalSecond, after: number) => number,
  choice: RecordChoice,
): readonly UtcRecord[] {
  const found: UtcRecord[] = [];
  let last = Number.NEGATIVE_INFINITY;
  let begun = false;
  for (let age = profile.count(place) - 1; age >= 0 && found.length < choice.limit; age--) {
    const record = profile.read(place, age);
    if (record === undefined) continue;
    const utc = utcOf(record.at, last);
    last = utc;
    begun ||= "age" in choice.from ? age <= choice.from.age : utc >= choice.from.utc;
    if (!begun || utc > choice.to) continue;
    if ("utc" in choice.from && utc < choice.from.utc) continue;
    if (choice.step > 0 && (utc % SECONDS_PER_DAY) % choice.step !== 0) continue;
    found.push({ utc, flags: record.flags, values: record.values });
  }
  return found;
}
