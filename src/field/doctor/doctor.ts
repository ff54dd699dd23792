/** The doctor: examines a line and a meter on it, and says what is wrong. It only reads. */
import type { LineFormat } from "../../core/line-format.ts";
import type { MeasureValues } from "../../core/measures.ts";
import { MICROS_PER_SECOND } from "../../core/time.ts";
import type { Probe } from "../probe.ts";
import { type WiringModel, wiringFindings } from "./electrical.ts";
import { showBytes } from "./evidence.ts";
import type { Finding } from "./finding.ts";
import { lineFindings, working } from "./line-causes.ts";
import { answered, ask, type ExaminationPlan, examine } from "./observe.ts";
import type { Question } from "./question.ts";

/** What the meter is asked for its wiring, and how its answers are read. */
export interface WiringPlan {
  readonly model: WiringModel;
  /** What a refusal says: that the model is another one, or nothing, as any meter leaves something out. */
  readonly refusals: "other-model" | "usual";
  readonly reads: readonly { readonly question: Question; readonly values: (frame: Uint8Array) => MeasureValues }[];
}

export interface Diagnosis {
  /** At least one: `healthy` where nothing is wrong. */
  readonly findings: readonly Finding[];
  /** Where the meter answered; undefined on TCP or where it did not. */
  readonly format: LineFormat | undefined;
  readonly questions: number;
  readonly answers: number;
  /** µs from question to answer: the fastest, the middle and the slowest. */
  readonly latency: readonly [number, number, number] | undefined;
  readonly values: MeasureValues;
}

const ATTEMPTS = 5;
const PATIENCE = 3 * MICROS_PER_SECOND;

/** @param wiring undefined where the model is not known */
export function* doctor(plan: ExaminationPlan, wiring: WiringPlan | undefined): Probe<Diagnosis> {
  const seen = yield* examine(plan);
  const findings = [...lineFindings(seen, plan.timeout)];
  let values: MeasureValues = {};
  if (seen.alive && wiring !== undefined) {
    plan.note?.("reading values");
    const { values: read, refused } = yield* readValues(wiring, Math.max(plan.timeout, PATIENCE));
    values = read;
    if (refused !== undefined) findings.push(refused);
    findings.push(...wiringFindings(values, wiring.model));
  }
  const samples = working(seen);
  const good = samples.filter(answered);
  if (findings.length === 0) {
    const evidence = [`${good.length} of ${samples.length} questions answered, none damaged`];
    findings.push({ cause: "healthy", confidence: "certain", evidence });
  }
  const latencies = good.map(({ latency }) => latency ?? 0).sort((a, b) => a - b);
  const [least, middle, most] = [latencies[0], latencies[latencies.length >> 1], latencies.at(-1)];
  return {
    findings,
    format: seen.found,
    questions: samples.length,
    answers: good.length,
    latency: least === undefined || middle === undefined || most === undefined ? undefined : [least, middle, most],
    values,
  };
}

interface Read {
  readonly values: MeasureValues;
  readonly refused: Finding | undefined;
}

function* readValues({ reads, refusals: meaning }: WiringPlan, patience: number): Probe<Read> {
  const values: MeasureValues = {};
  const refusals: string[] = [];
  for (const { question, values: read } of reads) {
    const refused: Uint8Array[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { answer } = yield* ask(question, patience);
      // A stray 00 behind a question leaves its check good and makes it too long: one refusal says nothing.
      if (answer.kind === "refused") refused.push(answer.frame);
      if (answer.kind !== "good") continue;
      Object.assign(values, read(answer.frame));
      break;
    }
    const [one] = refused;
    if (one !== undefined && refused.length === ATTEMPTS) refusals.push(showBytes(one));
  }
  if (refusals.length === 0 || meaning === "usual") return { values, refused: undefined };
  const evidence = [`${refusals.length} of ${reads.length} reads of this model were refused: ${refusals.join(", ")}`];
  return { values, refused: { cause: "wrong-model", confidence: "likely", evidence } };
}
