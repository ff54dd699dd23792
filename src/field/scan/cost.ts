/** How long visits take where nobody answers: what the time left is made of. */
import { patienceOf, WILDCARD_LENGTH } from "./dlt645.ts";
import type { ScanOptions } from "./found.ts";
import { SIGN_ON_LENGTH, SIGN_ON_PATIENCE } from "./iec62056-21.ts";
import { ScanLine } from "./line.ts";
import type { Visit } from "./plan.ts";

/** A reading request of RTU. */
const REQUEST_LENGTH = 8;

/** µs of a whole visit. */
export function costOf(visit: Visit, options: ScanOptions): number {
  if (visit.protocol === "dlt645") return costAt(visit, WILDCARD_LENGTH, patienceOf(options));
  if (visit.protocol === "iec62056-21") return costAt(visit, SIGN_ON_LENGTH, SIGN_ON_PATIENCE);
  return options.units.length * costOfUnit(visit, options);
}

/** µs of asking one Modbus unit. */
export function costOfUnit(visit: Visit, { patience }: ScanOptions): number {
  return costAt(visit, REQUEST_LENGTH, patience);
}

function costAt({ format }: Visit, characters: number, first: number): number {
  return new ScanLine(format, first).cost(characters);
}
