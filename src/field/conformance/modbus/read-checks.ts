/** Functions 01 to 04 (V1.1b3, 6.1 to 6.4): quantities, byte counts, unused bits, addresses that are not there. */
import { toHex } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, skip, type Verdict } from "../check.ts";
import type { Range, Table } from "./map.ts";
import { goodReply, isVerdict, judgeException, refusal } from "./rules.ts";
import { ask, type ModbusCheck, type ModbusTarget, words } from "./target.ts";

interface ReadFunction {
  readonly code: number;
  readonly table: Table;
  readonly limit: number;
  /** Bits are packed. */
  readonly bits: boolean;
}

const FUNCTIONS: readonly ReadFunction[] = [
  { code: 1, table: "coil", limit: 2000, bits: true },
  { code: 2, table: "discrete", limit: 2000, bits: true },
  { code: 3, table: "holding", limit: 125, bits: false },
  { code: 4, table: "input", limit: 125, bits: false },
];

export const READ_CHECKS: readonly ModbusCheck[] = FUNCTIONS.flatMap(checksOf);

function checksOf({ code, table, limit, bits }: ReadFunction): readonly ModbusCheck[] {
  const feature = `0${code}`;
  const common = { group: "reads", clause: `MODBUS Application Protocol V1.1b3, 6.${code}`, needs: [feature] };
  const ranged = { ...common, needs: [feature, `read:${table}`] };
  const first = ({ map }: ModbusTarget): Range => map.read[table][0] ?? { address: 0, count: 1 };
  const checks: ModbusCheck[] = [
    refusal({
      ...common,
      id: `fc${feature}.quantity-0`,
      title: `function ${feature}: quantity 0 is refused`,
      request: "quantity 0",
      pdu: (target) => words(code, first(target).address, 0),
      code: 3,
    }),
    refusal({
      ...common,
      id: `fc${feature}.quantity-above`,
      title: `function ${feature}: quantity ${limit + 1} is refused`,
      request: `quantity ${limit + 1}`,
      pdu: (target) => words(code, first(target).address, limit + 1),
      code: 3,
    }),
    refusal({
      ...common,
      id: `fc${feature}.quantity-ffff`,
      title: `function ${feature}: quantity 65535 is refused`,
      request: "quantity FFFFh",
      pdu: (target) => words(code, first(target).address, 0xffff),
      code: 3,
    }),
    {
      ...ranged,
      id: `fc${feature}.byte-count`,
      title: `function ${feature}: byte count and length are those of the quantity`,
      request: "one, two and as many as a range and one request hold",
      expectation: bits
        ? "byte count = quantity / 8, rounded up; so many bytes"
        : "byte count = 2 × quantity; so many bytes",
      run: (target) => byteCounts(target, code, table, limit),
    },
    {
      ...ranged,
      id: `fc${feature}.same-value`,
      title: `function ${feature}: a value does not depend on where the read begins`,
      request: "a range in one, and its last part alone",
      expectation: "the same bits or registers, unless they change by themselves",
      run: (target) => consistent(target, code, first(target), bits),
    },
    {
      ...common,
      needs: [feature, `absent:${table}`],
      id: `fc${feature}.absent`,
      title: `function ${feature}: an address that is not there is refused`,
      request: "first and last of each absent range, and one across its edge",
      expectation: "exception 02",
      run: (target) => absent(target, code, table),
    },
  ];
  if (!bits) return checks;
  return [
    ...checks,
    {
      ...ranged,
      id: `fc${feature}.unused-bits`,
      title: `function ${feature}: unused bits of the last byte are zero`,
      request: "1 up to 9 bits",
      expectation: "zeros above the last bit asked for",
      run: (target) => unusedBits(target, code, first(target)),
    },
  ];
}

