/** When an answer began, by what a line hands over. */
import { type LineFormat, wireTime } from "../../core/line-format.ts";
import type { Heard } from "../probe.ts";

/**
 * Whether characters take their time. A pseudo terminal has a format and no bits: there request and answer took less time
 * than their characters would, and neither rate nor parity can be seen.
 * @param sent bytes of the request
 */
export function isPaced(heard: Heard, sent: number, format: LineFormat): boolean {
  const last = heard.chunks.at(-1);
  return last === undefined || last.at - heard.sentAt >= wireTime(sent + heard.bytes.length, format);
}

/**
 * µs from the end of a request to the beginning of its answer; undefined where nothing came.
 * @param format undefined where characters take no time
 */
export function delayOf(heard: Heard, format: LineFormat | undefined): number | undefined {
  const [first] = heard.chunks;
  if (first === undefined) return undefined;
  if (format === undefined) return first.at - heard.sentAt;
  // The first bytes are handed over when they have come, several at once by some adapters.
  return first.at - heard.leftAt - wireTime(first.bytes.length, format);
}

/** µs of the longest pause inside of what was heard. */
export function longestGap({ chunks }: Heard): number {
  let longest = 0;
  for (const [i, chunk] of chunks.entries()) {
    const before = chunks[i - 1];
    if (before !== undefined) longest = Math.max(longest, chunk.at - before.at);
  }
  return longest;
}
