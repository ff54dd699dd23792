/** Modbus TCP (Messaging on TCP/IP V1.0b): the MBAP header, segments, pipelining, connections. */
import { uint16At } from "../../../../protocols/modbus/frame.ts";
import { joinBytes, toHex } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, type Verdict } from "../check.ts";
import { isException } from "./rules.ts";
import {
  ask,
  frameOf,
  listening,
  type ModbusCheck,
  type ModbusTarget,
  sampleRequest,
  showAnswer,
  stillAnswers,
  tcpFrames,
} from "./target.ts";

const DOCUMENT = "MODBUS Messaging on TCP/IP V1.0b";
const group = "TCP";
const CONNECTIONS_GROUP = "TCP connections";
/** Requests sent in one go. */
const PIPELINED = 4;

export const TCP_CHECKS: readonly ModbusCheck[] = [
  {
    id: "tcp.transaction",
    group,
    clause: `${DOCUMENT}, 3.1.3`,
    title: "the transaction id comes back as it was sent",
    request: "a read with ids 0000h, 0001h, 8000h, FFFFh",
    expectation: "each reply with its id",
    *run(target) {
      for (const id of [0, 1, 0x8000, 0xffff]) {
        target.transactions.next = (id - 1) & 0xffff;
        const answer = yield* ask(target, sampleRequest(target.map));
        if (answer.kind !== "reply") return fail(showAnswer(answer), `transaction ${id} belongs in the reply`);
      }
      return PASS;
    },
  },
  {
    id: "tcp.header",
    group,
    clause: `${DOCUMENT}, 3.1.3`,
    title: "protocol id 0, a length that fits, and the request's unit in the reply",
    request: "a read, and a request that is refused",
    expectation: "00 00, length = unit + PDU, the same unit",
    *run(target) {
      for (const pdu of [sampleRequest(target.map), Uint8Array.of(0x64)]) {
        const send = frameOf(target, pdu);
        const heard = yield { kind: "exchange", send, listen: listening(target) };
        const [frame] = tcpFrames(heard.bytes).frames;
        if (frame === undefined)
          return fail(toHex(heard.bytes, " ") || "silence", "no whole reply came: the length does not fit");
        if (uint16At(frame, 2) !== 0) return fail(`protocol id ${uint16At(frame, 2)}`, "the protocol id is 0");
        if (frame[6] !== target.unit) return fail(`unit ${frame[6]}`, `the unit is the request's, ${target.unit}`);
        if (tcpFrames(heard.bytes).rest !== 0)
          return fail(toHex(heard.bytes, " "), "bytes behind the frame: the length does not fit");
      }
      return PASS;
    },
  },
  {
    id: "tcp.protocol-id",
    group,
    clause: `${DOCUMENT}, 3.1.3`,
    title: "a frame of another protocol is not answered",
    request: "a read with protocol id 1234h",
    expectation: "no reply; a good request afterwards is answered, on a new connection if need be",
    *run(target) {
      const send = frameOf(target, sampleRequest(target.map));
      send.set([0x12, 0x34], 2);
      return yield* noReply(target, send, "a frame whose protocol id is not 0");
    },
  },
  {
    id: "tcp.length-0",
    group,
    clause: `${DOCUMENT}, 3.1.3`,
    title: "a length that cannot be does not hold the server up",
    request: "length 0, 1, 255 and FFFFh",
    expectation: "no good reply; the next request is answered, on a new connection if need be",
    *run(target) {
      for (const length of [0, 1, 255, 0xffff]) {
        const send = frameOf(target, sampleRequest(target.map));
        send.set([length >> 8, length & 0xff], 4);
        const verdict = yield* recovers(target, send, `length ${length}`);
        yield { kind: "reconnect" };
        if (verdict.kind !== "pass") return verdict;
      }
      return PASS;
    },
  },
  {
    id: "tcp.split",
    group,
    clause: `${DOCUMENT}, 4.2`,
    title: "a request that comes in pieces is put together",
    request: "a read in pieces: within the header, behind it, and byte by byte",
    expectation: "one reply to each",
    *run(target) {
      for (const cuts of [[3], [6], [7], [9], Array.from({ length: 11 }, (_, i) => i + 1)]) {
        const verdict = yield* inPieces(target, cuts);
        if (verdict.kind !== "pass") return verdict;
      }
      return PASS;
    },
  },
  {
    id: "tcp.joined",
    group,
    clause: `${DOCUMENT}, 4.2`,
    title: "requests that come in one piece are each answered with their own id",
    request: `${PIPELINED} reads in one segment`,
    expectation: `${PIPELINED} replies, each id once`,
    run: (target) => pipelined(target, []),
  },
  {
    id: "tcp.joined-split",
    group,
    clause: `${DOCUMENT}, 4.2`,
    title: "one and a half requests, then the other half",
    request: "two reads, cut within the second",
    expectation: "two replies, each id once",
    run: (target) => pipelined(target, [2 * 12 - 5]),
  },
  {
    id: "tcp.unit-ff",
    group,
    clause: `${DOCUMENT}, 3.1.3, 4.4.2.1`,
    title: "unit FFh is the device at the other end itself",
    request: "a read for unit FFh",
    expectation: "the reply of the device, with unit FFh; silence, 0Ah or 0Bh where units are told apart",
    *run(target) {
      const own = yield* ask(target, sampleRequest(target.map));
      const answer = yield* ask(target, sampleRequest(target.map), { unit: 0xff });
      if (answer.kind === "silence" || isException(answer, 0x0a) || isException(answer, 0x0b)) return PASS;
      if (answer.kind === "reply" && own.kind === "reply" && answer.pdu[0] === own.pdu[0]) return PASS;
      return fail(showAnswer(answer), `neither silence nor what unit ${target.unit} answers (${showAnswer(own)})`);
    },
  },
  {
    id: "tcp.other-unit",
    group,
    clause: `${DOCUMENT}, 4.4.2.1`,
    title: "a unit that is not there gets silence, 0Ah or 0Bh, or the device does not tell units apart",
    request: "a read for another unit",
    expectation: "silence, exception 0Ah or 0Bh; or the reply, with the unit that was asked",
    *run(target) {
      const unit = target.unit === 246 ? 245 : 246;
      const answer = yield* ask(target, sampleRequest(target.map), { unit });
      if (answer.kind === "silence" || isException(answer, 0x0a) || isException(answer, 0x0b)) return PASS;
      if (answer.kind === "reply" && ((answer.pdu[0] as number) & 0x80) === 0) return PASS;
      return fail(showAnswer(answer), "neither silence, nor a gateway's exception, nor a reply");
    },
  },
  {
    id: "tcp.reconnect",
    group,
    clause: `${DOCUMENT}, 4.2.1`,
    title: "a connection lost within a request leaves nothing behind",
    request: "half a read, a new connection, and a whole read",
    expectation: "the whole read is answered",
    *run(target) {
      const send = frameOf(target, sampleRequest(target.map));
      yield { kind: "exchange", send: send.subarray(0, 9), listen: { first: 50_000, quiet: 50_000 } };
      yield { kind: "reconnect" };
      return yield* stillAnswers(target, "a connection that was lost within a request");
    },
  },
];

