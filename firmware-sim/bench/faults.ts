/** Faults put into the meter or its wiring, to see that the test finds them: what `--inject` says. */
import { failure, type Result, success } from "../../src/core/result.ts";
import type { ChannelError, FrontEndErrors } from "../metrology/front-end.ts";
import type { Wiring } from "./wiring.ts";

interface CurrentError {
  gain: number;
  /** Degrees at nominal frequency by which the current lags. */
  phase: number;
  offset: number;
  /** 1/K. */
  drift: number;
  /** Of the converter's code, 0 the lowest: stuck at zero. */
  deadBit: number | undefined;
}

export interface Faults {
  /** One per phase. */
  readonly current: readonly CurrentError[];
  readonly noise: number | undefined;
  readonly bits: number | undefined;
  readonly clockPpm: number;
  /** How fast the crystal of the meter's clock is. */
  readonly rtcPpm: number;
  /** imp/kWh or imp/kvarh of the LED where it is not the plate's. */
  readonly constant: number | undefined;
  /** In the order given. */
  readonly wiring: readonly Wiring[];
}

const FORMS =
  "gain=0.02, phase=0.2deg, offset=0.5, drift=200ppm, deadbit=16 (each with @L2 for one phase), noise=0.001, bits=10, clock=100ppm, rtc=20ppm, constant=1600, swap=L1-L2, reverse=L2, open=L2, lost=L2, lost-neutral";

const NUMBER = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(deg|ppm|%)?$/i;

/** What each number may be, and its unit: `%` is allowed for gain. */
const RANGES: Readonly<Record<string, readonly [low: number, high: number, unit: string]>> = {
  gain: [-0.5, 0.5, ""],
  phase: [-90, 90, "deg"],
  offset: [-1, 1, ""],
  noise: [0, 0.1, ""],
  bits: [4, 24, ""],
  drift: [-10_000, 10_000, "ppm"],
  deadbit: [0, 22, ""],
  clock: [-10_000, 10_000, "ppm"],
  rtc: [-10_000, 10_000, "ppm"],
  constant: [1, 1_000_000, ""],
};

/** Faults of a channel, and whether one value is meant for all phases where none is named. */
const CHANNEL_FAULTS: readonly string[] = ["gain", "phase", "offset", "drift", "deadbit"];
const WIRING_FAULTS: readonly string[] = ["swap", "reverse", "open", "lost"];
const WHOLE: readonly string[] = ["bits", "deadbit"];

/** No fault at all. */
export function noFaults(phases: 1 | 3) {
  const good = (): CurrentError => ({ gain: 0, phase: 0, offset: 0, drift: 0, deadBit: undefined });
  return {
    current: Array.from({ length: phases }, good),
    noise: undefined as number | undefined,
    bits: undefined as number | undefined,
    clockPpm: 0,
    rtcPpm: 0,
    constant: undefined as number | undefined,
    wiring: [] as Wiring[],
  } satisfies Faults;
}

/** Reads faults such as `gain=0.02@L2` for a meter of so many phases; a failure is one line for people. */
export function parseFaults(texts: readonly string[], phases: 1 | 3): Result<Faults, string> {
  const faults = noFaults(phases);
  for (const text of texts.flatMap((t) => t.split(",")).map((t) => t.trim())) {
    const shown = `"${text.slice(0, 40)}"`;
    if (text.toLowerCase() === "lost-neutral") {
      faults.wiring.push({ kind: "lost-neutral" });
      continue;
    }
    const m = /^([a-z]+)=([^@]+?)(?:@(L\d))?$/i.exec(text);
    if (m === null) return failure(`${shown} is no fault; give one of ${FORMS}`);
    const name = (m[1] as string).toLowerCase();
    const read = WIRING_FAULTS.includes(name)
      ? wiringOf(name as "swap" | "reverse" | "open" | "lost", m[2] as string, phases)
      : numberOf(name, m[2] as string, m[3] !== undefined ? phaseIndex(m[3], phases) : null);
    if (!read.ok) return failure(`${shown}: ${read.error}`);
    if (typeof read.value !== "number") {
      if (m[3] !== undefined) return failure(`${shown}: wiring names its phases itself, such as reverse=L2`);
      faults.wiring.push(read.value);
    } else if (CHANNEL_FAULTS.includes(name)) {
      const only = m[3] === undefined ? undefined : phaseIndex(m[3], phases);
      setChannel(faults.current, name, read.value, only);
    } else if (name === "clock" || name === "rtc") faults[`${name}Ppm`] = read.value;
    else faults[name as "noise" | "bits" | "constant"] = read.value;
  }
  return success(faults);
}

/** @param only one phase; without it all, but a dead bit, which is one channel's: of L1. */
function setChannel(current: readonly CurrentError[], name: string, value: number, only: number | undefined): void {
  for (const [p, error] of current.entries()) {
    if (name === "deadbit") {
      if (p === (only ?? 0)) error.deadBit = value;
    } else if (only !== undefined && only !== p) continue;
    else if (name === "drift") error.drift = value * 1e-6;
    else error[name as "gain" | "phase" | "offset"] = value;
  }
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
  if (!(value >= low && value <= high) || (WHOLE.includes(name) && !Number.isInteger(value)))
    return failure(`${name} is ${WHOLE.includes(name) ? "a whole number " : ""}from ${low} to ${high}`);
  if (phase === undefined) return failure("the meter has no such phase");
  if (phase !== null && !CHANNEL_FAULTS.includes(name)) return failure(`${name} is of the whole meter: leave out @L…`);
  return success(value);
}

function exampleOf(name: string): string {
  return FORMS.split(/[ ,]+/).find((f) => f.startsWith(`${name}=`)) ?? "";
}

function wiringOf(kind: "swap" | "reverse" | "open" | "lost", text: string, phases: number): Result<Wiring, string> {
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

/** The front end that these faults make of what is there: a perfect one, or the parts of a meter. */
export function frontEndErrorsOf(faults: Faults, nominalHz: number, parts: FrontEndErrors = {}): FrontEndErrors {
  const part = (p: number): ChannelError =>
    (Array.isArray(parts.current) ? (parts.current as readonly ChannelError[])[p] : parts.current) as ChannelError;
  return {
    ...parts,
    current: faults.current.map(({ gain, phase, offset, drift, deadBit }, p) => {
      const own = parts.current === undefined ? {} : part(p);
      return {
        gain: gain + (own.gain ?? 0) * (1 + gain),
        offset: offset + (own.offset ?? 0),
        delay: (phase / 360 / nominalHz) * 1e6 + (own.delay ?? 0),
        drift: drift + (own.drift ?? 0),
        ...(deadBit === undefined ? {} : { deadBit }),
      };
    }),
    clockPpm: faults.clockPpm + (parts.clockPpm ?? 0),
    ...(faults.noise === undefined ? {} : { noise: faults.noise }),
    ...(faults.bits === undefined ? {} : { bits: faults.bits }),
  };
}
