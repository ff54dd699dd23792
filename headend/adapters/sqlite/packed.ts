/**
 * Readings on their way to the writer's thread. Cloning an object per reading and value takes longer than storing them;
 * a few flat arrays per batch cross quickly.
 */
import { type MeasureKey, USUAL_MEASURES } from "../../../src/core/measures.ts";
import type { MeterReading, StoreBatch, StoreRecord } from "../../ports.ts";
import { QUALITY_CODES, SOURCE_CODES } from "../codes.ts";

/** Numbers per reading in {@link PackedReadings.heads}: time, source, quality, sequence (NaN: none), shape. */
export const HEAD_CELLS = 5;

export interface PackedReadings {
  readonly count: number;
  /** Ids, joined by commas, which no id contains. */
  readonly meters: string;
  /** Each: the measures that have a value, in the order of their values. */
  readonly shapes: readonly (readonly MeasureKey[])[];
  readonly heads: Float64Array;
  /** The values of all readings, one after the other. */
  readonly values: Float64Array;
  /** By reading: the measures asked for that had no value, joined by commas. */
  readonly noValue: ReadonlyMap<number, string>;
}

export interface PackedBatch {
  /** Records of all kinds. */
  readonly length: number;
  readonly readings: PackedReadings | null;
  /** All other records, in their order: readings depend on none of them. */
  readonly others: readonly Exclude<StoreRecord, { kind: "reading" }>[];
}

/** A node for each beginning of an order of measures met so far: the same measures in the same order are the same object. */
interface Shape {
  readonly keys: readonly MeasureKey[];
  readonly next: Map<string, Shape>;
}

const STORED = new Set<string>(USUAL_MEASURES.map((m) => m.key));
/** Beyond this the known shapes are forgotten: a meter that sends its measures in a new order each time must not fill memory. */
const MAXIMUM_SHAPES = 10_000;

export class BatchPacker {
  #root: Shape = { keys: [], next: new Map() };
  #shapes = 0;

  pack(batch: StoreBatch): PackedBatch {
    const others: Exclude<StoreRecord, { kind: "reading" }>[] = [];
    const readings: MeterReading[] = [];
    for (const record of batch)
      if (record.kind === "reading") readings.push(record.reading);
      else others.push(record);
    return { length: batch.length, readings: readings.length === 0 ? null : this.#readings(readings), others };
  }

  #readings(readings: readonly MeterReading[]): PackedReadings {
    if (this.#shapes > MAXIMUM_SHAPES) {
      this.#root = { keys: [], next: new Map() };
      this.#shapes = 0;
    }
    const heads = new Float64Array(readings.length * HEAD_CELLS);
    const values: number[] = [];
    const numbers = new Map<Shape, number>();
    const noValue = new Map<number, string>();
    let meters = "";
    let at = 0;
    for (let i = 0; i < readings.length; i++) {
      const { meter, time, source, quality, sequence, values: measured } = readings[i] as MeterReading;
      let shape = this.#root;
      for (const key in measured) {
        const value = measured[key as MeasureKey];
        if (value === undefined || !STORED.has(key)) continue;
        if (value === null) {
          const before = noValue.get(i);
          noValue.set(i, before === undefined ? key : `${before},${key}`);
          continue;
        }
        values.push(value);
        shape = shape.next.get(key) ?? this.#grow(shape, key as MeasureKey);
      }
      let number = numbers.get(shape);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(shape, number);
      }
      meters += i === 0 ? meter : `,${meter}`;
      heads[at] = time;
      heads[at + 1] = SOURCE_CODES[source];
      heads[at + 2] = QUALITY_CODES[quality];
      heads[at + 3] = sequence ?? Number.NaN;
      heads[at + 4] = number;
      at += HEAD_CELLS;
    }
    const shapes = [...numbers.keys()].map((shape) => shape.keys);
    return { count: readings.length, meters, shapes, heads, values: Float64Array.from(values), noValue };
  }

  #grow(shape: Shape, key: MeasureKey): Shape {
    const grown: Shape = { keys: [...shape.keys, key], next: new Map() };
    shape.next.set(key, grown);
    this.#shapes += 1;
    return grown;
  }
}
