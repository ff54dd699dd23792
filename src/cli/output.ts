/** What commands print: results on stdout, everything else on stderr. */

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One JSON document. `bigint` leaves as a decimal string. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, (_key, v) => (typeof v === "bigint" ? v.toString() : v)));
}

/** Columns padded to their widest cell; numbers (cells of the columns in `right`) are right-aligned. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = rows.reduce<number[]>((all, row) => {
    for (const [i, cell] of row.entries()) all[i] = Math.max(all[i] ?? 0, cell.length);
    return all;
  }, []);
  return rows
    .map((row) =>
      row
        .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
