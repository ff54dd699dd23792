/** What `watch` prints where nobody looks at a screen: a line per reading for people, for programs, or as a table. */
import { valueViews } from "../../../headend/view.ts";
import { csvRow } from "../../core/csv.ts";
import { MEASURES, type MeasureKey, type MeasureValues, measure, shownUnit, showValue } from "../../core/measures.ts";
import { toIso } from "../../core/time.ts";
import { print, printJson } from "../output.ts";
import type { WatchEvent } from "./repeated-reads.ts";

export type Report = (event: WatchEvent) => void;

/** `{time, ok: true, values}` and `{time, ok: false, reason}`; of a line that is gone, `{time, line: "down", reason}`. */
export function jsonReport(event: WatchEvent): void {
  const time = toIso(event.at.civil);
  if (event.kind === "line") {
    printJson(event.reason === undefined ? { time, line: "up" } : { time, line: "down", reason: event.reason });
    return;
  }
  const { outcome } = event;
  if (!outcome.ok) printJson({ time, ok: false, reason: outcome.reason });
  else printJson({ time: toIso(outcome.time), ok: true, values: valueViews(outcome.values, outcome.time, "good") });
}

/** A column per measure of the first reading, in its unit; a row per reading. What fails is told on stderr. */
export function csvReport(): Report {
  let columns: readonly MeasureKey[] | undefined;
  return (event) => {
    if (event.kind === "line" || !event.outcome.ok) {
      tellFailure(event);
      return;
    }
    const { values, time } = event.outcome;
    if (columns === undefined) {
      columns = MEASURES.map((m) => m.key).filter((key) => values[key] !== undefined);
      print(csvRow(["time", ...columns.map((key) => `${key} [${shownUnit(measure(key))}]`)]));
    }
    print(csvRow([toIso(time), ...columns.map((key) => textOf(values, key))]));
  };
}

export function linesReport(event: WatchEvent): void {
  if (event.kind === "line" || !event.outcome.ok) {
    tellFailure(event);
    return;
  }
  const { values, time } = event.outcome;
  const perPhase = (quantity: "voltage" | "current") =>
    ([1, 2, 3] as const)
      .map((p) => textOf(values, `${quantity}L${p}`))
      .filter((text) => text !== null)
      .join("/");
  const energy = textOf(values, "activeEnergyImport");
  const parts = [
    `P ${textOf(values, "activePower") ?? "–"} W`,
    `U ${perPhase("voltage")} V`,
    `I ${perPhase("current")} A`,
    ...(energy === null ? [] : [`+A ${energy} kWh`]),
  ];
  print(`${toIso(time).slice(11, 19)}  ${parts.join("  ")}`);
}

function tellFailure(event: WatchEvent): void {
  const clock = toIso(event.at.civil).slice(11, 19);
  const reason = event.kind === "line" ? event.reason : event.outcome.ok ? undefined : event.outcome.reason;
  if (reason !== undefined)
    process.stderr.write(`${clock}  ✗ ${event.kind === "line" ? "line down: " : ""}${reason}\n`);
  else if (event.kind === "line") process.stderr.write(`${clock}  line up\n`);
}

function textOf(values: MeasureValues, key: MeasureKey): string | null {
  const value = values[key];
  return value === undefined || value === null ? null : showValue(measure(key), value);
}
