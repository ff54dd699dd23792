/** One piece of work with one meter on a Modbus line: a poll or an order. The line asks, waits, repeats; the task decides. */
import type { ModbusFailure } from "../../protocols/modbus/errors.ts";
import type { ModbusReply, ModbusRequest } from "../../protocols/modbus/message.ts";
import type { OrderNumber } from "../../protocols/orders.ts";
import type { LinkEffect } from "../../src/core/actor.ts";
import type { MeasureValues } from "../../src/core/measures.ts";
import type { Result } from "../../src/core/result.ts";
import type { Civil, Now } from "../../src/core/time.ts";
import type { OrderStep } from "../commands/orders.ts";
import type { ProfilePiece } from "../completeness/interval-book.ts";
import type { PolledMeterConfig } from "../config.ts";
import type { MeterId, ObserveEffect, Order } from "../ports.ts";
import type { ReadBlock } from "../schedule/poll-plan.ts";

/** What sessions tell the collector, beside what they ask of their links. */
export type SessionOutput =
  | LinkEffect
  | ObserveEffect
  | { readonly kind: "polled"; readonly meter: MeterId; readonly time: Civil; readonly values: MeasureValues }
  | { readonly kind: "pollFailed"; readonly meter: MeterId; readonly reason: string }
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
