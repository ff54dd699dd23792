/** Groups 05 and 06: freezes and load records. */
import type { Item } from "./item.ts";
import { fn, hex, RAW, recalled, row, STAMP } from "./rows.ts";
import { TOTALS } from "./table-energy.ts";

/** Total and tariffs. */
const RATES = 64;
/** DI2 and what freezes. 02 to 05 and 07 are recalled. */
const KINDS: readonly (readonly [di2: number, kind: string])[] = [
  [0x00, "timed"],
  [0x01, "instant"],
  [0x02, "zone switch"],
  [0x03, "day table switch"],
  [0x04, "hourly"],
  [0x05, "price switch"],
  [0x06, "daily"],
  [0x07, "step switch"],
];
const RECALLED_KINDS = [0x02, 0x03, 0x04, 0x05, 0x07];
/** Frozen energies 03 to 08 are recalled: they follow the order of the energies. */
const LAST_SEEN = 0x02;
/** Hourly freezes have totals only (recalled). */
const HOURLY = 0x04;

const FROZEN: readonly Item[] = KINDS.flatMap(([di2, kind]): Item[] => {
  const time = row(`05${hex(di2)}00NN`, `time of the ${kind} freeze`, STAMP, "", fn("freeze"));
  const energies = TOTALS.slice(1, 9).map(([energy, name, format, unit]): Item => {
    const one = row(`05${hex(di2)}${hex(energy)}NN`, `${kind} freeze of ${name} energy`, format, unit, fn("freeze"));
    const item = di2 === HOURLY ? one : { ...one, repeat: RATES };
    return energy > LAST_SEEN ? recalled(item) : item;
  });
  const items = [time, ...energies];
  return RECALLED_KINDS.includes(di2) ? items.map(recalled) : items;
});

/** DI2 0 is every class; DI0 0 the earliest, 1 from a time on, 2 the latest. The record's inside is recalled, see load-record.ts. */
const LOAD_RECORDS: readonly Item[] = [0, 1, 2, 3, 4, 5, 6].flatMap((place) =>
  [0, 1, 2].map((which) => recalled(row(`06${hex(place)}00${hex(which)}`, "load profile", RAW, "", fn("loadRecord")))),
);

export const FREEZES: readonly Item[] = [...FROZEN, ...LOAD_RECORDS];
