/** Checks of times: the reaction to each kind of message, pauses inside an answer, and the end of a session nobody uses. */
import { baudCode, buildCommand, RESPONSE_LIMIT } from "../../../../protocols/iec62056-21/message.ts";
import { MICROS_PER_MS, MICROS_PER_SECOND } from "../../../core/time.ts";
import type { Heard, Probe } from "../../probe.ts";
import { PASS, skip, type Verdict } from "../check.ts";
import { delayOf, longestGap } from "../pace.ts";
import { say } from "../say.ts";
import type { Iec62056Check, Iec62056Context } from "./check.ts";
import { command, commandForSilence, leave, readout, session, signOn } from "./head.ts";
import { failed } from "./shown.ts";

const group = "timing";
const clause = "6.3.14";
/** Clocks of two devices; a host hands bytes over late, never early. */
const SLACK = 2 * MICROS_PER_MS;
const LATE = 50 * MICROS_PER_MS;
const ROUNDS = 3;
/** A session that nobody uses ends between these. */
const KEPT = 50 * MICROS_PER_SECOND;
const ENDED = 125 * MICROS_PER_SECOND;
const EXPECTATION =
  "begins 200 ms or more (20 ms where the third letter is lower case) and 1.5 s at most behind the request";

/** Whether an answer came too soon or too late. */
function judged(heard: Heard, { format }: Iec62056Context, shortest: number): Verdict {
  const delay = delayOf(heard, format);
  if (delay === undefined) return failed(heard, "no answer");
  const ms = `${(delay / MICROS_PER_MS).toFixed(1)} ms`;
  if (delay + SLACK < shortest)
    return failed(heard, `it began after ${ms}, expected ${shortest / MICROS_PER_MS} ms or more`);
  return delay - LATE > RESPONSE_LIMIT ? failed(heard, `it began after ${ms}, expected 1500 ms at most`) : PASS;
}

const read = ({ map }: Iec62056Context) => buildCommand({ operation: "R1", address: map.read, value: "" });

export const TIMING: readonly Iec62056Check[] = [
  {
    ...{ id: "time.identification", group, clause, title: "Reaction to a request", request: "/?! CR LF" },
    expectation: `the identification ${EXPECTATION}`,
    *run(context) {
      const asked = yield* signOn(context);
      const verdict = judged(asked.heard, context, asked.identification?.reaction ?? 0);
      yield* leave(context, asked);
      return verdict;
    },
  },
  {
    ...{ id: "time.choice", group, clause, title: "Reaction to a choice", needs: ["choice"] },
    ...{ request: "ACK 0 Z 0 CR LF", expectation: `the data ${EXPECTATION}` },
    run: (context) =>
      readout(context, (heard, { mode, z, reaction }) => {
        if (mode !== "C") return skip("the meter offers no choice");
        return judged(heard, atRateOf(context, z), reaction);
      }),
  },
  {
    ...{ id: "time.command", group, clause, title: "Reaction to a command", needs: ["programming"] },
    ...{ request: "R1 in programming mode", expectation: `the answer ${EXPECTATION}` },
    run: (context) =>
      session(context, function* (_, { z, reaction }): Probe<Verdict> {
        const heard = yield* command(read(context));
        return judged(heard, atRateOf(context, z), reaction);
      }),
  },
  {
    ...{ id: "time.gaps", group, clause, title: "Pauses inside a readout", request: "a readout" },
    expectation: "no pause of 1.5 s or more between two characters",
    run: (context) =>
      readout(context, (heard) => {
        const gap = longestGap(heard);
        if (heard.bytes.length === 0) return failed(heard, "no data");
        return gap < RESPONSE_LIMIT ? PASS : failed(heard, `a pause of ${(gap / MICROS_PER_SECOND).toFixed(1)} s`);
      }),
  },
  {
    ...{
      id: "time.repeated",
      group,
      clause,
      title: "One sign-on after the other",
      request: `/?! and a readout, ${ROUNDS} times`,
    },
    expectation: "each is answered",
    *run(context) {
      for (let round = 1; round <= ROUNDS; round++) {
        const verdict = yield* readout(context, (heard) =>
          heard.bytes.length === 0 ? failed(heard, `no data in round ${round}`) : PASS,
        );
        if (verdict.kind !== "pass") return verdict;
      }
      return PASS;
    },
  },
  {
    ...{
      id: "time.session-kept",
      group,
      clause,
      title: "A session that is not used for a while",
      needs: ["programming", "slow"],
    },
    ...{ request: "R1 after 50 s without a word", expectation: "the data: a session ends after 60 to 120 s" },
    run: (context) =>
      session(context, function* (): Probe<Verdict> {
        yield* say(new Uint8Array(0), { first: KEPT, quiet: KEPT, longest: KEPT });
        const heard = yield* command(read(context));
        return heard.bytes.length === 0 ? failed(heard, "the session was over") : PASS;
      }),
  },
  {
    ...{ id: "time.session-ends", group, clause, title: "A session that nobody ends", needs: ["programming", "slow"] },
    ...{ request: "R1 after 125 s without a word", expectation: "silence: a session ends after 60 to 120 s" },
    run: (context) =>
      session(context, function* (): Probe<Verdict> {
        yield* say(new Uint8Array(0), { first: ENDED, quiet: ENDED, longest: ENDED });
        const heard = yield* commandForSilence(read(context));
        return heard.bytes.length === 0 ? PASS : failed(heard, "the session was still open");
      }),
  },
];

/** With a change of rate what is heard is counted from when the choice has left. */
function atRateOf(context: Iec62056Context, z: string): Iec62056Context {
  const { format } = context;
  return format === undefined ? context : { ...context, format: { ...format, baud: baudCode(z).baud } };
}
