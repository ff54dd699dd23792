/** Comma-separated values (RFC 4180), as spreadsheets and scripts read them. */

/** One line without its end; null is an empty cell. */
export function csvRow(cells: readonly (string | null)[]): string {
  return cells.map((cell) => csvCell(cell ?? "")).join(",");
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
