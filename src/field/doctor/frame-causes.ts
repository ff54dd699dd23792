/** Causes that spoil answers, or put bytes beside them: two meters at a time, a free line that drifts, noise, reflections. */
import { compareDamage } from "./damage.ts";
import { finding, showBytes } from "./evidence.ts";
import type { Finding } from "./finding.ts";
import { answered, type Observations, type Sample } from "./observe.ts";

/** An answer has at least five bytes; what the driver leaves behind has one or two. */
export const LEAST_ANSWER = 4;

/** Answers that spoil each other come to nearly every question; noise leaves some alone. */
export function twoMeters(samples: readonly Sample[]): Finding[] {
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

/** The level of a free line, heard as a byte beside answers. */
export function missingBias(samples: readonly Sample[]): Finding[] {
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

/** About every second bit of a frame is behind an edge, so noise rarely hits so many of them: alone, or with a few others. */
const [FEW_EDGES, ENOUGH_EDGES] = [5, 8];

/**
 * Noise or reflections, by which bits are wrong.
 * @param drifts the line lacks its bias: a question that is missing then needs no other cause
 */
export function damage(seen: Observations, samples: readonly Sample[], drifts: boolean): Finding[] {
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
