/** The checklist of DL/T 645-2007. Sections of the standard are recalled, not read. */
import { ADDRESSING } from "./addressing.ts";
import type { Dlt645Check } from "./check.ts";
import { FRAMING } from "./framing.ts";
import { READING } from "./reading.ts";
import { TIMING } from "./timing.ts";
import { VALUES } from "./values.ts";
import { WRITING } from "./writing.ts";

export const DLT645_CHECKS: readonly Dlt645Check[] = [
  ...[...FRAMING, ...ADDRESSING, ...TIMING],
  ...[...READING, ...VALUES, ...WRITING],
].map((check) => ({ ...check, clause: `DL/T 645-2007, ${check.clause}` }));
