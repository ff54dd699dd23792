/**
 * A household with solar panels, second by second for years, from a seed: the load that the year's test and the bench put
 * behind the chip. Integers only; the same second is always the same.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SecondLoad, SecondOfPhase } from "../firmware-sim/metrology/direct-chip.ts";
import { REPOSITORY } from "./programs.ts";

const QUARTERS = 96;
const KINDS = 36;
const DAY = 86_400;
const HOURS_PER_YEAR = 8_760;

/** Relative power: month × kind of day (0 working day, 1 Saturday, 2 Sunday) × quarter of an hour. */
function shape(): Float64Array {
  const text = readFileSync(join(REPOSITORY, "fixtures/household-year.csv"), "utf8");
  const rows = text.split("\n").filter((line) => /^\d/.test(line));
  const values = new Float64Array(KINDS * QUARTERS);
  for (const [q, row] of rows.entries())
    for (const [kind, value] of row.split(",").slice(1).entries()) values[kind * QUARTERS + q] = Number(value);
  return values;
}

export interface HouseholdOptions {
  readonly seed: number;
  readonly phases: 1 | 3;
  readonly annualKwh: number;
  /** Watts that the panels give at most; they feed L1. */
  readonly solarWatts: number;
}

export class Household implements SecondLoad {
  readonly #options: HouseholdOptions;
  /** mW by month, kind of day and quarter of an hour. */
  readonly #power: Int32Array;
  #day = -1;
  /** Of the day: where its quarters begin in {@link #power}, and how much sun there is in its months, 0..256. */
  #row = 0;
  #season = 0;

  constructor(options: HouseholdOptions) {
    this.#options = options;
    const relative = shape();
    const mean = relative.reduce((a, b) => a + b, 0) / relative.length;
    const milliwatts = (options.annualKwh * 1e6) / HOURS_PER_YEAR / mean;
    this.#power = Int32Array.from(relative, (value) => Math.round(value * milliwatts));
  }

  fill(second: number, phases: readonly SecondOfPhase[]): void {
    const day = Math.floor(second / DAY);
    if (day !== this.#day) this.#takeDay(day);
    const ofDay = second - day * DAY;
    const { seed, solarWatts } = this.#options;
    const jitter = 192 + (hash(second, seed) & 127); // 75 % .. 125 %
    const total = Math.floor(((this.#power[this.#row + Math.floor(ofDay / 900)] as number) * jitter) / 256);
    const share = Math.floor(total / phases.length);
    for (let p = 0; p < phases.length; p++) {
      const phase = phases[p] as SecondOfPhase;
      const sun = p === 0 ? this.#sun(second, ofDay, solarWatts) : 0;
      const active = (p === 0 ? total - share * (phases.length - 1) : share) - sun;
      // Motors from noon on, cables before.
      const reactive = ofDay < 39_600 ? -(share >> 3) : share >> 2;
      phase.voltage = 226_000 + (hash(Math.floor(second / 60), seed + p) & 8_191);
      phase.active = active;
      phase.reactive = reactive;
      phase.apparent =
        Math.max(Math.abs(active), Math.abs(reactive)) + (Math.min(Math.abs(active), Math.abs(reactive)) >> 1);
      phase.current = Math.round((phase.apparent / phase.voltage) * 1e6);
      phase.angle = active >= 0 ? (reactive >= 0 ? 14_000 : 346_000) : reactive >= 0 ? 166_000 : 194_000;
    }
  }

  #takeDay(day: number): void {
    const date = new Date(day * DAY * 1_000);
    const weekday = date.getUTCDay();
    const kind = weekday === 0 ? 2 : weekday === 6 ? 1 : 0;
    this.#day = day;
    this.#row = (date.getUTCMonth() * 3 + kind) * QUARTERS;
    this.#season = Math.round(160 - 96 * Math.cos((date.getUTCMonth() * Math.PI) / 6));
  }

  /** mW of the panels: a parabola from 6 to 18 o'clock, less what clouds take, minute by minute. */
  #sun(second: number, ofDay: number, watts: number): number {
    const hour = ofDay - 43_200;
    if (watts === 0 || hour <= -21_600 || hour >= 21_600) return 0;
    const clouds = 64 + (hash(Math.floor(second / 600), this.#options.seed + 77) & 127);
    const height = 1 - (hour / 21_600) * (hour / 21_600);
    return Math.floor((watts * 1_000 * height * this.#season * clouds) / (256 * 192));
  }
}

/** 32 bits that look random, of a number and a seed. */
function hash(n: number, seed: number): number {
  let h = Math.imul(n ^ Math.imul(seed, 0x9e3779b1), 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
