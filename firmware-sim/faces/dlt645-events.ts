/** Event counts, times and records behind DL/T 645. */
import { combine } from "../../protocols/dlt645/combination.ts";
import { byteOf } from "../../protocols/dlt645/identifier.ts";
import type { MeterFunction } from "../../protocols/dlt645/item.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import type { EventKind, EventPhase } from "../events/kinds.ts";
import type { EndedEvent } from "../events/record.ts";
import { ByteReader } from "../nvram/bytes.ts";
import { type Ask, type Dlt645Device, energyField, type Field, type Producer, pack, stampOf } from "./dlt645-fields.ts";

/** By DI2 of 03 xx 00 00. */
const SUMMED: Readonly<Record<number, EventKind>> = {
  1: "voltageLoss",
  2: "underVoltage",
  3: "overVoltage",
  4: "phaseFailure",
  5: "allVoltageLoss",
  6: "auxiliarySupplyLoss",
  7: "voltageSequence",
  8: "currentSequence",
  9: "voltageUnbalance",
  10: "currentUnbalance",
  11: "currentLoss",
  12: "overCurrent",
  13: "currentBreak",
  14: "reversal",
  15: "overload",
  17: "powerOutage",
};
/** By DI3. */
const GROUPS: Readonly<Record<number, EventKind>> = {
  16: "voltageLoss",
  17: "underVoltage",
  18: "overVoltage",
  19: "phaseFailure",
  20: "voltageSequence",
  21: "currentSequence",
  22: "voltageUnbalance",
  23: "currentUnbalance",
  24: "currentLoss",
  25: "overCurrent",
  26: "currentBreak",
  27: "reversal",
  28: "overload",
  29: "relayTrip",
  30: "relayClose",
  31: "lowPowerFactor",
  32: "severeCurrentUnbalance",
};
/** By DI1 of 03 30 xx nn. */
const PROGRAMMED: Readonly<Record<number, EventKind>> = {
  0: "programming",
  1: "meterClear",
  2: "demandClear",
  3: "eventClear",
  4: "clockSet",
  13: "coverOpen",
  14: "terminalCoverOpen",
};
const COUNTS = 10 ** 6;
const PHASES: readonly EventPhase[] = [1, 2, 3];
const FIRST_END_FIELD = 0x25;

/** The event of an identifier of these groups: what a clear of events means by it. */
export function eventOf(di3: number, di2: number, di1: number): EventKind | undefined {
  if (di3 !== 0x03) return GROUPS[di3];
  return di2 === 0x30 ? PROGRAMMED[di1] : SUMMED[di2];
}

function counted({ meter, at }: Ask, kind: EventKind, phase: EventPhase): readonly [number, number] {
  const { events } = meter.functions;
  const minutes = Math.floor(events.seconds(kind, phase, at) / 60);
  return [events.count(kind, phase) % COUNTS, minutes % COUNTS];
}

const eventSummary: Producer = (ask) => {
  const { item, id } = ask;
  const kind = SUMMED[byteOf(id, 2)] as EventKind;
  if (item.parts.length === 6)
    return pack(
      item,
      PHASES.flatMap((phase) => [...counted(ask, kind, phase)]),
    );
  return pack(item, counted(ask, kind, 0).slice(0, item.parts.length));
};

/** DI0 0 counts; from 1 on it is the n-th last record. */
const programmed: Producer = (ask) => {
  const { meter, item, id } = ask;
  const kind = PROGRAMMED[byteOf(id, 1)] as EventKind;
  const age = byteOf(id, 0) - 1;
  if (age < 0) return pack(item, [meter.functions.events.count(kind) % COUNTS]);
  if (kind === "programming") return programming(ask, age);
  const record = meter.functions.events.ended(kind, 0, age);
  return record && pack(item, noted(kind, record, ask.device));
};

const operatorDigits = (operator: number): string => String(operator % 1e8).padStart(8, "0");
const identifierDigits = (id: number): string => id.toString(16).padStart(8, "0");

