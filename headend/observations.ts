/** What is counted of the collector's work, for metrics and alarms. */
import type { ModbusFailure } from "../protocols/modbus/errors.ts";
import type { LinkId } from "../src/core/actor.ts";
import type { MeterId } from "./ports.ts";

/** What became of a message of a meter. `turned-away` and `not-stored` stay unacknowledged, so their sender repeats them. */
export const MESSAGE_OUTCOMES = [
  "taken",
  "duplicate",
  "refused",
  "not-accepted",
  "answer",
  "ignored",
  "turned-away",
  "not-stored",
] as const;
export type MessageOutcome = (typeof MESSAGE_OUTCOMES)[number];

/** How a request on a line ended: every repetition is a request of its own. */
export const REQUEST_OUTCOMES = [
  "answer",
  "timeout",
  "exception",
  "bad-reply",
  "link-down",
  "bad-request",
] as const satisfies readonly ("answer" | ModbusFailure["kind"])[];
export type RequestOutcome = (typeof REQUEST_OUTCOMES)[number];

/**
 * What is counted and told to nobody: unlike notices, of which a slow sink may lose some, each reaches the driver. What is
 * said of a message comes after its commit, once.
 */
export type Observation =
  /** `took`: µs from the request's sending to the last byte of what came back, or to its failure; 0 when it was never sent. */
  | {
      readonly kind: "request";
      readonly line: LinkId;
      readonly meter: MeterId;
      readonly outcome: RequestOutcome;
      readonly took: number;
    }
  | { readonly kind: "poll"; readonly line: LinkId; readonly ok: boolean }
  | { readonly kind: "message"; readonly outcome: MessageOutcome };

export interface ObserveEffect {
  readonly kind: "observe";
  readonly observation: Observation;
}
