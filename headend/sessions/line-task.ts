/** One piece of work with one meter on a Modbus line. The line asks, waits, repeats; the task decides. */
import type { ModbusFailure } from "../../protocols/modbus/errors.ts";
import type { ModbusReply, ModbusRequest } from "../../protocols/modbus/message.ts";
import type { OrderNumber } from "../../protocols/orders.ts";
import type { LinkEffect } from "../../src/core/actor.ts";
import type { MeasureValues } from "../../src/core/measures.ts";
import type { Result } from "../../src/core/result.ts";
import type { Civil, Now } from "../../src/core/time.ts";
import type { Contact } from "../clock/offset.ts";
import type { OrderStep } from "../commands/orders.ts";
import type { ProfilePiece } from "../completeness/interval-book.ts";
import type { PolledMeterConfig } from "../config.ts";
import type { EventsSeen, MeterEventRecord } from "../events/records.ts";
import type { ObserveEffect } from "../observations.ts";
import type { MeterId, MeterReading, Order } from "../ports.ts";
import type { ReadBlock } from "../schedule/poll-plan.ts";
import type { Settlement } from "../schedule/settlement.ts";
import type { WorkKind } from "./work-kinds.ts";

/** A reading that was asked for. */
export interface Polled {
  readonly kind: "polled";
  readonly meter: MeterId;
  readonly purpose: WorkKind;
  readonly source: MeterReading["source"];
  readonly time: Civil;
  readonly values: MeasureValues;
  /** What the meter itself closed at the time, where it was asked for and keeps it. */
  readonly settlement?: Settlement;
  /** Where the meter told its own time: by the head-end's clock, between what moments it was told. */
  readonly contact?: Contact;
}

/** What sessions tell the collector, beside what they ask of their links. */
export type SessionOutput =
  | LinkEffect
  | ObserveEffect
  | Polled
  | { readonly kind: "pollFailed"; readonly meter: MeterId; readonly purpose: WorkKind; readonly reason: string }
  | {
      readonly kind: "eventsRead";
      readonly meter: MeterId;
      readonly events: readonly MeterEventRecord[];
      readonly seen: EventsSeen;
    }
  | { readonly kind: "profiled"; readonly piece: ProfilePiece }
  /** Nothing more comes of what a meter was asked of its load profile; `reason` is empty where it gave all it has. */
  | { readonly kind: "profileEnd"; readonly meter: MeterId; readonly progress: boolean; readonly reason: string }
  | { readonly kind: "orderStep"; readonly order: OrderNumber; readonly step: OrderStep };

export type TaskMove =
  | { readonly kind: "ask"; readonly request: ModbusRequest }
  /** The line may do other work until then (monotonic µs). */
  | { readonly kind: "wait"; readonly until: number }
  | { readonly kind: "end" };

export interface LineTask {
  /** The first move, the one after a wait, and the one after the line was lost in between. */
  resume(now: Now, out: SessionOutput[]): TaskMove;
  /**
   * The answer to what was asked, after the line's own retries.
   * @param taken civil time at which the meter took its values, as well as it can be told from outside
   */
  answer(result: Result<ModbusReply, ModbusFailure>, taken: Civil, now: Now, out: SessionOutput[]): TaskMove;
  /** Orders: a step of it is stored. True when the task waited for that and wants to be resumed. */
  stored?(order: Order): boolean;
}

export const END: TaskMove = { kind: "end" };

/** Makes a task for a meter as it is configured; `plan` are the reads that give its usual values. */
export type TaskMaker = (meter: PolledMeterConfig, plan: readonly ReadBlock[]) => LineTask;

const TOLD: ReadonlySet<SessionOutput["kind"]> = new Set([
  ...(["observe", "polled", "pollFailed", "profiled", "profileEnd", "orderStep"] as const),
]);

/** Whether it is asked of a link, and not told to the collector. */
export function isForLink(output: SessionOutput): output is LinkEffect {
  return !TOLD.has(output.kind);
}
