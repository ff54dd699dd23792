/** A load that follows the clock: power per interval of a day (UTC), the same every day, with jitter if wanted. */
import { Random } from "../../src/core/random.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type Civil, MICROS_PER_SECOND, SECONDS_PER_DAY } from "../../src/core/time.ts";
import { type LoadSource, type LoadState, type MainsDescription, mainsOf } from "./mains.ts";

/** One value per minute. */
const MOST_INTERVALS = 1_440;
const HOURS_PER_YEAR = 8_760;
const DAY = SECONDS_PER_DAY * MICROS_PER_SECOND;

/**
 * Reads a profile: one number per line, or the last column of a CSV (`,` or `;` between columns). Empty lines and `#` comments
 * are skipped, and a first line without a number is a heading. A failure names the line.
 */
export function parseProfile(text: string): Result<readonly number[], string> {
  const values: number[] = [];
  let headed = false;
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/^\uFEFF/, "").trim();
    if (line === "" || line.startsWith("#")) continue;
    const column = (line.split(/[,;\t]/).at(-1) as string).trim();
    const value = column === "" ? Number.NaN : Number(column);
    if (Number.isFinite(value)) values.push(value);
    else if (values.length === 0 && !headed) headed = true;
    else return failure(`line ${i + 1}: "${column.slice(0, 40)}" is not a number`);
    if (values.length > MOST_INTERVALS)
      return failure(`line ${i + 1}: a profile is one day of at most ${MOST_INTERVALS} values (one per minute)`);
  }
  return values.length > 0 ? success(values) : failure("the profile holds no number");
}

export interface ProfileDescription extends Omit<MainsDescription, "current" | "angle"> {
  /** One value per interval of a day: watts of all phases together, or weights where `annualKwh` is given. Negative exports. */
  readonly values: readonly number[];
  /** The energy of 365 such days; the values are scaled to it. */
  readonly annualKwh?: number;
  /** Degrees of current behind voltage while importing, −90..90 exclusive; default 0. */
  readonly angle?: number;
  /** Relative standard deviation of each interval's power, and the seed of it. */
  readonly jitter?: { readonly ratio: number; readonly seed: number };
}

/** The load of a daily profile, shared by the phases equally; or why there can be none. */
export function profileLoad(d: ProfileDescription): Result<LoadSource, string> {
  const { values, annualKwh, angle = 0 } = d;
  if (values.length === 0 || values.length > MOST_INTERVALS)
    return failure(`a profile has 1 to ${MOST_INTERVALS} values, not ${values.length}`);
  const cosine = Math.cos((angle * Math.PI) / 180);
  // Close to 90° the current that a wattage asks for has no end.
  if (cosine < 0.01) return failure("a profile gives active power: its power factor must be at least 0.01, and import");
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  if (annualKwh !== undefined && mean <= 0)
    return failure("a profile whose values add up to nothing can't be scaled to an annual energy");
  const scale = annualKwh === undefined ? 1 : (annualKwh * 1_000) / HOURS_PER_YEAR / mean;
  return success(new ProfileLoad(d, scale, cosine));
}

class ProfileLoad implements LoadSource {
  readonly #description: ProfileDescription;
  readonly #scale: number;
  readonly #cosine: number;
  /** The state that was asked for last: a meter asks for it again and again. */
  #interval = Number.NaN;
  #state: LoadState | undefined;

  constructor(description: ProfileDescription, scale: number, cosine: number) {
    this.#description = description;
    this.#scale = scale;
    this.#cosine = cosine;
  }

  at(time: Civil): LoadState {
    const count = this.#description.values.length;
    const day = Math.floor(time / DAY);
    // Boundaries are whole µs even where the count does not divide a day.
    let ofDay = Math.floor(((time - day * DAY) * count) / DAY);
    if (boundary(ofDay + 1, count) <= time - day * DAY) ofDay++;
    const interval = day * count + ofDay;
    if (interval !== this.#interval || this.#state === undefined) {
      this.#interval = interval;
      this.#state = { mains: this.#mains(ofDay, interval), until: day * DAY + boundary(ofDay + 1, count) };
    }
    return this.#state;
  }

  #mains(ofDay: number, interval: number) {
    const d = this.#description;
    const noise = d.jitter === undefined ? 0 : d.jitter.ratio * new Random(d.jitter.seed + interval * 7_919).normal();
    // Jitter changes the amount, never the direction.
    const watts = (d.values[ofDay] as number) * this.#scale * Math.max(0, 1 + noise);
    const perPhase = Math.abs(watts) / d.phases / this.#cosine;
    const voltages = typeof d.voltage === "number" ? Array<number>(d.phases).fill(d.voltage) : d.voltage;
    const lag = ((d.angle ?? 0) + (watts < 0 ? 180 : 0) + 360) % 360;
    return mainsOf({ ...d, angle: lag, current: voltages.map((v) => (v > 0 ? perPhase / v : 0)) });
  }
}

/** µs of the day at which interval `index` of `count` begins. */
function boundary(index: number, count: number): number {
  return Math.floor((index * DAY) / count);
}
