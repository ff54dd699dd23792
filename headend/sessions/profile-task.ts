/**
 * Reads open intervals out of a native meter's load profile, six records a request. Function 17 selects and reads in one, so
 * that nobody else's selection comes between. After each request the line is free for what has a higher rank.
 */
import { failureText, type ModbusFailure } from "../../protocols/modbus/errors.ts";
import type { ModbusReply } from "../../protocols/modbus/message.ts";
import {
  ENERGY_CLASS,
  LOAD_PROFILE_BLOCKS,
  NO_PROFILE_VALUE,
  RECORD_HEAD,
  RECORD_STATUS,
  VALUE_REGISTERS,
  WINDOW_HEAD,
} from "../../protocols/models/load-profile-blocks.ts";
import { findMeasureByObis } from "../../src/core/measures.ts";
import type { Result } from "../../src/core/result.ts";
import type { Civil, Now } from "../../src/core/time.ts";
import type { GapRequest } from "../completeness/gap-filler.ts";
import type { ProfileEntry } from "../completeness/interval-book.ts";
import { INTERVAL_ENERGIES } from "../completeness/meter-intervals.ts";
import { END, type LineTask, type SessionOutput, type TaskMove } from "./line-task.ts";

/** Registers that one function 17 reads at most (Modbus application protocol 6.17). */
const READ_LIMIT = 125;
const BY_TIME = 1;

export class ProfileTask implements LineTask {
  readonly #request: GapRequest;
  readonly #base: number;
  /** The place of each energy among the values of a record; undefined until the meter has said what it captures. */
  #columns: readonly number[] | undefined;
  #next: number;
  #progress = false;

  /** @param base of the model's function blocks */
  constructor(request: GapRequest, base: number) {
    this.#request = request;
    this.#base = base;
    this.#next = request.span.from;
  }

  resume(): TaskMove {
    const { minutes } = this.#request;
    const block = this.#columns === undefined ? LOAD_PROFILE_BLOCKS.class : LOAD_PROFILE_BLOCKS.window;
    const words = new Uint8Array(2 * LOAD_PROFILE_BLOCKS.selector.count);
    const view = new DataView(words.buffer);
    for (const [i, word] of [ENERGY_CLASS, 0, minutes, BY_TIME].entries()) view.setUint16(2 * i, word);
    view.setUint32(8, this.#next * 60 * minutes);
    return {
      kind: "ask",
      request: {
        function: 0x17,
        address: this.#base + block.offset,
        quantity: this.#columns === undefined ? block.count : this.#quantity(),
        target: this.#base + LOAD_PROFILE_BLOCKS.selector.offset,
        words,
      },
    };
  }

  answer(result: Result<ModbusReply, ModbusFailure>, _taken: Civil, now: Now, out: SessionOutput[]): TaskMove {
    if (!result.ok) return this.#end(out, failureText(result.error));
    const { data } = result.value;
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    if (this.#columns === undefined) {
      const wrong = this.#readClass(view);
      if (wrong !== undefined) return this.#end(out, wrong);
    } else if (!this.#readWindow(view, out)) return this.#end(out);
    // The rest behind whatever else is due.
    return { kind: "wait", until: now.mono };
  }

  #quantity(): number {
    const width = RECORD_HEAD + VALUE_REGISTERS * (this.#columns?.length ?? 0);
    const most = Math.floor((READ_LIMIT - WINDOW_HEAD) / width);
    return WINDOW_HEAD + width * Math.min(most, this.#request.span.to - this.#next + 1);
  }

  /** What the class captures; a reason where it is of no use. */
  #readClass(view: DataView): string | undefined {
    const [interval, values] = [view.getUint16(0), view.getUint16(6)];
    if (interval === 0 || this.#request.minutes % interval !== 0)
      return `its load profile has an interval of ${interval} minutes, of which ${this.#request.minutes} are no multiple`;
    const keys = Array.from({ length: values }, (_, i) => {
      const code = view.getUint16(8 + 2 * i);
      return findMeasureByObis(`1-0:${code >> 8}.${code & 0xff}.0`)?.key;
    });
    this.#columns = keys.map((key) => (INTERVAL_ENERGIES as readonly (string | undefined)[]).indexOf(key));
    return this.#columns.includes(0) ? undefined : `class ${ENERGY_CLASS} of its load profile does not hold +A`;
  }

  /** @returns whether there is more to ask for */
  #readWindow(view: DataView, out: SessionOutput[]): boolean {
    const { meter, minutes, span } = this.#request;
    const [count, width] = [view.getUint16(0), view.getUint16(2)];
    const here = Math.min(count, Math.floor((view.byteLength / 2 - WINDOW_HEAD) / width));
    const records: ProfileEntry[] = [];
    // Without a record from there on the meter may just not have written it yet.
    let proven = this.#next - 1;
    for (let i = 0; i < here; i++) {
      const at = 2 * (WINDOW_HEAD + i * width);
      const interval = Math.floor(view.getUint32(at) / (60 * minutes));
      // After the clock was set back records of a second time follow: the first ones hold.
      if (interval <= proven) continue;
      if (interval <= span.to) records.push(this.#entry(view, at, interval));
      proven = Math.min(interval, span.to);
    }
    const from = this.#next;
    this.#next = proven + 1;
    if (proven < from) return false;
    this.#progress = true;
    out.push({ kind: "profiled", piece: { meter, from, proven, records } });
    return this.#next <= span.to;
  }

  #entry(view: DataView, at: number, interval: number): ProfileEntry {
    const status = view.getUint16(at + 4);
    const energies: (number | null)[] = INTERVAL_ENERGIES.map(() => null);
    for (const [i, place] of (this.#columns ?? []).entries()) {
      const value = view.getBigInt64(at + 2 * (RECORD_HEAD + VALUE_REGISTERS * i));
      if (place >= 0 && value !== NO_PROFILE_VALUE) energies[place] = Number(value);
    }
    return { interval, clockDoubt: (status & (RECORD_STATUS.clockChanged | RECORD_STATUS.clockDoubt)) !== 0, energies };
  }

  #end(out: SessionOutput[], reason = ""): TaskMove {
    out.push({ kind: "profileEnd", meter: this.#request.meter, progress: this.#progress, reason });
    return END;
  }
}
