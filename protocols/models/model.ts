/**
 * A meter model is data: rating plate, signs, where each measure sits on the wire, and captured examples that prove it.
 * The virtual meter serves the same file that the head-end reads. A user's own file is the same thing as JSON.
 */
import type { MeasureKey } from "../../src/core/measures.ts";

/** Big endian within a register; the order of registers in a longer value is the map's `wordOrder`. */
export const ENCODINGS = ["uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Units a map may use, with the power of ten that leads to the base unit of the measure. */
export const WIRE_UNITS = {
  V: { base: "V", power: 0 },
  kV: { base: "V", power: 3 },
  A: { base: "A", power: 0 },
  mA: { base: "A", power: -3 },
  W: { base: "W", power: 0 },
  kW: { base: "W", power: 3 },
  var: { base: "var", power: 0 },
  kvar: { base: "var", power: 3 },
  VA: { base: "VA", power: 0 },
  kVA: { base: "VA", power: 3 },
  Hz: { base: "Hz", power: 0 },
  Wh: { base: "Wh", power: 0 },
  kWh: { base: "Wh", power: 3 },
  varh: { base: "varh", power: 0 },
  kvarh: { base: "varh", power: 3 },
  VAh: { base: "VAh", power: 0 },
  kVAh: { base: "VAh", power: 3 },
  "1": { base: "1", power: 0 },
  deg: { base: "deg", power: 0 },
  "%": { base: "%", power: 0 },
  s: { base: "s", power: 0 },
} as const;
export type WireUnit = keyof typeof WIRE_UNITS;

export interface RatingPlate {
  /** Nominal voltage phase to neutral, volts. */
  readonly un: number;
  /** Starting, minimum, transitional and maximum current, amperes (IEC 62052-11; Ib = 10 Itr on direct meters). */
  readonly ist: number;
  readonly imin: number;
  readonly itr: number;
  readonly imax: number;
  readonly frequency: 50 | 60;
  readonly activeClass: string;
  readonly reactiveClass: string;
  /** Pulse constants, imp/kWh and imp/kvarh. */
  readonly impPerKwh: number;
  readonly impPerKvarh: number;
  readonly wiring: "1P2W" | "3P3W" | "3P4W";
  /** Rated current of the built-in relay, amperes; null where the model has none. */
  readonly relayAmps: number | null;
}

export interface RegisterEntry {
  readonly measure: MeasureKey;
  readonly table: "input" | "holding";
  /** PDU address, 0-based: the number in a request, not 30001 or 40001. */
  readonly address: number;
  readonly encoding: Encoding;
  readonly unit: WireUnit;
  /** value in `unit` = raw × 10^scale. Default 0; no other factor exists. */
  readonly scale?: number;
  /** Integer registers that roll over before their width is full: the number of decimal digits shown. */
  readonly digits?: number;
  /** Raw words that mean "no value", as hex of the whole value: `"ffffffff"`. */
  readonly noValue?: string;
}

/** The order mailbox, unlock and clock of the native models; other models have no control at all. */
export interface ModbusControl {
  /** Two holding registers, write only in effect: the password as uint32 opens the order window for `unlockSeconds`. */
  readonly unlock: number;
  readonly unlockSeconds: number;
  /** Holding registers of an order, written as one FC 10: id (4 registers), operation (1), argument int64 (4). */
  readonly mailbox: number;
  /** Holding registers of the last order's outcome: id (4), status (1), relay state (1). */
  readonly outcome: number;
  /** Coil of the relay, 1 = closed: FC 01, and FC 05/0F inside the unlock window. */
  readonly relayCoil: number;
  /** Holding registers of rates, demand, settlements, credit and events: see function-blocks.ts. */
  readonly functions?: number;
}

/** A holding register (FC 03 and 10) that sets something of the meter's own line. */
export interface LineRegister {
  readonly address: number;
  readonly encoding: Encoding;
}

/** Unit and rate of the meter's own line. What is written holds from the reply on; with `control` it needs the order window. */
export interface ModbusLine {
  readonly unit: LineRegister;
  readonly baud: LineRegister & {
    /** Bits per second by the number on the wire; a rate that stands for itself has itself. */
    readonly rates: Readonly<Record<string, number>>;
  };
}

/** Function codes by which a meter tells what it is: exception status, server id, device identification (2B/0E). */
export const EXTRA_FUNCTIONS = [0x07, 0x11, 0x2b] as const;
export type ExtraFunction = (typeof EXTRA_FUNCTIONS)[number];

export interface ModbusMap {
  readonly defaults: {
    readonly unit: number;
    readonly baud: number;
    readonly parity: "none" | "even" | "odd";
    readonly stopBits: 1 | 2;
  };
  readonly wordOrder: "high-first" | "low-first";
  /** The most registers one read may ask for (the protocol's limit is 125). */
  readonly readLimit: number;
  /** What a read over addresses that the list leaves out gives: zeros, or exception 02. */
  readonly holes: "zero" | "refuse";
  /** Whether FC 03 and FC 04 reach one table or two. */
  readonly tables: "separate" | "shared";
  readonly registers: readonly RegisterEntry[];
  readonly control?: ModbusControl;
  readonly line?: ModbusLine;
  /** What the meter serves beside registers and relay; default nothing, which is exception 01. */
  readonly functions?: readonly ExtraFunction[];
}

/** A request and its reply as bytes (RTU with CRC, hex), and what is read from it (shown decimal strings, null = no value). */
export interface ModelExample {
  readonly source: string;
  readonly request: string;
  readonly response: string;
  readonly reads: Partial<Record<MeasureKey, string | null>>;
}

export interface MeterModel {
  readonly id: string;
  readonly manufacturer: string;
  readonly name: string;
  /** The document or public file the map was taken from, with revision, and what is only recalled. */
  readonly source: string;
  readonly phases: 1 | 3;
  readonly plate: RatingPlate;
  /** How PF shows its sign: by direction of P, by inductive/capacitive, or none. */
  readonly pfSign: "direction" | "inductive" | "none";
  /** Net of the phases at each instant, or the sum of each phase's import and export by itself. */
  readonly polyphaseTotal: "net" | "perPhase";
  readonly modbus: ModbusMap;
  readonly examples: readonly ModelExample[];
}

/** Registers a value of this encoding takes. */
export function registerCount(encoding: Encoding): 1 | 2 | 4 {
  return encoding.endsWith("16") ? 1 : encoding.endsWith("32") ? 2 : 4;
}
