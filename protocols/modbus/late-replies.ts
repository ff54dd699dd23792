/**
 * Replies on a serial line that may still come after their request was given up. Nothing in the reply to a read says which
 * registers it holds: one that comes late would be taken for that of the next read of the same unit, function and length.
 * Such a read waits until a late reply would have come; any other can be told from it.
 */
import { type ModbusRequest, quantityOf } from "./message.ts";

/** A reply is given up after one timeout; it is still reckoned with until twice that. */
const TIMEOUTS = 2;
const LAST_READ = 4;

interface Owed {
  readonly address: number;
  until: number;
}

export class LateReplies {
  readonly #patience: number;
  readonly #owed = new Map<string, Owed>();

  /** @param responseTimeout µs */
  constructor(responseTimeout: number) {
    this.#patience = TIMEOUTS * responseTimeout;
  }

  /** The request that was sent at `sentAt` got no reply in time. */
  missed(unit: number, request: ModbusRequest, sentAt: number): void {
    const shape = shapeOf(unit, request);
    if (shape === undefined || !("address" in request)) return;
    for (const [key, { until }] of this.#owed) if (until <= sentAt) this.#owed.delete(key);
    this.#owed.set(shape, { address: request.address, until: sentAt + this.#patience });
  }

  /** It was answered: after a timeout perhaps by the late reply to the attempt before, and its own is still to come. */
  answered(unit: number, request: ModbusRequest, sentAt: number): void {
    const owed = this.#owed.get(shapeOf(unit, request) ?? "");
    if (owed !== undefined && owed.until > sentAt) owed.until = sentAt + this.#patience;
  }

  /** When the request may be sent, monotonic µs; the same one again at once, since any reply to it is right. */
  clearAt(unit: number, request: ModbusRequest): number {
    const owed = this.#owed.get(shapeOf(unit, request) ?? "");
    if (owed === undefined || !("address" in request) || owed.address === request.address) return 0;
    return owed.until;
  }

  /** What was on its way on a line that is closed comes no more. */
  clear(): void {
    this.#owed.clear();
  }
}

/** What a reply shows of its request; undefined for what is no read. */
function shapeOf(unit: number, request: ModbusRequest): string | undefined {
  return request.function <= LAST_READ ? `${unit}/${request.function}/${quantityOf(request)}` : undefined;
}
