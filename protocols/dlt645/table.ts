/**
 * The identifiers of DL/T 645-2007 annex A as far as public sources give them. "Recalled" marks what they do not confirm.
 * BCD, low byte first. XXXXXX.XX is `number(4, 2)`.
 */
import { HARMONIC_ORDERS, type MeasureKey, type Phase } from "../../src/core/measures.ts";
import type { AbsentFunction, Behind, Format, Item, MeterFunction, Part } from "./item.ts";

const number = (bytes: number, decimals: number): Format => ({ kind: "number", bytes, decimals, signed: false });
const signed = (bytes: number, decimals: number): Format => ({ kind: "number", bytes, decimals, signed: true });
const moment = (fields: (Format & { kind: "moment" })["fields"]): Format => ({ kind: "moment", fields });
const text = (bytes: number): Format => ({ kind: "text", bytes });
const digits = (bytes: number): Format => ({ kind: "digits", bytes });
const bits = (bytes: number): Format => ({ kind: "bits", bytes });
const RAW: Format = { kind: "raw" };
const ENERGY = number(4, 2);
const SIGNED_ENERGY = signed(4, 2);
const STAMP = moment("YYMMDDhhmm");

const of = (key: MeasureKey): Behind => ({ kind: "measure", measure: key });
const fn = (name: MeterFunction): Behind => ({ kind: "function", function: name });
const no = (what: AbsentFunction): Behind => ({ kind: "absent", what });

function row(pattern: string, name: string, format: Format, unit: string, behind: Behind): Item {
  return { pattern, name, parts: [{ name, format, unit }], behind };
}

/** DI2, quantity, format and unit of its energy, unit of its demand, what is behind the energy. */
type EnergyRow = readonly [di2: number, name: string, format: Format, unit: string, demand: string, behind: Behind];

const TOTALS: readonly EnergyRow[] = [
  [0x00, "combined active", SIGNED_ENERGY, "kWh", "kW", fn("combinedActive")],
  [0x01, "forward active", ENERGY, "kWh", "kW", of("activeEnergyImport")],
  [0x02, "reverse active", ENERGY, "kWh", "kW", of("activeEnergyExport")],
  [0x03, "combined reactive 1", SIGNED_ENERGY, "kvarh", "kvar", fn("combinedReactive1")],
  [0x04, "combined reactive 2", SIGNED_ENERGY, "kvarh", "kvar", fn("combinedReactive2")],
  [0x05, "quadrant I reactive", ENERGY, "kvarh", "kvar", of("reactiveEnergyQ1")],
  [0x06, "quadrant II reactive", ENERGY, "kvarh", "kvar", of("reactiveEnergyQ2")],
  [0x07, "quadrant III reactive", ENERGY, "kvarh", "kvar", of("reactiveEnergyQ3")],
  [0x08, "quadrant IV reactive", ENERGY, "kvarh", "kvar", of("reactiveEnergyQ4")],
  [0x09, "forward apparent", ENERGY, "kVAh", "kVA", no("direction of apparent energy")],
  [0x0a, "reverse apparent", ENERGY, "kVAh", "kVA", no("direction of apparent energy")],
];

const LETTERS = ["A", "B", "C"] as const;
const PHASES: readonly Phase[] = [1, 2, 3];
const letter = (p: Phase): string => LETTERS[p - 1] as string;
const hex = (value: number): string => value.toString(16).padStart(2, "0");

/** Phase A begins at 15, B at 29, C at 3D. The combined reactive energies (17, 18) are recalled; quadrants come after them. */
function phaseEnergies(p: Phase): readonly Item[] {
  const base = 0x15 + 0x14 * (p - 1);
  const energy = (offset: number, name: string, format: Format, unit: string, key: MeasureKey) =>
    row(`00${hex(base + offset)}00SS`, `phase ${letter(p)} ${name} energy`, format, unit, of(key));
  return [
    energy(0, "forward active", ENERGY, "kWh", `activeEnergyImportL${p}`),
    energy(1, "reverse active", ENERGY, "kWh", `activeEnergyExportL${p}`),
    energy(2, "combined reactive 1", SIGNED_ENERGY, "kvarh", `reactiveEnergyImportL${p}`),
    energy(3, "combined reactive 2", SIGNED_ENERGY, "kvarh", `reactiveEnergyExportL${p}`),
  ];
}

const ENERGIES: readonly Item[] = [
  ...TOTALS.map(([di2, name, format, unit, , behind]) =>
    row(`00${hex(di2)}TTSS`, `${name} energy`, format, unit, behind),
  ),
  ...PHASES.flatMap(phaseEnergies),
  row("00900100", "remaining energy", ENERGY, "kWh", no("prepayment")),
  row("00900101", "overdraft energy", ENERGY, "kWh", no("prepayment")),
  row("00900200", "remaining amount", ENERGY, "yuan", no("prepayment")),
  row("00900201", "overdraft amount", ENERGY, "yuan", no("prepayment")),
];

