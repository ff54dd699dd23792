/** ASCII framing (Serial Line V1.02, 2.5.2): LRC, digits, colons, pauses. */
import { LF } from "../../../../protocols/modbus/ascii.ts";
import { toHex } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, type Verdict } from "../check.ts";
import { mustBeSilent } from "./rules.ts";
import { damaged } from "./serial-checks.ts";
import {
  answerOf,
  ask,
  frameOf,
  listening,
  type ModbusCheck,
  type ModbusTarget,
  sampleRequest,
  showAnswer,
  stillAnswers,
  words,
} from "./target.ts";
import { mustEcho } from "./write-access.ts";

const DOCUMENT = "MODBUS over Serial Line V1.02";
const group = "ASCII";
const CR = 0x0d;
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
  {
    id: "ascii.delimiter",
    group,
    clause: "MODBUS Application Protocol V1.1b3, 6.8.1, sub-function 03",
    title: "08/03 changes the character that ends frames, in both directions",
    request: "08/03 with $, a read that ends with CR $, and back to LF",
    expectation: "the read answered with CR $ at its end, and a read with LF in silence meanwhile",
    needs: ["08/03"],
    writes: true,
    run: delimiter,
  },
];

const DOLLAR = 0x24;

function* delimiter(target: ModbusTarget): Probe<Verdict> {
  const { patience, quiet } = target;
  const endingWith = (pdu: Uint8Array, end: number): Uint8Array => {
    const frame = frameOf(target, pdu);
    frame[frame.length - 1] = end;
    return frame;
  };
  const changed = mustEcho(yield* ask(target, words(8, 3, DOLLAR << 8)), words(8, 3, DOLLAR << 8), 5);
  if (changed !== undefined) return changed;
  const sample = sampleRequest(target.map);
  const first = { first: patience, quiet, enough: (heard: Uint8Array) => heard.at(-1) === DOLLAR };
  const heard = yield { kind: "exchange", send: endingWith(sample, DOLLAR), listen: first };
  const old = yield { kind: "exchange", send: frameOf(target, sample), listen: { first: patience, quiet } };
  // Whatever came of it: the line goes back to where it was.
  yield { kind: "exchange", send: endingWith(words(8, 3, LF << 8), DOLLAR), listen: { first: patience, quiet } };
  if (heard.bytes.at(-1) !== DOLLAR || heard.bytes.at(-2) !== CR)
    return fail(toHex(heard.bytes, " ") || "silence", "a reply that ends with CR $ belongs here");
  if (old.bytes.length > 0) return fail(toHex(old.bytes, " "), "LF ends no frame any more");
  return yield* stillAnswers(target, "a change of the delimiter and back");
}
