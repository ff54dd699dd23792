/** What each kind of scheduled work is on a Modbus line. */
import type { EventsSeen } from "../events/records.ts";
import { BillingTask } from "../sessions/billing-task.ts";
import { EventsTask } from "../sessions/events-task.ts";
import type { TaskMaker } from "../sessions/line-task.ts";
import { PollTask } from "../sessions/poll-task.ts";
import type { TaskKind } from "../sessions/work-kinds.ts";
import { planReads } from "./poll-plan.ts";

const plain =
  (kind: TaskKind): TaskMaker =>
  (meter, plan) =>
    new PollTask(meter.id, meter.model.modbus, plan, kind);

export const TASK_MAKERS: Readonly<Partial<Record<TaskKind, TaskMaker>>> = {
  "on-demand": plain("on-demand"),
  billing: (meter, plan) => new BillingTask(meter, plan),
  freeze: plain("freeze"),
  clock: (meter) => new PollTask(meter.id, meter.model.modbus, planReads(meter.model.modbus, ["clock"]), "clock"),
};

/** @param seen what was read of the meter's events last */
export function eventsMaker(seen: EventsSeen | undefined): TaskMaker {
  return (meter) => new EventsTask(meter, seen);
}