const DEMANDS: readonly Item[] = TOTALS.slice(1).map(([di2, name, , , unit]) => ({
  pattern: `01${hex(di2)}TTSS`,
  name: `${name} maximum demand`,
  parts: [
    { name: `${name} maximum demand`, format: number(3, 4), unit },
    { name: "time of the maximum", format: STAMP, unit: "" },
  ],
  behind: no("demand"),
}));

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
  row("02800003", "one-minute mean active power", number(3, 4), "kW", no("demand")),
  row("02800004", "present active demand", number(3, 4), "kW", no("demand")),
  row("02800005", "present reactive demand", number(3, 4), "kvar", no("demand")),
  row("02800006", "present apparent demand", number(3, 4), "kVA", no("demand")),
  row("02800007", "temperature", number(2, 1), "°C", no("sensors")),
  row("02800008", "clock battery voltage", number(2, 2), "V", no("sensors")),
  row("02800009", "reading battery voltage", number(2, 2), "V", no("sensors")),
  row("0280000A", "battery working time", number(4, 0), "min", no("sensors")),
  // The sources do not give its format.
  row("0280000B", "present step price", RAW, "yuan/kWh", no("prepayment")),
  row("02800020", "present price", number(4, 4), "yuan/kWh", no("prepayment")),
];

/** Programming counts: 03 30 kk 00. Sources differ on meter clear and demand clear; this is annex A.4, recalled. */
const PROGRAMMED: readonly string[] = [
  "programming",
  "meter clear",
  "demand clear",
  "event clear",
  "clock set",
  "slot table set",
  "zone table set",
  "weekly rest set",
  "holidays set",
  "active combination set",
  "reactive combination 1 set",
  "reactive combination 2 set",
  "settlement day set",
  "meter cover open",
  "terminal cover open",
];

const count = (pattern: string, name: string, bytes: number): Item =>
  row(pattern, name, number(bytes, 0), "1", no("events"));
const record = (pattern: string, name: string): Item => row(pattern, name, RAW, "", no("events"));

const EVENTS: readonly Item[] = [
  {
    pattern: "03010000",
    name: "voltage losses",
    parts: LETTERS.flatMap((phase): Part[] => [
      { name: `phase ${phase} voltage losses`, format: number(3, 0), unit: "1" },
      { name: `phase ${phase} voltage loss time`, format: number(3, 0), unit: "min" },
    ]),
    behind: no("events"),
  },
  record("0301PPNN", "voltage loss record"),
  ...PROGRAMMED.map((name, kind) => count(`0330${hex(kind)}00`, `${name} count`, 3)),
  ...PROGRAMMED.map((name, kind) => record(`0330${hex(kind)}NN`, `${name} record`)),
  row("03320201", "purchase count", number(2, 0), "1", no("prepayment")),
  row("03320601", "accumulated purchased energy", ENERGY, "kWh", no("prepayment")),
  row("03330201", "purchase count", number(2, 0), "1", no("prepayment")),
  row("03330601", "accumulated purchased amount", ENERGY, "yuan", no("prepayment")),
  count("1D000001", "trip count", 3),
  record("1D00XXXX", "trip record"),
  count("1E000001", "close count", 3),
  record("1E00XXXX", "close record"),
];

const CLOCK: readonly Item[] = [
  {
    pattern: "04000101",
    name: "date",
    parts: [
      { name: "weekday, 0 Sunday", format: number(1, 0), unit: "", aside: true },
      { name: "date", format: moment("YYMMDD"), unit: "" },
    ],
    behind: fn("date"),
  },
  row("04000102", "time", moment("hhmmss"), "", fn("time")),
  row("04000103", "demand period", number(1, 0), "min", no("demand")),
  row("04000104", "demand slip", number(1, 0), "min", no("demand")),
  row("04000105", "pulse width", number(2, 0), "ms", no("production data")),
  ...["zone", "slot", "rate price", "step"].map((table, i) =>
    row(`0400010${6 + i}`, `${table} table switch time`, STAMP, "", no("tariffs")),
  ),
];

const small = (pattern: string, name: string, unit: string, what: AbsentFunction): Item =>
  row(pattern, name, number(1, 0), unit, no(what));

const TARIFF_SIZES: readonly Item[] = [
  small("04000201", "yearly zones", "1", "tariffs"),
  small("04000202", "daily slot tables", "1", "tariffs"),
  small("04000203", "slots a day", "1", "tariffs"),
  small("04000204", "tariffs", "1", "tariffs"),
  row("04000205", "public holidays", number(2, 0), "1", no("tariffs")),
  small("04000206", "harmonics analysed", "1", "harmonics"),
  small("04000301", "display screens", "1", "display"),
  small("04000302", "display seconds", "s", "display"),
  small("04000303", "energy decimals", "1", "display"),
  small("04000304", "power decimals", "1", "display"),
  small("04000305", "display screens by key", "1", "display"),
];

