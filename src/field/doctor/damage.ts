/**
 * How a damaged answer differs from a good one to the same question. Reflections spoil the bit behind an edge and no other;
 * noise hits any bit; two meters at a time spoil whole frames.
 */
import { bitsPerCharacter, firstStopBit, type LineFormat, levelsOf } from "../../core/line-format.ts";
import { answered, type Sample } from "./observe.ts";

export interface Damage {
  /** One bit was heard wrong, behind an edge, in so many answers. */
  readonly behindEdge: number;
  /** One bit, amid bits of its own level. */
  readonly amid: number;
  /** More than one bit at a place. */
  readonly other: number;
}

/** Compares each damaged answer with the good one to its question that it is most like; up to the first difference. */
export function compareDamage(samples: readonly Sample[], format: LineFormat): Damage {
  const counts = { behindEdge: 0, amid: 0, other: 0 };
  for (const { question, answer, bytes } of samples) {
    if (answer.kind !== "damaged") continue;
    let [best, at]: [Uint8Array | undefined, number] = [undefined, -1];
    for (const good of samples) {
      if (!answered(good) || good.question !== question || !("frame" in good.answer)) continue;
      const same = sameBytes(good.answer.frame, bytes);
      if (same > at) [best, at] = [good.answer.frame, same];
    }
    // What begins otherwise may be no answer to this question at all.
    if (best === undefined || at < 1 || at >= best.length || at >= bytes.length) continue;
    counts[kindOf(best, at, bytes[at] as number, format)] += 1;
  }
  return counts;
}

/** How many bytes they begin with alike. */
function sameBytes(a: Uint8Array, b: Uint8Array): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}

/** A start bit that is missed may swallow the byte behind it: so far before a difference its cause may lie. */
const BEFORE = 2;

/** Which single wrong bit makes `heard` of byte `at`, and leaves those before it as they are. */
function kindOf(sent: Uint8Array, at: number, heard: number, format: LineFormat): keyof Damage {
  const from = Math.max(0, at - BEFORE);
  const levels = [...sent.subarray(from, at + 3)].flatMap((byte) => bitsOf(byte, format));
  const before = sent.subarray(from, at);
  let amid = false;
  for (let bit = 0; bit < (at - from + 1) * bitsPerCharacter(format); bit++) {
    const bytes = bytesHeard(levels, bit, format, before.length + 1);
    if (bytes.at(-1) !== heard || before.some((byte, i) => bytes[i] !== byte)) continue;
    const edge = levels[bit] !== (bit === 0 ? 1 : levels[bit - 1]);
    if (edge) return "behindEdge";
    amid = true;
  }
  return amid ? "amid" : "other";
}

function bitsOf(byte: number, format: LineFormat): number[] {
  const levels = levelsOf(byte, format);
  return Array.from({ length: bitsPerCharacter(format) }, (_, bit) => (levels >> bit) & 1);
}

/** The first bytes that a receiver reads from these levels with that one turned round: a start bit that is missed comes later. */
function bytesHeard(levels: readonly number[], wrong: number, format: LineFormat, count: number): number[] {
  const at = (bit: number) => (bit === wrong ? 1 - (levels[bit] ?? 1) : (levels[bit] ?? 1));
  const bytes: number[] = [];
  let start = 0;
  while (bytes.length < count) {
    // A fall from high to low begins a character.
    while (start < levels.length && !(at(start) === 0 && (start === 0 || at(start - 1) === 1))) start++;
    let byte = 0;
    for (let i = 0; i < format.dataBits; i++) byte |= at(start + 1 + i) << i;
    bytes.push(byte);
    start += firstStopBit(format) + 1;
  }
  return bytes;
}
