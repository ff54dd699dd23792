/** RTU framing (Serial Line V1.02, 2.5.1): CRC, lengths, and the silences inside and between frames. */
import { CRC_LENGTH, MAX_RTU_ADU, putCrc } from "../../../../protocols/modbus/frame.ts";
import { toHex } from "../../../core/bytes.ts";
import { fail, PASS } from "../check.ts";
import { mustBeSilent } from "./rules.ts";
import { damaged } from "./serial-checks.ts";
import { answerOf, frameOf, listening, type ModbusCheck, sampleRequest, showAnswer, stillAnswers } from "./target.ts";

const DOCUMENT = "MODBUS over Serial Line V1.02";
const group = "RTU";
/** A pause inside a frame that no host's delays explain, µs. */
const LONG_PAUSE = 150_000;

export const RTU_CHECKS: readonly ModbusCheck[] = [
  {
    id: "rtu.crc-wrong",
    group,
    clause: `${DOCUMENT}, 2.5.1.2`,
    title: "a request with a wrong CRC is left alone",
    request: "a read with one bit of its CRC inverted, in either byte",
    expectation: "silence; the next good request is answered",
    *run(target) {
      const good = frameOf(target, sampleRequest(target.map));
      const low = good.slice();
      low[low.length - 2] = (low[low.length - 2] as number) ^ 0x80;
      for (const send of [damaged(target, good), low]) {
        const verdict = yield* mustBeSilent(target, send, "a frame with a wrong CRC");
        if (verdict.kind !== "pass") return verdict;
      }
      return PASS;
    },
  },
  {
    id: "rtu.crc-order",
    group,
    clause: `${DOCUMENT}, 2.5.1.2`,
    title: "the CRC stands with its low byte first",
    request: "a read with the bytes of its CRC exchanged",
    expectation: "silence",
    *run(target) {
      const send = frameOf(target, sampleRequest(target.map));
      const end = send.length;
      send.set([send[end - 1] as number, send[end - 2] as number], end - 2);
      return yield* mustBeSilent(target, send, "a frame whose CRC has its high byte first");
    },
  },
  {
    id: "rtu.short",
    group,
    clause: `${DOCUMENT}, 2.5.1`,
    title: "frames of fewer than 4 bytes are none",
    request: "1, 2 and 3 bytes, the 3 with a good CRC",
    expectation: "silence",
    *run(target) {
      const three = new Uint8Array(1 + CRC_LENGTH);
      three[0] = target.unit;
      putCrc(three, 0, 1);
      for (const send of [Uint8Array.of(target.unit), Uint8Array.of(target.unit, 3), three]) {
        const verdict = yield* mustBeSilent(target, send, `${send.length} bytes`);
        if (verdict.kind !== "pass") return verdict;
      }
      return PASS;
    },
  },
  {
    id: "rtu.too-long",
    group,
    clause: `${DOCUMENT}, 2.5.1`,
    title: "more than 256 bytes are no frame, even with a good CRC",
    request: "257 bytes that begin as a request and end with their CRC",
    expectation: "silence",
    *run(target) {
      const send = new Uint8Array(MAX_RTU_ADU + 1);
      // A user-defined function, so that no length of its own ends the frame earlier.
      send.set([target.unit, 0x64]);
      putCrc(send, 0, send.length - CRC_LENGTH);
      return yield* mustBeSilent(target, send, "a frame of 257 bytes");
    },
  },
  {
    id: "rtu.pause-inside",
    group,
    clause: `${DOCUMENT}, 2.5.1.1`,
    title: "a frame with a pause inside is none",
    request: "a read in two halves, 150 ms apart",
    expectation: "silence to both halves; the next good request is answered",
    *run(target) {
      const send = frameOf(target, sampleRequest(target.map));
      const listen = { first: LONG_PAUSE, quiet: LONG_PAUSE, longest: LONG_PAUSE };
      const half = yield { kind: "exchange", send: send.subarray(0, 3), listen };
      if (half.bytes.length > 0) return fail(toHex(half.bytes, " "), "half a frame was answered");
      return yield* mustBeSilent(target, send.subarray(3), "the second half of a frame after a pause");
    },
  },
  {
    id: "rtu.joined",
    group,
    clause: `${DOCUMENT}, 2.5.1.1`,
    title: "two requests without silence between them are not answered twice",
    request: "two reads as one run of bytes",
    expectation: "one reply at most",
    *run(target) {
      const one = frameOf(target, sampleRequest(target.map));
      const send = new Uint8Array(2 * one.length);
      send.set(one);
      send.set(one, one.length);
      const { patience: first, quiet } = target;
      const heard = yield { kind: "exchange", send, listen: { first, quiet } };
      if (heard.bytes.length > 0) {
        const answer = answerOf(target, one, sampleRequest(target.map), heard);
        if (answer.kind !== "reply")
          return fail(`${toHex(heard.bytes, " ")}: ${showAnswer(answer)}`, "more than one reply came");
      }
      return yield* stillAnswers(target, "two requests in one");
    },
  },
  {
    id: "rtu.silence-before-reply",
    group,
    clause: `${DOCUMENT}, 2.5.1.1`,
    title: "a reply does not begin before the request has ended",
    request: "a read",
    expectation: "the first byte of the reply after the last of the request has left",
    *run(target) {
      const send = frameOf(target, sampleRequest(target.map));
      const heard = yield { kind: "exchange", send, listen: listening(target) };
      const [first] = heard.chunks;
      if (first === undefined) return fail("silence", "a reply belongs here");
      // A pseudo terminal has no bit timing: bytes get there before their bits would.
      if (heard.endedAt < heard.leftAt) return PASS;
      if (first.at >= heard.leftAt) return PASS;
      return fail(`a byte ${heard.leftAt - first.at} µs before the end of the request`, "both would talk at once");
    },
  },
];
