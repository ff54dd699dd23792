/** The picture of a watched meter: lines of text for a terminal of any size from 80 by 24 on. */
import { type MeasureKey, type MeasureValues, measure, type Phase, shownUnit, showValue } from "../../core/measures.ts";
import { type Civil, toIso } from "../../core/time.ts";
import { paint, type Style } from "./paint.ts";
import { currentLag, drawPhasors, PHASE_COLOURS, phasorsOf } from "./phasors.ts";
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

interface Row {
  readonly text: string;
  readonly colour: string | undefined;
}

function phaseRows(watched: Watched, width: number, height: number): readonly Row[] {
  const phases = ([1, 2, 3] as const).filter((p) => watched.values[`voltageL${p}`] !== undefined);
  // A blank line between the phases where there is room for it.
  const between = height >= 4 * phases.length + phases.length - 1 ? [{ text: "", colour: undefined }] : [];
  return phases.flatMap((phase, i) => [...(i === 0 ? [] : between), ...rowsOf(watched, phase, width)]);
}

function rowsOf(watched: Watched, phase: Phase, width: number): readonly Row[] {
  const { values } = watched;
  const colour = PHASE_COLOURS[phase - 1];
  const bar = (key: MeasureKey, sign: string, largest: number) => {
    const label = `${sign === "U" ? `L${phase}` : "  "} ${sign} ${shown(values, key)} `.padEnd(LABEL + 10);
    return { text: `${label}${bars(values[key], largest, width - label.length)}`, colour };
  };
  const lag = currentLag(values, phase);
  const side = Math.abs(lag) < 0.05 ? "" : lag > 0 ? " behind" : " ahead";
  return [
    bar(`voltageL${phase}`, "U", nominal(values) * 1.2),
    bar(`currentL${phase}`, "I", watched.largest("current")),
    bar(`activePowerL${phase}`, "P", watched.largest("activePower")),
    {
      text: cut(`     PF ${plain(values, `powerFactorL${phase}`)}   I ${Math.abs(lag).toFixed(1)}°${side}`, width),
      colour,
    },
  ];
}

/** The nearest usual mains voltage above what is there, mV: it stays while the voltage moves a little. */
function nominal(values: MeasureValues): number {
  const most = Math.max(...([1, 2, 3] as const).map((p) => values[`voltageL${p}`] ?? 0));
  return [63_500, 120_000, 240_000, 480_000].find((volts) => most <= 1.15 * volts) ?? most;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A magnitude as a bar; export is told by the sign of the number beside it. */
function bars(value: number | null | undefined, largest: number, width: number): string {
  if (value === undefined || value === null || largest <= 0 || width < 1) return "";
  const eighths = Math.round(8 * width * Math.min(1, Math.abs(value) / largest));
  const full = "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] as string);
  return full + "·".repeat(Math.max(0, width - full.length));
}

/** A value and its unit in a column of their own, k-units where it is large. */
function shown(values: MeasureValues, key: MeasureKey): string {
  const value = values[key];
  if (value === undefined) return "".padEnd(12);
  if (value === null) return "no value".padStart(9).padEnd(12);
  const m = measure(key);
  const number = Number(showValue(m, value));
  const large = Math.abs(number) >= 100_000;
  return `${digits(large ? number / 1_000 : number).padStart(8)} ${`${large ? "k" : ""}${shownUnit(m)}`.padEnd(3)}`;
}

function digits(number: number): string {
  const size = Math.abs(number);
  return number.toFixed(size >= 1_000 ? 1 : size >= 100 ? 2 : 3);
}

function plain(values: MeasureValues, key: MeasureKey): string {
  const value = values[key];
  if (value === undefined || value === null) return "–";
  const m = measure(key);
  const unit = shownUnit(m);
  return `${m.kind === "energy" ? showValue(m, value) : digits(Number(showValue(m, value)))}${unit === "1" ? "" : ` ${unit}`}`;
}

/** Only what the meter has. */
function listed(values: MeasureValues, wanted: readonly (readonly [string, MeasureKey])[]): readonly string[] {
  return wanted.filter(([, key]) => values[key] !== undefined).map(([name, key]) => `${name} ${plain(values, key)}`);
}

function powerOf(values: MeasureValues): readonly string[] {
  return listed(values, [
    ["P", "activePower"],
    ["Q", "reactivePower"],
    ["S", "apparentPower"],
    ["PF", "powerFactor"],
    ["f", "frequency"],
  ]);
}

function energyOf(values: MeasureValues): readonly string[] {
  return listed(values, [
    ["+A", "activeEnergyImport"],
    ["−A", "activeEnergyExport"],
    ["+R", "reactiveEnergyImport"],
    ["−R", "reactiveEnergyExport"],
  ]);
}

function qualityOf(values: MeasureValues): readonly string[] {
  const phases = [1, 2, 3] as const;
  const thd = (kind: "voltageThd" | "currentThd") =>
    phases.map((p) => values[`${kind}L${p}`]).filter((value) => typeof value === "number");
  const distortion = (["voltageThd", "currentThd"] as const).flatMap((kind) => {
    const all = thd(kind).map((value) => (value / 1_000).toFixed(1));
    return all.length === 0 ? [] : [`${kind === "voltageThd" ? "THD U" : "I"} ${all.join("/")} %`];
  });
  const unbalance = unbalanceOf(phases.map((p) => values[`voltageL${p}`]));
  return [
    ...(unbalance === undefined ? [] : [`unbalance ${unbalance.toFixed(2)} %`]),
    ...distortion,
    ...listed(values, [["IN", "currentNeutral"]]),
  ];
}

/** The largest deviation from the mean of three voltages, in percent of it. */
function unbalanceOf(volts: readonly (number | null | undefined)[]): number | undefined {
  const all = volts.filter((value) => typeof value === "number");
  const mean = all.reduce((sum, value) => sum + value, 0) / 3;
  if (all.length < 3 || mean === 0) return undefined;
  return (100 * Math.max(...all.map((value) => Math.abs(value - mean)))) / mean;
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

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}
