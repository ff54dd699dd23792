/** The doctor's questions in DL/T 645-2007: the address, and identifiers that are read (functions 13 and 11). */
import { ANY_METER, encodeFrame, frameAt, frameLength, inspect, PREAMBLE } from "../../../protocols/dlt645/frame.ts";
import { ABNORMAL } from "../../../protocols/dlt645/functions.ts";
import { type Identifier, identifier } from "../../../protocols/dlt645/identifier.ts";
import { type Dlt645Request, encodeRequest, FUNCTION_OF } from "../../../protocols/dlt645/message.ts";
import { measuresOfStep, readPlanDlt645 } from "../../../protocols/dlt645/read-plan.ts";
import { parseReply } from "../../../protocols/dlt645/reply.ts";
import type { MeasureValues } from "../../core/measures.ts";
import type { WiringPlan } from "./doctor.ts";
import { WIRING_MEASURES } from "./electrical.ts";
import { findAnswer, type Question, type Tongue } from "./question.ts";

/** FE before a request: as many as meters may need to wake up. */
const AWAKE = 4;
/** Voltages as one block: the answer moves, and is longer than others. */
const VOLTAGES = identifier(0x0201_ff00);
const ENERGY = identifier(0x0001_0000);

/** Amperes: the meter does not say its rating, and direct meters of 5 A are exact from here on. */
const LEAST_CURRENT = 0.1;

/** @param address undefined: any meter, on a line with one */
export function dlt645Tongue(address: string | undefined): Tongue {
  const short: Dlt645Request = address === undefined ? { kind: "read-address" } : { kind: "read", identifier: ENERGY };
  return {
    short: dlt645Question(address, short),
    long: dlt645Question(address, { kind: "read", identifier: VOLTAGES }),
  };
}

/** What the wiring is judged by; phases that a meter does not have come without a value. */
export function dlt645Wiring(address: string | undefined): WiringPlan {
  const steps = readPlanDlt645(WIRING_MEASURES).filter(({ identifiers }) => identifiers.length === 1);
  const reads = steps.map((step) => ({
    question: dlt645Question(address, { kind: "read", identifier: step.identifiers[0] as Identifier }),
    values: (frame: Uint8Array): MeasureValues => {
      const { control, data } = frameAt(frame, wakeLength(frame, 0));
      const reply = parseReply(control, data);
      const values =
        reply.ok && reply.value.kind === "data" ? measuresOfStep(step, [reply.value.data]) : { ok: false as const };
      return values.ok ? values.value : {};
    },
  }));
  return { model: { phases: 3, pfSign: "direction", leastCurrent: LEAST_CURRENT }, reads, refusals: "usual" };
}

function dlt645Question(address: string | undefined, request: Dlt645Request): Question {
  const frame = { address: address ?? ANY_METER, control: FUNCTION_OF[request.kind], data: encodeRequest(request) };
  const whole = (heard: Uint8Array, at: number): number => {
    const awake = wakeLength(heard, at);
    if (inspect(heard, at + awake, heard.length) !== undefined) return 0;
    const { control, data } = frameAt(heard, at + awake);
    const reply = parseReply(control, data);
    if (!reply.ok) return 0;
    const { value } = reply;
    const fits =
      value.kind === "refused" ||
      (request.kind === "read"
        ? value.kind === "data" && value.identifier === request.identifier
        : value.kind === "address");
    return fits ? awake + frameLength(heard, at + awake) : 0;
  };
  const refused = (answer: Uint8Array) => (frameAt(answer, wakeLength(answer, 0)).control & ABNORMAL) !== 0;
  return { bytes: encodeFrame(frame, AWAKE), judge: (heard) => findAnswer(heard, whole, refused) };
}

/** How many FE stand there. */
function wakeLength(bytes: Uint8Array, at: number): number {
  let length = 0;
  while (bytes[at + length] === PREAMBLE) length++;
  return length;
}
