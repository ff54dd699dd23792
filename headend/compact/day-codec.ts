/**
 * The readings of one meter and day, column by column: times, sources, qualities, sequence numbers and each measure as a
 * series of its own ({@link writeSeries}). Pure: bytes in, numbers out. Frame and check are in the store's adapter.
 */
import { failure, type Result, success } from "../../src/core/result.ts";
import { ByteReader, ByteWriter } from "./byte-stream.ts";
import { readSeries, writeSeries } from "./series.ts";

/** Rows in the order of their times, which all differ; every column is as long as `times`. */
export interface DayRows {
  /** µs since 1970. */
  readonly times: readonly number[];
  readonly sources: readonly number[];
  readonly qualities: readonly number[];
  readonly sequences: readonly (number | null)[];
  /** In the order of their measures' numbers. */
  readonly columns: readonly DayColumn[];
}

export interface DayColumn {
  /** What stands for the measure, from 0. */
  readonly measure: number;
  /** null: the meter had no value; undefined: it was not asked. */
  readonly cells: readonly (number | null | undefined)[];
}

type Cell = DayColumn["cells"][number];

/** More rows than one every 100 ms: a count beyond it is damage, and must not make the reader ask for memory. */
export const MAXIMUM_ROWS = 864_000;

/** @param rows at least one, at most {@link MAXIMUM_ROWS} */
export function encodeDay(rows: DayRows): Uint8Array {
  const out = new ByteWriter();
  out.unsigned(rows.times.length);
  writeSeries(out, rows.times);
  writeSeries(out, rows.sources);
  writeSeries(out, rows.qualities);
  writeCells(out, rows.sequences);
  out.unsigned(rows.columns.length);
  let before = 0;
  for (const { measure, cells } of rows.columns) {
    out.unsigned(measure - before);
    before = measure;
    writeCells(out, cells);
  }
  return out.bytes();
}

/** Refuses, with a sentence, what {@link encodeDay} cannot have written. */
export function decodeDay(bytes: Uint8Array): Result<DayRows, string> {
  const input = new ByteReader(bytes);
  const count = input.unsigned();
  if (count < 1 || count > MAXIMUM_ROWS) return failure(`it claims to have ${count} readings`);
  const times = readSeries(input, count);
  const sources = readSeries(input, count);
  const qualities = readSeries(input, count);
  const sequences = readCells(input, count).map((cell) => cell ?? null);
  const columns: DayColumn[] = [];
  let measure = 0;
  for (let left = input.unsigned(); left > 0 && !input.broken; left--) {
    measure += input.unsigned();
    columns.push({ measure, cells: readCells(input, count) });
  }
  if (input.broken) return failure("it is cut or garbled");
  if (!input.atEnd) return failure("it goes on behind its end");
  if (times.some((time, i) => i > 0 && time <= (times[i - 1] as number))) return failure("its times are not in order");
  return success({ times, sources, qualities, sequences, columns });
}

const VALUE = 0;
const NULL = 1;
const ABSENT = 2;
const STATES = 3;

function stateOf(cell: Cell): number {
  return cell === undefined ? ABSENT : cell === null ? NULL : VALUE;
}

/** Runs of cells of one state, then the values: for a column without gaps one run. */
function writeCells(out: ByteWriter, cells: readonly Cell[]): void {
  for (let at = 0; at < cells.length; ) {
    const state = stateOf(cells[at]);
    let end = at + 1;
    while (end < cells.length && stateOf(cells[end]) === state) end++;
    // A run that goes to the end is written as none: most columns are one run.
    out.unsigned((end === cells.length ? 0 : end - at) * STATES + state);
    at = end;
  }
  const values = cells.filter((cell) => typeof cell === "number");
  if (values.length > 0) writeSeries(out, values);
}

function readCells(input: ByteReader, count: number): Cell[] {
  const states: number[] = [];
  let values = 0;
  while (states.length < count && !input.broken) {
    const code = input.unsigned();
    const state = code % STATES;
    const run = Math.floor(code / STATES);
    const length = run === 0 ? count - states.length : run;
    if (length > count - states.length) input.refuse();
    else for (let i = 0; i < length; i++) states.push(state);
    if (state === VALUE) values += length;
  }
  if (input.broken) return [];
  const series = values === 0 ? [] : readSeries(input, values);
  let next = 0;
  return states.map((state) => (state === VALUE ? series[next++] : state === NULL ? null : undefined));
}
