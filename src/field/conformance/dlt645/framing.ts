/** Checks of the frame: each of its seven fields in a reply, and what a meter does with frames that are not whole. */
import { END, inspect, START } from "../../../../protocols/dlt645/frame.ts";
import { controlHex, FROM_METER, FUNCTION } from "../../../../protocols/dlt645/functions.ts";
import { identifierAt, identifierBytes, showIdentifier } from "../../../../protocols/dlt645/identifier.ts";
import { toHex } from "../../../core/bytes.ts";
import { MICROS_PER_MS } from "../../../core/time.ts";
import type { Heard, Probe } from "../../probe.ts";
import { PASS, type Verdict } from "../check.ts";
import { say } from "../say.ts";
import type { Dlt645Check } from "./check.ts";
import { ENERGY, preambleOf, readOf, requestOf, spoilt, withNoise } from "./frames.ts";
import { type Answer, ask, askToTheEnd, type Dlt645Context, failed, silentThenAlive, TB_MAX } from "./talk.ts";

const group = "framing";
const READ = "11H read 00010000";
const MOST_PREAMBLE = 4;

/** What is wrong with the bytes of a reply from its first 68 on; `bytes` begin there. */
type Look = (bytes: Uint8Array, context: Dlt645Context, all: Uint8Array) => string | undefined;

/** A check of one field of the reply to a plain read. */
function field(id: string, clause: string, title: string, expectation: string, look: Look): Dlt645Check {
  return {
    ...{ id: `frame.${id}`, group, clause, title, request: READ, expectation },
    *run(context) {
      const { heard } = yield* askToTheEnd(readOf(context.address));
      if (heard.bytes.length === 0) return failed(heard, "no answer");
      const why = look(heard.bytes.subarray(preambleOf(heard.bytes)), context, heard.bytes);
      return why === undefined ? PASS : failed(heard, why);
    },
  };
}

/** A check that something which is no good request gets no answer, and the good one behind it does. */
function silent(
  id: string,
  clause: string,
  title: string,
  request: string,
  make: (context: Dlt645Context) => Uint8Array,
): Dlt645Check {
  return {
    ...{ id: `frame.${id}`, group, clause, title, request, expectation: "silence; the next good request is answered" },
    run: (context) => silentThenAlive(context, make(context), request),
  };
}

/** A check that a good request gets its answer whatever stands before it. */
function answered(
  id: string,
  clause: string,
  title: string,
  request: string,
  make: (context: Dlt645Context) => readonly Uint8Array[],
): Dlt645Check {
  return {
    ...{ id: `frame.${id}`, group, clause, title, request, expectation: "a reply 91H" },
    *run(context) {
      for (const send of make(context)) {
        const { heard, frame } = yield* ask(send);
        if (frame?.control !== (FUNCTION.read | FROM_METER))
          return failed(heard, `no reply 91H to ${toHex(send, " ")}`);
      }
      return PASS;
    },
  };
}

const hex = (byte: number | undefined) => (byte === undefined ? "nothing" : controlHex(byte));
/** Where the sum stands, by the frame's own length field. */
const sumAt = (bytes: Uint8Array) => 10 + (bytes[9] ?? 0);

const FIELDS: readonly Dlt645Check[] = [
  field(
    "preamble",
    "5.3.1",
    "FE before a reply",
    "0 to 4 bytes FE and nothing else before the first 68H",
    (frame, _, all) => {
      if (frame[0] !== START) return `${hex(frame[0])} before the first 68H`;
      const count = all.length - frame.length;
      return count > MOST_PREAMBLE ? `${count} bytes FE` : undefined;
    },
  ),
  field("start", "5.2.1", "68H twice", "68H before and behind the address", (frame) => {
    const [first, second] = [frame[0], frame[7]];
    return first === START && second === START ? undefined : `${hex(first)} and ${hex(second)}`;
  }),
  field("address", "5.2.2", "Address of a reply", "the meter's own 12 digits, low byte first", (frame, { address }) => {
    const told = toHex(frame.slice(1, 7).reverse()).toUpperCase();
    return told === address ? undefined : `address ${told}, expected ${address}`;
  }),
  field("control", "5.2.3", "Control code of a reply", "91H: D7 set, the function of the request", (frame) =>
    frame[8] === (FUNCTION.read | FROM_METER) ? undefined : `control code ${hex(frame[8])}`,
  ),
  field("length", "5.2.4", "Length field", "L is the number of data bytes, 200 at most", (frame) => {
    if (inspect(frame, 0, frame.length) === "too-long") return `L is ${frame[9]}`;
    const there = frame.length - 12;
    return frame[9] === there ? undefined : `L is ${frame[9] ?? "not there"}, ${there} data bytes came`;
  }),
  field(
    "data-offset",
    "5.2.5",
    "33H on every data byte",
    "the identifier comes back as asked, each byte with 33H added",
    (frame) => {
      const told = frame.slice(10, 14).map((byte) => byte - 0x33);
      const asked = Uint8Array.from(identifierBytes(ENERGY));
      return toHex(told) === toHex(asked)
        ? undefined
        : `identifier ${told.length < 4 ? "cut off" : showIdentifier(identifierAt(told, 0))} without 33H`;
    },
  ),
  field(
    "checksum",
    "5.2.6",
    "Check code",
    "CS is the sum from the first 68H to the last data byte, mod 256",
    (frame) => {
      const at = sumAt(frame);
      const sum = frame.subarray(0, at).reduce((all, byte) => (all + byte) & 0xff, 0);
      return frame[at] === sum ? undefined : `CS is ${hex(frame[at])}, the sum is ${hex(sum)}`;
    },
  ),
  field("end", "5.2.7", "End", "16H behind CS", (frame) => {
    const end = frame[sumAt(frame) + 1];
    return end === END ? undefined : `${hex(end)} behind CS`;
  }),
  field("nothing-behind", "5.2.7", "Nothing behind the end", "no byte behind 16H", (frame) => {
    const behind = frame.subarray(sumAt(frame) + 2);
    return behind.length === 0 ? undefined : `${behind.length} more: ${toHex(behind, " ")}`;
  }),
];

