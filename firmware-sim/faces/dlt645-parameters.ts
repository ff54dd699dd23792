/** Parameters behind DL/T 645 that are no tariff table: demand, relay, credit limits, profile and freezes. */
import { ERR } from "../../protocols/dlt645/errors.ts";
import { byteOf, type Identifier } from "../../protocols/dlt645/identifier.ts";
import type { MeterFunction } from "../../protocols/dlt645/item.ts";
import type { CreditSettings } from "../prepayment/settings.ts";
import type { FreezeSettings } from "../profile/settings.ts";
import type { MeterSettings } from "../settings.ts";
import { type Order, ofStamp, type Producer, pack, pairs, stampOf, type Writer } from "./dlt645-fields.ts";

const two = (value: number): string => String(value).padStart(2, "0");
/** mWh in the last digit of a limit in energy; limits in money are whole minor units. */
const ENERGY_STEP = 10_000;

function configure<P extends keyof MeterSettings>(order: Order, part: P, value: MeterSettings[P]): number {
  return order.meter.programming.configure(part, value, order.now).ok ? 0 : ERR.other;
}

const demand =
  (field: "periodMinutes" | "slipMinutes"): Producer =>
  ({ meter, item }) =>
    pack(item, [meter.functions.demand.settings[field]]);

const writeDemand =
  (field: "periodMinutes" | "slipMinutes"): Writer =>
  (order) =>
    configure(order, "demand", { ...order.meter.programming.settings.demand, [field]: Number(order.fields[0]) });

type Limit = "alarm1" | "alarm2" | "overdraftLimit" | "hoardingLimit" | "closeAllowed";
const MONEY: readonly Limit[] = ["alarm1", "alarm2", "overdraftLimit", "hoardingLimit", "closeAllowed"];
const ENERGY: Readonly<Record<number, Limit>> = { 1: "alarm1", 2: "alarm2", 4: "overdraftLimit" };

/** DI1 0F are limits in energy, 10 in money. */
function limitOf(id: Identifier): {
  readonly mode: CreditSettings["mode"];
  readonly limit: Limit;
  readonly step: number;
} {
  const energy = byteOf(id, 1) === 0x0f;
  const limit = (energy ? ENERGY[byteOf(id, 0)] : MONEY[byteOf(id, 0) - 1]) as Limit;
  return energy ? { mode: "energy", limit, step: ENERGY_STEP } : { mode: "money", limit, step: 1 };
}

/** An alarm that is off is FF. */
const creditLimit: Producer = ({ meter, item, id }) => {
  const { mode, limit, step } = limitOf(id);
  const settings = meter.functions.credit?.settings;
  if (settings?.mode !== mode) return undefined;
  const value = settings[limit];
  return pack(item, [value === null ? null : Math.floor(value / step)]);
};

const writeCreditLimit: Writer = (order) => {
  const { mode, limit, step } = limitOf(order.id);
  const { credit } = order.meter.programming.settings;
  if (credit?.mode !== mode) return ERR.noSuchData;
  const value = order.fields[0] as number | null;
  return configure(order, "credit", { ...credit, [limit]: value === null ? null : value * step } as CreditSettings);
};

const profileInterval: Producer = ({ meter, item, id }) => {
  const settings = meter.functions.profile.settings.classes[byteOf(id, 0) - 2];
  return settings ? pack(item, [settings.intervalMinutes]) : undefined;
};

const writeProfileInterval: Writer = (order) => {
  const classes = [...order.meter.programming.settings.profile.classes];
  const place = byteOf(order.id, 0) - 2;
  const settings = classes[place];
  if (!settings) return ERR.noSuchData;
  classes[place] = { ...settings, intervalMinutes: Number(order.fields[0]) };
  return configure(order, "profile", { classes });
};

function freezes(order: Order, change: Partial<FreezeSettings>): number {
  return configure(order, "freezes", { ...order.meter.programming.settings.freezes, ...change });
}

const writeHourlyStart: Writer = (order) => {
  const start = ofStamp(String(order.fields[0]), order.device);
  const { hourly } = order.meter.programming.settings.freezes;
  if (start === undefined) return ERR.other;
  return freezes(order, { hourly: { intervalMinutes: hourly?.intervalMinutes ?? 60, start } });
};

const writeHourlyInterval: Writer = (order) => {
  const { hourly } = order.meter.programming.settings.freezes;
  if (hourly === null) return ERR.other;
  return freezes(order, { hourly: { ...hourly, intervalMinutes: Number(order.fields[0]) } });
};

const writeDailyTime: Writer = (order) => {
  const [hour = 0, minute = 0] = pairs(String(order.fields[0]));
  return minute > 59 ? ERR.other : freezes(order, { dailyMinute: 60 * hour + minute });
};

export const PARAMETER_PRODUCERS = {
  demandPeriod: demand("periodMinutes"),
  demandSlip: demand("slipMinutes"),
  creditLimit,
  tripDelay: ({ meter, item }) =>
    meter.hasRelay ? pack(item, [Math.floor(meter.programming.settings.relay.tripDelay / 60)]) : undefined,
  profileModes: ({ meter, item }) =>
    pack(item, [meter.functions.profile.settings.classes.reduce((word, of, i) => (of ? word | (1 << i) : word), 0)]),
  profileInterval,
  hourlyStart: ({ meter, device, item }) => {
    const { hourly } = meter.functions.freezes.settings;
    return hourly === null ? undefined : pack(item, [stampOf(hourly.start, device)]);
  },
  hourlyInterval: ({ meter, item }) => {
    const { hourly } = meter.functions.freezes.settings;
    return hourly === null ? undefined : pack(item, [hourly.intervalMinutes]);
  },
  dailyTime: ({ meter, item }) => {
    const { dailyMinute: at } = meter.functions.freezes.settings;
    return at === null ? undefined : pack(item, [two(Math.floor(at / 60)) + two(at % 60)]);
  },
} satisfies Partial<Record<MeterFunction, Producer>>;

export const PARAMETER_WRITERS = {
  demandPeriod: writeDemand("periodMinutes"),
  demandSlip: writeDemand("slipMinutes"),
  creditLimit: writeCreditLimit,
  tripDelay: (order) =>
    order.meter.hasRelay
      ? configure(order, "relay", {
          ...order.meter.programming.settings.relay,
          tripDelay: 60 * Number(order.fields[0]),
        })
      : ERR.noSuchData,
  profileInterval: writeProfileInterval,
  hourlyStart: writeHourlyStart,
  hourlyInterval: writeHourlyInterval,
  dailyTime: writeDailyTime,
} satisfies Partial<Record<MeterFunction, Writer>>;
