/**
 * What only serial lines have (V1.1b3, 6.7 to 6.10): 07, 0B, 0C, and 08 with its counters, each of which must move by
 * what was done and by no more.
 */
import { uint16At } from "../../../../protocols/modbus/frame.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, type Verdict } from "../check.ts";
import { COUNTER_CHECKS, counter, TIMES, times } from "./counter-checks.ts";
import { goodReply, isVerdict, judgeException, refusals } from "./rules.ts";
import {
  ask,
  bytes,
  frameOf,
  type ModbusCheck,
  type ModbusTarget,
  sampleRequest,
  showAnswer,
  words,
} from "./target.ts";
import { mustEcho } from "./write-access.ts";

const DOCUMENT = "MODBUS Application Protocol V1.1b3";
const group = "diagnostics";
const COUNTERS = ["0A", "0B", "0C", "0D", "0E", "0F", "10", "11", "12"] as const;

export const DIAGNOSTICS_CHECKS: readonly ModbusCheck[] = [
  {
    id: "fc07.status",
    group,
    clause: `${DOCUMENT}, 6.7`,
    title: "07 gives one byte of status",
    request: "07",
    expectation: "the function and one byte",
    needs: ["07"],
    *run(target) {
      const pdu = goodReply(yield* ask(target, bytes(7)), 2);
      return isVerdict(pdu) ? pdu : PASS;
    },
  },
  {
    id: "fc08.loopback",
    group,
    clause: `${DOCUMENT}, 6.8.1, sub-function 00`,
    title: "the loopback returns what it was given",
    request: "08/00 with two bytes, and with none of them zero or all FFh",
    expectation: "the request as the reply",
    needs: ["08/00"],
    *run(target) {
      for (const data of [0xa537, 0x0000, 0xffff]) {
        const pdu = words(8, 0, data);
        const wrong = mustEcho(yield* ask(target, pdu), pdu, 5);
        if (wrong !== undefined) return wrong;
      }
      return PASS;
    },
  },
  {
    id: "fc08.loopback-long",
    group,
    clause: `${DOCUMENT}, 6.8`,
    title: "the loopback returns data of any length",
    request: "08/00 with 40 bytes",
    expectation: "the request as the reply",
    needs: ["08/00"],
    *run(target) {
      const pdu = bytes(8, 0, 0, ...Array.from({ length: 40 }, (_, i) => (i * 29 + 1) & 0xff));
      return mustEcho(yield* ask(target, pdu), pdu, pdu.length) ?? PASS;
    },
  },
  refusals({
    id: "fc08.unknown",
    group,
    clause: `${DOCUMENT}, 6.8`,
    title: "a sub-function that nobody defined is refused",
    request: "08/05 and 08/1234",
    needs: ["08/00"],
    pdus: () => [words(8, 5, 0), words(8, 0x1234, 0)],
    code: 1,
  }),
  refusals({
    id: "fc08.data",
    group,
    clause: `${DOCUMENT}, 6.8.1`,
    title: "reads of counters take the data 0000h only",
    request: "the declared ones of 08/0B..12 with data 0001h",
    needs: ["08/00"],
    // 0A changes something when it is taken for good, so it is left out.
    pdus: ({ map }) =>
      COUNTERS.slice(1)
        .filter((sub) => map.functions.has(`08/${sub}`))
        .map((sub) => words(8, Number.parseInt(sub, 16), 1)),
    code: 3,
  }),
  {
    id: "fc08.register",
    group,
    clause: `${DOCUMENT}, 6.8.1, sub-function 02`,
    title: "the diagnostic register can be read",
    request: "08/02",
    expectation: "function, sub-function and 16 bits",
    needs: ["08/02"],
    *run(target) {
      const value = yield* counter(target, 2);
      return typeof value === "number" ? PASS : value;
    },
  },
  ...COUNTER_CHECKS,
  {
    id: "fc08.zero-counters",
    group,
    clause: `${DOCUMENT}, 6.8.1, sub-functions 10, 11, 12`,
    title: "what did not happen is not counted",
    request: "08/10, 08/11 and 08/12 around a few reads",
    expectation: "the same counts as before",
    needs: ["08/10", "08/11", "08/12"],
    *run(target) {
      for (const sub of [0x10, 0x11, 0x12]) {
        const before = yield* counter(target, sub);
        if (typeof before !== "number") return before;
        yield* times(TIMES, () => ask(target, sampleRequest(target.map)));
        const after = yield* counter(target, sub);
        if (typeof after !== "number") return after;
        if (after !== before)
          return fail(`08/${sub.toString(16)}: ${before}, then ${after}`, "nothing happened that it counts");
      }
      return PASS;
    },
  },
  {
    id: "fc08.clear",
    group,
    clause: `${DOCUMENT}, 6.8.1, sub-function 0A`,
    title: "08/0A clears the counters, and is echoed",
    request: "08/0A after a few exceptions",
    expectation: "the request as the reply; 08/0D is 0",
    needs: ["08/0A", "08/0D"],
    writes: true,
    *run(target) {
      yield* times(TIMES, () => ask(target, bytes(0x64)));
      const pdu = words(8, 0x0a, 0);
      const wrong = mustEcho(yield* ask(target, pdu), pdu, 5);
      if (wrong !== undefined) return wrong;
      const now = yield* counter(target, 0x0d);
      return now === 0 ? PASS : typeof now === "number" ? fail(`08/0D is ${now}`, "it was cleared just now") : now;
    },
  },
  {
    id: "fc08.clear-overrun",
    group,
    clause: `${DOCUMENT}, 6.8.1, sub-function 14`,
    title: "08/14 clears the overrun count, and is echoed",
    request: "08/14",
    expectation: "the request as the reply; 08/12 is 0",
    needs: ["08/12", "08/14"],
    writes: true,
    *run(target) {
      const pdu = words(8, 0x14, 0);
      const wrong = mustEcho(yield* ask(target, pdu), pdu, 5);
      if (wrong !== undefined) return wrong;
      const now = yield* counter(target, 0x12);
      return now === 0 ? PASS : typeof now === "number" ? fail(`08/12 is ${now}`, "it was cleared just now") : now;
    },
  },
  {
    id: "fc08.listen-only",
    group,
    clause: `${DOCUMENT}, 6.8.1, sub-functions 04 and 01`,
    title: "in listen-only mode nothing is answered until 08/01",
    request: "08/04, a read, 08/01, a read",
    expectation: "silence to the first three, then a reply",
    needs: ["08/01", "08/04"],
    writes: true,
    run: listenOnly,
  },
  {
    id: "fc08.restart",
    group,
    clause: `${DOCUMENT}, 6.8.1, sub-function 01`,
    title: "08/01 restarts the port and is echoed",
    request: "08/01 with 0000h",
    expectation: "the request as the reply, then answers as before",
    needs: ["08/01"],
    writes: true,
    *run(target) {
      const pdu = words(8, 1, 0);
      const wrong = mustEcho(yield* ask(target, pdu), pdu, 5);
      if (wrong !== undefined) return wrong;
      const answer = yield* ask(target, sampleRequest(target.map));
      return answer.kind === "reply" ? PASS : fail(showAnswer(answer), "after a restart it answers");
    },
  },
  {
    id: "fc0b.events",
    group,
    clause: `${DOCUMENT}, 6.9`,
    title: "0B counts what was carried out, not exceptions, and not itself",
    request: `${TIMES} reads, 2 exceptions and an 0B between two 0B`,
    expectation: `status 0000h, and a difference of ${TIMES}`,
    needs: ["0B"],
    *run(target) {
      const before = yield* eventCount(target);
      if (typeof before !== "number") return before;
      const counted = yield* goodSamples(target);
      yield* times(2, () => ask(target, bytes(0x64)));
      yield* eventCount(target);
      const after = yield* eventCount(target);
      if (typeof after !== "number") return after;
      const moved = (after - before) & 0xffff;
      return moved === counted
        ? PASS
        : fail(`${before}, then ${after}: a difference of ${moved}`, `it must be ${counted}`);
    },
  },
  {
    id: "fc0c.log",
    group,
    clause: `${DOCUMENT}, 6.10`,
    title: "0C: byte count, status, counts and the newest events first",
    request: "an exception, then 0C",
    expectation: "byte count = 6 + events, 0..64 events, each a received or sent one, or a restart",
    needs: ["0C"],
    run: eventLog,
  },
];

