/** Questions that nobody should answer: where somebody does, the same meter would be found again and again. */
import { MAX_UNIT } from "../../../protocols/modbus/frame.ts";
import type { LineFormat } from "../../core/line-format.ts";
import type { Probe } from "../probe.ts";
import { answersAt } from "./dlt645.ts";
import type { FoundMeter } from "./found.ts";
import { signOn } from "./iec62056-21.ts";
import type { ScanLine } from "./line.ts";
import { askUnit, requestOf } from "./modbus.ts";

/** Hardly any meter's own, and none's after its readout. */
const STRANGE_BAUD = 600;

/** Whether a meter that was found at `format` answers at a speed that can't be its own. The line is at `format` again behind it. */
export function* answersAtAnySpeed(line: ScanLine, meter: FoundMeter, format: LineFormat): Probe<boolean> {
  yield* line.set({ ...format, baud: format.baud === STRANGE_BAUD ? 2 * STRANGE_BAUD : STRANGE_BAUD });
  const answered = yield* answers(line, meter);
  yield* line.set(format);
  return answered;
}

function* answers(line: ScanLine, { protocol, unit = 0, address = "" }: FoundMeter): Probe<boolean> {
  if (protocol === "iec62056-21") return (yield* signOn(line)).meter !== undefined;
  if (protocol === "dlt645") return yield* answersAt(line, address);
  return (yield* askUnit({ line, framing: protocol, unit }, requestOf(4))).kind === "answer";
}

/** Whether a Modbus TCP server answers for a unit that hardly exists; false where all of them are `sought`. */
export function* answersAnyUnit(line: ScanLine, sought: readonly number[]): Probe<boolean> {
  const unit = [MAX_UNIT, MAX_UNIT - 1].find((one) => !sought.includes(one));
  if (unit === undefined) return false;
  return (yield* askUnit({ line, framing: "modbus-tcp", unit }, requestOf(4))).kind === "answer";
}
