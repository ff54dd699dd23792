/** What the clients of both framings share: their effects, the request in hand, the bounded queue. */
import { failure, type Result } from "../../src/core/result.ts";
import type { ModbusFailure } from "./errors.ts";
import type { ModbusReply, ModbusRequest } from "./message.ts";

export type ClientResult = Result<ModbusReply, ModbusFailure>;

export type ClientEffect =
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** `latency`: µs from the send to the reply's last byte, or to the failure; 0 when it was never sent. */
  | { readonly kind: "done"; readonly ticket: number; readonly result: ClientResult; readonly latency: number };

/** Requests that may wait behind those in flight. */
export const QUEUE_LIMIT = 256;

export interface Pending {
  readonly ticket: number;
  readonly unit: number;
  readonly request: ModbusRequest;
}

export function done(ticket: number, result: ClientResult, latency: number): ClientEffect {
  return { kind: "done", ticket, result, latency };
}

export function refused(ticket: number, detail: string): readonly ClientEffect[] {
  return [done(ticket, failure({ kind: "bad-request", detail }), 0)];
}

export const LINK_DOWN: ClientResult = failure({ kind: "link-down" });
export const TIMEOUT: ClientResult = failure({ kind: "timeout" });

/** One link, whatever its framing. */
export interface LinkClient {
  submit(ticket: number, unit: number, request: ModbusRequest, mono: number): readonly ClientEffect[];
  receive(bytes: Uint8Array, mono: number): readonly ClientEffect[];
  wake(mono: number): readonly ClientEffect[];
  nextWake(): number;
  linkUp(mono: number): readonly ClientEffect[];
  linkDown(mono: number): readonly ClientEffect[];
  readonly outstanding: number;
}
