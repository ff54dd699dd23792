/** Where a meter is reached, as the `via` of its record and the cells of a table say it. */
import { failure, type Result, success } from "../../src/core/result.ts";
import type { Place } from "./entry.ts";

/** Of a meter that was on a line and is no longer configured: nothing reaches it. */
export const NOWHERE = "nowhere: it is in no configuration any more";

export function showPlace(place: Place): string {
  return place.kind === "mqtt" ? "mqtt" : `line ${place.line} unit ${place.unit}`;
}

/** The reverse of {@link showPlace}; line names may have blanks. */
export function parsePlace(text: string): Result<Place, string> {
  if (text === "mqtt") return success({ kind: "mqtt" });
  const m = /^line (.{1,200}) unit (\d{1,3})$/.exec(text);
  const unit = Number(m?.[2]);
  if (m !== null && unit >= 1 && unit <= 247) return success({ kind: "line", line: m[1] as string, unit });
  return failure(`"${text}" is no place: write "line NAME unit 1" (units 1 to 247) or "mqtt"`);
}

/** What a `via` says; null for a meter that nothing reaches. */
export function placeOf(via: string): Place | null {
  const parsed = parsePlace(via);
  return parsed.ok ? parsed.value : null;
}

export function samePlace(a: Place | null, b: Place | null): boolean {
  return (a === null ? "" : showPlace(a)) === (b === null ? "" : showPlace(b));
}
