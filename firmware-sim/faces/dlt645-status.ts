/** Status words 1 to 7. Of word 1 bit 1 and of word 3 all bits are in public sources, the others are recalled. */
import { byteOf } from "../../protocols/dlt645/identifier.ts";
import type { MeterFunction } from "../../protocols/dlt645/item.ts";
import type { EventKind, EventPhase } from "../events/kinds.ts";
import type { Meter } from "../meter.ts";
import type { RelayReason } from "../relay/relay.ts";
import { type Producer, pack } from "./dlt645-fields.ts";
import { tableSwitchOf } from "./dlt645-tables.ts";

const bit = (position: number, set: boolean): number => (set ? 1 << position : 0);

/** Words 4 to 6, phases A to C: bits in this order. */
const OF_PHASE: readonly EventKind[] = [
  "voltageLoss",
  "underVoltage",
  "overVoltage",
  "currentLoss",
  "overCurrent",
  "overload",
  "reversal",
  "phaseFailure",
  "currentBreak",
];
/** Word 7: bits in this order. */
const OF_METER: readonly EventKind[] = [
  "voltageSequence",
  "currentSequence",
  "voltageUnbalance",
  "currentUnbalance",
  "auxiliarySupplyLoss",
  "powerOutage",
  "demandImport",
  "lowPowerFactor",
];
const LOCAL: readonly (RelayReason | "none" | "button")[] = ["local", "credit", "overload", "overCurrent"];

const raised = (meter: Meter, kinds: readonly EventKind[], phase: EventPhase): number =>
  kinds.reduce((word, kind, i) => word | bit(i, meter.functions.events.open(kind, phase) !== undefined), 0);

function modes(meter: Meter): number {
  const { demand, events } = meter.functions;
  const block = demand.settings.mode === "block";
  const negative = (key: "activePower" | "reactivePower") => (meter.value(key) ?? 0) < 0;
  const low = events.open("batteryLow") !== undefined;
  return bit(1, block) | bit(2, low) | bit(4, negative("activePower")) | bit(5, negative("reactivePower"));
}

/** Directions: active in bits 0 to 2, reactive in bits 4 to 6. */
function directions(meter: Meter): number {
  let word = 0;
  for (const p of [1, 2, 3] as const) {
    if (p > meter.model.phases) break;
    word |= bit(p - 1, (meter.value(`activePowerL${p}`) ?? 0) < 0);
    word |= bit(p + 3, (meter.value(`reactivePowerL${p}`) ?? 0) < 0);
  }
  return word;
}

function switching(meter: Meter): number {
  const relay = meter.functions.relay.status();
  const { moment } = meter.functions.tariff;
  const open = meter.hasRelay && !meter.relayClosed;
  const mode = meter.functions.credit?.settings.mode;
  const commanded = relay.tripAt !== undefined || (open && !relay.closeAllowed);
  return (
    bit(0, moment.daySet === 2) |
    bit(4, open) |
    bit(5, moment.zoneSet === 2) |
    bit(6, commanded) |
    bit(7, relay.warning || relay.tripAt !== undefined) |
    bit(8, mode === "energy") |
    bit(9, mode === "money") |
    bit(10, tableSwitchOf(meter, "prices").running === 2) |
    bit(11, meter.functions.tariff.position.set === 2) |
    bit(12, relay.keepPower) |
    bit(14, open && LOCAL.includes(relay.reason)) |
    bit(15, open && relay.reason === "remote")
  );
}

const statusWord: Producer = ({ meter, item, id }) => {
  const word = byteOf(id, 0);
  if (word === 1) return pack(item, [modes(meter)]);
  if (word === 2) return pack(item, [directions(meter)]);
  if (word === 3) return pack(item, [switching(meter)]);
  if (word === 7) return pack(item, [raised(meter, OF_METER, 0)]);
  return pack(item, [raised(meter, OF_PHASE, (word - 3) as EventPhase)]);
};

export const STATUS_PRODUCERS = { statusWord } satisfies Partial<Record<MeterFunction, Producer>>;