/** Reads, and how many of them were carried out: a sample that is refused counts nothing. */
function* goodSamples(target: ModbusTarget): Probe<number> {
  let good = 0;
  for (let i = 0; i < TIMES; i++) {
    const answer = yield* ask(target, sampleRequest(target.map));
    if (answer.kind === "reply" && ((answer.pdu[0] as number) & 0x80) === 0) good++;
  }
  return good;
}

function* eventCount(target: ModbusTarget): Probe<number | Verdict> {
  const pdu = goodReply(yield* ask(target, bytes(0x0b)), 5);
  if (isVerdict(pdu)) return pdu;
  const status = uint16At(pdu, 1);
  return status === 0 || status === 0xffff ? uint16At(pdu, 3) : fail(`status ${status}`, "it is 0000h or FFFFh");
}

function* eventLog(target: ModbusTarget): Probe<Verdict> {
  const before = yield* ask(target, bytes(0x0b));
  const refusedFirst = judgeException(yield* ask(target, bytes(0x64)), 1);
  if (refusedFirst.kind !== "pass") return refusedFirst;
  const answer = yield* ask(target, bytes(0x0c));
  if (answer.kind !== "reply" || answer.pdu[0] !== 0x0c) return fail(showAnswer(answer), "a good reply belongs here");
  const { pdu } = answer;
  const events = pdu.subarray(8);
  if (pdu[1] !== pdu.length - 2 || pdu.length < 8 || events.length > 64)
    return fail(
      `byte count ${pdu[1]} in ${pdu.length} bytes`,
      "it is 6 + the number of events, of which there are at most 64",
    );
  if (before.kind === "reply" && before.pdu[0] === 0x0b && uint16At(before.pdu, 3) !== uint16At(pdu, 4))
    return fail(`event count ${uint16At(pdu, 4)}, by 0B ${uint16At(before.pdu, 3)}`, "both are the same counter");
  // The newest is this request or the sent exception before it: both have bit 7 or 6.
  const newest = events[0];
  if (newest === undefined || (newest & 0xc0) === 0)
    return fail(
      `newest event ${newest === undefined ? "none" : newest.toString(16)}`,
      "an exception was sent just now",
    );
  const sent = events.subarray(0, 3).some((event) => (event & 0xc0) === 0x40 && (event & 1) !== 0);
  return sent
    ? PASS
    : fail(
        `newest events ${[...events.subarray(0, 3)].map((e) => e.toString(16)).join(" ")}`,
        "the exception sent is none of them",
      );
}

function* listenOnly(target: ModbusTarget): Probe<Verdict> {
  const { patience, quiet } = target;
  const asked = [words(8, 4, 0), sampleRequest(target.map), words(8, 1, 0)];
  let verdict: Verdict = PASS;
  for (const [i, pdu] of asked.entries()) {
    const heard = yield { kind: "exchange", send: frameOf(target, pdu), listen: { first: patience, quiet } };
    if (heard.bytes.length > 0 && verdict.kind === "pass")
      verdict = fail(
        `an answer to request ${i + 1} of 08/04, a read, 08/01`,
        "in listen-only mode nothing is answered",
      );
  }
  const answer = yield* ask(target, sampleRequest(target.map));
  if (answer.kind === "reply") return verdict;
  return fail(showAnswer(answer), "08/01 leaves the listen-only mode");
}
