/** Functions 05, 06, 0F, 10, 16 and 17 (V1.1b3, 6.5, 6.6, 6.11, 6.12, 6.16, 6.17), in ranges that the map names. */
import { uint16At } from "../../../../protocols/modbus/frame.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, skip, type Verdict } from "../check.ts";
import { goodReply, isVerdict, judgeException } from "./rules.ts";
import { ask, bytes, type ModbusCheck, type ModbusTarget, words } from "./target.ts";
import {
  mustEcho,
  mustHold,
  onScratch,
  otherValues,
  type Scratch,
  withWord,
  writeCoils,
  writeRegisters,
} from "./write-access.ts";

const DOCUMENT = "MODBUS Application Protocol V1.1b3";
const COIL_READ = ["01", "write:coil"];
const HOLDING_READ = ["03", "write:holding"];

type Rule = Pick<ModbusCheck, "id" | "clause" | "title" | "request" | "expectation"> & {
  readonly needs: readonly string[];
  readonly table: "coil" | "holding";
  readonly body: (target: ModbusTarget, scratch: Scratch) => Probe<Verdict>;
};

function onRange({ body, table, ...rule }: Rule): ModbusCheck {
  const needs = [...rule.needs, ...(table === "coil" ? COIL_READ : HOLDING_READ)];
  return {
    ...rule,
    needs,
    group: "writes",
    writes: true,
    run: (target) => onScratch(target, table, (scratch) => body(target, scratch)),
  };
}

/** A write that must be echoed so far, and done. */
function* done(
  target: ModbusTarget,
  pdu: Uint8Array,
  echoed: number,
  table: "coil" | "holding",
  wanted: Wanted,
): Probe<Verdict> {
  const answer = yield* ask(target, pdu);
  return (
    mustEcho(answer, pdu, echoed) ??
    (yield* mustHold(target, table, wanted.address, wanted.values, "what was written is not there")) ??
    PASS
  );
}

interface Wanted {
  readonly address: number;
  readonly values: readonly number[];
}

/** Writes that must be refused with one of these codes, and change nothing. */
function* refused(
  target: ModbusTarget,
  pdus: readonly Uint8Array[],
  codes: readonly number[],
  table: "coil" | "holding",
  { address, before }: Scratch,
): Probe<Verdict> {
  for (const pdu of pdus) {
    const verdict = judgeException(yield* ask(target, pdu), ...codes);
    const changed = yield* mustHold(target, table, address, before, "a refused write changed something");
    if (changed !== undefined) return changed;
    if (verdict.kind !== "pass") return verdict;
  }
  return PASS;
}

