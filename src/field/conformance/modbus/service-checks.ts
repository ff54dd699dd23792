/** Functions 11, 14, 15, 18 and the identification 2B/0E (V1.1b3, 6.13 to 6.15, 6.18, 6.21). */
import { uint16At } from "../../../../protocols/modbus/frame.ts";
import { parseIdentification } from "../../../../protocols/modbus/identification.ts";
import { toHex } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, type Verdict } from "../check.ts";
import { goodReply, isVerdict, judgeException, refusal, refusals } from "./rules.ts";
import { ask, bytes, type ModbusCheck, type ModbusTarget, showAnswer, words } from "./target.ts";

const DOCUMENT = "MODBUS Application Protocol V1.1b3";
const IDENTIFICATION = { group: "identification", clause: `${DOCUMENT}, 6.21`, needs: ["2B"] } as const;

export const SERVICE_CHECKS: readonly ModbusCheck[] = [
  {
    id: "fc11.server-id",
    group: "services",
    clause: `${DOCUMENT}, 6.13`,
    title: "11h gives byte count, id, run indicator, and what the maker adds",
    request: "11h, which has no data",
    expectation: "a byte count that fits; a run indicator 00h or FFh behind an id of one byte",
    needs: ["11"],
    *run(target) {
      const answer = yield* ask(target, bytes(0x11));
      if (answer.kind !== "reply" || answer.pdu[0] !== 0x11)
        return fail(showAnswer(answer), "a good reply belongs here");
      const { pdu } = answer;
      if (pdu[1] !== pdu.length - 2)
        return fail(`byte count ${pdu[1]} of ${pdu.length - 2} bytes`, "the byte count does not fit");
      if (pdu.length < 4) return fail(showAnswer(answer), "id and run indicator are missing");
      return pdu[3] === 0 || pdu[3] === 0xff
        ? PASS
        : fail(showAnswer(answer), "the run indicator behind the id is 00h or FFh");
    },
  },
  {
    id: "fc14.reply",
    group: "services",
    clause: `${DOCUMENT}, 6.14`,
    title: "14h: lengths of the reply and of its groups fit",
    request: "one record of file 1",
    expectation: "total length, then 03, reference type 06 and two bytes; or exception 02",
    needs: ["14"],
    *run(target) {
      const answer = yield* ask(target, bytes(0x14, 7, 6, 0, 1, 0, 0, 0, 1));
      if (judgeException(answer, 2).kind === "pass") return PASS;
      const pdu = goodReply(answer, 6);
      if (isVerdict(pdu)) return pdu;
      return pdu[1] === 4 && pdu[2] === 3 && pdu[3] === 6
        ? PASS
        : fail(showAnswer(answer), "04, 03, 06 belong behind the function");
    },
  },
  refusals({
    id: "fc14.byte-count",
    group: "services",
    clause: `${DOCUMENT}, 6.14`,
    title: "14h: a byte count below 7 or above F5h is refused",
    request: "byte counts 6 and F6h",
    needs: ["14"],
    pdus: () => [
      bytes(0x14, 6, 6, 0, 1, 0, 0, 0),
      bytes(0x14, 0xf6, ...Array.from({ length: 0xf6 }, (_, i) => [6, 0, 1, 0, 0, 0, 1][i % 7] as number)),
    ],
    code: 3,
  }),
  refusal({
    id: "fc14.type",
    group: "services",
    clause: `${DOCUMENT}, 6.14`,
    title: "14h: a reference type other than 6 is refused",
    request: "reference type 5",
    needs: ["14"],
    pdu: () => bytes(0x14, 7, 5, 0, 1, 0, 0, 0, 1),
    code: 2,
  }),
  {
    id: "fc15.byte-count",
    group: "services",
    clause: `${DOCUMENT}, 6.15`,
    title: "15h: a length below 9 or a reference type other than 6 is refused",
    request: "length 8, and reference type 5: neither can be carried out",
    expectation: "exception 03 to the length, 02 to the type",
    needs: ["15"],
    writes: true,
    *run(target) {
      const verdict = judgeException(yield* ask(target, bytes(0x15, 8, 6, 0, 1, 0, 0, 0, 1, 0)), 3);
      if (verdict.kind !== "pass") return verdict;
      return judgeException(yield* ask(target, bytes(0x15, 9, 5, 0, 1, 0, 0, 0, 1, 0, 0)), 2);
    },
  },
  {
    id: "fc18.count",
    group: "services",
    clause: `${DOCUMENT}, 6.18`,
    title: "18h: byte count = 2 + 2 × count, of at most 31",
    request: "the queue at the first holding register of the map",
    expectation: "lengths that fit; or exception 02 or 03",
    needs: ["18"],
    *run(target) {
      const answer = yield* ask(target, words(0x18, target.map.read.holding[0]?.address ?? 0));
      if (judgeException(answer, 2, 3).kind === "pass") return PASS;
      if (answer.kind !== "reply" || answer.pdu.length < 5) return fail(showAnswer(answer), "a queue belongs here");
      const [length, count] = [uint16At(answer.pdu, 1), uint16At(answer.pdu, 3)];
      const fits = length === 2 + 2 * count && count <= 31 && answer.pdu.length === 3 + length;
      return fits ? PASS : fail(`byte count ${length}, ${count} in the queue`, "they do not fit each other");
    },
  },
  refusals({
    ...IDENTIFICATION,
    id: "fc2b.type",
    title: "an encapsulated type other than 0Eh is refused",
    request: "2B/0F and 2B/00",
    pdus: () => [bytes(0x2b, 0x0f, 1, 0), bytes(0x2b, 0, 1, 0)],
    code: 1,
  }),
  refusals({
    ...IDENTIFICATION,
    id: "fc2b.code",
    title: "ReadDevId codes other than 1..4 are refused",
    request: "codes 0, 5 and FFh",
    pdus: () => [0, 5, 0xff].map((code) => bytes(0x2b, 0x0e, code, 0)),
    code: 3,
  }),
  {
    ...IDENTIFICATION,
    id: "fc2b.basic",
    title: "the basic stream has vendor, product code and revision, and nothing else",
    request: "code 1 from object 0 on",
    expectation: "objects 00, 01 and 02 in ASCII",
    *run(target) {
      const stream = yield* objects(target, 1);
      if (!(stream instanceof Map)) return stream;
      const ids = [...stream.keys()];
      if (ids.join() !== "0,1,2") return fail(`objects ${ids.join(", ")}`, "basic objects are 00, 01 and 02");
      for (const [id, text] of stream)
        if (text.some((byte) => byte < 0x20 || byte > 0x7e))
          return fail(`object ${id}: ${toHex(text, " ")}`, "it is a text in ASCII");
      return PASS;
    },
  },
  {
    ...IDENTIFICATION,
    id: "fc2b.levels",
    title: "each stream holds its level, and the conformity level says what there is",
    request: "codes 1, 2 and 3 from object 0 on",
    expectation: "up to 02, up to 7F, all; conformity 01..03 or 81..83 and the same as what is there",
    run: levels,
  },
  {
    ...IDENTIFICATION,
    id: "fc2b.individual",
    title: "single objects are given, unknown ones refused, where the conformity level says so",
    request: "code 4 for object 0, and for one that no stream has",
    expectation: "that object alone; exception 02",
    run: individual,
  },
  {
    ...IDENTIFICATION,
    id: "fc2b.unknown-start",
    title: "a stream from an unknown object on starts at the first one",
    request: "code 1 from object 60h on",
    expectation: "the stream from object 00 on",
    *run(target) {
      const page = yield* identify(target, 1, 0x60);
      if ("kind" in page) return page;
      const [first] = page.objects.keys();
      return first === 0 ? PASS : fail(`it starts with object ${first}`, "it starts at the beginning");
    },
  },
];