/** For these two connections are open at once, which not every server takes: they are run last. */
export const TCP_CONNECTION_CHECKS: readonly ModbusCheck[] = [
  {
    id: "tcp.connections",
    group: CONNECTIONS_GROUP,
    clause: `${DOCUMENT}, 4.2.1`,
    title: "a second connection does not take the first one's replies",
    request: "reads on two connections by turns, the same ids",
    expectation: "each is answered where it was asked",
    *run(target) {
      for (const on of [0, 1, 0, 1]) {
        const answer = yield* ask(target, sampleRequest(target.map), { on });
        if (answer.kind === "reply") continue;
        if (on === 1)
          return fail(`${showAnswer(answer)} on the second connection`, "one connection shuts the others out");
        return fail(`${showAnswer(answer)} on the first connection`, "a second connection disturbs the first");
      }
      return PASS;
    },
  },
  {
    id: "tcp.half-frame-elsewhere",
    group: CONNECTIONS_GROUP,
    clause: `${DOCUMENT}, 4.2.1`,
    title: "half a request on one connection does not hold up another",
    request: "half a read on one, a read on the other, then the other half",
    expectation: "both are answered",
    *run(target) {
      const pdu = sampleRequest(target.map);
      const send = frameOf(target, pdu);
      yield { kind: "exchange", send: send.subarray(0, 8), listen: { first: 50_000, quiet: 50_000 } };
      const other = yield* ask(target, pdu, { on: 1 });
      const rest = yield { kind: "exchange", send: send.subarray(8), listen: listening(target) };
      if (other.kind !== "reply")
        return fail(`${showAnswer(other)} on the second connection`, "it waits for the first one's frame");
      return tcpFrames(rest.bytes).frames.length === 1
        ? PASS
        : fail(toHex(rest.bytes, " ") || "silence", "the request was whole");
    },
  },
];

