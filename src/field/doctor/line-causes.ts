/** From what was observed on a line to what is wrong with it: a rule for each cause, each with what it rests on. */
import { showLineFormat } from "../../core/line-format.ts";
import { finding, showBytes } from "./evidence.ts";
import type { Finding } from "./finding.ts";
import { damage, LEAST_ANSWER, missingBias, twoMeters } from "./frame-causes.ts";
import type { Observations, Sample } from "./observe.ts";
import { lumps, slow } from "./timing-causes.ts";

/**
 * Every cause that what was seen speaks for; none on a sound line.
 * @param timeout µs that the user's programs wait for an answer
 */
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
