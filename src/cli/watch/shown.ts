/** Values as the screen shows them: few digits, aligned, and what is not there said so. */
import { type MeasureKey, type MeasureValues, measure, shownUnit, showValue } from "../../core/measures.ts";

/** A value and its unit in a column of their own, k-units where it is large. */
export function shown(values: MeasureValues, key: MeasureKey): string {
  const value = values[key];
  if (value === undefined) return "".padEnd(12);
  if (value === null) return "no value".padStart(9).padEnd(12);
  const m = measure(key);
  const number = Number(showValue(m, value));
  const large = Math.abs(number) >= 100_000;
  return `${digits(large ? number / 1_000 : number).padStart(8)} ${`${large ? "k" : ""}${shownUnit(m)}`.padEnd(3)}`;
}

export function plain(values: MeasureValues, key: MeasureKey): string {
  const value = values[key];
  if (value === undefined || value === null) return "–";
  const m = measure(key);
  const unit = shownUnit(m);
  return `${m.kind === "energy" ? showValue(m, value) : digits(Number(showValue(m, value)))}${unit === "1" ? "" : ` ${unit}`}`;
}

function digits(number: number): string {
  const size = Math.abs(number);
  return number.toFixed(size >= 1_000 ? 1 : size >= 100 ? 2 : 3);
}

/** What is too long for its place ends in an ellipsis. */
export function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}
