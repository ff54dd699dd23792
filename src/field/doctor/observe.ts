/** The doctor's examination: what is asked of a line, in which order, and what is noted of every answer. */
import { EMPTY_BYTES, joinBytes } from "../../core/bytes.ts";
import type { LineFormat } from "../../core/line-format.ts";
import { MICROS_PER_MS } from "../../core/time.ts";
import type { Heard, Probe } from "../probe.ts";
import { bridge, INVERTED, INVERTED_SPEED } from "./inverted.ts";
import type { Answer, Question, Tongue } from "./question.ts";

/** One question and what came of it. */
export interface Sample {
  readonly question: Question;
  readonly answer: Answer;
  readonly heard: Heard;
  /** What was heard without the echo. */
  readonly bytes: Uint8Array;
  readonly echo: boolean;
  /** µs from the end of the question to the first byte of the answer; undefined where there was none. */
  readonly latency: number | undefined;
}

export interface Observations {
  /** How the port is set, and where the meter answered; undefined on TCP, and where it did not answer at all. */
  readonly asked: LineFormat | undefined;
  readonly found: LineFormat | undefined;
  /** Whether the meter answered at all. */
  readonly alive: boolean;
  /** Heard before anything was asked. */
  readonly unasked: Uint8Array;
  /** At the format as given, until it was clear whether a meter answers there. */
  readonly first: readonly Sample[];
  /** At the format that works. */
  readonly rest: readonly Sample[];
  /** The tries at other formats. */
  readonly tried: readonly { readonly format: LineFormat; readonly sample: Sample }[];
  /** What came back to a question sent with inverted levels; nothing where that was not tried. */
  readonly inverted: readonly Sample[];
  /** Why there is no connection. */
  readonly closed: string | undefined;
}

export interface ExaminationPlan {
  readonly format: LineFormat | undefined;
  readonly tongue: Tongue;
  /** µs that the user's programs wait for an answer. */
  readonly timeout: number;
  /** Questions of either length at the format that works. */
  readonly rounds: number;
  readonly note?: (what: string) => void;
}

const LISTEN = 300 * MICROS_PER_MS;
/** A second meter, or an adapter that holds bytes back, is still heard. */
const QUIET = 60 * MICROS_PER_MS;
/** As long as any meter takes. */
const PATIENT = 3_000 * MICROS_PER_MS;
/** Between two answers of a slow meter to questions nobody waits for any more. */
const TRY_PATIENCE = 600 * MICROS_PER_MS;
const FIRST_QUESTIONS = 8;
const SILENT_QUESTIONS = 3;
const FURTHER_QUESTIONS = 100;
const ENOUGH_DAMAGE = 16;
const BAUDS = [9_600, 19_200, 2_400, 4_800, 38_400, 115_200, 57_600, 1_200];
const PARITIES = ["none", "even", "odd"] as const;

/** Everything that is asked of a line, until it is clear how it does. */
export function* examine(plan: ExaminationPlan): Probe<Observations> {
  const { format, tongue, note = () => {} } = plan;
  const patience = tongue.patience ?? TRY_PATIENCE;
  note("listening");
  const before = yield {
    kind: "exchange",
    send: EMPTY_BYTES,
    listen: { first: LISTEN, quiet: LISTEN, longest: LISTEN },
  };
  const base = { asked: format, unasked: before.bytes, tried: [], rest: [], inverted: [], closed: undefined };
  if (before.ended === "closed")
    return { ...base, found: undefined, alive: false, first: [], closed: before.reason ?? "no connection" };
  note("asking");
  const first = yield* firstQuestions(tongue, Math.max(plan.timeout, PATIENT));
  const closed = first.find((sample) => sample.heard.ended === "closed")?.heard;
  const lost = first.some(answered) ? undefined : closed;
  if (lost !== undefined)
    return { ...base, found: undefined, alive: false, first, closed: lost.reason ?? "no connection" };
  const alive = first.some(answered);
  if (alive || likeAnswers(first)) return { ...base, found: format, alive, first, rest: yield* statistics(plan) };
  if (format === undefined) return { ...base, found: undefined, alive, first };
  const tried: { format: LineFormat; sample: Sample }[] = [];
  for (const other of otherFormats(format)) {
    note(`trying ${other.baud} ${other.parity}`);
    yield { kind: "format", format: other };
    for (let i = 0; i < 2; i++) {
      const sample = yield* ask(tongue.short, patience);
      tried.push({ format: other, sample });
      if (answered(sample)) return { ...base, found: other, alive: true, first, tried, rest: yield* statistics(plan) };
      if (sample.bytes.length === 0 && !sample.echo) break;
    }
  }
  note("asking once more");
  yield { kind: "format", format };
  const again: Sample[] = [];
  while (again.length < FIRST_QUESTIONS && !again.some(answered)) again.push(yield* ask(tongue.short, patience));
  const asked = [...first, ...again];
  if (again.some(answered))
    return { ...base, found: format, alive: true, first: asked, tried, rest: yield* statistics(plan) };
  note("asking with the levels turned round");
  const inverted = yield* askInverted(tongue.short, format);
  return { ...base, found: undefined, alive: false, first: asked, tried, inverted };
}

