/** Checks of functions 11 and 12: known and unknown identifiers, refusals, following frames, requests of the 1997 edition. */
import { ERR } from "../../../../protocols/dlt645/errors.ts";
import { MAX_DATA } from "../../../../protocols/dlt645/frame.ts";
import { ABNORMAL, FROM_METER, FUNCTION, MORE } from "../../../../protocols/dlt645/functions.ts";
import {
  type Identifier,
  identifier,
  identifierAt,
  identifierBytes,
  showIdentifier,
} from "../../../../protocols/dlt645/identifier.ts";
import { DI_BYTES, encodeRequest } from "../../../../protocols/dlt645/message.ts";
import { toHex } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { PASS, skip, type Verdict } from "../check.ts";
import type { Dlt645Check } from "./check.ts";
import { ENERGY, readOf, requestOf } from "./frames.ts";
import { wrongData, wrongRefusal } from "./judge.ts";
import { type Answer, ask, askForSilence, type Dlt645Context, failed, wrongControl } from "./talk.ts";

const group = "read";
const REPLY = FUNCTION.read | FROM_METER;
const REFUSED = REPLY | ABNORMAL;
const FOLLOWING = FUNCTION.readFollowing | FROM_METER;
const MOST_FRAMES = 255;
const READ_1997 = 0x01;
/** Identifier B611, low byte first. */
const TWO_BYTES = [0x11, 0xb6];
const NO_FUNCTION = 0x1f;

function* known({ address }: Dlt645Context): Probe<Verdict> {
  const answer = yield* ask(readOf(address));
  const wrong = wrongData(answer, ENERGY);
  if (wrong !== undefined) return wrong;
  const size = (answer.frame?.data.length ?? 0) - DI_BYTES;
  return size === 4 ? PASS : failed(answer.heard, `${size} bytes behind the identifier, expected 4`);
}

/** Every identifier that is not answered with its own data must be refused. */
function* echoes({ address }: Dlt645Context): Probe<Verdict> {
  for (const value of [0x0002_0000, 0x0201_0100, 0x0280_0002, 0x0400_0401]) {
    const answer = yield* ask(readOf(address, identifier(value)));
    if (answer.frame?.control === REFUSED) continue;
    const wrong = wrongData(answer, identifier(value));
    if (wrong !== undefined) return wrong;
  }
  return PASS;
}

/** Something that is no request of this edition: no data may come of it, and a good read behind it is answered. */
function* noData({ address }: Dlt645Context, send: Uint8Array): Probe<Verdict> {
  const heard = yield* askForSilence(send);
  if (heard.bytes.length > 0 && !isRefusal(heard.bytes))
    return failed(heard, "it answered as if it were a request it knows");
  const alive = yield* ask(readOf(address));
  return alive.frame === undefined ? failed(alive.heard, "no answer to a good request behind it") : PASS;
}

/** Whether what was heard is an abnormal reply. */
function isRefusal(bytes: Uint8Array): boolean {
  const start = bytes.indexOf(0x68);
  return start >= 0 && ((bytes[start + 8] ?? 0) & ABNORMAL) !== 0;
}

/** The read that the map says needs following frames: of load records with their number. */
function longRead(address: string, { long }: Dlt645Context["map"]) {
  const { identifier: id, blocks } = long as NonNullable<typeof long>;
  const request = { kind: "read", identifier: id, ...(blocks === undefined ? {} : { blocks }) } as const;
  return { identifier: id, send: requestOf(address, FUNCTION.read, encodeRequest(request)) };
}

/** What may grow over days, load records, is not there yet or fits into one frame. */
function notYet({ frame }: Answer, id: Identifier): Verdict | undefined {
  const short = frame?.control === REPLY && frame.data.length < MAX_DATA;
  if (frame?.control !== REFUSED && !short) return undefined;
  return skip(`what is behind ${showIdentifier(id)} ${short ? "fits into one frame now" : "is not there yet"}`);
}