export const WRITE_CHECKS: readonly ModbusCheck[] = [
  onRange({
    id: "fc05.done",
    table: "coil",
    needs: ["05"],
    clause: `${DOCUMENT}, 6.5`,
    title: "function 05 sets a coil both ways and echoes",
    request: "FF00h and 0000h to a coil",
    expectation: "the request as the reply; the coil follows",
    *body(target, { address, before }) {
      for (const value of before[0] === 0 ? [1, 0] : [0, 1]) {
        const pdu = words(5, address, value === 0 ? 0 : 0xff00);
        const verdict = yield* done(target, pdu, 5, "coil", { address, values: [value] });
        if (verdict.kind !== "pass") return verdict;
      }
      return PASS;
    },
  }),
  onRange({
    id: "fc05.value",
    table: "coil",
    needs: ["05"],
    clause: `${DOCUMENT}, 6.5`,
    title: "function 05 takes FF00h and 0000h only",
    request: "values 1234h, 0001h, FFFFh and 00FFh to a coil",
    expectation: "exception 03, and the coil stays",
    body: (target, scratch) =>
      refused(
        target,
        [0x1234, 0x0001, 0xffff, 0x00ff].map((value) => words(5, scratch.address, value)),
        [3],
        "coil",
        scratch,
      ),
  }),
  onRange({
    id: "fc0f.done",
    table: "coil",
    needs: ["0F"],
    clause: `${DOCUMENT}, 6.11`,
    title: "function 0F sets coils, lowest bit first, and echoes address and quantity",
    request: "other states to the coils of a range",
    expectation: "address and quantity as the reply; each coil follows",
    body(target, { address, before }) {
      const values = before.map((state) => 1 - state);
      return done(target, writeCoils(address, values), 5, "coil", { address, values });
    },
  }),
  onRange({
    id: "fc0f.byte-count",
    table: "coil",
    needs: ["0F"],
    clause: `${DOCUMENT}, 6.11`,
    title: "function 0F: quantity 0, quantity above 1968 and a wrong byte count are refused",
    request: "quantity 0, 1969, and a byte count that does not fit",
    expectation: "exception 03, and no coil changes",
    body(target, scratch) {
      const good = writeCoils(
        scratch.address,
        scratch.before.map((state) => 1 - state),
      );
      const wrongCount = good.slice();
      wrongCount[5] = 2;
      const above = bytes(...words(0x0f, scratch.address, 1969), 247, ...new Array<number>(247).fill(0));
      return refused(target, [withWord(good, 3, 0), above, wrongCount], [3], "coil", scratch);
    },
  }),
  onRange({
    id: "fc06.done",
    table: "holding",
    needs: ["06"],
    clause: `${DOCUMENT}, 6.6`,
    title: "function 06 writes a register and echoes",
    request: "another value to a register",
    expectation: "the request as the reply; the register has the value",
    body(target, scratch) {
      const [value = 0] = otherValues(scratch);
      const { address, before } = scratch;
      return done(target, words(6, address, value), 5, "holding", { address, values: [value, ...before.slice(1)] });
    },
  }),
  {
    id: "fc06.read-only",
    group: "writes",
    clause: `${DOCUMENT}, 6.6`,
    title: "function 06 to a read-only register is refused",
    request: "its own value to a register that the map calls read-only",
    expectation: "exception 02, 03 or 04",
    needs: ["03", "06", "readOnly:holding"],
    writes: true,
    *run(target) {
      const { address } = target.map.readOnly[0] as { address: number };
      const data = goodReply(yield* ask(target, words(3, address, 1)), 4);
      if (isVerdict(data)) return data;
      return judgeException(yield* ask(target, words(6, address, uint16At(data, 2))), 2, 3, 4);
    },
  },
  onRange({
    id: "fc10.done",
    table: "holding",
    needs: ["10"],
    clause: `${DOCUMENT}, 6.12`,
    title: "function 10 writes registers and echoes address and quantity",
    request: "other values to the registers of a range",
    expectation: "address and quantity as the reply; each register has its value",
    body(target, scratch) {
      const values = otherValues(scratch);
      const { address } = scratch;
      return done(target, writeRegisters(address, values), 5, "holding", { address, values });
    },
  }),
  onRange({
    id: "fc10.byte-count",
    table: "holding",
    needs: ["10"],
    clause: `${DOCUMENT}, 6.12`,
    title: "function 10: a byte count that is not 2 × quantity is refused",
    request: "byte counts one below and two above what the quantity needs",
    expectation: "exception 03, and no register changes",
    body(target, scratch) {
      const good = writeRegisters(scratch.address, otherValues(scratch));
      const count = good[5] as number;
      const wrong = [count - 1, count + 2].map((value) => Uint8Array.from(good, (byte, i) => (i === 5 ? value : byte)));
      return refused(target, wrong, [3], "holding", scratch);
    },
  }),
  onRange({
    id: "fc10.quantity",
    table: "holding",
    needs: ["10"],
    clause: `${DOCUMENT}, 6.12`,
    title: "function 10: quantity 0 and 124 are refused",
    request: "quantity 0, and 124 registers",
    expectation: "exception 03, and no register changes",
    body(target, scratch) {
      const none = bytes(...words(0x10, scratch.address, 0), 0);
      const above = bytes(...words(0x10, scratch.address, 123), 246, ...new Array<number>(246).fill(0));
      return refused(target, [none, withWord(above, 3, 124)], [3], "holding", scratch);
    },
  }),
  onRange({
    id: "fc10.past-end",
    table: "holding",
    needs: ["10", "absent:holding"],
    clause: `${DOCUMENT}, 6.12`,
    title: "function 10 past the end of the map writes nothing",
    request: "registers of a writable range and the absent one behind it",
    expectation: "exception 02, and no register changes",
    *body(target, scratch) {
      const { map } = target;
      const end = map.absent.holding.find(({ address }) =>
        map.write.holding.some((r) => r.address + r.count === address),
      );
      if (end === undefined) return skip("no writable range of the map ends at an absent one");
      const [last, value] = [end.address - 1, scratch.values[0]];
      const before = goodReply(yield* ask(target, words(3, last, 1)), 4);
      if (isVerdict(before)) return before;
      const now = uint16At(before, 2);
      const other = now === value ? scratch.values[1] : value;
      const verdict = judgeException(yield* ask(target, writeRegisters(last, [other, other])), 2);
      const changed = yield* mustHold(target, "holding", last, [now], "a refused write changed something");
      if (changed !== undefined) yield* ask(target, writeRegisters(last, [now]));
      return changed ?? verdict;
    },
  }),
  onRange({
    id: "fc16.masks",
    table: "holding",
    needs: ["16"],
    clause: `${DOCUMENT}, 6.16`,
    title: "function 16: (register AND and-mask) OR (or-mask AND NOT and-mask), and an echo",
    request: "masks that make another value of the register",
    expectation: "the request as the reply; the register has that value",
    *body(target, scratch) {
      const { address, before } = scratch;
      const [value = 0] = otherValues(scratch);
      // The bits that differ are taken from the or-mask; its other bits are the complement, and must not matter.
      const and = ~((before[0] as number) ^ value) & 0xffff;
      const pdu = words(0x16, address, and, (value ^ and) & 0xffff);
      return yield* done(target, pdu, 7, "holding", { address, values: [value, ...before.slice(1)] });
    },
  }),
  onRange({
    id: "fc17.done",
    table: "holding",
    needs: ["17"],
    clause: `${DOCUMENT}, 6.17`,
    title: "function 17 writes before it reads",
    request: "another value to a register, and a read of the same one",
    expectation: "the new value in the reply",
    *body(target, scratch) {
      const { address } = scratch;
      const [value = 0] = otherValues(scratch);
      const pdu = bytes(...words(0x17, address, 1, address, 1), 2, value >> 8, value & 0xff);
      const data = goodReply(yield* ask(target, pdu), 4);
      if (isVerdict(data)) return data;
      if (data[1] !== 2) return fail(`byte count ${data[1]}`, "one register is 2 bytes");
      return uint16At(data, 2) === value
        ? PASS
        : fail(`value ${uint16At(data, 2)}, not ${value}`, "the write comes before the read");
    },
  }),
  onRange({
    id: "fc17.quantity",
    table: "holding",
    needs: ["17"],
    clause: `${DOCUMENT}, 6.17`,
    title: "function 17: quantities and byte count out of their limits are refused",
    request: "read 0 and 126, write 0, and a byte count that does not fit",
    expectation: "exception 03, and no register changes",
    body(target, scratch) {
      const { address } = scratch;
      const [value = 0] = otherValues(scratch);
      const of = (read: number, write: number, count: number) =>
        bytes(...words(0x17, address, read, address, write), count, ...(write === 0 ? [] : [value >> 8, value & 0xff]));
      return refused(target, [of(0, 1, 2), of(126, 1, 2), of(1, 0, 0), of(1, 1, 4)], [3], "holding", scratch);
    },
  }),
];