/** Twice, because noise answers too. */
function* askInverted({ bytes }: Question, format: LineFormat): Probe<readonly Sample[]> {
  const judge = (heard: Uint8Array): Answer => ({ kind: heard.length === 0 ? "silent" : "damaged" });
  const turned = { bytes: bridge(bytes, format), judge };
  yield { kind: "format", format: { ...INVERTED, baud: format.baud * INVERTED_SPEED } };
  // The free line itself is heard as a byte at once, long before the answer.
  const samples = [yield* ask(turned, PATIENT, TRY_PATIENCE), yield* ask(turned, PATIENT, TRY_PATIENCE)];
  yield { kind: "format", format };
  return samples;
}

/** Until one is answered, or it is clear that none will be. */
function* firstQuestions(tongue: Tongue, patience: number): Probe<readonly Sample[]> {
  const samples: Sample[] = [];
  while (samples.length < FIRST_QUESTIONS) {
    const sample = yield* ask(tongue.short, patience);
    samples.push(sample);
    const silent = samples.every(({ bytes }) => bytes.length <= 1);
    if (answered(sample) || sample.heard.ended === "closed" || (silent && samples.length >= SILENT_QUESTIONS)) break;
  }
  return samples;
}

function* statistics({ tongue, timeout, rounds, note = () => {} }: ExaminationPlan): Probe<readonly Sample[]> {
  const samples: Sample[] = [];
  for (let i = 0; i < rounds; i++) {
    note(`measuring ${i + 1}/${rounds}`);
    samples.push(yield* ask(tongue.short, Math.max(timeout, PATIENT)));
    samples.push(yield* ask(tongue.long, Math.max(timeout, PATIENT)));
  }
  // Some damage, not all: its kind shows in numbers.
  const begun = samples.find(answered)?.bytes[0];
  const damaged = () => samples.filter(({ answer, bytes }) => answer.kind === "damaged" && bytes[0] === begun).length;
  const good = samples.filter(answered).length;
  const unclear = good > 2 && samples.length > good;
  for (let i = 0; unclear && i < FURTHER_QUESTIONS && damaged() < ENOUGH_DAMAGE; i++) {
    note(`looking closer at the damage: ${i + 1}/${FURTHER_QUESTIONS}`);
    samples.push(yield* ask(tongue.long, Math.max(timeout, tongue.patience ?? TRY_PATIENCE)));
  }
  return samples;
}

/**
 * One question, with what an adapter echoes taken away.
 * @param patience µs until the first byte
 * @param quiet for how long the line must be free behind an answer, µs
 */
export function* ask(question: Question, patience: number, quiet = QUIET): Probe<Sample> {
  const listen = { first: patience, quiet };
  let heard = yield { kind: "exchange", send: question.bytes, listen };
  const echo = beginsWith(heard.bytes, question.bytes);
  // Behind an echo the line is free for as long as the meter thinks.
  if (echo && heard.bytes.length === question.bytes.length && heard.ended === "quiet") {
    const answer = yield { kind: "exchange", send: EMPTY_BYTES, listen };
    const { sentAt, leftAt } = heard;
    heard = {
      ...answer,
      bytes: joinBytes([heard.bytes, answer.bytes]),
      chunks: [...heard.chunks, ...answer.chunks],
      sentAt,
      leftAt,
    };
  }
  const skip = echo ? question.bytes.length : 0;
  const bytes = heard.bytes.slice(skip);
  return { question, answer: question.judge(bytes), heard, bytes, echo, latency: latencyOf(heard, skip) };
}

/** A refusal is an answer too: the line carried it well. */
export function answered({ answer }: Sample): boolean {
  return answer.kind === "good" || answer.kind === "refused";
}

function beginsWith(bytes: Uint8Array, head: Uint8Array): boolean {
  return bytes.length >= head.length && head.every((byte, i) => bytes[i] === byte);
}

/** When the first byte behind `skip` came, from when the question had left. */
function latencyOf(heard: Heard, skip: number): number | undefined {
  let seen = 0;
  for (const { at, bytes } of heard.chunks) {
    seen += bytes.length;
    if (seen > skip) return Math.max(0, at - heard.leftAt);
  }
  return undefined;
}

/** Answers that begin as they should though their rest is spoilt: then the format is right. */
function likeAnswers(samples: readonly Sample[]): boolean {
  const alike = samples.filter(
    ({ bytes, question }) => bytes[0] === question.bytes[0] && bytes[1] === question.bytes[1],
  );
  return alike.length >= 2;
}

/** The same speed with other parities first: then the speeds, the usual before the rare. */
function otherFormats(format: LineFormat): readonly LineFormat[] {
  const bauds = [format.baud, ...BAUDS.filter((baud) => baud !== format.baud)];
  return bauds
    .flatMap((baud) => PARITIES.map((parity): LineFormat => ({ ...format, baud, parity })))
    .filter(({ baud, parity }) => baud !== format.baud || parity !== format.parity);
}
