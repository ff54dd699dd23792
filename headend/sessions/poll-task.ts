/**
 * Reads all blocks of a meter's plan; together they are one reading. Its time is that of the block with the
 * cumulative energy: there a second matters (with simulated speed the blocks are minutes apart), elsewhere not.
 */
import { failureText, type ModbusFailure } from "../../protocols/modbus/errors.ts";
import type { ModbusReply } from "../../protocols/modbus/message.ts";
import type { ModbusMap } from "../../protocols/models/model.ts";
import type { MeasureValues } from "../../src/core/measures.ts";
import { assert, type Result } from "../../src/core/result.ts";
import type { Civil, Now } from "../../src/core/time.ts";
import { registerContact } from "../clock/desk.ts";
import type { Contact } from "../clock/offset.ts";
import type { MeterId } from "../ports.ts";
import { decodeBlock, type ReadBlock } from "../schedule/poll-plan.ts";
import { END, type LineTask, type SessionOutput, type TaskMove } from "./line-task.ts";
import type { WorkKind } from "./work-kinds.ts";

export class PollTask implements LineTask {
  readonly #meter: MeterId;
  readonly #purpose: WorkKind;
  readonly #map: ModbusMap;
  readonly #plan: readonly ReadBlock[];
  readonly #stamped: number;
  #values: MeasureValues = {};
  #next = 0;
  #time: Civil | undefined;
  #contact: Contact | undefined;

  constructor(meter: MeterId, map: ModbusMap, plan: readonly ReadBlock[], purpose: WorkKind) {
    this.#meter = meter;
    this.#purpose = purpose;
    this.#map = map;
    this.#plan = plan;
    const energy = plan.findIndex((block) => block.entries.some(({ entry }) => entry.measure === "activeEnergyImport"));
    this.#stamped = energy < 0 ? plan.length - 1 : energy;
  }

  /** A reading is of one moment: what was read before the line was lost is read again. */
  resume(): TaskMove {
    this.#values = {};
    this.#next = 0;
    return this.#ask();
  }

  answer(result: Result<ModbusReply, ModbusFailure>, taken: Civil, now: Now, out: SessionOutput[]): TaskMove {
    if (!result.ok) {
      out.push({ kind: "pollFailed", meter: this.#meter, purpose: this.#purpose, reason: failureText(result.error) });
      return END;
    }
    Object.assign(this.#values, decodeBlock(this.#map, this.#block(), result.value.data));
    if (this.#next === this.#stamped) this.#time = taken;
    if (this.#block().entries.some(({ entry }) => entry.measure === "clock")) {
      const { clock } = this.#values;
      this.#contact = clock === undefined || clock === null ? undefined : registerContact(clock, taken, now.civil);
    }
    this.#next += 1;
    if (this.#next < this.#plan.length) return this.#ask();
    assert(this.#time !== undefined, "one of the blocks gives the time");
    const [meter, purpose, time, values] = [this.#meter, this.#purpose, this.#time, this.#values];
    const contact = this.#contact === undefined ? {} : { contact: this.#contact };
    out.push({ kind: "polled", meter, purpose, source: "modbus", time, values, ...contact });
    return END;
  }

  #block(): ReadBlock {
    const block = this.#plan[this.#next];
    assert(block !== undefined, "a plan has at least one block");
    return block;
  }

  #ask(): TaskMove {
    const { function: code, address, quantity } = this.#block();
    return { kind: "ask", request: { function: code, address, quantity } };
  }
}
