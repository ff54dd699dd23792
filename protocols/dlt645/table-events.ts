/** Groups 03 and 10 to 1F: events and purchases. The insides of all records are recalled. */
import type { Format, Item, Part } from "./item.ts";
import { digits, ENERGY, fn, hex, LETTERS, number, RAW, recalled, row, STAMP, STAMP_SECONDS } from "./rows.ts";

const COUNT = number(3, 0);
const MINUTES = number(3, 0);
const part = (name: string, format: Format, unit = ""): Part => ({ name, format, unit });

/** Programming counts: 03 30 kk 00. Sources differ on meter clear and demand clear; this is annex A.4, recalled. */
const PROGRAMMED: readonly (readonly [name: string, record?: readonly Part[]])[] = [
  ["programming", [part("time", STAMP_SECONDS), part("operator", digits(4)), ...identifiers(10)]],
  ["meter clear", [part("time", STAMP_SECONDS), part("operator", digits(4))]],
  ["demand clear", [part("time", STAMP_SECONDS), part("operator", digits(4))]],
  ["event clear", [part("time", STAMP_SECONDS), part("operator", digits(4)), ...identifiers(1)]],
  ["clock set", [part("operator", digits(4)), part("time before", STAMP_SECONDS), part("time after", STAMP_SECONDS)]],
  ["slot table set"],
  ["zone table set"],
  ["weekly rest set"],
  ["holidays set"],
  ["active combination set"],
  ["reactive combination 1 set"],
  ["reactive combination 2 set"],
  ["settlement day set"],
  ["meter cover open", [part("start", STAMP_SECONDS), part("end", STAMP_SECONDS)]],
  ["terminal cover open", [part("start", STAMP_SECONDS), part("end", STAMP_SECONDS)]],
];

function identifiers(count: number): readonly Part[] {
  return Array.from({ length: count }, (_, i) => part(`identifier ${i + 1}`, digits(4)));
}

const PROGRAMMINGS: readonly Item[] = PROGRAMMED.flatMap(([name, record], kind): Item[] => {
  const behind = record === undefined ? ({ kind: "absent", what: "events" } as const) : fn("programmed");
  const count = row(`0330${hex(kind)}00`, `${name} count`, COUNT, "1", behind);
  const parts = record ?? [part(`${name} record`, RAW)];
  return [count, recalled({ pattern: `0330${hex(kind)}NN`, name: `${name} record`, parts, behind })];
});

/** DI2 of 03 xx 00 00 with count and time of each phase, or of the meter; those behind voltage losses are recalled. */
const OF_PHASES: readonly (readonly [di2: number, name: string])[] = [
  [0x01, "voltage losses"],
  [0x02, "under-voltages"],
  [0x03, "over-voltages"],
  [0x04, "phase failures"],
  [0x0b, "current losses"],
  [0x0c, "over-currents"],
  [0x0d, "current breaks"],
  [0x0e, "reversals"],
  [0x0f, "overloads"],
];
const OF_METER: readonly (readonly [di2: number, name: string])[] = [
  [0x05, "losses of all voltages"],
  [0x06, "losses of the auxiliary supply"],
  [0x07, "reversed voltage sequences"],
  [0x08, "reversed current sequences"],
  [0x09, "voltage unbalances"],
  [0x0a, "current unbalances"],
];

const SUMMARIES: readonly Item[] = [
  ...OF_PHASES.map(([di2, name]): Item => {
    const parts = LETTERS.flatMap((phase) => [
      part(`phase ${phase} ${name}`, COUNT, "1"),
      part(`phase ${phase} time of ${name}`, MINUTES, "min"),
    ]);
    const item: Item = { pattern: `03${hex(di2)}0000`, name, parts, behind: fn("eventSummary") };
    return di2 === 0x01 ? item : recalled(item);
  }),
  ...OF_METER.map(([di2, name]) =>
    recalled({
      pattern: `03${hex(di2)}0000`,
      name,
      parts: [part(name, COUNT, "1"), part(`time of ${name}`, MINUTES, "min")],
      behind: fn("eventSummary"),
    }),
  ),
  recalled(row("03110000", "power outages", COUNT, "1", fn("eventSummary"))),
  row("0301PPNN", "voltage loss record", RAW, "", { kind: "absent", what: "events" }),
];

