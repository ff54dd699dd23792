/** Checks of times: the response delay Td, gaps inside a reply, and that one reply after the other is right. */
import { FROM_METER, FUNCTION } from "../../../../protocols/dlt645/functions.ts";
import { MICROS_PER_MS } from "../../../core/time.ts";
import { PASS } from "../check.ts";
import { delayOf, longestGap } from "../pace.ts";
import { say } from "../say.ts";
import type { Dlt645Check } from "./check.ts";
import { readOf } from "./frames.ts";
import { ADAPTER, ask, askToTheEnd, failed, TB_MAX, TD_MAX, TD_MIN, wrongControl } from "./talk.ts";

const group = "timing";
const CLAUSE = "5.3.3";
const request = "11H read 00010000";
/** Clocks of two devices, and the time that a host takes to hand bytes over. */
const SLACK = 1 * MICROS_PER_MS;
const ROUNDS = 5;

const ms = (micros: number) => `${(micros / MICROS_PER_MS).toFixed(1)} ms`;

export const TIMING: readonly Dlt645Check[] = [
  {
    ...{ id: "time.not-too-soon", group, clause: CLAUSE, title: "Shortest response delay", request },
    expectation: "the reply begins 20 ms or more behind the request",
    *run({ address, format }) {
      const { heard } = yield* askToTheEnd(readOf(address));
      const delay = delayOf(heard, format);
      if (delay === undefined) return failed(heard, "no answer");
      return delay + SLACK >= TD_MIN ? PASS : failed(heard, `it began to answer after ${ms(delay)}`);
    },
  },
  {
    ...{ id: "time.not-too-late", group, clause: CLAUSE, title: "Longest response delay", request },
    expectation: "the reply begins within 500 ms",
    *run({ address, format }) {
      const { heard } = yield* askToTheEnd(readOf(address));
      const delay = delayOf(heard, format);
      if (delay === undefined) return failed(heard, "no answer");
      return delay - ADAPTER <= TD_MAX ? PASS : failed(heard, `it began to answer after ${ms(delay)}`);
    },
  },
  {
    ...{ id: "time.byte-gap", group, clause: CLAUSE, title: "Gaps inside a reply", request },
    expectation: "no gap of more than 500 ms between two bytes",
    *run({ address }) {
      const listen = { first: 3 * TD_MAX, quiet: 3 * TB_MAX };
      const heard = yield* say(readOf(address), listen);
      if (heard.bytes.length === 0) return failed(heard, "no answer");
      const gap = longestGap(heard);
      return gap - ADAPTER <= TB_MAX ? PASS : failed(heard, `a gap of ${ms(gap)}`);
    },
  },
  {
    ...{ id: "time.repeated", group, clause: CLAUSE, title: "One request after the other" },
    request: `${request}, ${ROUNDS} times, each right behind the reply before`,
    expectation: "each gets one reply 91H",
    *run({ address }) {
      for (let round = 1; round <= ROUNDS; round++) {
        const wrong = wrongControl(yield* ask(readOf(address)), FUNCTION.read | FROM_METER);
        if (wrong !== undefined) return wrong;
      }
      return PASS;
    },
  },
];
