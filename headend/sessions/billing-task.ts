/**
 * A billing read: the usual values, and where the meter closes its registers itself, its newest settlement. Other models have
 * only what they show now, so that the reading counts that was taken as soon after the time as could be.
 */
import { failureText, type ModbusFailure } from "../../protocols/modbus/errors.ts";
import type { ModbusReply } from "../../protocols/modbus/message.ts";
import { FUNCTION_BLOCKS } from "../../protocols/models/function-blocks.ts";
import type { Result } from "../../src/core/result.ts";
import type { Civil, Now } from "../../src/core/time.ts";
import type { PolledMeterConfig } from "../config.ts";
import type { ReadBlock } from "../schedule/poll-plan.ts";
import { decodeSettlement, SETTLEMENT_READ } from "../schedule/settlement.ts";
import { END, type LineTask, type Polled, type SessionOutput, type TaskMove } from "./line-task.ts";
import { PollTask } from "./poll-task.ts";

/** Age 1 is the newest settlement; kind, phase and age of an event are nothing here. */
const NEWEST = Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0);

export class BillingTask implements LineTask {
  readonly #meter: PolledMeterConfig;
  readonly #poll: PollTask;
  #polled: Polled | undefined;

  constructor(meter: PolledMeterConfig, plan: readonly ReadBlock[]) {
    this.#meter = meter;
    this.#poll = new PollTask(meter.id, meter.model.modbus, plan, "billing");
  }

  resume(): TaskMove {
    this.#polled = undefined;
    return this.#poll.resume();
  }

  answer(result: Result<ModbusReply, ModbusFailure>, taken: Civil, now: Now, out: SessionOutput[]): TaskMove {
    if (this.#polled !== undefined) return this.#settled(this.#polled, result, out);
    const told: SessionOutput[] = [];
    const move = this.#poll.answer(result, taken, now, told);
    for (const output of told) {
      if (output.kind === "polled") this.#polled = output;
      else out.push(output);
    }
    if (this.#polled === undefined) return move;
    const base = this.#meter.model.modbus.control?.functions;
    if (base === undefined) {
      out.push(this.#polled);
      return END;
    }
    // Selected and read in one request: the meter has one selector for all who ask.
    const [target, address] = [base + FUNCTION_BLOCKS.selector.offset, base + SETTLEMENT_READ.offset];
    return { kind: "ask", request: { function: 23, address, quantity: SETTLEMENT_READ.count, target, words: NEWEST } };
  }

  /** A refusal is an answer: the meter has no settlement to show. */
  #settled(polled: Polled, result: Result<ModbusReply, ModbusFailure>, out: SessionOutput[]): TaskMove {
    if (result.ok) {
      const settlement = decodeSettlement(result.value.data);
      out.push(settlement === undefined ? polled : { ...polled, settlement });
    } else if (result.error.kind === "exception") out.push(polled);
    else out.push({ kind: "pollFailed", meter: this.#meter.id, purpose: "billing", reason: failureText(result.error) });
    return END;
  }
}
