/** Writing within the ranges that the map names, and putting back what was there. */
import { putUint16, uint16At } from "../../../../protocols/modbus/frame.ts";
import type { Probe } from "../../probe.ts";
import { fail, type Verdict } from "../check.ts";
import type { WritableTable, WriteRange } from "./map.ts";
import { read } from "./read-checks.ts";
import { isVerdict } from "./rules.ts";
import { ask, bytes, type ModbusTarget, showAnswer, words } from "./target.ts";

/** As many of a range as a check touches. */
export interface Scratch {
  readonly address: number;
  readonly count: number;
  readonly values: WriteRange["values"];
  /** Its content before, one number each. */
  readonly before: readonly number[];
}

const MOST = 4;

/**
 * Runs `body` on the longest range of the table that may be written, and puts back what was there, whatever came of it.
 * That what was there could be put back is part of the verdict.
 */
export function* onScratch(
  target: ModbusTarget,
  table: WritableTable,
  body: (scratch: Scratch) => Probe<Verdict>,
): Probe<Verdict> {
  const range = [...target.map.write[table]].sort((a, b) => b.count - a.count)[0] as WriteRange;
  const { address, values } = range;
  const count = Math.min(range.count, MOST);
  const before = yield* readValues(target, table, address, count);
  if (!Array.isArray(before)) return before;
  const verdict = yield* body({ address, count, values, before });
  const unrestored = yield* restore(target, table, address, before);
  return verdict.kind === "fail" ? verdict : (unrestored ?? verdict);
}

function* restore(
  target: ModbusTarget,
  table: WritableTable,
  address: number,
  before: readonly number[],
): Probe<Verdict | undefined> {
  const found = yield* readValues(target, table, address, before.length);
  if (Array.isArray(found) && found.join() === before.join()) return undefined;
  for (const pdu of writesOf(target, table, address, before)) yield* ask(target, pdu);
  const now = yield* readValues(target, table, address, before.length);
  if (Array.isArray(now) && now.join() === before.join()) return undefined;
  return fail(
    `${Array.isArray(now) ? now.join(" ") : "no reading"} at ${address}`,
    `${before.join(" ")} could not be put back`,
  );
}

/** Requests that write these values, by the function that the map declares. */
export function writesOf(
  { map: { functions } }: ModbusTarget,
  table: WritableTable,
  address: number,
  values: readonly number[],
): readonly Uint8Array[] {
  if (table === "coil") {
    if (functions.has("0F")) return [writeCoils(address, values)];
    return values.map((value, i) => words(5, address + i, value === 0 ? 0 : 0xff00));
  }
  if (functions.has("10")) return [writeRegisters(address, values)];
  if (functions.has("06")) return values.map((value, i) => words(6, address + i, value));
  return values.map((value, i) => words(0x16, address + i, 0, value));
}

export function writeRegisters(address: number, values: readonly number[]): Uint8Array {
  const head = [...words(0x10, address, values.length), 2 * values.length];
  return bytes(...head, ...words(0, ...values).subarray(1));
}

export function writeCoils(address: number, values: readonly number[]): Uint8Array {
  const packed = new Array<number>((values.length + 7) >> 3).fill(0);
  for (const [i, value] of values.entries())
    if (value !== 0) packed[i >> 3] = (packed[i >> 3] as number) | (1 << (i & 7));
  return bytes(...words(0x0f, address, values.length), packed.length, ...packed);
}

/** What is there, one number each, or the verdict on a reply that was wrong. */
export function* readValues(
  target: ModbusTarget,
  table: WritableTable,
  address: number,
  count: number,
): Probe<number[] | Verdict> {
  const data = yield* read(target, table === "coil" ? 1 : 3, address, count, table === "coil");
  if (isVerdict(data)) return data;
  if (table === "holding") return Array.from({ length: count }, (_, i) => uint16At(data, 2 * i));
  return Array.from({ length: count }, (_, i) => ((data[i >> 3] as number) >> (i & 7)) & 1);
}

/** Values that differ from what is there, each a value that the range takes. */
export function otherValues({ before, values }: Scratch): number[] {
  return before.map((now) => (now === values[0] ? values[1] : values[0]));
}

/** Fails unless these values are there now. */
export function* mustHold(
  target: ModbusTarget,
  table: WritableTable,
  address: number,
  wanted: readonly number[],
  why: string,
): Probe<Verdict | undefined> {
  const now = yield* readValues(target, table, address, wanted.length);
  if (!Array.isArray(now)) return now;
  return now.join() === wanted.join()
    ? undefined
    : fail(`${now.join(" ")} at ${address}, not ${wanted.join(" ")}`, why);
}

/** Fails unless the answer is the request's first `length` bytes. */
export function mustEcho(
  answer: Parameters<typeof showAnswer>[0],
  pdu: Uint8Array,
  length: number,
): Verdict | undefined {
  if (answer.kind === "reply" && answer.pdu.length === length && answer.pdu.every((byte, i) => byte === pdu[i]))
    return undefined;
  return fail(showAnswer(answer), `the reply repeats the first ${length} bytes of the request`);
}

/** A PDU with one 16-bit word replaced. */
export function withWord(pdu: Uint8Array, at: number, value: number): Uint8Array {
  const out = pdu.slice();
  putUint16(out, at, value);
  return out;
}
