/** Comma-separated values (RFC 4180), as spreadsheets and scripts read and write them. */
import { failure, type Result, success } from "./result.ts";

/** One line without its end; null is an empty cell. */
export function csvRow(cells: readonly (string | null)[]): string {
  return cells.map((cell) => csvCell(cell ?? "")).join(",");
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One record of a table; a quoted cell may span lines, so it knows on which it begins. */
export interface CsvRecord {
  /** From 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface CsvMistake {
  readonly line: number;
  /** The cell, from 1. */
  readonly cell: number;
  readonly problem: string;
}

/** Quoted with doubled quotes inside, or anything without quotes, commas and line ends; then what ends it. */
const CELL = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;

/**
 * Reads a table. Lines end with CR LF, LF or CR; a byte order mark and empty lines are passed over.
 * @returns the records with the header among them, or the first place that is no CSV
 */
export function parseCsv(text: string): Result<readonly CsvRecord[], CsvMistake> {
  const records: CsvRecord[] = [];
  const end = text.length;
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;
  while (at < end) {
    const begun = line;
    const cells: string[] = [];
    for (let mark = ","; mark === ","; ) {
      CELL.lastIndex = at;
      const m = CELL.exec(text);
      if (m === null) return failure({ line, cell: cells.length + 1, problem: whyNoCell(text, at) });
      cells.push(m[1]?.replaceAll('""', '"') ?? m[2] ?? "");
      line += m[0].match(/\r\n|\n|\r/g)?.length ?? 0;
      at += m[0].length;
      mark = m[3] as string;
    }
    if (cells.length > 1 || cells[0] !== "") records.push({ line: begun, cells });
  }
  return success(records);
}

function whyNoCell(text: string, at: number): string {
  if (text[at] !== '"') return 'a cell with a quote in it is written in quotes, and its own quotes twice: "3 ""A"""';
  return /^"[^"]*(?:""[^"]*)*$/.test(text.slice(at))
    ? "the quote that begins here never ends"
    : "behind a closing quote comes a comma or the end of the line; a quote inside is written twice";
}
