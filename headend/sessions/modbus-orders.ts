/**
 * Carrying one order to a native meter over Modbus, so that it is done at most once and known to be done:
 *
 *   outcome ─(not ours)→ relay, where a precondition asks for it → sent, once that is stored → unlock → mailbox → outcome …
 *   ─(ours)→ acknowledged → relay or clock read back → verified
 *
 * Nothing that acts leaves before `sent` is stored: an order that is only queued was certainly not carried out.
 * The outcome is read first: after a lost reply or a restart the meter may have done the order already. Repeating the whole
 * sequence is safe, because the meter remembers the id before it acts and answers a known id with its first outcome.
 */
import { EXCEPTION, failureText, type ModbusFailure } from "../../protocols/modbus/errors.ts";
import type { ModbusReply, ModbusRequest } from "../../protocols/modbus/message.ts";
import { type ModbusControl, type ModbusMap, registerCount } from "../../protocols/models/model.ts";
import { decodeValue } from "../../protocols/models/registers.ts";
import { ORDER_OPERATIONS, ORDER_STATUSES, type OrderStatus } from "../../protocols/orders.ts";
import { assert, type Result } from "../../src/core/result.ts";
import { type Civil, MICROS_PER_MS, MICROS_PER_SECOND, type Now } from "../../src/core/time.ts";
import { mayBeDone, type OrderStep } from "../commands/orders.ts";
import type { Order } from "../ports.ts";
import { END, type LineTask, type SessionOutput, type TaskMove } from "./line-task.ts";
import { refusedByMeter, verify } from "./verify.ts";

type Phase = "look" | "check" | "hold" | "unlock" | "mailbox" | "outcome" | "verify";

/** Reads of the outcome after a mailbox write before the sequence begins anew, and the pause between them. */
const OUTCOME_READS = 20;
const OUTCOME_PAUSE = 100 * MICROS_PER_MS;
const FIRST_PAUSE = MICROS_PER_SECOND;
const LONGEST_PAUSE = 30 * MICROS_PER_SECOND;

const OUTCOME_REGISTERS = 6;
const STATUS_BY_CODE = new Map<number, OrderStatus>(
  Object.entries(ORDER_STATUSES).map(([status, code]) => [code, status as OrderStatus]),
);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Until the step that was told is stored. */
const HOLD: TaskMove = { kind: "wait", until: Number.POSITIVE_INFINITY };

/** The first coil of a reply. */
function relayOf(data: Uint8Array): 0 | 1 {
  return (data[0] as number) & 1 ? 1 : 0;
}

export class ModbusOrder implements LineTask {
  #order: Order;
  readonly #map: ModbusMap;
  readonly #control: ModbusControl;
  readonly #password: number;
  #phase: Phase = "look";
  #reads = 0;
  #pause = FIRST_PAUSE;

  constructor(order: Order, map: ModbusMap, password: number) {
    assert(map.control !== undefined, "orders for a model without control are refused before they are queued");
    this.#order = order;
    this.#map = map;
    this.#control = map.control;
    this.#password = password;
  }

