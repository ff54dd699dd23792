/** From the load flags to what is on the meter's terminals. */
import { readFileSync } from "node:fs";
import { angleFromPowerFactor, constantLoad, type LoadSource, mainsOf } from "../../firmware-sim/metrology/mains.ts";
import { parseProfile, profileLoad } from "../../firmware-sim/metrology/profile.ts";
import { usage } from "./errors.ts";
import type { LoadFlags } from "./meter-options.ts";

/** Relative spread of each interval of a profile, so that a street of equal households is not one wave. */
const JITTER = 0.1;

/** Degrees of current behind voltage, from `--pf` or `--angle`. */
export function loadAngle(flags: LoadFlags): number {
  if (flags.pf !== undefined && flags.angle !== undefined)
    throw usage("--pf and --angle both say the angle", "give one");
  if (flags.pf === undefined) return flags.angle ?? 0;
  const angle = angleFromPowerFactor(flags.pf);
  if (!angle.ok) throw usage(`--pf: ${angle.error}`);
  return angle.value;
}

export function loadOf(flags: LoadFlags, phases: 1 | 3, seed: number): LoadSource {
  const voltage = forPhases("--mains", flags.mains, phases);
  const angle = loadAngle(flags);
  if (flags.profile === undefined) {
    if (flags.annualKwh !== undefined) throw usage("--annual-kwh scales a --profile, and there is none");
    const current = forPhases("--current", flags.current, phases);
    const { frequency, voltageHarmonics = [], currentHarmonics = [] } = flags;
    return constantLoad(mainsOf({ phases, voltage, current, angle, frequency, voltageHarmonics, currentHarmonics }));
  }
  if (flags.voltageHarmonics !== undefined || flags.currentHarmonics !== undefined)
    throw usage("a --profile has no harmonics in this version", "give --current instead of it");
  const values = parseProfile(readProfile(flags.profile));
  if (!values.ok) throw usage(`--profile ${flags.profile}: ${values.error}`);
  const { frequency, annualKwh } = flags;
  const description = { phases, voltage, angle, frequency, values: values.value, jitter: { ratio: JITTER, seed } };
  const load = profileLoad(annualKwh === undefined ? description : { ...description, annualKwh });
  if (!load.ok) throw usage(`--profile ${flags.profile}: ${load.error}`);
  return load.value;
}

function forPhases(flag: string, values: readonly number[], phases: 1 | 3): number | readonly number[] {
  if (values.length === 1) return values[0] as number;
  if (phases === 1) throw usage(`${flag} has three values and the model one phase`, "give one value");
  return values;
}

function readProfile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`--profile ${file} can't be read: ${(error as Error).message}`);
  }
}