const REFUSED: readonly Dlt645Check[] = [
  silent("wrong-checksum", "5.3.4", "Wrong check code", "a read whose CS is one too high", ({ address }) => {
    const frame = readOf(address);
    return spoilt(frame, -2, (frame.at(-2) as number) + 1);
  }),
  silent("wrong-end", "5.2.7", "Wrong end", "a read that ends with 17H", ({ address }) =>
    spoilt(readOf(address), -1, 0x17),
  ),
  silent("wrong-second-start", "5.2.1", "Second 68H missing", "a read with 69H behind its address", ({ address }) =>
    spoilt(readOf(address), -9, 0x69, true),
  ),
  silent("wrong-length", "5.2.4", "L longer than the frame", "a read with L = 5 and four data bytes", ({ address }) =>
    spoilt(readOf(address), -7, 5, true),
  ),
  silent("missing-data", "5.2.4", "L shorter than the frame", "a read with L = 3 and four data bytes", ({ address }) =>
    spoilt(readOf(address), -7, 3, true),
  ),
  silent("from-a-meter", "5.2.3", "A reply of another meter", "91H with the meter's own address", ({ address }) =>
    requestOf(address, FUNCTION.read | FROM_METER, [...identifierBytes(ENERGY), 0, 0, 0, 0]),
  ),
];

/** Sends a read up to its last five bytes, nothing for `pause`, then those. */
function* inTwo({ address }: Dlt645Context, pause: number): Probe<{ readonly first: Heard; readonly second: Answer }> {
  const frame = readOf(address);
  const half = frame.length - 5;
  const listen = { first: pause, quiet: pause };
  const first = yield* say(frame.subarray(0, half), listen);
  return { first, second: yield* ask(frame.subarray(half)) };
}

/** The whole frame behind something that was none. */
function* whole({ address }: Dlt645Context): Probe<Verdict> {
  const { heard, frame } = yield* ask(readOf(address));
  return frame === undefined ? failed(heard, "no answer to a whole frame behind it") : PASS;
}

const STREAM: readonly Dlt645Check[] = [
  answered(
    "preamble-accepted",
    "5.3.1",
    "Any number of FE before a request",
    `${READ} behind 0, 1, 2, 4 and 6 FE`,
    ({ address }) => [0, 1, 2, 4, 6].map((preamble) => readOf(address, ENERGY, preamble)),
  ),
  answered(
    "noise-before",
    "5.2.1",
    "A good frame behind noise",
    `${READ} behind the bytes 00 FF 55 16`,
    ({ address }) => [withNoise([0x00, 0xff, 0x55, 0x16], readOf(address))],
  ),
  answered(
    "false-start",
    "5.2.1",
    "A good frame behind a lone 68H",
    `${READ} behind a 68H that begins no frame`,
    ({ address }) => [
      withNoise([START, 0x00, 0x11], readOf(address)),
      withNoise([START, 0, 0, 0, 0, 0, 0, 0x67], readOf(address)),
    ],
  ),
  answered(
    "behind-broken",
    "5.3.4",
    "A good frame right behind a broken one",
    `${READ} right behind a read with a wrong CS`,
    ({ address }) => [withNoise([...spoilt(readOf(address), -2, 0)], readOf(address))],
  ),
  {
    ...{ id: "frame.half", group, clause: "5.3.3", title: "Half a frame is forgotten" },
    request: "the first bytes of a read, nothing for 800 ms, then a whole read",
    expectation: "silence to the half, an answer to the whole one",
    *run(context) {
      const frame = readOf(context.address);
      const pause = TB_MAX + 300 * MICROS_PER_MS;
      const send = frame.subarray(0, frame.length - 5);
      const heard = yield* say(send, { first: pause, quiet: pause });
      return heard.bytes.length > 0 ? failed(heard, "it answered half a frame") : yield* whole(context);
    },
  },
  {
    ...{ id: "frame.gap-accepted", group, clause: "5.3.3", title: "A gap inside a frame" },
    request: `${READ} with a gap of 200 ms before its last five bytes`,
    expectation: "a reply: a gap up to 500 ms belongs to the frame",
    *run(context) {
      const { first, second } = yield* inTwo(context, 200 * MICROS_PER_MS);
      if (first.bytes.length > 0) return failed(first, "it answered before the frame was whole");
      return second.frame === undefined ? failed(second.heard, "no answer") : PASS;
    },
  },
  {
    ...{ id: "frame.gap-ends", group, clause: "5.3.3", title: "A pause ends a frame" },
    request: `${READ} with a pause of 1 s before its last five bytes`,
    expectation: "silence: a gap longer than 500 ms ends the frame",
    *run(context) {
      const { first, second } = yield* inTwo(context, 2 * TB_MAX);
      if (first.bytes.length > 0) return failed(first, "it answered before the frame was whole");
      if (second.heard.bytes.length > 0) return failed(second.heard, "it took both parts for one frame");
      return yield* whole(context);
    },
  },
];

export const FRAMING: readonly Dlt645Check[] = [...FIELDS, ...REFUSED, ...STREAM];
