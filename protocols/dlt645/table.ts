/**
 * The identifiers of DL/T 645-2007 annex A as far as public sources give them. "Recalled" marks what they do not confirm.
 * BCD, low byte first. XXXXXX.XX is `number(4, 2)`.
 */
import { HARMONIC_ORDERS, type Phase } from "../../src/core/measures.ts";
import type { Behind, Format, Item } from "./item.ts";
import { fn, hex, letter, no, number, of, PHASES, recalled, row, signed } from "./rows.ts";
import { DEMANDS, ENERGIES } from "./table-energy.ts";
import { EVENTS } from "./table-events.ts";
import { FREEZES } from "./table-freezes.ts";
import { PARAMETERS } from "./table-parameters.ts";

type PowerKey = "activePower" | "reactivePower" | "apparentPower" | "powerFactor";

/** The sign of reactive power is recalled: tables print it as XX.XXXX. */
const POWERS: readonly (readonly [number, string, Format, string, PowerKey])[] = [
  [0x03, "active power", signed(3, 4), "kW", "activePower"],
  [0x04, "reactive power", signed(3, 4), "kvar", "reactivePower"],
  [0x05, "apparent power", number(3, 4), "kVA", "apparentPower"],
  [0x06, "power factor", signed(2, 3), "1", "powerFactor"],
];

const POWER_ROWS: readonly Item[] = POWERS.flatMap(([di2, name, format, unit, key]) => [
  row(`02${hex(di2)}0000`, `total ${name}`, format, unit, of(key)),
  ...PHASES.map((p) => row(`02${hex(di2)}0${p}00`, `phase ${letter(p)} ${name}`, format, unit, of(`${key}L${p}`))),
]);

/** Up to 99.99 %; what is more has no place. */
const CONTENT = number(2, 2);
const DISTORTIONS = [
  ["08", "voltage"],
  ["09", "current"],
] as const;
const HARMONICS = [
  ["0a", "voltage"],
  ["0b", "current"],
] as const;

/** Of the first order, the fundamental itself, there is no content: it is what the others are compared with. */
function harmonicContents(di2: string, kind: "voltage" | "current", p: Phase): readonly Item[] {
  const content = (order: number, behind: Behind) =>
    row(`02${di2}0${p}${hex(order)}`, `phase ${letter(p)} ${kind} harmonic ${order}`, CONTENT, "%", behind);
  return [
    content(1, no("harmonics")),
    ...HARMONIC_ORDERS.map((order) => content(order, of(`${kind}Harmonic${order}L${p}`))),
  ];
}

const VARIABLES: readonly Item[] = [
  ...PHASES.map((p) => row(`02010${p}00`, `phase ${letter(p)} voltage`, number(2, 1), "V", of(`voltageL${p}`))),
  ...PHASES.map((p) => row(`02020${p}00`, `phase ${letter(p)} current`, signed(3, 3), "A", of(`currentL${p}`))),
  ...POWER_ROWS,
  ...PHASES.map((p) => row(`02070${p}00`, `phase ${letter(p)} angle`, number(2, 1), "deg", of(`phaseAngleL${p}`))),
  ...DISTORTIONS.flatMap(([di2, kind]) =>
    PHASES.map((p) =>
      row(`02${di2}0${p}00`, `phase ${letter(p)} ${kind} distortion`, CONTENT, "%", of(`${kind}ThdL${p}`)),
    ),
  ),
  ...HARMONICS.flatMap(([di2, kind]) => PHASES.flatMap((p) => harmonicContents(di2, kind, p))),
  row("02800001", "neutral current", number(3, 3), "A", of("currentNeutral")),
  row("02800002", "frequency", number(2, 2), "Hz", of("frequency")),
  row("02800003", "one-minute mean active power", number(3, 4), "kW", no("demand of one minute")),
  row("02800004", "present active demand", number(3, 4), "kW", fn("presentDemand")),
  row("02800005", "present reactive demand", number(3, 4), "kvar", fn("presentDemand")),
  row("02800006", "present apparent demand", number(3, 4), "kVA", fn("presentDemand")),
  row("02800007", "temperature", number(2, 1), "°C", no("sensors")),
  row("02800008", "clock battery voltage", number(2, 2), "V", no("sensors")),
  row("02800009", "reading battery voltage", number(2, 2), "V", no("sensors")),
  row("0280000A", "battery working time", number(4, 0), "min", no("sensors")),
  // The sources do not give its format: that of the present price.
  recalled(row("0280000B", "present step price", number(4, 4), "yuan/kWh", fn("stepPrice"))),
  row("02800020", "present price", number(4, 4), "yuan/kWh", fn("presentPrice")),
];

export const TABLE: readonly Item[] = [...ENERGIES, ...DEMANDS, ...VARIABLES, ...EVENTS, ...PARAMETERS, ...FREEZES];
