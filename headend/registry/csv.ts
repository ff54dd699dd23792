/** The registry as a table of comma-separated values: what an export writes is what an import reads. */
import { csvRow, parseCsv } from "../../src/core/csv.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { COLUMNS, type ColumnName, merged, parseMeterId, type RegistryMeter, type RegistryPatch } from "./columns.ts";

/** More than one batch of the store should hold. */
export const MOST_ROWS = 20_000;

export interface TableMistake {
  /** From 1, the header's line included; 0 where the table as a whole is meant. */
  readonly line: number;
  /** The column's name, or its number in a row that has too many or is no CSV. */
  readonly column: string;
  readonly problem: string;
}

export interface TableRow {
  readonly line: number;
  readonly patch: RegistryPatch;
}

export interface Table {
  readonly rows: readonly TableRow[];
  readonly mistakes: readonly TableMistake[];
}

export const CSV_HEADER = csvRow(["id", ...COLUMNS.map(({ name }) => name)]);

export function csvOf(meter: RegistryMeter): string {
  return csvRow([meter.registration.id, ...COLUMNS.map((column) => column.show(meter))]);
}

/**
 * Rows that are right, and all that is wrong with the others. Columns may come in any order; one that is left out stays
 * as it is in every entry, an empty cell means "none".
 */
export function parseTable(text: string): Table {
  const records = parseCsv(text);
  if (!records.ok) {
    const { line, cell, problem } = records.error;
    return { rows: [], mistakes: [{ line, column: String(cell), problem }] };
  }
  const [header, ...body] = records.value;
  if (header === undefined) return whole(`the table is empty: its first line names the columns, ${CSV_HEADER}`);
  const names = headerOf(header.cells);
  if (!names.ok) return { rows: [], mistakes: names.error.map((mistake) => ({ line: header.line, ...mistake })) };
  if (body.length > MOST_ROWS) return whole(`${body.length} rows are too many for one import: ${MOST_ROWS} at most`);
  return readRows(body, names.value);
}

function whole(problem: string): Table {
  return { rows: [], mistakes: [{ line: 0, column: "", problem }] };
}

function headerOf(
  cells: readonly string[],
): Result<readonly (ColumnName | "id")[], readonly { column: string; problem: string }[]> {
  const known = ["id", ...COLUMNS.map(({ name }) => name)] as const;
  const wrong: { column: string; problem: string }[] = [];
  const names = cells.map((cell) => cell.trim());
  for (const [i, name] of names.entries()) {
    if (!(known as readonly string[]).includes(name)) {
      const separated = names.length === 1 && /[;\t]/.test(name) ? "columns are separated by commas" : "no such column";
      wrong.push({ column: name.slice(0, 80), problem: `${separated}; there are ${known.join(", ")}` });
    } else if (names.indexOf(name) !== i) wrong.push({ column: name, problem: "this column is there twice" });
  }
  if (wrong.length === 0 && !names.includes("id"))
    wrong.push({ column: "id", problem: "the column id is missing: it says which meter a line is about" });
  return wrong.length > 0 ? failure(wrong) : success(names as (ColumnName | "id")[]);
}

function readRows(body: readonly { line: number; cells: readonly string[] }[], names: readonly string[]): Table {
  const rows: TableRow[] = [];
  const mistakes: TableMistake[] = [];
  const lines = new Map<string, number>();
  for (const { line, cells } of body) {
    const wrong: TableMistake[] = [];
    if (cells.length !== names.length)
      wrong.push({
        line,
        column: String(Math.min(cells.length, names.length) + 1),
        problem: `the line has ${cells.length} cells, the header ${names.length}`,
      });
    const id = parseMeterId(cells[names.indexOf("id")] ?? "");
    if (!id.ok) wrong.push({ line, column: "id", problem: id.error });
    const before = id.ok ? lines.get(id.value) : undefined;
    if (before !== undefined) wrong.push({ line, column: "id", problem: `this meter is in line ${before} already` });
    else if (id.ok) lines.set(id.value, line);
    let patch: Omit<RegistryPatch, "meter"> = {};
    for (const column of COLUMNS) {
      const cell = cells[names.indexOf(column.name)];
      if (cell === undefined) continue;
      const read = column.read(cell);
      if (read.ok) patch = merged(patch, read.value);
      else wrong.push({ line, column: column.name, problem: read.error });
    }
    if (wrong.length === 0 && id.ok) rows.push({ line, patch: { ...patch, meter: id.value } });
    mistakes.push(...wrong);
  }
  return { rows, mistakes };
}
