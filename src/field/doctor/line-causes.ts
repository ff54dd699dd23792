/** From what was observed on a line to what is wrong with it: a rule for each cause, each with what it rests on. */
import { toHex } from "../../core/bytes.ts";
import { type LineFormat, showLineFormat, wireTime } from "../../core/line-format.ts";
import { MICROS_PER_MS } from "../../core/time.ts";
import { compareDamage } from "./damage.ts";
import type { Cause, Confidence, Finding } from "./finding.ts";
import { answered, type Observations, type Sample } from "./observe.ts";

export function lineFindings(seen: Observations, timeout: number): readonly Finding[] {
  if (seen.closed !== undefined) return [finding("unreachable", "certain", [seen.closed])];
  const samples = working(seen);
  const findings = [...echo(seen), ...formats(seen)];
  if (!seen.alive) return [...findings, ...silence(seen, samples)];
  const many = twoMeters(samples);
  if (many.length > 0) return [...findings, ...many];
  const bias = missingBias(samples);
  findings.push(...slow(samples, timeout), ...lumps(samples, seen.found), ...bias);
  findings.push(...damage(seen, samples, bias.length > 0));
  return findings;
}

/** What was asked where the meter answers; everything where it does not. */
export function working({ first, rest, asked, found, tried }: Observations): readonly Sample[] {
  if (asked !== undefined && found === undefined) return [...first, ...tried.map(({ sample }) => sample)];
  if (asked === found) return [...first, ...rest];
  return [...tried.filter(({ format }) => format === found).map(({ sample }) => sample), ...rest];
}

function finding(cause: Cause, confidence: Confidence, evidence: readonly string[]): Finding {
  return { cause, confidence, evidence };
}

const SHOWN = 32;

/** Bytes as evidence, cut where they are many. */
export function showBytes(bytes: Uint8Array): string {
  const text = toHex(bytes.subarray(0, SHOWN), " ");
  return bytes.length > SHOWN ? `${text} … (${bytes.length} bytes)` : text;
}

function ms(micros: number): string {
  return `${Math.round(micros / MICROS_PER_MS)} ms`;
}

function echo({ first, tried }: Observations): Finding[] {
  const all = [...first, ...tried.map(({ sample }) => sample)];
  const echoed = all.filter((sample) => sample.echo);
  const [one] = echoed;
  if (one === undefined || 2 * echoed.length < all.length) return [];
  const sent = showBytes(one.question.bytes);
  return [
    finding("echo", "certain", [`sent ${sent}`, `and heard the same at once, ${echoed.length} of ${all.length} times`]),
  ];
}

function formats({ asked, found, first, tried }: Observations): Finding[] {
  if (asked === undefined || found === undefined || asked === found) return [];
  const answer = tried.at(-1)?.sample;
  const evidence = [
    `${first.length} questions at ${showLineFormat(asked)}: no good answer`,
    `at ${showLineFormat(found)} the meter answers ${showBytes(answer?.bytes ?? new Uint8Array(0))}`,
  ];
  return [finding(asked.baud === found.baud ? "wrong-parity" : "wrong-baud", "certain", evidence)];
}

/** An answer has at least five bytes; what the driver leaves behind has one or two. */
const LEAST_ANSWER = 4;