/** Who did it is what the note adds: operator, and for a clear of events the identifier. */
function noted(kind: EventKind, record: EndedEvent, device: Dlt645Device): readonly Field[] {
  const stamp = (at: LocalSecond) => stampOf(at, device, true);
  const extra = new ByteReader(record.extra);
  if (kind === "clockSet") {
    const [from, to] = [localSecond(extra.f64()), localSecond(extra.f64())];
    return [operatorDigits(extra.left > 0 ? extra.u32() : 0), stamp(from), stamp(to)];
  }
  if (kind === "coverOpen" || kind === "terminalCoverOpen") return [stamp(record.start), stamp(record.end)];
  const operator = operatorDigits(extra.left > 0 ? extra.u32() : 0);
  if (kind !== "eventClear") return [stamp(record.start), operator];
  return [stamp(record.start), operator, identifierDigits(extra.left > 0 ? extra.u32() : 0xffff_ffff)];
}

/** The identifiers that were written last come last; places without one are FF. */
function programming({ meter, device, item }: Ask, age: number): Uint8Array | undefined {
  const record = meter.functions.authority.programming(age);
  if (record === undefined) return undefined;
  const places = item.parts.length - 2;
  const items = record.items.map(identifierDigits);
  const fill = Array<string>(places - items.length).fill("ffffffff");
  return pack(item, [stampOf(record.at, device, true), operatorDigits(record.operator), ...items, ...fill]);
}

/** DI2 is the phase; DI1 0 counts. */
const event: Producer = (ask) => {
  const { meter, device, item, id } = ask;
  const kind = GROUPS[byteOf(id, 3)] as EventKind;
  const phase = byteOf(id, 2) as EventPhase;
  const field = byteOf(id, 1);
  if (field === 0) return pack(item, [counted(ask, kind, phase)[byteOf(id, 0) - 1] as number]);
  const record = meter.functions.events.ended(kind, phase, byteOf(id, 0) - 1);
  if (record === undefined) return undefined;
  const ended = field >= FIRST_END_FIELD;
  const place = field - (ended ? FIRST_END_FIELD : 1);
  if (place === 0) return pack(item, [stampOf(ended ? record.end : record.start, device, true)]);
  return energyOf(ask, record, ended, place);
};

/** Combined reactive energies are in a record as import and export: only words that mean these can be shown. */
function energyOf({ device, item }: Ask, record: EndedEvent, ended: boolean, place: number): Uint8Array | undefined {
  const energies = (ended ? record.endEnergies : record.startEnergies).map(({ quanta }) => quanta);
  const [imported = 0, exported = 0, reactiveImport = 0, reactiveExport = 0] = energies;
  const { reactive1, reactive2 } = device.combinations;
  if (place === 1) return pack(item, [energyField(item, imported)]);
  if (place === 2) return pack(item, [energyField(item, exported)]);
  const word = place === 3 ? reactive1 : reactive2;
  if ([0x05, 0x50, 0x55].includes(word))
    return pack(item, [energyField(item, combine(word, [reactiveImport, 0, reactiveExport, 0]))]);
  return undefined;
}

const relayEvent: Producer = (ask) => {
  const { meter, device, item, id } = ask;
  const kind = GROUPS[byteOf(id, 3)] as EventKind;
  const field = byteOf(id, 1);
  if (field === 0) return meter.hasRelay ? pack(item, [meter.functions.events.count(kind) % COUNTS]) : undefined;
  const record = meter.functions.events.ended(kind, 0, byteOf(id, 0) - 1);
  if (record === undefined) return undefined;
  return field === 1 ? pack(item, [stampOf(record.start, device, true)]) : energyOf(ask, record, false, field - 2);
};

export const EVENT_PRODUCERS = { eventSummary, programmed, event, relayEvent } satisfies Partial<
  Record<MeterFunction, Producer>
>;
