/** What kinds of readings there are, by the measures they have. */
import type { MeasureKey, MeasureValues } from "../../../src/core/measures.ts";
import { MEASURE_COLUMNS } from "./columns.ts";

/** Which measures a reading has a value of, and which it was asked for in vain. */
export interface Shape {
  readonly valued: readonly MeasureKey[];
  /** The cell `no_value` as COPY takes it. */
  readonly without: string;
}

/** Few kinds of readings come again and again: what is known of the last kinds is not worked out for each reading. */
export class Shapes {
  readonly #known = new Map<string, Shape>();
  #lastKeys: readonly string[] = [];
  #lastShape: Shape = { valued: [], without: "\\N" };

  of(values: MeasureValues): Shape {
    const { valued } = this.#lastShape;
    const keys = Object.keys(values) as MeasureKey[];
    // Only where everything has a value: then the names alone say it.
    if (valued.length === keys.length && sameKeys(keys, this.#lastKeys) && keys.every((key) => values[key] !== null))
      return this.#lastShape;
    const shape = this.#kept(values, keys);
    this.#lastKeys = keys;
    this.#lastShape = shape;
    return shape;
  }

  #kept(values: MeasureValues, keys: readonly MeasureKey[]): Shape {
    const stored = keys.filter((key) => MEASURE_COLUMNS.has(key));
    const valued = stored.filter((key) => typeof values[key] === "number");
    const without = stored.filter((key) => values[key] === null);
    const name = `${valued.join(",")};${without.join(",")}`;
    let shape = this.#known.get(name);
    if (shape === undefined) {
      shape = { valued, without: without.length === 0 ? "\\N" : without.join(",") };
      if (this.#known.size >= 1_000) this.#known.clear();
      this.#known.set(name, shape);
    }
    return shape;
  }
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
