/** Stores fresh readings: a statement for each set of measures, so that a row's empty columns cost nothing here. */
import type BetterSqlite3 from "better-sqlite3";
import type { MeasureKey } from "../../../src/core/measures.ts";
import type { MeterId } from "../../ports.ts";
import { SOURCE_CODES } from "../codes.ts";
import type { Cell } from "../mapping.ts";
import { HEAD_CELLS, type PackedReadings } from "./packed.ts";
import { slotOf } from "./readings-schema.ts";
import type { Upkeep } from "./upkeep.ts";

/** Statements kept: a site has some ten models, each with one to three sets of measures. */
const CACHED_STATEMENTS = 256;

interface Insert {
  readonly statement: BetterSqlite3.Statement<[Cell[]]>;
  /** The row to be bound, used again and again. */
  readonly cells: Cell[];
}

const HEAD = ["slot", "meter", "time", "source", "sequence", "quality", "no_value"] as const;

export class ReadingWriter {
  readonly #db: BetterSqlite3.Database;
  readonly #upkeep: Upkeep;
  readonly #inserts = new Map<string, Insert>();
  readonly #count: BetterSqlite3.Statement<[number, number]>;

  constructor(db: BetterSqlite3.Database, upkeep: Upkeep) {
    this.#db = db;
    this.#upkeep = upkeep;
    this.#count = db.prepare(
      `INSERT INTO reading_counts (source, count) VALUES (?, ?)
       ON CONFLICT (source) DO UPDATE SET count = count + excluded.count`,
    );
  }

  /** Stores what is not stored yet. `numberOf` gives a meter's number in the file. */
  add(readings: PackedReadings, numberOf: (id: MeterId) => number): void {
    const { count, heads, values, noValue } = readings;
    const meters = readings.meters.split(",");
    const inserts = readings.shapes.map((shape) => this.#insertOf(shape));
    const added = new Map<number, number>();
    let value = 0;
    for (let i = 0; i < count; i++) {
      const at = i * HEAD_CELLS;
      const { statement, cells } = inserts[heads[at + 4] as number] as Insert;
      const [time, source, quality] = [heads[at] as number, heads[at + 1] as number, heads[at + 2] as number];
      const sequence = heads[at + 3] as number;
      const slot = slotOf(time);
      const meter = numberOf(meters[i] as MeterId);
      cells[0] = slot;
      cells[1] = meter;
      cells[2] = time;
      cells[3] = source;
      cells[4] = Number.isNaN(sequence) ? null : sequence;
      cells[5] = quality;
      cells[6] = noValue.get(i) ?? null;
      for (let c = HEAD.length; c < cells.length; c++) cells[c] = safe(values[value++] as number);
      const isBehind = slot < this.#upkeep.passed;
      if (isBehind && this.#upkeep.isCompacted(meter, time)) continue;
      if (statement.run(cells).changes === 0) continue;
      added.set(source, (added.get(source) ?? 0) + 1);
      if (isBehind) this.#upkeep.noteLate(meter, time, quality, source);
    }
    for (const source of Object.values(SOURCE_CODES)) {
      const more = added.get(source);
      if (more !== undefined) this.#count.run(source, more);
    }
  }

  #insertOf(shape: readonly MeasureKey[]): Insert {
    const name = shape.join();
    const known = this.#inserts.get(name);
    if (known !== undefined) return known;
    const columns = [...HEAD, ...shape];
    const insert: Insert = {
      statement: this.#db.prepare<[Cell[]]>(
        `INSERT INTO readings (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})
         ON CONFLICT (slot, meter, time) DO NOTHING`,
      ),
      cells: columns.map(() => null),
    };
    if (this.#inserts.size >= CACHED_STATEMENTS) this.#inserts.clear();
    this.#inserts.set(name, insert);
    return insert;
  }
}

/** What is no integer the table refuses; beyond 2^53 it would take numbers that may have been rounded already. */
function safe(value: number): number {
  if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)
    throw new Error(`a value of ${value} is beyond the range of a reading`);
  return value;
}