function silence({ found, first, inverted, unasked }: Observations, all: readonly Sample[]): Finding[] {
  const [turned] = inverted;
  // An adapter that hears itself and did not this time has heard itself badly: no answer.
  const echoes = first.some((sample) => sample.echo);
  const answers = inverted.filter(({ bytes, echo }) => bytes.length >= LEAST_ANSWER && echo === echoes);
  if (turned !== undefined && answers.length === inverted.length) {
    const evidence = [
      `${all.length} questions as usual: no good answer`,
      `the same question with every level turned round was answered: ${showBytes(turned.bytes)}`,
    ];
    return [finding("swapped-wires", "certain", evidence)];
  }
  const many = twoMeters(found === undefined ? first : all);
  if (many.length > 0) return many;
  const breaks = all.filter(({ bytes }) => bytes.length === 1 && bytes[0] === 0);
  if (breaks.length >= 3 && 2 * breaks.length > all.length) {
    const evidence = [`a single 00 behind ${breaks.length} of ${all.length} questions: the free line reads as a break`];
    return [finding("swapped-wires", "likely", evidence)];
  }
  const heard = all.find(({ bytes }) => bytes.length > 0);
  const evidence = [`${all.length} questions, no good answer`];
  if (heard !== undefined) evidence.push(`heard instead: ${showBytes(heard.bytes)}`);
  if (unasked.length > 0) evidence.push(`somebody else speaks on this line: ${showBytes(unasked)}`);
  return [finding("no-traffic", heard === undefined ? "certain" : "possible", evidence)];
}

/** Answers that spoil each other come to nearly every question; noise leaves some alone. */
function twoMeters(samples: readonly Sample[]): Finding[] {
  const twice = samples.filter(({ answer }) => "twice" in answer && answer.twice);
  const [double] = twice;
  if (double !== undefined && twice.length >= 2)
    return [
      finding("two-meters", "certain", [
        `two whole answers to one question, ${twice.length} times: ${showBytes(double.bytes)}`,
      ]),
    ];
  // Noise spoils questions too, which are then not answered.
  if (samples.filter(({ answer }) => answer.kind === "silent").length > samples.length / 20) return [];
  for (const same of byQuestion(samples)) {
    const damaged = same.filter(({ answer, bytes }) => answer.kind === "damaged" && bytes.length >= LEAST_ANSWER);
    const [one, other] = damaged;
    if (one === undefined || damaged.length < 4 || damaged.length < 0.9 * same.length) continue;
    const evidence = [
      `${damaged.length} of ${same.length} answers to the same question are spoilt, and none is missing`,
      `such as ${showBytes(one.bytes)}`,
      `and ${showBytes(other?.bytes ?? one.bytes)}`,
    ];
    return [finding("two-meters", "likely", evidence)];
  }
  return [];
}

function byQuestion(samples: readonly Sample[]): readonly (readonly Sample[])[] {
  return [...new Set(samples.map(({ question }) => question))].map((question) =>
    samples.filter((sample) => sample.question === question),
  );
}

function missingBias(samples: readonly Sample[]): Finding[] {
  const strays = samples.filter(isStray);
  const [one] = strays;
  if (one === undefined || strays.length < 2) return [];
  const evidence = [`a 00 or FF beside ${strays.length} of ${samples.length} answers: ${showBytes(one.bytes)}`];
  return [finding("missing-bias", strays.length >= 4 ? "certain" : "likely", evidence)];
}

/** All bits low or all high, of eight or of seven. */
const FREE_LINE = [0x00, 0xff, 0x7f];

/** A whole answer with one byte beside it, of all bits alike: the level of a line that nobody drives. */
function isStray({ answer }: Sample): boolean {
  if (!("frame" in answer) || answer.twice) return false;
  const extra = [...answer.lead, ...answer.trail];
  return extra.length > 0 && extra.length <= 2 && extra.every((byte) => FREE_LINE.includes(byte));
}

function slow(samples: readonly Sample[], timeout: number): Finding[] {
  const latencies = samples.filter(answered).map(({ latency }) => latency ?? 0);
  const late = latencies.filter((latency) => latency > timeout);
  // One that is late among many was held up by something else.
  if (late.length === 0 || late.length < latencies.length / 10) return [];
  const evidence = [
    `${late.length} of ${latencies.length} answers came after more than ${ms(timeout)}`,
    `the slowest after ${ms(Math.max(...latencies))}`,
  ];
  return [finding("slow-meter", 2 * late.length > latencies.length ? "certain" : "likely", evidence)];
}

/** From so long a gap on, inside of a frame, bytes were held back. */
const LUMP_GAP = 4 * MICROS_PER_MS;