function* byteCounts(target: ModbusTarget, code: number, table: Table, limit: number): Probe<Verdict> {
  for (const range of target.map.read[table]) {
    const most = Math.min(range.count, limit);
    for (const quantity of new Set([1, Math.min(2, most), most])) {
      const data = yield* read(target, code, range.address, quantity, code < 3);
      if (isVerdict(data)) return data;
    }
  }
  return PASS;
}

function* absent(target: ModbusTarget, code: number, table: Table): Probe<Verdict> {
  for (const { address, count } of target.map.absent[table]) {
    const asked: [number, number][] = [
      [address, 1],
      [address + count - 1, 1],
    ];
    if (target.map.read[table].some((range) => range.address + range.count === address)) asked.push([address - 1, 2]);
    for (const [from, quantity] of asked) {
      const verdict = judgeException(yield* ask(target, words(code, from, quantity)), 2);
      if (verdict.kind === "fail") return { ...verdict, seen: `${verdict.seen} to ${quantity} from ${from} on` };
    }
  }
  return PASS;
}

function* unusedBits(target: ModbusTarget, code: number, range: Range): Probe<Verdict> {
  for (let quantity = 1; quantity <= Math.min(9, range.count); quantity++) {
    const data = yield* read(target, code, range.address, quantity, true);
    if (isVerdict(data)) return data;
    const used = ((quantity - 1) & 7) + 1;
    if ((data.at(-1) as number) >> used !== 0)
      return fail(`data ${toHex(data, " ")} of ${quantity} bits`, "bits that were not asked for are set");
  }
  return PASS;
}

/** The data of a read, or what is wrong with its reply. */
export function* read(
  target: ModbusTarget,
  code: number,
  address: number,
  quantity: number,
  bits: boolean,
): Probe<Uint8Array | Verdict> {
  const count = bits ? (quantity + 7) >> 3 : 2 * quantity;
  const pdu = goodReply(yield* ask(target, words(code, address, quantity)), 2 + count);
  if (isVerdict(pdu))
    return pdu.kind === "fail" ? { ...pdu, seen: `${pdu.seen} to ${quantity} from ${address} on` } : pdu;
  return pdu[1] === count
    ? pdu.subarray(2)
    : fail(`byte count ${pdu[1]}`, `for a quantity of ${quantity} it is ${count}`);
}

/** How often values may have changed by themselves between reads before nothing is said of them. */
const ATTEMPTS = 3;

function* consistent(target: ModbusTarget, code: number, range: Range, bits: boolean): Probe<Verdict> {
  const most = Math.min(range.count, bits ? 64 : 20);
  // Of bits an odd number, so that the part's do not stand where they stand in the whole.
  const skipped = bits && most > 1 ? (most >> 1) | 1 : most >> 1;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const all = yield* read(target, code, range.address, most, bits);
    if (isVerdict(all)) return all;
    const part = yield* read(target, code, range.address + skipped, most - skipped, bits);
    if (isVerdict(part)) return part;
    const again = yield* read(target, code, range.address, most, bits);
    if (isVerdict(again)) return again;
    const wanted = tail(all, skipped, most, bits);
    if (toHex(wanted) === toHex(part)) return PASS;
    // What changes by itself proves nothing: another attempt.
    if (toHex(all) !== toHex(again)) continue;
    const seen = `${toHex(part, " ")} alone, ${toHex(wanted, " ")} as a part`;
    return fail(seen, "the same addresses gave different values");
  }
  return skip("the values change by themselves from read to read");
}

function tail(all: Uint8Array, skipped: number, quantity: number, bits: boolean): Uint8Array {
  if (!bits) return all.slice(2 * skipped);
  const out = new Uint8Array((quantity - skipped + 7) >> 3);
  for (let i = skipped; i < quantity; i++) {
    const bit = ((all[i >> 3] as number) >> (i & 7)) & 1;
    const to = i - skipped;
    out[to >> 3] = (out[to >> 3] as number) | (bit << (to & 7));
  }
  return out;
}