/** DI3 of the events that have a group of their own; recalled but for the trips and closes. */
const GROUPS_OF_PHASES: readonly (readonly [di3: number, name: string])[] = [
  [0x10, "voltage loss"],
  [0x11, "under-voltage"],
  [0x12, "over-voltage"],
  [0x13, "phase failure"],
  [0x18, "current loss"],
  [0x19, "over-current"],
  [0x1a, "current break"],
  [0x1b, "reversal"],
  [0x1c, "overload"],
];
const GROUPS_OF_METER: readonly (readonly [di3: number, name: string])[] = [
  [0x14, "reversed voltage sequence"],
  [0x15, "reversed current sequence"],
  [0x16, "voltage unbalance"],
  [0x17, "current unbalance"],
  [0x1f, "low power factor"],
  [0x20, "severe current unbalance"],
];
/** DI1 of a record's fields: its start and the energies of then, its end and the energies of then. */
const FIELDS: readonly (readonly [di1: number, name: string, format: Format, unit: string])[] = [
  [0x01, "start", STAMP_SECONDS, ""],
  [0x02, "forward active energy at the start", ENERGY, "kWh"],
  [0x03, "reverse active energy at the start", ENERGY, "kWh"],
  [0x04, "combined reactive 1 energy at the start", ENERGY, "kvarh"],
  [0x05, "combined reactive 2 energy at the start", ENERGY, "kvarh"],
  [0x25, "end", STAMP_SECONDS, ""],
  [0x26, "forward active energy at the end", ENERGY, "kWh"],
  [0x27, "reverse active energy at the end", ENERGY, "kWh"],
  [0x28, "combined reactive 1 energy at the end", ENERGY, "kvarh"],
  [0x29, "combined reactive 2 energy at the end", ENERGY, "kvarh"],
];

function group(di3: number, di2: string, name: string): readonly Item[] {
  const at = `${hex(di3)}${di2}`;
  return [
    row(`${at}0001`, `${name} count`, COUNT, "1", fn("event")),
    row(`${at}0002`, `${name} time`, MINUTES, "min", fn("event")),
    ...FIELDS.map(([di1, field, format, unit]) =>
      row(`${at}${hex(di1)}NN`, `${name}, ${field}`, format, unit, fn("event")),
    ),
  ].map(recalled);
}

const SWITCHED: readonly Item[] = (
  [
    [0x1d, "trip"],
    [0x1e, "close"],
  ] as const
).flatMap(([di3, name]) => [
  row(`${hex(di3)}000001`, `${name} count`, COUNT, "1", fn("relayEvent")),
  recalled(row(`${hex(di3)}0001NN`, `${name} time`, STAMP_SECONDS, "", fn("relayEvent"))),
  recalled(row(`${hex(di3)}0003NN`, `forward active energy at the ${name}`, ENERGY, "kWh", fn("relayEvent"))),
  recalled(row(`${hex(di3)}0004NN`, `reverse active energy at the ${name}`, ENERGY, "kWh", fn("relayEvent"))),
  row(`${hex(di3)}00XXXX`, `${name} record`, RAW, "", { kind: "absent", what: "events" }),
]);

/** DI1 of a purchase's fields; 02 and 06 are seen with DI0 01. */
const PURCHASE_FIELDS = (
  unit: string,
): readonly (readonly [di1: number, name: string, format: Format, unit: string])[] => [
  [0x01, "purchase time", STAMP, ""],
  [0x02, "purchase count", number(2, 0), "1"],
  [0x03, "purchased", ENERGY, unit],
  [0x04, "remaining before the purchase", ENERGY, unit],
  [0x05, "remaining after the purchase", ENERGY, unit],
  [0x06, unit === "kWh" ? "accumulated purchased energy" : "accumulated purchased amount", ENERGY, unit],
];

const PURCHASES: readonly Item[] = (
  [
    [0x32, "kWh"],
    [0x33, "yuan"],
  ] as const
).flatMap(([di2, unit]) =>
  PURCHASE_FIELDS(unit).map(([di1, name, format, of]) => {
    const item = row(`03${hex(di2)}${hex(di1)}NN`, name, format, of, fn("purchase"));
    return di1 === 0x02 || di1 === 0x06 ? item : recalled(item);
  }),
);

export const EVENTS: readonly Item[] = [
  ...SUMMARIES,
  ...PROGRAMMINGS,
  ...PURCHASES,
  ...GROUPS_OF_PHASES.flatMap(([di3, name]) => group(di3, "PP", name)),
  ...GROUPS_OF_METER.flatMap(([di3, name]) => group(di3, "00", name)),
  ...SWITCHED,
];