const IDENTITY: readonly Item[] = [
  row("04000401", "communication address", digits(6), "", fn("address")),
  row("04000402", "meter number", digits(6), "", fn("meterNumber")),
  row("04000403", "asset code", text(32), "", fn("assetCode")),
  row("04000404", "rated voltage", text(6), "", fn("ratedVoltage")),
  row("04000405", "rated current", text(6), "", fn("ratedCurrent")),
  row("04000406", "maximum current", text(6), "", fn("maximumCurrent")),
  row("04000407", "active accuracy class", text(4), "", fn("activeClass")),
  row("04000408", "reactive accuracy class", text(4), "", fn("reactiveClass")),
  row("04000409", "active constant", number(3, 0), "imp/kWh", fn("activeConstant")),
  row("0400040A", "reactive constant", number(3, 0), "imp/kvarh", fn("reactiveConstant")),
  row("0400040B", "model", text(10), "", fn("modelName")),
  row("0400040C", "production date", text(10), "", no("production data")),
  row("0400040D", "protocol version", text(16), "", fn("protocolVersion")),
];

const STATUS: readonly Item[] = [
  ...[1, 2, 3, 4, 5, 6, 7].map((n) =>
    row(`0400050${n}`, `status word ${n}`, bits(2), "", n === 3 ? fn("relayStatus") : no("status words")),
  ),
  row("04000601", "active combination word", bits(1), "", fn("activeCombination")),
  row("04000602", "reactive combination word 1", bits(1), "", fn("reactiveCombination1")),
  row("04000603", "reactive combination word 2", bits(1), "", fn("reactiveCombination2")),
  row("04000701", "baud word, modulated infrared", bits(1), "", no("further ports")),
  row("04000702", "baud word, contact infrared", bits(1), "", no("further ports")),
  row("04000703", "baud word, port 1", bits(1), "", fn("serialBaud")),
  row("04000704", "baud word, port 2", bits(1), "", no("further ports")),
  row("04000705", "baud word, port 3", bits(1), "", no("further ports")),
  ...[1, 2, 3, 4, 5, 6].map((n) =>
    row(`0400090${n}`, "mode word of profile or freeze", bits(1), "", no(n === 1 ? "load profile" : "freezes")),
  ),
];

const MONEY_LIMITS = ["alarm amount 1", "alarm amount 2", "overdraft limit", "hoard limit", "amount to close"] as const;

const PREPAID: readonly Item[] = [
  row("04000F01", "alarm energy 1", ENERGY, "kWh", no("prepayment")),
  row("04000F02", "alarm energy 2", ENERGY, "kWh", no("prepayment")),
  row("04000F04", "overdraft energy limit", ENERGY, "kWh", no("prepayment")),
  ...MONEY_LIMITS.map((name, i) => row(`0400100${1 + i}`, name, ENERGY, "yuan", no("prepayment"))),
  row("070101XX", "open account", RAW, "", no("prepayment")),
  row("070102XX", "top-up", RAW, "", no("prepayment")),
];

const numbered = (name: string, when: Format): readonly Part[] => [
  { name: `${name} number`, format: number(1, 0), unit: "" },
  { name: `${name} start`, format: when, unit: "" },
];

const SCHEDULE: readonly Item[] = [
  {
    pattern: "04010000",
    name: "yearly zones",
    parts: numbered("table", moment("MMDD")),
    repeat: 14,
    behind: no("tariffs"),
  },
  {
    pattern: "040100QQ",
    name: "daily slots",
    parts: numbered("tariff", moment("hhmm")),
    repeat: 14,
    behind: no("tariffs"),
  },
];

/** Total and tariffs. */
const RATES = 64;
/** DI2 of a freeze and what is behind it. */
const FREEZES: readonly (readonly [string, string, Behind])[] = [
  ["00", "timed", no("freezes")],
  ["01", "instant", fn("instantFreeze")],
  ["06", "daily", no("freezes")],
];

/** Frozen energies 03 to 08 are recalled: they follow the order of the energies. */
const FROZEN: readonly Item[] = FREEZES.flatMap(([di2, kind, behind]) => [
  row(`05${di2}00NN`, `time of the ${kind} freeze`, STAMP, "", behind),
  ...TOTALS.slice(1, 9).map(([energy, name, format, unit]) => ({
    ...row(`05${di2}${hex(energy)}NN`, `${kind} freeze of ${name} energy`, format, unit, behind),
    repeat: RATES,
  })),
]);

export const TABLE: readonly Item[] = [
  ...ENERGIES,
  ...DEMANDS,
  ...VARIABLES,
  ...EVENTS,
  ...CLOCK,
  ...TARIFF_SIZES,
  ...IDENTITY,
  ...STATUS,
  ...PREPAID,
  ...SCHEDULE,
  ...FROZEN,
  row("06XXXXXX", "load profile", RAW, "", no("load profile")),
];
