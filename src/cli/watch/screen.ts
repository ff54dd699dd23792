/** The picture of a watched meter: lines of text for a terminal of any size from 80 by 24 on. */
import type { MeasureValues } from "../../core/measures.ts";
import { type Civil, toIso } from "../../core/time.ts";
import { paint, type Style } from "./paint.ts";
import { phaseRows } from "./phase-rows.ts";
import { drawPhasors, phasorsOf } from "./phasors.ts";
import { cut } from "./shown.ts";
import { energyOf, powerOf, qualityOf } from "./totals.ts";
import type { Watched } from "./watched.ts";

export interface View {
  readonly subject: string;
  readonly place: string;
  /** Seconds between readings. */
  readonly every: number;
  readonly now: Civil;
  readonly columns: number;
  readonly rows: number;
  readonly colours: boolean;
}

/** Rows beside the phasors: heading, state, three rules, three of totals, two of the line, keys. */
const OTHER_ROWS = 11;
const LABEL = 9;

export function screen(watched: Watched, view: View): readonly string[] {
  const style = paint(view.colours);
  const width = Math.max(60, view.columns);
  const height = Math.max(8, view.rows - OTHER_ROWS);
  const rule = style("─".repeat(width), "dim");
  return [
    heading(watched, view, width, style),
    state(watched, view, width, style),
    rule,
    ...middle(watched, width, height, style),
    rule,
    row("Power", powerOf(watched.values), width, style),
    row("Energy", energyOf(watched.values), width, style),
    row("Quality", qualityOf(watched.values), width, style),
    rule,
    row("Line", lineOf(watched), width, style),
    row("Errors", errorsOf(watched), width, style),
    style(cut(` q quit   space ${watched.paused ? "go on" : "pause"}`, width), "dim"),
  ];
}

function heading({ time }: Watched, { subject, place }: View, width: number, style: Style): string {
  const clock = time === undefined ? "no reading yet" : `${toIso(time).slice(0, 19).replace("T", " ")} UTC`;
  const left = cut(`${subject} on ${place}`, width - clock.length - 2);
  return `${style(left, "bold")}${" ".repeat(width - left.length - clock.length)}${clock}`;
}

/** What is wrong comes before what is well, and since when. */
function state(watched: Watched, { every, now }: View, width: number, style: Style): string {
  const { lineLost, failure, paused, readings, time } = watched;
  const wrong = lineLost ?? failure;
  if (wrong !== undefined) {
    const seconds = Math.max(0, Math.round((now - wrong.since) / 1_000_000));
    const what = lineLost === undefined ? wrong.reason : `line down: ${wrong.reason}`;
    const since = ` since ${clockOf(wrong.since)} (${seconds} s)${time === undefined ? "" : "; values are old"}`;
    return style(`✗ ${cut(what, width - since.length - 2)}${since}`, "red");
  }
  if (paused) return style(cut("‖ paused", width), "yellow");
  if (readings === 0) return cut("… asking", width);
  return style(cut(`● good, reading ${readings}, ${countOf(watched.values)}, every ${every} s`, width), "green");
}

function countOf(values: MeasureValues): string {
  const all = Object.values(values);
  const missing = all.filter((value) => value === null).length;
  return `${all.length - missing} values${missing === 0 ? "" : ` and ${missing} missing`}`;
}

function clockOf(time: Civil): string {
  return toIso(time).slice(11, 19);
}

/** Phasors on the left; what they are made of on the right. */
function middle(watched: Watched, width: number, height: number, style: Style): readonly string[] {
  const columns = Math.min(2 * height, Math.floor(width * 0.45));
  const canvas = drawPhasors(phasorsOf(watched.values), columns, height);
  const right = phaseRows(watched, width - columns - 2, height);
  return Array.from({ length: height }, (_, i) => {
    const drawn = canvas.row(i).map(({ text, colour }) => (colour === undefined ? text : style(text, colour)));
    const { text = "", colour } = right[i] ?? {};
    return `${drawn.join("")}  ${style(text, colour)}`;
  });
}

function lineOf({ statistics }: Watched): readonly string[] {
  const millis = (share: number) => {
    const micros = statistics.percentile(share);
    return micros === undefined ? "–" : `${(micros / 1_000).toFixed(1)} ms`;
  };
  return [`requests ${statistics.requests}`, `reply p50 ${millis(0.5)}`, `p99 ${millis(0.99)}`];
}

function errorsOf({ statistics: { errors } }: Watched): readonly string[] {
  return errors.length === 0 ? ["none"] : errors.map(([kind, times]) => `${kind} ${times}`);
}

function row(label: string, parts: readonly string[], width: number, style: Style): string {
  return `${style(label.padEnd(LABEL), "dim")}${cut(parts.join("  "), width - LABEL)}`;
}
