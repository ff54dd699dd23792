/** What a data identifier stands for: its fields on the wire, and the measure or function of a meter behind it. */
import type { MeasureKey } from "../../src/core/measures.ts";
import type { NumberFormat } from "./values.ts";

export type MomentFields = "YYMMDD" | "hhmmss" | "YYMMDDhhmm" | "YYMMDDhhmmss" | "MMDD" | "DDhh" | "hhmm";

export type Format =
  | ({ readonly kind: "number" } & NumberFormat)
  /** Two-digit fields, highest first as the standard writes them; on the wire the last one comes first. */
  | { readonly kind: "moment"; readonly fields: MomentFields }
  /** A number that is a name: leading zeros count. */
  | { readonly kind: "digits"; readonly bytes: number }
  | { readonly kind: "text"; readonly bytes: number }
  /** Bits with a meaning each; shown as hex. */
  | { readonly kind: "bits"; readonly bytes: number }
  /** A record whose inside the sources do not give: all that is there. */
  | { readonly kind: "raw" };

export interface Part {
  readonly name: string;
  readonly format: Format;
  /** As shown; empty for what has none. */
  readonly unit: string;
  /** Goes with another part and is no reading of its own: the weekday of a date. */
  readonly aside?: true;
}

/** What a meter does for an identifier beside showing a measure. */
export type MeterFunction =
  | "energy"
  | "combinedActive"
  | "combinedReactive1"
  | "combinedReactive2"
  | "maximumDemand"
  | "presentDemand"
  | "presentPrice"
  | "stepPrice"
  | "remainingEnergy"
  | "overdraftEnergy"
  | "remainingAmount"
  | "overdraftAmount"
  | "purchase"
  | "date"
  | "time"
  | "address"
  | "meterNumber"
  | "assetCode"
  | "ratedVoltage"
  | "ratedCurrent"
  | "maximumCurrent"
  | "activeClass"
  | "reactiveClass"
  | "activeConstant"
  | "reactiveConstant"
  | "modelName"
  | "protocolVersion"
  | "statusWord"
  | "activeCombination"
  | "reactiveCombination1"
  | "reactiveCombination2"
  | "serialBaud"
  | "demandPeriod"
  | "demandSlip"
  | "tableSwitch"
  | "tariffSize"
  | "zones"
  | "slots"
  | "holiday"
  | "weeklyRest"
  | "restTable"
  | "settlementDay"
  | "tariffPrice"
  | "stepThreshold"
  | "priceOfStep"
  | "creditLimit"
  | "tripDelay"
  | "profileModes"
  | "profileInterval"
  | "hourlyStart"
  | "hourlyInterval"
  | "dailyTime"
  | "freeze"
  | "loadRecord"
  | "eventSummary"
  | "programmed"
  | "event"
  | "relayEvent";

/** A function that the virtual meter does not have: it answers "no such data". */
export type AbsentFunction =
  | "settlements of phases"
  | "demand of one minute"
  | "direction of apparent energy"
  | "harmonics"
  | "sensors"
  | "events"
  | "freeze modes"
  | "security module"
  | "display"
  | "production data"
  | "further ports";

export type Behind =
  | { readonly kind: "measure"; readonly measure: MeasureKey }
  | { readonly kind: "function"; readonly function: MeterFunction }
  | { readonly kind: "absent"; readonly what: AbsentFunction };

export interface Item {
  /** Bytes DI3 to DI0 in hex, or a class of them, see {@link CLASSES}. */
  readonly pattern: string;
  readonly name: string;
  readonly parts: readonly Part[];
  /** The most times the parts may come one after the other; default 1. */
  readonly repeat?: number;
  /** Number or layout is from memory and not confirmed by a public source: a real meter goes before it. */
  readonly recalled?: true;
  readonly behind: Behind;
}

/** Classes of an identifier's byte, with their range. */
export const CLASSES: Readonly<Record<string, readonly [number, number]>> = {
  /** Total, then the tariffs. */
  TT: [0x00, 0x3f],
  /** Present, then the last settlement days. */
  SS: [0x00, 0x0c],
  /** Phases A, B, C. */
  PP: [0x01, 0x03],
  /** Tariffs, steps. */
  RR: [0x01, 0x3f],
  /** Harmonics. */
  HH: [0x01, 0x15],
  /** Tables of daily time slots. */
  QQ: [0x01, 0x08],
  /** The n-th last record. */
  NN: [0x01, 0xfe],
  /** Anything. */
  XX: [0x00, 0xff],
};

/** Bytes that a part takes; undefined for all that is left. */
export function sizeOf(format: Format): number | undefined {
  if (format.kind === "raw") return undefined;
  return format.kind === "moment" ? format.fields.length / 2 : format.bytes;
}

/** Bytes of an item's parts once; undefined where it takes all that is there. */
export function itemSize(item: Item): number | undefined {
  let size = 0;
  for (const part of item.parts) {
    const bytes = sizeOf(part.format);
    if (bytes === undefined) return undefined;
    size += bytes;
  }
  return size;
}
