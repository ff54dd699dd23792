/** How `meterworks read` shows a reading, alone or beside a second opinion. */
import type { ReadBlock } from "../../headend/schedule/poll-plan.ts";
import type { ValueView } from "../../headend/view.ts";
import { csvRow } from "../core/csv.ts";
import { type MeasureKey, measure, shownUnit, showValue } from "../core/measures.ts";
import { print, printJson, table } from "./output.ts";

/** What another stack says of the registers of one read. */
export interface JudgedBlock {
  readonly block: ReadBlock;
  readonly error: string | undefined;
  readonly rows: readonly {
    readonly measure: MeasureKey;
    readonly first: number | null;
    readonly second: number | null;
    readonly agrees: boolean;
  }[];
}

export interface OutputFlags {
  readonly json?: true;
  readonly csv?: true;
}

const COLUMNS = ["measure", "obis", "value", "unit", "time", "quality"] as const;

export function showReading(rows: readonly ValueView[], judged: readonly JudgedBlock[], flags: OutputFlags): void {
  const opinions = new Map(judged.flatMap((block) => block.rows.map((row) => [row.measure as string, row])));
  const asked = judged.length > 0;
  const secondOf = (key: string) => {
    const row = opinions.get(key);
    return row === undefined || row.second === null ? null : showValue(measure(row.measure), row.second);
  };
  const agreesOf = (key: string) => opinions.get(key)?.agrees ?? false;
  if (flags.json === true) {
    const extended = rows.map((r) => ({ ...r, secondOpinion: secondOf(r.measure), agrees: agreesOf(r.measure) }));
    printJson(asked ? extended : rows);
  } else if (flags.csv === true) {
    print(csvRow([...COLUMNS, ...(asked ? ["secondOpinion", "agrees"] : [])]));
    for (const r of rows) {
      const more = asked ? [secondOf(r.measure), agreesOf(r.measure) ? "yes" : "no"] : [];
      print(csvRow([...COLUMNS.map((column) => r[column]), ...more]));
    }
  } else {
    print(table(rows.map(cellsOf), [1]));
    if (asked) print(`\nsecond opinion, by modbus-serial:\n${table(judged.map(verdictOf))}`);
    for (const row of judged.flatMap((block) => block.rows).filter((r) => !r.agrees)) print(differenceOf(row));
  }
}

function cellsOf(row: ValueView): readonly string[] {
  const m = measure(row.measure as MeasureKey);
  return [m.title, row.value ?? "no value", row.value === null ? "" : row.unit, row.obis];
}

/** One line per request: which registers, how many values, and whether all agree. */
function verdictOf({ block, error, rows }: JudgedBlock): readonly string[] {
  const { function: code, address, quantity } = block;
  const wrong = rows.filter((row) => !row.agrees).length;
  const verdict = error !== undefined ? `✗ ${error}` : wrong === 0 ? "✓ agree" : `✗ ${wrong} differ`;
  return [`0${code}h registers ${address}..${address + quantity - 1}`, `${rows.length} values`, verdict];
}

function differenceOf({ measure: key, first, second }: JudgedBlock["rows"][number]): string {
  const m = measure(key);
  const unit = shownUnit(m) === "1" ? "" : ` ${shownUnit(m)}`;
  const text = (value: number | null) => (value === null ? "no value" : `${showValue(m, value)}${unit}`);
  return `✗ ${m.title}: ${text(first)} here, ${text(second)} there`;
}
