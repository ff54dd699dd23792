import { describe, expect, test } from "vitest";
import { EVENT_KINDS } from "../../../firmware-sim/events/kinds.ts";
import type { MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { CycleChip } from "../../../firmware-sim/metrology/cycle-chip.ts";
import type { ChipOptions } from "../../../firmware-sim/metrology/front-end.ts";
import { SampledChip } from "../../../firmware-sim/metrology/sampled-chip.ts";
import { runSteps, SCENARIOS, type Seen } from "./scenarios.ts";

const FIDELITIES: readonly (readonly [string, (options: ChipOptions) => MeteringChip])[] = [
  ["samples", (options) => new SampledChip(options)],
  ["cycles", (options) => new CycleChip(options)],
];
const closedForm = (options: ChipOptions) => new ClosedFormChip(options);

test("every event has its scenario", () => {
  expect(SCENARIOS.map((s) => s.event).sort()).toEqual([...EVENT_KINDS].sort());
});

describe.each(SCENARIOS)("$event", ({ event, raises, belowThreshold }) => {
  const whole = runSteps(raises.steps, closedForm);
  const below = runSteps(belowThreshold.steps, closedForm);

  test("is raised, on its phases, at its second", () => {
    const own = whole.filter((seen) => seen.kind === event).map(({ phase, start, end }) => ({ phase, start, end }));
    expect(own).toEqual(raises.expected);
  });

  test("is not raised just below its threshold", () => {
    expect(below.filter((seen) => seen.kind === event)).toEqual([]);
  });

  test.each(FIDELITIES)("by %s: the same events, a window later at most", (_name, chipOf) => {
    for (const [steps, expected] of [
      [raises.steps, whole],
      [belowThreshold.steps, below],
    ] as const) {
      const seen = runSteps(steps, chipOf);
      expect(seen.map(nameOf)).toEqual(expected.map(nameOf));
      for (const [i, { start, end }] of seen.entries()) {
        const { start: first, end: last } = expected[i] as Seen;
        expect(start - first === 0 || start - first === 1).toBe(true);
        if (end !== undefined && last !== undefined) expect(end - last === 0 || end - last === 1).toBe(true);
      }
    }
  });
});

/** What it is and whether it goes on. */
function nameOf({ kind, phase, end }: Seen): string {
  return `${kind} ${phase} ${end === undefined ? "open" : "ended"}`;
}
