/** The scenarios of fixtures/events: one for each event that raises it, and one just below its threshold. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import {
  EVENT_KINDS,
  type EventKind,
  type EventPhase,
  type InputKind,
  type InstantKind,
} from "../../../firmware-sim/events/kinds.ts";
import { EventMonitor } from "../../../firmware-sim/events/monitor.ts";
import { eventPlanOf } from "../../../firmware-sim/events/plan.ts";
import { defaultEventSettings, type EventSettings } from "../../../firmware-sim/events/settings.ts";
import type { MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import type { ChipOptions } from "../../../firmware-sim/metrology/front-end.ts";
import { type Mains, mainsOf, stepLoad } from "../../../firmware-sim/metrology/mains.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { METERWORKS_3P } from "../../../protocols/models/meterworks-3p.ts";
import { civil } from "../../../src/core/time.ts";

interface Step {
  readonly seconds: number;
  readonly voltage: number | readonly number[];
  readonly current: number | readonly number[];
  readonly angle?: number | readonly number[];
  readonly voltageAngle?: readonly number[];
  /** Done when the step begins; watts, seconds. */
  readonly demand?: { readonly import?: number; readonly export?: number };
  readonly input?: Readonly<Partial<Record<InputKind, boolean>>>;
  readonly note?: InstantKind;
  readonly outage?: number;
}

export interface Seen {
  readonly kind: EventKind;
  readonly phase: EventPhase;
  readonly start: number;
  readonly end: number | undefined;
}

export interface Scenario {
  readonly event: EventKind;
  readonly raises: { readonly steps: readonly Step[]; readonly expected: readonly Omit<Seen, "kind">[] };
  readonly belowThreshold: { readonly steps: readonly Step[] };
}

const FOLDER = resolve(import.meta.dirname, "../../../fixtures/events");
export const SCENARIOS: readonly Scenario[] = readdirSync(FOLDER)
  .sort()
  .map((name) => JSON.parse(readFileSync(join(FOLDER, name), "utf8")));

/** Every delay of the scenarios, seconds. */
const DELAY = 3;
const { plate, phases } = METERWORKS_3P;

function quickSettings(): EventSettings {
  const settings: Record<string, unknown> = {};
  for (const [kind, fields] of Object.entries(defaultEventSettings(plate, 3)))
    settings[kind] = { ...fields, delay: DELAY };
  return settings as EventSettings;
}

const PLAN = eventPlanOf(quickSettings(), plate, 3);
const PHASES = [0, 1, 2, 3] as const;

/** Runs the steps through a chip, looking every second, and gives every event that was recorded or is open. */
export function runSteps(steps: readonly Step[], chipOf: (options: ChipOptions) => MeteringChip): Seen[] {
  const mains = steps.map(mainsOfStep);
  const load = stepLoad(
    civil(0),
    steps.map(({ seconds }, i) => ({ seconds, mains: mains[i] as Mains })),
  );
  const chip = chipOf({ plate, phases, load, start: civil(0), seed: 7 });
  const monitor = new EventMonitor({ plan: PLAN, nvram: new MemoryNvram(), energies: () => [] });
  let now = 0;
  for (const [i, step] of steps.entries()) {
    const voltageAngle = (mains[i] as Mains).phases.map((p) => ((p.voltageAngle + 360) % 360) * 1000);
    act(monitor, step, now);
    for (const end = now + step.seconds; now < end; now++) {
      chip.advance(civil(now * 1e6), () => {});
      // At the very start a chip by samples has not measured yet.
      monitor.angles(voltageAngle);
      if (now > 0) monitor.observe(chip.readings(), localSecond(now));
      monitor.commit();
    }
  }
  return recorded(monitor);
}

function mainsOfStep(step: Step): Mains {
  const mains = mainsOf({ phases: 3, voltage: step.voltage, current: step.current, angle: step.angle ?? 0 });
  const { voltageAngle } = step;
  if (voltageAngle === undefined) return mains;
  return { ...mains, phases: mains.phases.map((p, i) => ({ ...p, voltageAngle: voltageAngle[i] as number })) };
}

function act(monitor: EventMonitor, step: Step, second: number): void {
  const at = localSecond(second);
  for (const direction of ["import", "export"] as const) {
    const watts = step.demand?.[direction];
    if (watts !== undefined) monitor.demand(direction, watts * 1000, at);
  }
  for (const [kind, on] of Object.entries(step.input ?? {})) monitor.input(kind as InputKind, on, at);
  if (step.note !== undefined) monitor.note(step.note, at);
  if (step.outage !== undefined) monitor.powerRestored(at, localSecond(second + step.outage));
}

/** Every event of the monitor, oldest first within its kind and phase. */
export function recorded(monitor: EventMonitor): Seen[] {
  const seen: Seen[] = [];
  for (const kind of EVENT_KINDS) {
    for (const phase of PHASES) {
      for (let age = 9; age >= 0; age--) {
        const event = monitor.ended(kind, phase, age);
        if (event !== undefined) seen.push({ kind, phase, start: event.start, end: event.end });
      }
      const open = monitor.open(kind, phase);
      if (open !== undefined) seen.push({ kind, phase, start: open.start, end: undefined });
    }
  }
  return seen;
}