/** Reads what needs several frames, to its end. */
function* follow({ address, map }: Dlt645Context): Probe<Verdict> {
  const { send: firstSend, identifier: long } = longRead(address, map);
  const first = yield* ask(firstSend);
  const wrong = notYet(first, long) ?? wrongControl(first, REPLY | MORE);
  if (wrong !== undefined) return wrong;
  for (let sequence = 1; ; sequence++) {
    const send = requestOf(address, FUNCTION.readFollowing, [...identifierBytes(long), sequence]);
    const answer = yield* ask(send);
    const more = answer.frame?.control === (FOLLOWING | MORE);
    const bad = wrongControl(answer, more ? FOLLOWING | MORE : FOLLOWING);
    if (bad !== undefined) return bad;
    const data = answer.frame?.data ?? new Uint8Array(0);
    if (data.length < DI_BYTES + 1 || identifierAt(data, 0) !== long)
      return failed(answer.heard, "a frame without the identifier");
    if (data.at(-1) !== sequence) return failed(answer.heard, `SEQ ${data.at(-1)}, asked for ${sequence}`);
    if (!more) return PASS;
    if (sequence === MOST_FRAMES) return failed(answer.heard, "no end after 255 frames");
  }
}

/** The same following frame twice gives the same bytes: one that was lost can be had again. */
function* followAgain({ address, map }: Dlt645Context): Probe<Verdict> {
  const { send: firstSend, identifier: long } = longRead(address, map);
  const first = yield* ask(firstSend);
  const wrong = notYet(first, long) ?? wrongControl(first, REPLY | MORE);
  if (wrong !== undefined) return wrong;
  const send = requestOf(address, FUNCTION.readFollowing, [...identifierBytes(long), 1]);
  const once = yield* ask(send);
  const again = yield* ask(send);
  if (once.frame === undefined) return failed(once.heard, "no good frame in the answer");
  if (again.frame === undefined) return failed(again.heard, "no good frame in the answer");
  const same = toHex(once.frame.data) === toHex(again.frame.data) && once.frame.control === again.frame.control;
  return same ? PASS : failed(again.heard, "another answer than before to the same SEQ");
}

export const READING: readonly Dlt645Check[] = [
  {
    ...{ id: "read.known", group, clause: "7.1", title: "Read a known identifier", request: "11H read 00010000" },
    expectation: "91H with the identifier and four bytes of forward active energy",
    run: known,
  },
  {
    ...{ id: "read.identifier", group, clause: "7.1", title: "The identifier comes back" },
    request: "11H read 00020000, 02010100, 02800002, 04000401",
    expectation: "91H with the identifier that was asked for, or D1H",
    run: echoes,
  },
  {
    ...{ id: "read.unknown", group, clause: "7.1", title: "Unknown identifier" },
    request: "11H read of an identifier that the meter does not have",
    expectation: "D1H with the one byte ERR, bit 1 (no such data) set",
    *run({ address, map }) {
      const answer = yield* ask(readOf(address, map.absent));
      return wrongRefusal(answer, FUNCTION.read, ERR.noSuchData) ?? PASS;
    },
  },
  {
    ...{ id: "read.two-byte-identifier", group, clause: "6.1", title: "Identifier of the 1997 edition" },
    request: "11H with the two bytes B611",
    expectation: "silence or D1H, no data",
    run: (context) => noData(context, requestOf(context.address, FUNCTION.read, TWO_BYTES)),
  },
  {
    ...{ id: "read.1997", group, clause: "5.2.3", title: "Read of the 1997 edition" },
    request: "01H with the two bytes B611",
    expectation: "silence or an abnormal reply, no data",
    run: (context) => noData(context, requestOf(context.address, READ_1997, TWO_BYTES)),
  },
  {
    ...{ id: "read.unknown-function", group, clause: "5.2.3", title: "A function that is none" },
    request: "1FH without data",
    expectation: "silence or an abnormal reply",
    run: (context) => noData(context, requestOf(context.address, NO_FUNCTION)),
  },
  {
    ...{ id: "read.following-without-first", group, clause: "7.2", title: "Following frame of a short read" },
    request: "11H read 00010000, then 12H for the same identifier with SEQ 1",
    expectation: "D2H with the one byte ERR: nothing follows",
    *run({ address }) {
      yield* ask(readOf(address));
      const send = requestOf(address, FUNCTION.readFollowing, [...identifierBytes(ENERGY), 1]);
      return wrongRefusal(yield* ask(send), FUNCTION.readFollowing, 0xff) ?? PASS;
    },
  },
  {
    ...{ id: "read.following", group, clause: "7.2", title: "Following frames" },
    request: "11H read of a long identifier, then 12H with SEQ 1, 2, ...",
    expectation: "B1H, then B2H with SEQ as asked, at last 92H",
    needs: ["long"],
    run: follow,
  },
  {
    ...{ id: "read.following-again", group, clause: "7.2", title: "A following frame once more" },
    request: "11H read of a long identifier, then 12H with SEQ 1 twice",
    expectation: "the same frame both times",
    needs: ["long"],
    run: followAgain,
  },
];
