/** The checklist of IEC 62056-21, modes A to C. Sections of the standard are recalled, not read. */
import type { Iec62056Check } from "./check.ts";
import { GUARDED } from "./guarded.ts";
import { OPTIONS } from "./options.ts";
import { PROGRAMMING } from "./programming.ts";
import { READOUT } from "./readout.ts";
import { SIGN_ON } from "./sign-on.ts";
import { TIMING } from "./timing.ts";

export const IEC62056_CHECKS: readonly Iec62056Check[] = [
  ...[...SIGN_ON, ...OPTIONS, ...READOUT],
  ...[...TIMING, ...PROGRAMMING, ...GUARDED],
].map((check) => ({ ...check, clause: `IEC 62056-21:2002, ${check.clause}` }));
