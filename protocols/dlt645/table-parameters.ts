/** Group 04: parameters. */
import type { AbsentFunction, Format, Item, Part } from "./item.ts";
import { bits, digits, ENERGY, fn, moment, no, number, RAW, recalled, row, STAMP, text } from "./rows.ts";

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
  row("04000103", "demand period", number(1, 0), "min", fn("demandPeriod")),
  row("04000104", "demand slip", number(1, 0), "min", fn("demandSlip")),
  row("04000105", "pulse width", number(2, 0), "ms", no("production data")),
  ...["zone", "slot", "rate price", "step"].map((table, i) =>
    row(`0400010${6 + i}`, `${table} table switch time`, STAMP, "", fn("tableSwitch")),
  ),
];

const small = (pattern: string, name: string, unit: string, what: AbsentFunction): Item =>
  row(pattern, name, number(1, 0), unit, no(what));

const count = (pattern: string, name: string): Item => row(pattern, name, number(1, 0), "1", fn("tariffSize"));

const TARIFF_SIZES: readonly Item[] = [
  count("04000201", "yearly zones"),
  count("04000202", "daily slot tables"),
  count("04000203", "slots a day"),
  count("04000204", "tariffs"),
  row("04000205", "public holidays", number(2, 0), "1", fn("tariffSize")),
  recalled(count("04000207", "steps")),
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
  ...[1, 2, 3, 4, 5, 6, 7].map((n) => row(`0400050${n}`, `status word ${n}`, bits(2), "", fn("statusWord"))),
  row("04000601", "active combination word", bits(1), "", fn("activeCombination")),
  row("04000602", "reactive combination word 1", bits(1), "", fn("reactiveCombination1")),
  row("04000603", "reactive combination word 2", bits(1), "", fn("reactiveCombination2")),
  row("04000701", "baud word, modulated infrared", bits(1), "", no("further ports")),
  row("04000702", "baud word, contact infrared", bits(1), "", no("further ports")),
  row("04000703", "baud word, port 1", bits(1), "", fn("serialBaud")),
  row("04000704", "baud word, port 2", bits(1), "", no("further ports")),
  row("04000705", "baud word, port 3", bits(1), "", no("further ports")),
  recalled(row("04000901", "mode word of the load profile", bits(1), "", fn("profileModes"))),
  ...[2, 3, 4, 5, 6].map((n) => row(`0400090${n}`, "mode word of a freeze", bits(1), "", no("freeze modes"))),
];

const MONEY_LIMITS = ["alarm amount 1", "alarm amount 2", "overdraft limit", "hoard limit", "amount to close"] as const;

const PREPAID: readonly Item[] = [
  row("04000F01", "alarm energy 1", ENERGY, "kWh", fn("creditLimit")),
  row("04000F02", "alarm energy 2", ENERGY, "kWh", fn("creditLimit")),
  row("04000F04", "overdraft energy limit", ENERGY, "kWh", fn("creditLimit")),
  ...MONEY_LIMITS.map((name, i) => row(`0400100${1 + i}`, name, ENERGY, "yuan", fn("creditLimit"))),
  recalled(row("04001401", "trip delay", number(2, 0), "min", fn("tripDelay"))),
  row("070101XX", "open account", RAW, "", no("security module")),
  row("070102XX", "top-up", RAW, "", no("security module")),
];

/** Times and intervals of load profile and freezes. */
const CAPTURES: readonly Item[] = [
  ...[1, 2, 3, 4, 5, 6].map((n) =>
    recalled(row(`04000A0${1 + n}`, `interval of load record class ${n}`, number(2, 0), "min", fn("profileInterval"))),
  ),
  recalled(row("04001201", "start of hourly freezes", STAMP, "", fn("hourlyStart"))),
  recalled(row("04001202", "interval of hourly freezes", number(1, 0), "min", fn("hourlyInterval"))),
  recalled(row("04001203", "time of daily freezes", moment("hhmm"), "", fn("dailyTime"))),
];

const part = (name: string, format: Format, unit = ""): Part => ({ name, format, unit });
const numbered = (name: string, when: Format): readonly Part[] => [
  part(`${name} number`, number(1, 0)),
  part(`${name} start`, when),
];
const PRICE = number(4, 4);

/** DI2 01 is the first set of zones and slots, 02 the second. */
const SCHEDULE: readonly Item[] = ["01", "02"].flatMap((set): Item[] => [
  {
    pattern: `04${set}0000`,
    name: "yearly zones",
    parts: numbered("table", moment("MMDD")),
    repeat: 14,
    behind: fn("zones"),
  },
  {
    pattern: `04${set}00QQ`,
    name: "daily slots",
    parts: numbered("tariff", moment("hhmm")),
    repeat: 14,
    behind: fn("slots"),
  },
]);

const DAYS: readonly Item[] = [
  recalled({
    pattern: "040300NN",
    name: "public holiday",
    parts: [part("slot table", number(1, 0)), part("date", moment("YYMMDD"))],
    behind: fn("holiday"),
  }),
  row("04000801", "weekly rest word", bits(1), "", fn("weeklyRest")),
  row("04000802", "weekly rest slot table", number(1, 0), "1", fn("restTable")),
  ...[1, 2, 3].map((n) => recalled(row(`04000B0${n}`, `settlement day ${n}`, moment("DDhh"), "", fn("settlementDay")))),
];

/** First and second set: prices of tariffs, thresholds of steps, prices of steps. All numbers are recalled. */
const PRICES: readonly Item[] = [
  row("040501RR", "tariff price, first set", PRICE, "yuan/kWh", fn("tariffPrice")),
  row("040502RR", "tariff price, second set", PRICE, "yuan/kWh", fn("tariffPrice")),
  row("040600RR", "step threshold, first set", ENERGY, "kWh", fn("stepThreshold")),
  row("040601RR", "step price, first set", PRICE, "yuan/kWh", fn("priceOfStep")),
  row("040602RR", "step threshold, second set", ENERGY, "kWh", fn("stepThreshold")),
  row("040603RR", "step price, second set", PRICE, "yuan/kWh", fn("priceOfStep")),
].map(recalled);

export const PARAMETERS: readonly Item[] = [
  ...CLOCK,
  ...TARIFF_SIZES,
  ...IDENTITY,
  ...STATUS,
  ...PREPAID,
  ...CAPTURES,
  ...SCHEDULE,
  ...DAYS,
  ...PRICES,
];