/** A gap in an answer behind which bytes come at once that would have filled it on the wire. */
function lumps(samples: readonly Sample[], format: LineFormat | undefined): Finding[] {
  if (format === undefined) return [];
  let [lumpy, long] = [0, 0];
  let shown = "";
  for (const { heard, bytes } of samples.filter(answered)) {
    if (wireTime(bytes.length, format) < 2 * LUMP_GAP) continue;
    long += 1;
    const held = heard.chunks.findIndex(({ at, bytes: chunk }, i) => {
      const gap = at - (heard.chunks[i - 1]?.at ?? Number.POSITIVE_INFINITY);
      return gap >= LUMP_GAP && wireTime(chunk.length, format) >= gap / 2 && chunk.length > 2;
    });
    if (held < 0) continue;
    lumpy += 1;
    shown ||= heard.chunks
      .map(({ at, bytes: chunk }) => `${chunk.length} bytes at ${ms(at - heard.leftAt)}`)
      .join(", ");
  }
  if (lumpy < 3 || 2 * lumpy < long) return onClock(samples);
  return [finding("adapter-latency", "certain", [`${lumpy} of ${long} longer answers came in lumps: ${shown}`])];
}

/** FTDI adapters as they are delivered. */
const LATENCY_TIMER = 16 * MICROS_PER_MS;

/** Answers too short for a gap: they all are handed over at the strokes of one clock. */
function onClock(samples: readonly Sample[]): Finding[] {
  const chunks = samples.filter(answered).flatMap(({ heard }) => heard.chunks);
  const several = chunks.filter(({ bytes }) => bytes.length > 1);
  if (several.length < 12 || 2 * several.length < chunks.length) return [];
  const turns = several.map(({ at }) => (2 * Math.PI * at) / LATENCY_TIMER);
  const [x, y] = [Math.cos, Math.sin].map((part) => turns.reduce((sum, turn) => sum + part(turn), 0) / turns.length);
  if (Math.hypot(x ?? 0, y ?? 0) < 0.98) return [];
  const evidence = [`${several.length} answers were handed over a whole multiple of ${ms(LATENCY_TIMER)} apart`];
  return [finding("adapter-latency", "likely", evidence)];
}

/** About every second bit of a frame is behind an edge, so noise rarely hits so many of them: alone, or with a few others. */
const [FEW_EDGES, ENOUGH_EDGES] = [5, 8];

function damage(seen: Observations, samples: readonly Sample[], drifts: boolean): Finding[] {
  const bad = samples.filter((sample) => !answered(sample));
  const loose = samples.filter((sample) => answered(sample) && !isStray(sample) && hasExtra(sample));
  if (bad.length + loose.length === 0) return [];
  const damaged = bad.filter(({ answer }) => answer.kind === "damaged");
  // A stray byte before the question spoils it for the meter.
  if (drifts && damaged.length + loose.length <= samples.length / 10) return [];
  const evidence = [
    `of ${samples.length} answers ${damaged.length} were damaged, ${bad.length - damaged.length} missing`,
  ];
  const [one] = damaged;
  if (one !== undefined) evidence.push(`such as ${showBytes(one.bytes)}`);
  if (seen.found !== undefined) {
    const { behindEdge, amid, other } = compareDamage(samples, seen.found);
    if (behindEdge + amid + other > 0)
      evidence.push(
        `first wrong: one bit behind an edge ${behindEdge}, one amid equal bits ${amid}, more than one ${other}`,
      );
    const elsewhere = amid + other;
    if (behindEdge >= (elsewhere === 0 ? FEW_EDGES : ENOUGH_EDGES) && behindEdge >= 4 * elsewhere)
      return [finding("missing-termination", "likely", evidence)];
  }
  return [finding("noise", bad.length >= 3 ? "likely" : "possible", evidence)];
}

function hasExtra({ answer }: Sample): boolean {
  return "frame" in answer && answer.lead.length + answer.trail.length > 0;
}
