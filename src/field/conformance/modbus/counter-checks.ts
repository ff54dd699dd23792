/** The counters of function 08 (V1.1b3, 6.8.1): each must move by what was done and by no more. */
import { uint16At } from "../../../../protocols/modbus/frame.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, type Verdict } from "../check.ts";
import { goodReply, isVerdict } from "./rules.ts";
import { damaged } from "./serial-checks.ts";
import { ask, bytes, frameOf, type ModbusCheck, type ModbusTarget, sampleRequest, words } from "./target.ts";

/** A counter, and what moves it. */
interface CounterRule {
  readonly sub: number;
  readonly id: string;
  readonly title: string;
  readonly request: string;
  /** What is done between two reads of the counter. */
  readonly stimulus: (target: ModbusTarget) => Probe<unknown>;
  /** By how much it then differs; the second read counts too where reads do. */
  readonly moves: number;
}

/** Frames of each stimulus: enough that a counter which moves by chance is not believed. */
export const TIMES = 3;

export function* times(count: number, what: () => Probe<unknown>): Probe<void> {
  for (let i = 0; i < count; i++) yield* what();
}

/** Sends what nobody answers and waits until the line has taken it for over. */
function* unanswered({ patience, quiet }: ModbusTarget, send: Uint8Array): Probe<void> {
  yield { kind: "exchange", send, listen: { first: patience, quiet } };
}

const RULES: readonly CounterRule[] = [
  {
    sub: 0x0b,
    id: "bus-messages",
    title: "the bus message count goes up by one for each good frame on the line",
    request: `${TIMES} reads between two reads of 08/0B`,
    stimulus: (target) => times(TIMES, () => ask(target, sampleRequest(target.map))),
    moves: TIMES + 1,
  },
  {
    sub: 0x0b,
    id: "bus-messages-others",
    title: "the bus message count counts frames for other units too",
    request: `${TIMES} requests to another unit between two reads of 08/0B`,
    stimulus: (target) =>
      times(TIMES, () => unanswered(target, frameOf(target, sampleRequest(target.map), target.unit === 1 ? 2 : 1))),
    moves: TIMES + 1,
  },
  {
    sub: 0x0c,
    id: "errors",
    title: "the communication error count goes up by one for each damaged frame",
    request: `${TIMES} frames with wrong check bytes between two reads of 08/0C`,
    stimulus: (target) =>
      times(TIMES, () => unanswered(target, damaged(target, frameOf(target, sampleRequest(target.map))))),
    moves: TIMES,
  },
  {
    sub: 0x0d,
    id: "exceptions",
    title: "the exception count goes up by one for each exception",
    request: `${TIMES} requests that are refused between two reads of 08/0D`,
    stimulus: (target) => times(TIMES, () => ask(target, bytes(0x64))),
    moves: TIMES,
  },
  {
    sub: 0x0e,
    id: "server-messages",
    title: "the server message count counts frames for this unit only",
    request: `${TIMES} reads here and 2 for another unit between two reads of 08/0E`,
    *stimulus(target) {
      yield* times(TIMES, () => ask(target, sampleRequest(target.map)));
      yield* times(2, () => unanswered(target, frameOf(target, sampleRequest(target.map), target.unit === 1 ? 2 : 1)));
    },
    moves: TIMES + 1,
  },
  {
    sub: 0x0f,
    id: "no-responses",
    title: "the no-response count goes up for each broadcast",
    request: `${TIMES} broadcasts of a read between two reads of 08/0F`,
    stimulus: (target) => times(TIMES, () => unanswered(target, frameOf(target, sampleRequest(target.map), 0))),
    moves: TIMES,
  },
];

function counterCheck({ sub, id, title, request, stimulus, moves }: CounterRule): ModbusCheck {
  const feature = `08/${sub.toString(16).toUpperCase().padStart(2, "0")}`;
  return {
    id: `fc08.${id}`,
    group: "diagnostics",
    clause: `MODBUS Application Protocol V1.1b3, 6.8.1, sub-function ${feature.slice(3)}`,
    title,
    request,
    expectation: `the count differs by ${moves}`,
    needs: [feature],
    *run(target) {
      const before = yield* counter(target, sub);
      if (typeof before !== "number") return before;
      yield* stimulus(target);
      const after = yield* counter(target, sub);
      if (typeof after !== "number") return after;
      const moved = (after - before) & 0xffff;
      return moved === moves ? PASS : fail(`${before}, then ${after}: a difference of ${moved}`, `it must be ${moves}`);
    },
  };
}

/** Reads a counter of 08, or the verdict on a reply that is none. */
export function* counter(target: ModbusTarget, sub: number): Probe<number | Verdict> {
  const pdu = goodReply(yield* ask(target, words(8, sub, 0)), 5);
  if (isVerdict(pdu)) return pdu;
  return uint16At(pdu, 1) === sub
    ? uint16At(pdu, 3)
    : fail(`sub-function ${uint16At(pdu, 1)}`, `the reply repeats sub-function ${sub}`);
}

export const COUNTER_CHECKS: readonly ModbusCheck[] = RULES.map(counterCheck);
