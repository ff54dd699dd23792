/** Defects of PDUs: each breaks one rule, and names the check that must say so. They are the same on every framing. */
import { uint16At } from "../../../protocols/modbus/frame.ts";
import { isFc, modelWith, otherByte, type Row, servesUpTo, whenPdu, wrongCode } from "./modbus-defects.ts";
import { tcpFrame } from "./modbus-device.ts";

const of = (...values: readonly number[]) => Uint8Array.from(values);
const anyRequest = () => true;
const exception = (code: number) => (_reply: Uint8Array, request: Uint8Array) =>
  of((request[0] as number) | 0x80, code);

/** PDU level, seeded over TCP, where it is no matter how frames are found. */
export const PDU_DEFECTS: readonly Row[] = [
  ["unknown functions get 02", "pdu.unknown-function", wrongCode((r) => (r[0] as number) > 0x60, 2)],
  [
    "unknown functions get silence",
    "pdu.unknown-function",
    { reply: (r, q) => ((q[7] as number) === 0x64 ? undefined : r) },
  ],
  ["function 0 gets 03", "pdu.function-0", wrongCode(isFc(0), 3)],
  ["function 83h is answered as 03", "pdu.function-above-127", whenPdu(isFc(0x83), () => of(0x83, 2, 0))],
  ["exceptions do not set bit 7", "pdu.unknown-function", whenPdu(isFc(0x64), () => of(0x64, 1))],
  ["exceptions have a byte too many", "pdu.unknown-function", whenPdu(isFc(0x64), () => of(0xe4, 1, 0))],
  [
    "replies carry another function",
    "pdu.answers",
    whenPdu(anyRequest, (r) => Uint8Array.from(r, (b, i) => (i === 0 ? b + 1 : b))),
  ],
  ["an undeclared function is served", "pdu.undeclared-functions", whenPdu(isFc(0x18), () => of(0x18, 0, 2, 0, 0))],
  [
    "the address is checked before the quantity",
    "pdu.quantity-before-address",
    wrongCode((r) => uint16At(r, 1) === 0xffff && uint16At(r, 3) !== 2, 2),
  ],
  [
    "addresses go round from FFFF to 0",
    "pdu.no-wraparound",
    whenPdu(
      (r) => r[0] === 3 && uint16At(r, 1) === 0xffff && uint16At(r, 3) === 2,
      () => of(3, 4, 0, 0, 0, 0),
    ),
  ],
  [
    "the range past FFFF gets 03",
    "pdu.no-wraparound",
    wrongCode((r) => uint16At(r, 1) === 0xffff && uint16At(r, 3) === 2, 3),
  ],
  [
    "a read without quantity is answered",
    "pdu.short-request",
    whenPdu(
      (r) => r.length === 3,
      () => of(3, 2, 0, 0),
    ),
  ],
  [
    "bytes behind a read are passed over",
    "pdu.long-request",
    {
      request: (f) => [
        f[7] !== undefined && f[7] < 5 && f.length > 12 ? tcpFrame(uint16At(f, 0), f[6] as number, f.slice(7, 12)) : f,
      ],
    },
  ],
  ...[1, 2].flatMap((code): Row[] => [
    [
      `0${code}: quantity 0 gets 02`,
      `fc0${code}.quantity-0`,
      wrongCode((r) => r[0] === code && uint16At(r, 3) === 0, 2),
    ],
    [`0${code}: quantity 2001 is served`, `fc0${code}.quantity-above`, servesUpTo(code, 2001, true)],
    [`0${code}: the byte count is one too many`, `fc0${code}.byte-count`, otherByte(code, 1, (b) => b + 1)],
    [
      `0${code}: unused bits are set`,
      `fc0${code}.unused-bits`,
      whenPdu(isFc(code), (r) =>
        (r[0] as number) & 0x80 ? r : Uint8Array.from(r, (b, i) => (i === r.length - 1 ? b | 0x80 : b)),
      ),
    ],
  ]),
  ...[3, 4].flatMap((code): Row[] => [
    [
      `0${code}: quantity 0 gets 02`,
      `fc0${code}.quantity-0`,
      wrongCode((r) => r[0] === code && uint16At(r, 3) === 0, 2),
    ],
    [`0${code}: quantity 126 is served`, `fc0${code}.quantity-above`, servesUpTo(code, 126, false)],
    [
      `0${code}: quantity FFFF gets 04`,
      `fc0${code}.quantity-ffff`,
      wrongCode((r) => r[0] === code && uint16At(r, 3) === 0xffff, 4),
    ],
    [`0${code}: the byte count is the quantity`, `fc0${code}.byte-count`, otherByte(code, 1, (b) => b / 2)],
    [
      `0${code}: a register is missing`,
      `fc0${code}.byte-count`,
      whenPdu(
        (r) => r[0] === code && uint16At(r, 3) === 2,
        (r) => ((r[0] as number) & 0x80 ? r : of(code, 2, 1, 2)),
      ),
    ],
    [
      `0${code}: an absent address is served`,
      `fc0${code}.absent`,
      whenPdu(
        (r) => r[0] === code && uint16At(r, 1) === 130,
        () => of(code, 2, 0, 0),
      ),
    ],
  ]),
  [
    "03: a read that does not begin at 0 is one off",
    "fc03.same-value",
    {
      request: (f) => [
        f[7] === 3 && f[9] === 10 && f[11] === 10 ? Uint8Array.from(f, (b, i) => (i === 9 ? b - 1 : b)) : f,
      ],
    },
  ],
  [
    "01: bits are packed highest first",
    "fc01.same-value",
    whenPdu(
      (r) => r[0] === 1,
      (r) =>
        Uint8Array.from(r, (b, i) =>
          i < 2 ? b : Number.parseInt([...b.toString(2).padStart(8, "0")].reverse().join(""), 2),
        ),
    ),
  ],
  [
    "05: value 1234h is taken for off",
    "fc05.value",
    whenPdu(
      (r) => r[0] === 5 && uint16At(r, 3) === 0x1234,
      (_, r) => r,
    ),
  ],
  [
    "05: value FFFFh is taken for on",
    "fc05.value",
    {
      request: (f) => [
        f[7] === 5 && f[10] === 0xff && f[11] === 0xff ? Uint8Array.from(f, (b, i) => (i === 11 ? 0 : b)) : f,
      ],
    },
  ],
  [
    "05: the reply says 0000h",
    "fc05.done",
    whenPdu(isFc(5), (r) => ((r[0] as number) & 0x80 ? r : of(...r.slice(0, 3), 0, 0))),
  ],
  ["05: nothing is written", "fc05.done", modelWith(() => ({ writeBits: () => 0 }))],
  [
    "0F: bits are taken highest first",
    "fc0f.done",
    modelWith((sound) => ({
      writeBits: (a, n, bytes, at) =>
        sound.writeBits?.(
          a,
          n,
          Uint8Array.from(bytes, (b) => ((b & 1) << 3) | ((b & 2) << 1) | ((b & 4) >> 1) | ((b & 8) >> 3) | (b & 0xf0)),
          at,
        ) ?? 1,
    })),
  ],
  [
    "0F: the byte count is not looked at",
    "fc0f.byte-count",
    { request: (f) => [f[7] === 15 && f[12] === 2 ? Uint8Array.from(f, (b, i) => (i === 12 ? 1 : b)) : f] },
  ],
  [
    "0F: quantity 0 is done",
    "fc0f.byte-count",
    whenPdu(
      (r) => r[0] === 15 && uint16At(r, 3) === 0,
      (_, r) => r.slice(0, 5),
    ),
  ],
  ["06: the reply has the old value", "fc06.done", otherByte(6, 4, (b) => b + 1)],
  ["06: nothing is written", "fc06.done", modelWith(() => ({ writeRegisters: () => 0 }))],
  [
    "06: a read-only register is echoed",
    "fc06.read-only",
    whenPdu(
      (r) => r[0] === 6 && uint16At(r, 1) === 0,
      (_, r) => r,
    ),
  ],
  [
    "10: the byte count is not looked at",
    "fc10.byte-count",
    { request: (f) => [f[7] === 16 ? Uint8Array.from(f, (b, i) => (i === 12 ? f.length - 13 : b)) : f] },
  ],
  ["10: 124 registers get 02", "fc10.quantity", wrongCode((r) => r[0] === 16 && uint16At(r, 3) === 124, 2)],
  [
    "10: quantity 0 is done",
    "fc10.quantity",
    whenPdu(
      (r) => r[0] === 16 && uint16At(r, 3) === 0,
      (_, r) => r.slice(0, 5),
    ),
  ],
  [
    "10: the reply has no quantity",
    "fc10.done",
    whenPdu(isFc(16), (r) => ((r[0] as number) & 0x80 ? r : r.slice(0, 3))),
  ],
  [
    "10: registers are exchanged",
    "fc10.done",
    modelWith((sound) => ({
      writeRegisters: (a, n, bytes, at) =>
        sound.writeRegisters?.(
          a,
          n,
          n < 2 ? bytes : of(...bytes.slice(at + 2, at + 4), ...bytes.slice(at, at + 2), ...bytes.slice(at + 4)),
          n < 2 ? at : 0,
        ) ?? 1,
    })),
  ],
  [
    "10: what fits is written before the refusal",
    "fc10.past-end",
    modelWith((sound) => ({
      writeRegisters(a, n, bytes, at) {
        if (a + n <= 130) return sound.writeRegisters?.(a, n, bytes, at) ?? 1;
        sound.writeRegisters?.(a, 130 - a, bytes, at);
        return 2;
      },
    })),
  ],
  [
    "10: past the end gets 03",
    "fc10.past-end",
    wrongCode((r) => r[0] === 16 && uint16At(r, 1) === 129 && uint16At(r, 3) === 2, 3),
  ],
  [
    "16: the or-mask is not masked",
    "fc16.masks",
    modelWith((sound) => ({
      writeRegisters: (a, n, bytes, at) =>
        sound.writeRegisters?.(a, n, of((bytes[at] as number) | 0x48, ...bytes.slice(at + 1)), 0) ?? 1,
    })),
  ],
  ["16: the reply stops behind the and-mask", "fc16.masks", whenPdu(isFc(0x16), (r) => r.slice(0, 5))],
  [
    "17: the read comes before the write",
    "fc17.done",
    whenPdu(isFc(0x17), (r) => ((r[0] as number) & 0x80 ? r : of(0x17, 2, 0, 0))),
  ],
  [
    "17: the byte count is not looked at",
    "fc17.quantity",
    { request: (f) => [f[7] === 0x17 && f[16] === 4 ? Uint8Array.from(f, (b, i) => (i === 16 ? 2 : b)) : f] },
  ],
  ["17: 126 registers get 02", "fc17.quantity", wrongCode((r) => r[0] === 0x17 && uint16At(r, 3) === 126, 2)],
  [
    "11: the run indicator stands last",
    "fc11.server-id",
    whenPdu(isFc(0x11), () => of(0x11, 4, 0x41, 0x42, 0x43, 0xff)),
  ],
  ["11: the byte count is one too many", "fc11.server-id", otherByte(0x11, 1, (b) => b + 1)],
  ["2B: type 0F gets 03", "fc2b.type", wrongCode((r) => r[0] === 0x2b && r[1] === 0x0f, 3)],
  ["2B: code 5 gets 02", "fc2b.code", wrongCode((r) => r[0] === 0x2b && r[2] === 5, 2)],
  [
    "2B: the basic stream has object 03",
    "fc2b.basic",
    {
      request: (f) => [f[7] === 0x2b && f[9] === 1 ? Uint8Array.from(f, (b, i) => (i === 9 ? 2 : b)) : f],
      pdu: (r, q) =>
        q[0] === 0x2b && q[2] === 1 && r.length > 3 ? Uint8Array.from(r, (b, i) => (i === 2 ? 1 : b)) : r,
    },
  ],
  [
    "2B: a text is not in ASCII",
    "fc2b.basic",
    modelWith((sound) => ({ objects: new Map([...(sound.objects ?? []), [0, of(0xff, 0)]]) })),
  ],
  ["2B: the conformity level is too low", "fc2b.levels", otherByte(0x2b, 3, () => 0x82)],
  [
    "2B: more follows for ever",
    "fc2b.levels",
    whenPdu(
      (r) => r[0] === 0x2b && r[2] === 3,
      (r) => Uint8Array.from(r, (b, i) => (i === 4 ? 0xff : i === 5 ? 0 : b)),
    ),
  ],
  ["2B: an unknown single object gets 03", "fc2b.individual", wrongCode((r) => r[0] === 0x2b && r[2] === 4, 3)],
  ["2B: an unknown start gets 02", "fc2b.unknown-start", whenPdu((r) => r[0] === 0x2b && r[3] === 0x60, exception(2))],
  ...[1, 2].flatMap((code): Row[] => [
    [
      `0${code}: quantity FFFF gets 02`,
      `fc0${code}.quantity-ffff`,
      wrongCode((r) => r[0] === code && uint16At(r, 3) === 0xffff, 2),
    ],
    [
      `0${code}: an absent address is served`,
      `fc0${code}.absent`,
      whenPdu(
        (r) => r[0] === code && uint16At(r, 1) === 2016,
        () => of(code, 1, 0),
      ),
    ],
  ]),
  [
    "02: bits begin at whole bytes",
    "fc02.same-value",
    { request: (f) => [f[7] === 2 && f[9] === 33 ? Uint8Array.from(f, (b, i) => (i === 9 ? 32 : b)) : f] },
  ],
  [
    "04: a read that does not begin at 0 is one off",
    "fc04.same-value",
    {
      request: (f) => [
        f[7] === 4 && f[9] === 10 && f[11] === 10 ? Uint8Array.from(f, (b, i) => (i === 9 ? b - 1 : b)) : f,
      ],
    },
  ],
];

/** Files, which our server does not have: a reply as a device with files gives it, and then the defect. */
export const FILE_DEFECTS: readonly Row[] = [
  ["14: the length is 0", "fc14.reply", whenPdu(isFc(0x14), () => of(0x14, 0))],
  ["14: a byte count of 6 gets 02", "fc14.byte-count", whenPdu(isFc(0x14), exception(2))],
  ["14: reference type 5 gets 03", "fc14.type", whenPdu(isFc(0x14), exception(3))],
  ["15: a length of 8 gets 02", "fc15.byte-count", whenPdu(isFc(0x15), exception(2))],
  [
    "18: 32 in the queue",
    "fc18.count",
    whenPdu(isFc(0x18), () => of(0x18, 0, 66, 0, 32, ...new Array<number>(64).fill(0))),
  ],
];
