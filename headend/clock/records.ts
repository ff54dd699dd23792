/** What is kept of meters' clocks: how each stands, and the jumps. */
import { type Civil, civil, toIso } from "../../src/core/time.ts";
import type { Draft } from "../books.ts";
import { Shelf } from "../documents.ts";
import type { MeterId, StoredDocument } from "../ports.ts";

export interface ClockState {
  readonly meter: MeterId;
  /** Meter minus head-end, µs, give or take `uncertainty`. */
  readonly offset: number;
  readonly uncertainty: number;
  readonly measuredAt: Civil;
  /** When the head-end last asked for a correction. */
  readonly corrected: Civil | null;
  /** Since when the clock is farther off than the head-end corrects by itself. */
  readonly alarm: Civil | null;
  readonly lastJump: ClockJump | null;
}

export const CLOCKS = "clock";
export const CLOCK_JUMPS = "clock-jumps";

export function clockFrom(text: string): ClockState {
  const state = JSON.parse(text) as ClockState;
  if (typeof state.offset !== "number" || typeof state.measuredAt !== "number")
    throw new Error("a document of a meter's clock can't be read: the store is damaged");
  return state;
}

/** By meter. */
export function clockShelf(documents: readonly StoredDocument[]): Shelf<ClockState> {
  return new Shelf<ClockState>(CLOCKS, { encode: JSON.stringify, decode: clockFrom, live: () => true }, documents);
}

/** A clock that was moved at some time from `from` to `to`, by the head-end's clock. */
export interface ClockJump {
  readonly from: Civil;
  readonly to: Civil;
  /** Offsets before and after, µs. */
  readonly before: number;
  readonly after: number;
  /** order: a correction was asked for in between. */
  readonly cause: "order" | "unknown";
}

/**
 * Whether times by the meter's own clock from `from` to `to` may be wrong by its newest jump: they lie about it, by the
 * clock as it went before or after.
 */
export function isDoubted(state: ClockState | undefined, from: Civil, to: Civil): boolean {
  const jump = state?.lastJump;
  if (jump === null || jump === undefined) return false;
  const [low, high] = [Math.min(jump.before, jump.after, 0), Math.max(jump.before, jump.after, 0)];
  return from <= jump.to + high && to >= jump.from + low;
}

export function putJump(meter: MeterId, jump: ClockJump, draft: Draft): void {
  const key = `${meter}/${toIso(jump.to)}`;
  const text = JSON.stringify(jump);
  draft.records.push({ kind: "document", document: { collection: CLOCK_JUMPS, key, live: false, text } });
}

export function jumpFrom({ text }: StoredDocument): ClockJump {
  const jump = JSON.parse(text) as ClockJump;
  return { ...jump, from: civil(jump.from), to: civil(jump.to) };
}