  resume(): TaskMove {
    if (this.#phase === "hold") return this.#order.state === "queued" ? HOLD : this.#go("unlock");
    // Other waits are only between reads of the outcome; everything else begins with a look.
    if (this.#phase !== "outcome") this.#phase = "look";
    return this.#ask();
  }

  stored(order: Order): boolean {
    this.#order = order;
    return this.#phase === "hold";
  }

  answer(result: Result<ModbusReply, ModbusFailure>, _taken: Civil, now: Now, out: SessionOutput[]): TaskMove {
    if (!result.ok) return this.#failed(result.error, now, out);
    const { data } = result.value;
    switch (this.#phase) {
      case "look":
        return this.#sawOutcome(data, now, out, "unlock");
      case "check":
        return this.#announce(relayOf(data), out);
      case "hold":
      case "unlock":
        return this.#go("mailbox");
      case "mailbox":
        this.#reads = 0;
        return this.#go("outcome");
      case "outcome":
        return this.#sawOutcome(data, now, out, "outcome");
      case "verify":
        this.#tell(out, verify(this.#order, this.#readBack(data), now.civil));
        return END;
    }
  }

  /** `otherwise`: where to go when the newest outcome is not that of this order. */
  #sawOutcome(data: Uint8Array, now: Now, out: SessionOutput[], otherwise: "unlock" | "outcome"): TaskMove {
    const view = viewOf(data);
    const status = STATUS_BY_CODE.get(view.getUint16(8)) ?? "none";
    if (view.getBigUint64(0) !== BigInt(this.#order.id) || status === "none") {
      if (otherwise === "unlock") return this.#begin(out);
      this.#reads += 1;
      return this.#reads < OUTCOME_READS ? { kind: "wait", until: now.mono + OUTCOME_PAUSE } : this.#again(now);
    }
    this.#tell(out, { state: "acknowledged", outcome: status });
    if (status === "done") return this.#go("verify");
    this.#tell(out, refusedByMeter(status, view.getUint16(10) === 1 ? 1 : 0));
    return END;
  }

  /** The meter is there and does not know the order. */
  #begin(out: SessionOutput[]): TaskMove {
    if (this.#order.state !== "queued") return this.#go("unlock");
    if (this.#order.terms.precondition?.relay !== undefined) return this.#go("check");
    return this.#announce(null, out);
  }

  #announce(relay: 0 | 1 | null, out: SessionOutput[]): TaskMove {
    this.#tell(out, { state: "sent", wire: "modbus", relay });
    this.#phase = "hold";
    return HOLD;
  }

  #failed(failure: ModbusFailure, now: Now, out: SessionOutput[]): TaskMove {
    // Told no is final; silence, noise and a closing window are tried again until the order expires.
    const refused =
      failure.kind === "exception" &&
      mayBeDone(this.#order) &&
      this.#phase !== "look" &&
      failure.code === EXCEPTION.illegalDataValue;
    if (!refused) return this.#again(now);
    const reason =
      this.#phase === "unlock"
        ? "the meter does not take the password: correct it in the configuration"
        : `the meter refused the ${this.#phase} request: ${failureText(failure)}`;
    this.#tell(out, { state: "failed", outcome: null, relay: null, reason });
    return END;
  }

  #again(now: Now): TaskMove {
    this.#phase = "look";
    const until = now.mono + this.#pause;
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
    return { kind: "wait", until };
  }

  #go(phase: Phase): TaskMove {
    this.#phase = phase;
    return this.#ask();
  }

  #ask(): TaskMove {
    return { kind: "ask", request: this.#request() };
  }

  #request(): ModbusRequest {
    switch (this.#phase) {
      case "unlock": {
        const words = new Uint8Array(4);
        viewOf(words).setUint32(0, this.#password);
        return { function: 16, address: this.#control.unlock, words };
      }
      case "mailbox":
        return { function: 16, address: this.#control.mailbox, words: this.#mailbox() };
      case "check":
        return this.#relayRequest();
      case "verify":
        return this.#verifyRequest();
      default:
        return { function: 3, address: this.#control.outcome, quantity: OUTCOME_REGISTERS };
    }
  }

  #mailbox(): Uint8Array {
    const words = new Uint8Array(18);
    const view = viewOf(words);
    view.setBigUint64(0, BigInt(this.#order.id));
    view.setUint16(8, ORDER_OPERATIONS[this.#order.operation]);
    view.setBigInt64(10, BigInt(this.#order.argument));
    return words;
  }

  /** A second read after the acknowledgement: the coil of the relay itself, or the clock register. */
  #verifyRequest(): ModbusRequest {
    if (this.#order.operation !== "clock-set") return this.#relayRequest();
    const entry = this.#clockEntry();
    return {
      function: entry.table === "holding" ? 3 : 4,
      address: entry.address,
      quantity: registerCount(entry.encoding),
    };
  }

  #relayRequest(): ModbusRequest {
    return { function: 1, address: this.#control.relayCoil, quantity: 1 };
  }

  #readBack(data: Uint8Array) {
    if (this.#order.operation !== "clock-set") return { relay: relayOf(data), clock: null };
    return { relay: null, clock: decodeValue(this.#clockEntry(), this.#map.wordOrder, data, 0) ?? null };
  }

  #clockEntry() {
    const entry = this.#map.registers.find((register) => register.measure === "clock");
    assert(entry !== undefined, "clock orders for a model without clock are refused before they are queued");
    return entry;
  }

  #tell(out: SessionOutput[], step: OrderStep): void {
    out.push({ kind: "orderStep", order: this.#order.id, step });
  }
}