type Page = {
  readonly conformity: number;
  readonly next: number | undefined;
  readonly objects: ReadonlyMap<number, Uint8Array>;
};

function* identify(target: ModbusTarget, code: number, object: number): Probe<Page | Verdict> {
  const answer = yield* ask(target, bytes(0x2b, 0x0e, code, object));
  if (answer.kind !== "reply" || answer.pdu[0] !== 0x2b) return fail(showAnswer(answer), "a good reply belongs here");
  const { pdu } = answer;
  if (pdu[1] !== 0x0e || pdu[2] !== code) return fail(showAnswer(answer), "the reply repeats type and code");
  if (pdu[4] !== 0 && pdu[4] !== 0xff) return fail(`more follows ${pdu[4]}`, "it is 00h or FFh");
  if (pdu[4] === 0 && pdu[5] !== 0) return fail(`next object ${pdu[5]}`, "with nothing to follow it is 00h");
  const page = parseIdentification(pdu.subarray(2));
  return page.ok ? page.value : fail(`${showAnswer(answer)}: ${page.error}`, "an object is never split");
}

/** All objects of a stream, page by page; ids must rise, so there are at most 256 pages. */
function* objects(target: ModbusTarget, code: number): Probe<Map<number, Uint8Array> | Verdict> {
  const all = new Map<number, Uint8Array>();
  let next: number | undefined = 0;
  while (next !== undefined) {
    const asked: number = next;
    const page: Page | Verdict = yield* identify(target, code, asked);
    if ("kind" in page) return page;
    for (const [id, text] of page.objects) {
      if (id <= ([...all.keys()].at(-1) ?? -1)) return fail(`object ${id} again, or out of order`, "a stream goes up");
      all.set(id, text);
    }
    if (page.next !== undefined && page.next <= asked)
      return fail(`it goes on with ${page.next} behind ${asked}`, "a stream ends");
    next = page.next;
  }
  return all;
}

