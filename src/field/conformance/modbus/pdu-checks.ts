/** Rules of every PDU: unknown functions, exceptions, the order of checks, addresses (V1.1b3, sections 4, 5 and 7). */
import type { Probe } from "../../probe.ts";
import { fail, PASS, type Verdict } from "../check.ts";
import { isException, judgeException, refusal, refusals } from "./rules.ts";
import { ask, bytes, hex, type ModbusCheck, type ModbusTarget, sampleRequest, showAnswer, words } from "./target.ts";

const CLAUSE = "MODBUS Application Protocol V1.1b3";
const group = "PDU";

export const PDU_CHECKS: readonly ModbusCheck[] = [
  {
    id: "pdu.answers",
    group,
    clause: `${CLAUSE}, 4.1`,
    title: "a request is answered under its own function, or as its exception",
    request: "a read of one",
    expectation: "a reply with the same function code, or the code + 80h and one byte",
    *run(target) {
      const answer = yield* ask(target, sampleRequest(target.map));
      return answer.kind === "reply" ? PASS : fail(showAnswer(answer), "a reply belongs here");
    },
  },
  refusals({
    id: "pdu.unknown-function",
    group,
    clause: `${CLAUSE}, 7, code 01`,
    title: "a function that nobody defined is refused",
    request: "functions 64h, of nothing but its code, and 6Eh with a byte of data",
    pdus: () => [bytes(0x64), bytes(0x6e, 0)],
    code: 1,
  }),
  refusal({
    id: "pdu.function-0",
    group,
    clause: `${CLAUSE}, 4.1`,
    title: "function 0 is not valid",
    request: "function 00",
    pdu: () => words(0, 0, 1),
    code: 1,
  }),
  {
    id: "pdu.function-above-127",
    group,
    clause: `${CLAUSE}, 4.1`,
    title: "codes 128..255 are exceptions, never requests",
    request: "function 83h",
    expectation: "exception 01, or silence: never a good reply",
    *run(target) {
      const answer = yield* ask(target, words(0x83, 0, 1));
      if (answer.kind === "silence" || isException(answer, 1)) return PASS;
      return fail(showAnswer(answer), "a code above 127 is no request");
    },
  },
  {
    id: "pdu.undeclared-functions",
    group,
    clause: `${CLAUSE}, 7, code 01`,
    title: "each function that the map leaves out is refused",
    request: "each public read function that is not declared",
    expectation: "exception 01",
    needs: ["functions"],
    run: undeclaredFunctions,
  },
  refusals({
    id: "pdu.quantity-before-address",
    group,
    clause: `${CLAUSE}, 6, state diagrams`,
    title: "the quantity is checked before the address",
    request: "quantity 0 and 2000 of registers at FFFFh",
    pdus: ({ map }) =>
      [3, 4]
        .filter((code) => map.functions.has(`0${code}`))
        .flatMap((code) => [words(code, 0xffff, 0), words(code, 0xffff, 2000)]),
    code: 3,
  }),
  {
    id: "pdu.no-wraparound",
    group,
    clause: `${CLAUSE}, 4.4`,
    title: "addresses do not go round from FFFFh to 0",
    request: "two from address FFFFh on, of each table",
    expectation: "exception 02",
    *run(target) {
      for (const code of [1, 2, 3, 4].filter((c) => target.map.functions.has(`0${c}`))) {
        const verdict = judgeException(yield* ask(target, words(code, 0xffff, 2)), 2);
        if (verdict.kind === "fail") return { ...verdict, seen: `${verdict.seen} to function ${hex(code)}` };
      }
      return PASS;
    },
  },
  {
    id: "pdu.short-request",
    group,
    clause: `${CLAUSE}, 7, code 03`,
    title: "a request that is too short is not carried out",
    request: "a read without its quantity",
    expectation: "exception 03, silence or the end of the connection: never a good reply",
    *run(target) {
      const answer = yield* ask(target, sampleRequest(target.map).subarray(0, 3));
      if (isException(answer, 3) || answer.kind === "silence" || answer.kind === "closed") return PASS;
      return fail(showAnswer(answer), "the length implies another quantity than can be read");
    },
  },
  {
    id: "pdu.long-request",
    group,
    clause: `${CLAUSE}, 7, code 03`,
    title: "a request with bytes behind its end is not carried out",
    request: "a read with two bytes too many",
    expectation: "exception 03, silence or the end of the connection: never a good reply",
    *run(target) {
      const answer = yield* ask(target, bytes(...sampleRequest(target.map), 0, 0));
      if (isException(answer, 3) || answer.kind === "silence" || answer.kind === "closed") return PASS;
      return fail(showAnswer(answer), "the length does not fit the function");
    },
  },
];

/** Only functions that read, so that one which is there after all changes nothing. */
const READING: readonly (readonly [string, Uint8Array])[] = [
  ["01", words(1, 0, 1)],
  ["02", words(2, 0, 1)],
  ["03", words(3, 0, 1)],
  ["04", words(4, 0, 1)],
  ["07", bytes(7)],
  ["0B", bytes(0x0b)],
  ["0C", bytes(0x0c)],
  ["11", bytes(0x11)],
  ["14", bytes(0x14, 7, 6, 0, 1, 0, 0, 0, 1)],
  ["18", words(0x18, 0)],
  ["2B", bytes(0x2b, 0x0e, 1, 0)],
];

function* undeclaredFunctions(target: ModbusTarget): Probe<Verdict> {
  for (const [feature, pdu] of READING) {
    if (target.map.functions.has(feature)) continue;
    const answer = yield* ask(target, pdu);
    if (!isException(answer, 1))
      return fail(`${showAnswer(answer)} to function ${feature}h`, "exception 01 belongs here");
  }
  return PASS;
}