/** No reply may come; the connection may be closed. Then a good request works. */
function* noReply(target: ModbusTarget, send: Uint8Array, what: string): Probe<Verdict> {
  const { patience, quiet } = target;
  const heard = yield { kind: "exchange", send, listen: { first: patience, quiet } };
  if (heard.bytes.length > 0) return fail(toHex(heard.bytes, " "), `nothing may answer ${what}`);
  return yield* stillAnswers(target, what);
}

/** Where the next frame begins is lost: on this connection, or on a new one, the server must answer again. */
function* recovers(target: ModbusTarget, send: Uint8Array, what: string): Probe<Verdict> {
  const { patience, quiet } = target;
  const heard = yield { kind: "exchange", send, listen: { first: patience, quiet } };
  const [frame] = tcpFrames(heard.bytes).frames;
  if (frame !== undefined && ((frame[7] ?? 0x80) & 0x80) === 0)
    return fail(toHex(heard.bytes, " "), `a good reply to ${what}`);
  if (heard.ended !== "closed") {
    const next = yield* ask(target, sampleRequest(target.map));
    if (next.kind === "reply") return PASS;
    // A connection that stays open and answers no more is dead without anybody knowing.
    if (next.kind !== "closed")
      return fail(`${showAnswer(next)} to the next request`, `${what} leaves the connection open and deaf`);
  }
  yield { kind: "reconnect" };
  return yield* stillAnswers(target, what);
}

/** µs between two pieces: so long that they travel alone. */
const BETWEEN = 30_000;

function* inPieces(target: ModbusTarget, cuts: readonly number[]): Probe<Verdict> {
  const pdu = sampleRequest(target.map);
  const send = frameOf(target, pdu);
  let from = 0;
  for (const cut of cuts) {
    const piece = yield {
      kind: "exchange",
      send: send.subarray(from, cut),
      listen: { first: BETWEEN, quiet: BETWEEN },
    };
    if (piece.bytes.length > 0) return fail(toHex(piece.bytes, " "), `${cut} bytes of a request were answered`);
    if (piece.ended === "closed") return fail("connection closed", `after ${cut} bytes of a good request`);
    from = cut;
  }
  const heard = yield { kind: "exchange", send: send.subarray(from), listen: listening(target) };
  const { frames, rest } = tcpFrames(heard.bytes);
  const whole = frames.length === 1 && rest === 0 && uint16At(frames[0] as Uint8Array, 0) === uint16At(send, 0);
  return whole
    ? PASS
    : fail(toHex(heard.bytes, " ") || "silence", `a request cut at ${cuts.join(", ")} gets one reply`);
}

/** Several requests in one go, cut as told; each must be answered once. */
function* pipelined(target: ModbusTarget, cuts: readonly number[]): Probe<Verdict> {
  const count = cuts.length === 0 ? PIPELINED : 2;
  const frames = Array.from({ length: count }, () => frameOf(target, sampleRequest(target.map)));
  const all = joinBytes(frames);
  const heardParts: Uint8Array[] = [];
  let from = 0;
  for (const cut of cuts) {
    const part = yield { kind: "exchange", send: all.subarray(from, cut), listen: { first: BETWEEN, quiet: BETWEEN } };
    heardParts.push(part.bytes);
    from = cut;
  }
  const enough = (heard: Uint8Array) => tcpFrames(joinBytes([...heardParts, heard])).frames.length >= count;
  const { patience } = target;
  const last = yield {
    kind: "exchange",
    send: all.subarray(from),
    listen: { first: patience, quiet: patience, enough },
  };
  const heard = joinBytes([...heardParts, last.bytes]);
  const ids = tcpFrames(heard).frames.map((frame) => uint16At(frame, 0));
  const wanted = frames.map((frame) => uint16At(frame, 0));
  if (ids.length === count && wanted.every((id) => ids.includes(id))) return PASS;
  return fail(`replies with ids ${ids.join(", ") || "(none)"}`, `ids ${wanted.join(", ")} were asked`);
}
