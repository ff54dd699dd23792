/** Causes that show in when bytes come: a meter that is slow, an adapter that hands over lumps. */
import { type LineFormat, wireTime } from "../../core/line-format.ts";
import { MICROS_PER_MS } from "../../core/time.ts";
import { finding, ms } from "./evidence.ts";
import type { Finding } from "./finding.ts";
import { answered, type Sample } from "./observe.ts";

/** @param timeout µs that the user's programs wait */
export function slow(samples: readonly Sample[], timeout: number): Finding[] {
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
export function lumps(samples: readonly Sample[], format: LineFormat | undefined): Finding[] {
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
