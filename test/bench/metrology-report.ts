/** The metering chip's part of the report. */
import { type MeasuredMetrology, type MetrologySample, PEER } from "./metrology-rows.ts";
import { OURS } from "./rows.ts";
import { median, table } from "./table.ts";

type Part = "chip" | "synthesis";

/** Samples per second that a meter takes. */
const RATES = [4_000, 8_000] as const;
const MILLION = 1e6;
/** Of the power: the sides round in other places, and no more. Ends of eight points instead of ten are 7e-10 apart. */
const SAME = 1e-12;

const HEADINGS = ["part", "name", "M samples/s", "all runs", "meters at 4 kHz", "at 8 kHz"];

interface Figures {
  readonly side: string;
  readonly chip: number;
  readonly synthesis: number;
  readonly samples: readonly MetrologySample[];
}

export function metrologyFigures({ side, samples }: MeasuredMetrology): Figures {
  const of = (part: Part) => median(samples.map((sample) => sample[part]));
  return { side, chip: of("chip"), synthesis: of("synthesis"), samples };
}

/** @throws when the two sides came to different powers: then they did not do the same. */
export function metrologyReport(measured: readonly MeasuredMetrology[]): readonly string[] {
  if (measured.length === 0) return [];
  const powers = measured.flatMap(({ samples }) => samples.map(({ active }) => active));
  if (powers.some((power) => !(Math.abs(power / (powers[0] as number) - 1) < SAME)))
    throw new Error(`metrology: the sides came to different powers: ${powers.join(", ")}`);
  const rows = (["chip", "synthesis"] as const).flatMap((part) => measured.map((one) => cells(part, one)));
  return [
    "Metrology on one core, three-phase samples: the chip's arithmetic alone, and synthesis of 6 orders on 6 channels with converter; C is -O3 -march=native",
    ...table([HEADINGS, ...rows], new Set([0, 1, 3])),
    ...metrologyVerdicts(measured).map(({ target, pass }) => `${pass ? "PASS  " : "MISSED"}  ${target}`),
    "",
  ];
}

function cells(part: Part, measured: MeasuredMetrology): readonly string[] {
  const speed = metrologyFigures(measured)[part];
  const all = measured.samples.map((sample) => (sample[part] / MILLION).toFixed(1)).join(" ");
  return [part, measured.side, (speed / MILLION).toFixed(1), all, ...RATES.map((rate) => (speed / rate).toFixed(0))];
}

export interface MetrologyVerdict {
  readonly target: string;
  readonly pass: boolean;
}

/** Ratios only where both sides ran. */
export function metrologyVerdicts(measured: readonly MeasuredMetrology[]): readonly MetrologyVerdict[] {
  const figures = (name: string) => {
    const found = measured.find(({ side }) => side === name);
    return found && metrologyFigures(found);
  };
  const [ours, peer] = [figures(OURS), figures(PEER)];
  if (ours === undefined) return [];
  const ratio = (part: Part, least: number): MetrologyVerdict[] => {
    if (peer === undefined) return [];
    const reached = ours[part] / peer[part];
    return [{ target: `metrology ${part} >= ${least}x C: ${reached.toFixed(2)}x`, pass: reached >= least }];
  };
  const millions = ours.chip / MILLION;
  return [
    ...ratio("chip", 0.6),
    { target: `metrology chip >= 30 M three-phase samples/s: ${millions.toFixed(1)} M`, pass: millions >= 30 },
    ...ratio("synthesis", 0.4),
  ];
}
