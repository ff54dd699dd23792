/** Faults put into the meter or its wiring, to see that the test finds them: what `--inject` says. */
import { failure, type Result, success } from "../../src/core/result.ts";
import type { FrontEndErrors } from "../metrology/front-end.ts";
import type { Mains, PhaseMains } from "../metrology/mains.ts";

interface CurrentError {
  gain: number;
  /** Degrees at nominal frequency by which the current lags. */
  phase: number;
  offset: number;
}

export interface Faults {
  /** One per phase. */
  readonly current: readonly CurrentError[];
  readonly noise: number | undefined;
  readonly bits: number | undefined;
  readonly clockPpm: number;
  /** imp/kWh of the LED where it is not the plate's. */
  readonly constant: number | undefined;
  /** Wiring, in the order given; phases are indices. */
  readonly wiring: readonly Wiring[];
}

type Wiring =
  | { readonly kind: "swap"; readonly a: number; readonly b: number }
  | { readonly kind: "reverse" | "open" | "lost"; readonly a: number };

const FORMS =
  "gain=0.02, phase=0.2deg, offset=0.5 (each with @L2 for one phase), noise=0.001, bits=10, clock=100ppm, constant=1600, swap=L1-L2, reverse=L2, open=L2, lost=L2";

const NUMBER = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(deg|ppm|%)?$/i;

/** What each number may be, and its unit: `%` is allowed for gain. */
const RANGES: Readonly<Record<string, readonly [low: number, high: number, unit: string]>> = {
  gain: [-0.5, 0.5, ""],
  phase: [-90, 90, "deg"],
  offset: [-1, 1, ""],
  noise: [0, 0.1, ""],
  bits: [4, 24, ""],
  clock: [-10_000, 10_000, "ppm"],
  constant: [1, 1_000_000, ""],
};

/** Reads faults such as `gain=0.02@L2` for a meter of so many phases; a failure is one line for people. */
export function parseFaults(texts: readonly string[], phases: 1 | 3): Result<Faults, string> {
  const faults = {
    current: Array.from({ length: phases }, (): CurrentError => ({ gain: 0, phase: 0, offset: 0 })),
    noise: undefined as number | undefined,
    bits: undefined as number | undefined,
    clockPpm: 0,
    constant: undefined as number | undefined,
    wiring: [] as Wiring[],
  };
  for (const text of texts.flatMap((t) => t.split(",")).map((t) => t.trim())) {
    const shown = `"${text.slice(0, 40)}"`;
    const m = /^([a-z]+)=([^@]+?)(?:@(L\d))?$/i.exec(text);
    if (m === null) return failure(`${shown} is no fault; give one of ${FORMS}`);
    const name = (m[1] as string).toLowerCase();
    const isWiring = name === "swap" || name === "reverse" || name === "open" || name === "lost";
    const read = isWiring
      ? wiringOf(name, m[2] as string, phases)
      : numberOf(name, m[2] as string, m[3] !== undefined ? phaseIndex(m[3], phases) : null);
    if (!read.ok) return failure(`${shown}: ${read.error}`);
    if (typeof read.value !== "number") {
      if (m[3] !== undefined) return failure(`${shown}: wiring names its phases itself, such as reverse=L2`);
      faults.wiring.push(read.value);
    } else if (name === "gain" || name === "phase" || name === "offset") {
      const only = m[3] === undefined ? undefined : phaseIndex(m[3], phases);
      for (const [p, error] of faults.current.entries()) if (only === undefined || only === p) error[name] = read.value;
    } else faults[name === "clock" ? "clockPpm" : (name as "noise" | "bits" | "constant")] = read.value;
  }
  return success(faults);
}

function numberOf(name: string, text: string, phase: number | null | undefined): Result<number, string> {
  const range = Object.hasOwn(RANGES, name) ? RANGES[name] : undefined;
  if (range === undefined) return failure(`no fault is named ${name}; give one of ${FORMS}`);
  const [low, high, unit] = range;
  const m = NUMBER.exec(text);
  const given = m?.[2]?.toLowerCase() ?? "";
  const percent = given === "%" && name === "gain";
  if (m === null || (given !== "" && given !== unit && !percent))
    return failure(`${name} is a number${unit === "" ? "" : ` of ${unit}`}, such as ${exampleOf(name)}`);
  const value = Number(m[1]) / (percent ? 100 : 1);
  if (!(value >= low && value <= high) || (name === "bits" && !Number.isInteger(value)))
    return failure(`${name} is ${name === "bits" ? "a whole number " : ""}from ${low} to ${high}`);
  if (phase === undefined) return failure("the meter has no such phase");
  if (phase !== null && !["gain", "phase", "offset"].includes(name))
    return failure(`${name} is of the whole meter: leave out @L…`);
  return success(value);
}

function exampleOf(name: string): string {
  return FORMS.split(/[ ,]+/).find((f) => f.startsWith(`${name}=`)) ?? "";
}

function wiringOf(kind: Wiring["kind"], text: string, phases: number): Result<Wiring, string> {
  const named = text.split("-").map((t) => phaseIndex(t, phases));
  const [a, b] = named;
  const wanted = kind === "swap" ? 2 : 1;
  if (named.length !== wanted || a === undefined || (kind === "swap" && (b === undefined || a === b))) {
    const known = phases === 1 ? "L1" : "L1, L2, L3";
    return failure(`${kind} needs ${wanted === 2 ? "two different phases such as L1-L2" : "a phase"} of ${known}`);
  }
  return success(kind === "swap" ? { kind, a, b: b as number } : { kind, a });
}

function phaseIndex(text: string, phases: number): number | undefined {
  const n = /^L([123])$/i.exec(text)?.[1];
  return n === undefined || Number(n) > phases ? undefined : Number(n) - 1;
}

/** The front end that these faults make of a perfect one. */
export function frontEndErrorsOf(faults: Faults, nominalHz: number): FrontEndErrors {
  return {
    current: faults.current.map(({ gain, phase, offset }) => ({
      gain,
      offset,
      delay: (phase / 360 / nominalHz) * 1e6,
    })),
    clockPpm: faults.clockPpm,
    ...(faults.noise === undefined ? {} : { noise: faults.noise }),
    ...(faults.bits === undefined ? {} : { bits: faults.bits }),
  };
}

/** What reaches the meter's terminals when it is wired so, of a load as the reference sees it. */
export function wired(mains: Mains, faults: Faults): Mains {
  let phases = [...mains.phases];
  for (const w of faults.wiring) {
    const before = phases;
    phases = before.map((p, i) => {
      if (w.kind === "swap") return i === w.a || i === w.b ? withCurrentOf(p, before[i === w.a ? w.b : w.a]) : p;
      if (i !== w.a) return p;
      if (w.kind === "reverse") return reversed(p);
      return w.kind === "open" ? { ...p, current: 0 } : { ...p, voltage: 0 };
    });
  }
  return { ...mains, phases };
}

function withCurrentOf(p: PhaseMains, other: PhaseMains | undefined): PhaseMains {
  if (other === undefined) return p;
  const lag = p.voltageAngle - (other.voltageAngle - other.angle);
  const { current, currentHarmonics } = other;
  return { ...p, current, currentHarmonics, angle: ((lag % 360) + 360) % 360 };
}

/** Turning a wave over is half a cycle of the fundamental; even harmonics need another half turn of their own. */
function reversed(p: PhaseMains): PhaseMains {
  return {
    ...p,
    angle: (p.angle + 180) % 360,
    currentHarmonics: p.currentHarmonics.map((h) => (h.order % 2 === 0 ? { ...h, angle: h.angle + 180 } : h)),
  };
}
