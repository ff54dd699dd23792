/** ASCII framing (Serial Line V1.02, 2.5.2): LRC, digits, colons, pauses. */
import { toHex } from "../../../core/bytes.ts";
import { fail, PASS } from "../check.ts";
import { mustBeSilent } from "./rules.ts";
import { damaged } from "./serial-checks.ts";
import { answerOf, frameOf, listening, type ModbusCheck, sampleRequest, showAnswer } from "./target.ts";

const DOCUMENT = "MODBUS over Serial Line V1.02";
const group = "ASCII";
const SHORT_PAUSE = 600_000;
const LONG_PAUSE = 1_600_000;

export const ASCII_CHECKS: readonly ModbusCheck[] = [
  {
    id: "ascii.lrc-wrong",
    group,
    clause: `${DOCUMENT}, 2.5.2.2`,
    title: "a request with a wrong LRC is left alone",
    request: "a read whose LRC has another last digit",
    expectation: "silence; the next good request is answered",
    run: (target) =>
      mustBeSilent(target, damaged(target, frameOf(target, sampleRequest(target.map))), "a frame with a wrong LRC"),
  },
  {
    id: "ascii.digits",
    group,
    clause: `${DOCUMENT}, 2.5.2`,
    title: "a character that is no hex digit makes the frame void",
    request: "a read with a G among its digits",
    expectation: "silence",
    *run(target) {
      const send = frameOf(target, sampleRequest(target.map));
      send[4] = "G".charCodeAt(0);
      return yield* mustBeSilent(target, send, "a frame with a G among its digits");
    },
  },
  {
    id: "ascii.half-byte",
    group,
    clause: `${DOCUMENT}, 2.5.2`,
    title: "an odd number of digits is no frame",
    request: "a read with one digit missing",
    expectation: "silence",
    *run(target) {
      const send = frameOf(target, sampleRequest(target.map));
      return yield* mustBeSilent(target, Uint8Array.from([...send.subarray(0, -3), 0x0d, 0x0a]), "half a byte");
    },
  },
  {
    id: "ascii.colon-restarts",
    group,
    clause: `${DOCUMENT}, 2.5.2.1`,
    title: "a colon begins a new frame at any time",
    request: "half a read and at once a whole one",
    expectation: "the whole one is answered",
    *run(target) {
      const pdu = sampleRequest(target.map);
      const good = frameOf(target, pdu);
      const send = Uint8Array.from([...good.subarray(0, 6), ...good]);
      const answer = answerOf(target, good, pdu, yield { kind: "exchange", send, listen: listening(target) });
      return answer.kind === "reply" ? PASS : fail(showAnswer(answer), "the frame behind the second colon is good");
    },
  },
  {
    id: "ascii.short-pause",
    group,
    clause: `${DOCUMENT}, 2.5.2.1`,
    title: "pauses of up to a second inside a frame are allowed",
    request: "a read in two halves, 0.6 s apart",
    expectation: "a reply",
    *run(target) {
      const pdu = sampleRequest(target.map);
      const good = frameOf(target, pdu);
      const listen = { first: SHORT_PAUSE, quiet: SHORT_PAUSE, longest: SHORT_PAUSE };
      const half = yield { kind: "exchange", send: good.subarray(0, 7), listen };
      if (half.bytes.length > 0) return fail(toHex(half.bytes, " "), "half a frame was answered");
      const heard = yield { kind: "exchange", send: good.subarray(7), listen: listening(target) };
      const answer = answerOf(target, good, pdu, heard);
      return answer.kind === "reply" ? PASS : fail(showAnswer(answer), "a pause of 0.6 s ends no frame");
    },
  },
  {
    id: "ascii.long-pause",
    group,
    clause: `${DOCUMENT}, 2.5.2.1`,
    title: "a pause of more than a second ends the frame",
    request: "a read in two halves, 1.6 s apart",
    expectation: "silence; the next good request is answered",
    *run(target) {
      const good = frameOf(target, sampleRequest(target.map));
      const listen = { first: LONG_PAUSE, quiet: LONG_PAUSE, longest: LONG_PAUSE };
      yield { kind: "exchange", send: good.subarray(0, 7), listen };
      return yield* mustBeSilent(target, good.subarray(7), "a frame with a pause of 1.6 s inside");
    },
  },
  {
    id: "ascii.lower-case",
    group,
    clause: `${DOCUMENT}, 2.5.2`,
    title: "replies use the digits 0..9 and A..F and end with CR LF",
    request: "functions whose replies have letters",
    expectation: "a well-formed frame",
    *run(target) {
      // Exception E4h: at least one digit of it is a letter.
      const pdu = Uint8Array.of(0x64);
      const send = frameOf(target, pdu);
      const answer = answerOf(target, send, pdu, yield { kind: "exchange", send, listen: listening(target) });
      return answer.kind === "reply" ? PASS : fail(showAnswer(answer), "a frame in upper-case digits belongs here");
    },
  },
];
