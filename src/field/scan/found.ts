/** What a scan is asked for and what comes of it. */
import type { LineFormat } from "../../core/line-format.ts";

export const SCANNED = ["modbus-rtu", "modbus-ascii", "modbus-tcp", "dlt645", "iec62056-21"] as const;
export type Scanned = (typeof SCANNED)[number];

export interface ScanOptions {
  /** TCP has no baud and no parity: what is tried there is the protocols alone. */
  readonly line: "serial" | "tcp";
  readonly protocols: readonly Scanned[];
  /** Modbus unit addresses in the order in which they are asked. */
  readonly units: readonly number[];
  /** Undefined: those in use, the likely ones first. */
  readonly bauds?: readonly number[];
  /** Likewise; at least one of them is one that a protocol has. */
  readonly parities?: readonly LineFormat["parity"][];
  /** How long a meter may take until it begins to answer, µs. Sign-ons have the time of their standard. */
  readonly patience: number;
  /** Ends with the first meter. */
  readonly first?: boolean;
}

export interface FoundMeter {
  readonly protocol: Scanned;
  /** Absent on TCP. */
  readonly format?: LineFormat;
  /** Modbus. */
  readonly unit?: number;
  /** The adapter hears itself, which a Modbus reader must know. */
  readonly echo?: true;
  /** IEC 62056-21: it sends by itself (mode D, P1) and is listened to. */
  readonly pushes?: true;
  /** DL/T 645: 12 digits; IEC 62056-21: what its readout says. */
  readonly address?: string;
  /** Of a Modbus map that fits; absent where none does, and where the protocol needs none. */
  readonly model?: string;
  /** Maps that fit as well. */
  readonly alternatives: readonly string[];
  /** What the meter says of itself, or the name of the model. */
  readonly name?: string;
  /** Percent: how sure it is that this meter is that model or what it says it is. */
  readonly confidence: number;
  readonly reason: string;
}

export interface ScanReport {
  readonly found: readonly FoundMeter[];
  /** What was heard beside answers, in plain words. */
  readonly notes: readonly string[];
  /** Why there was no connection to ask on. */
  readonly unreachable?: string;
}

export interface ScanProgress {
  /** µs. */
  readonly spent: number;
  /** µs, if nothing more answers. */
  readonly left: number;
  readonly protocol: Scanned;
  readonly format: LineFormat | undefined;
}

/** Told while the scan runs. */
export interface ScanWatch {
  found(meter: FoundMeter): void;
  progress(progress: ScanProgress): void;
}
