/** A check of IEC 62056-21:2002. Its clause is a section of the standard; their numbers are recalled. */
import type { LineFormat } from "../../../core/line-format.ts";
import type { Check } from "../check.ts";
import type { Iec62056Map } from "./map.ts";

/** What a check knows of the meter and of the line. */
export interface Iec62056Context {
  /** How the port was opened for a sign-on; undefined where characters take no time: then there is no rate to change. */
  readonly format: LineFormat | undefined;
  readonly map: Iec62056Map;
}

export type Iec62056Check = Check<Iec62056Context>;