const LAST = [0, 0x02, 0x7f, 0xff];

function* levels(target: ModbusTarget): Probe<Verdict> {
  let most = 0;
  for (const code of [1, 2, 3]) {
    const stream = yield* objects(target, code);
    if (!(stream instanceof Map)) return stream;
    const last = [...stream.keys()].at(-1) ?? 0;
    if (last > (LAST[code] as number)) return fail(`object ${last} in stream ${code}`, "it belongs to a higher level");
    most = Math.max(most, last);
  }
  const page = yield* identify(target, 3, 0);
  if ("kind" in page) return page;
  const level = page.conformity & 0x7f;
  if (level < 1 || level > 3) return fail(`conformity ${page.conformity.toString(16)}`, "it is 01..03 or 81..83");
  const there = most > 0x7f ? 3 : most > 2 ? 2 : 1;
  return level === there
    ? PASS
    : fail(`conformity ${page.conformity.toString(16)}, last object ${most}`, `objects up to there are level ${there}`);
}

function* individual(target: ModbusTarget): Probe<Verdict> {
  const all = yield* objects(target, 3);
  if (!(all instanceof Map)) return all;
  const stream = yield* identify(target, 1, 0);
  if ("kind" in stream) return stream;
  // Level 01..03 gives streams only: then nothing is said of single objects.
  if ((stream.conformity & 0x80) === 0) return PASS;
  const page = yield* identify(target, 4, 0);
  if ("kind" in page) return page;
  if ([...page.objects.keys()].join() !== "0")
    return fail(`objects ${[...page.objects.keys()].join(", ")}`, "object 0 alone was asked for");
  if (toHex(page.objects.get(0) as Uint8Array) !== toHex(all.get(0) ?? bytes()))
    return fail("another text than in the stream", "it is one object");
  const unknown = Array.from({ length: 256 }, (_, id) => id).find((id) => id > 2 && !all.has(id));
  if (unknown === undefined) return PASS;
  return judgeException(yield* ask(target, bytes(0x2b, 0x0e, 4, unknown)), 2);
}
