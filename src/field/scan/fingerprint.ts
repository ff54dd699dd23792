/** Which register map fits a meter that does not say what it is: each map's voltages, frequency and the like, read and judged. */

import { MODELS } from "../../../protocols/models/index.ts";
import { type MeterModel, type RegisterEntry, registerCount } from "../../../protocols/models/model.ts";
import { decodeValue } from "../../../protocols/models/registers.ts";
import { type MeasureKey, measure } from "../../core/measures.ts";
import type { Probe } from "../probe.ts";
import { askUnit, type UnitPlace } from "./modbus.ts";

export interface Fit {
  readonly model: MeterModel;
  /** Values that are what such a meter shows, of those that were looked at. */
  readonly good: number;
  readonly asked: number;
  /** Shown values, such as `voltage L1 230.1 V`. */
  readonly shown: readonly string[];
}

/** What a value must be to be believed: in the measure's unit; energies are only not to be absurd. */
const PLAUSIBLE: Readonly<Partial<Record<MeasureKey, readonly [low: number, high: number]>>> = {
  voltageL1: [80, 300],
  voltageL2: [80, 300],
  voltageL3: [80, 300],
  frequency: [45, 65],
  powerFactor: [-1, 1],
  activeEnergyImport: [0, 1e10],
};
/** Of a polyphase meter on a one-phase test bench the other phases are dead: that is not absurd, but no proof. */
const MAY_BE_ZERO: readonly MeasureKey[] = ["voltageL2", "voltageL3"];
const HALF = 0.5;
/** The values without which nothing is proven: anything is a power factor of 0. */
const PROOF: readonly MeasureKey[] = ["voltageL1", "frequency"];

/** Registers of one map alone that are looked at. */
const MOST_TRIED = 8;

/** Reads registers once, however many maps have them. */
export class RegisterReader {
  readonly #place: UnitPlace;
  readonly #known = new Map<string, Uint8Array | undefined>();

  constructor(place: UnitPlace) {
    this.#place = place;
  }

  /** Undefined where the unit refuses or does not answer. */
  *read({ table, address, encoding }: RegisterEntry): Probe<Uint8Array | undefined> {
    const quantity = registerCount(encoding);
    const code = table === "input" ? 4 : 3;
    const key = `${code} ${address} ${quantity}`;
    if (!this.#known.has(key)) this.#known.set(key, yield* this.#ask({ function: code, address, quantity }));
    return this.#known.get(key);
  }

  *#ask(request: { readonly function: 3 | 4; readonly address: number; readonly quantity: number }) {
    // A garble is asked for again; a refusal and silence are answers.
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = yield* askUnit(this.#place, request);
      if (answer.kind === "answer") {
        const { result } = answer;
        if (result.ok) return result.value.data;
        if (result.error.kind === "exception") return undefined;
      }
      if (answer.kind === "silent" && attempt > 0) return undefined;
    }
    return undefined;
  }
}

/** How well one map fits; a map without one proving value does not fit at all. */
export function* fitOf(model: MeterModel, reader: RegisterReader): Probe<Fit> {
  let [good, asked] = [0, 0];
  const shown: string[] = [];
  for (const entry of model.modbus.registers) {
    const range = PLAUSIBLE[entry.measure];
    if (range === undefined) continue;
    asked++;
    const bytes = yield* reader.read(entry);
    const value = bytes === undefined ? undefined : decodeValue(entry, model.modbus.wordOrder, bytes, 0);
    const { decimals, unit } = measure(entry.measure);
    const plain = value === undefined || value === null ? undefined : value / 10 ** decimals;
    const believed = plain !== undefined && plain >= range[0] && plain <= range[1];
    if (believed && PROOF.includes(entry.measure)) shown.push(`${entry.measure} ${plain} ${unit}`);
    if (believed) good++;
    else if (plain === 0 && MAY_BE_ZERO.includes(entry.measure)) good += HALF;
    // Without its first proof a map is not read further: that is most maps, and most of the time.
    else if (PROOF.includes(entry.measure)) return { model, good: 0, asked, shown: [] };
  }
  return { model, good, asked, shown };
}

/** The maps that fit best, equal ones together, the best first; those that fit badly are left out. */
export function* fits(reader: RegisterReader): Probe<readonly Fit[]> {
  const all: Fit[] = [];
  for (const model of MODELS) all.push(yield* fitOf(model, reader));
  return all
    .filter((fit) => fit.good > 0 && shareOf(fit) > HALF)
    .sort((a, b) => shareOf(b) - shareOf(a) || b.good - a.good);
}

/**
 * Among maps that fit equally well: those in which a register that the others do not have shows something. Meters give zeros
 * for addresses they do not know, so a zero says nothing. All of them where nothing decides.
 */
export function* distinguish(equal: readonly Fit[], reader: RegisterReader): Probe<readonly Fit[]> {
  const telling: Fit[] = [];
  for (const fit of equal) {
    const others = equal.filter((other) => other !== fit).flatMap(({ model }) => model.modbus.registers);
    const own = fit.model.modbus.registers.filter((entry) => !others.some((other) => samePlace(entry, other)));
    for (const entry of own.slice(0, MOST_TRIED)) {
      const bytes = yield* reader.read(entry);
      if (bytes === undefined || bytes.every((byte) => byte === 0)) continue;
      telling.push(fit);
      break;
    }
  }
  return telling.length === 0 ? equal : telling;
}

function samePlace(a: RegisterEntry, b: RegisterEntry): boolean {
  return a.table === b.table && a.address === b.address;
}

export function shareOf({ good, asked }: Fit): number {
  return good / asked;
}
