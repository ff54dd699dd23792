/** What was heard and was no answer, in one sentence for people. */
import { toHex } from "../../core/bytes.ts";
import { type LineFormat, showLineFormat } from "../../core/line-format.ts";

const MOST_PLACES = 4;
const MOST_BYTES = 12;

export class Garbles {
  /** By setting and unit, in the order in which they were heard. */
  readonly #places = new Map<string, Uint8Array>();

  /** @param unit who was asked; undefined where nobody in particular was */
  add(format: LineFormat | undefined, unit: number | undefined, bytes: Uint8Array): void {
    const who = unit === undefined ? [] : [`unit ${unit}`];
    const place = [...(format === undefined ? [] : [showLineFormat(format)]), ...who].join(" ");
    if (!this.#places.has(place)) this.#places.set(place, bytes);
  }

  /** None or one. */
  notes(): readonly string[] {
    const [first, ...others] = this.#places;
    if (first === undefined) return [];
    const [place, bytes] = first;
    const shown = toHex(bytes.subarray(0, MOST_BYTES), " ");
    const rest = others.length < MOST_PLACES ? [] : [`and at ${others.length + 1 - MOST_PLACES} more`];
    const places = [`${place} (first ${shown})`, ...others.slice(0, MOST_PLACES - 1).map(([other]) => other), ...rest];
    return [`bytes that are no answer were heard at ${places.join(", ")}`];
  }
}
