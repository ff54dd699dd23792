/** What may be done with a meter, first things first. A meter has at most one piece of each kind before it. */

export const WORK_KINDS = [
  "order",
  "on-demand",
  "billing",
  "freeze",
  "clock",
  "instantaneous",
  /** What is missing of the load profile: out of what the schedules leave. */
  "gap",
  "events",
] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

/** What is begun from outside; a line makes its polls by itself. */
export type TaskKind = Exclude<WorkKind, "order" | "instantaneous">;

const RANK: ReadonlyMap<WorkKind, number> = new Map(WORK_KINDS.map((kind, i) => [kind, i]));

/** 0 goes first. */
export function rankOf(kind: WorkKind): number {
  return RANK.get(kind) as number;
}

/** Somebody waits for it: it goes between two requests of other work, and a meter in doubt is asked like any other. */
export function isUrgent(kind: WorkKind): boolean {
  return kind === "order" || kind === "on-demand";
}
