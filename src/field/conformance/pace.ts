/** When an answer began, by what a line hands over. */
import { type LineFormat, wireTime } from "../../core/line-format.ts";
import type { Heard } from "../probe.ts";

/**
 * µs from the end of a request to the beginning of its answer; undefined where nothing came. A line with a format may still
 * have no bit timing (a pseudo terminal): there request and answer take less time than their bits would, and the delay
 * counts from when the request was handed over.
 * @param sent bytes of the request
 */
export function delayOf(heard: Heard, sent: number, format: LineFormat | undefined): number | undefined {
  const [first] = heard.chunks;
  const last = heard.chunks.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const fromStart = first.at - heard.sentAt;
  if (format === undefined) return fromStart;
  const onWire = wireTime(sent + heard.bytes.length, format);
  if (last.at - heard.sentAt < onWire) return fromStart;
  // The first bytes are handed over when they have come.
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
