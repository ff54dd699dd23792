/** Defects of reads, values and what changes a meter: each rule broken once. */
import { encodeFrame } from "../../../protocols/dlt645/frame.ts";
import {
  ADDRESS,
  accepts,
  answersTo,
  counting,
  data,
  errTo,
  MS,
  type Mutation,
  type Parts,
  partsOf,
  replies,
  requests,
  to,
} from "./dlt645-spoil.ts";

/** 0F0F0F0F, which the map calls absent. */
const isAbsent = ({ data: [di0] }: Parts) => di0 === 0x0f;
/** 123456, low byte first behind identifier and level. */
const knowsPassword = ({ data: asked }: Parts) => asked[5] === 0x56 && asked[6] === 0x34;

export const DATA_DEFECTS: readonly Mutation[] = [
  [
    "energies of five bytes",
    "read.known",
    replies(
      to(0x91, "00000100", (parts) => {
        parts.data.push(0);
      }),
    ),
  ],
  [
    "the identifier comes back high byte first",
    "read.identifier",
    replies((parts) => {
      if (parts.control === 0x91) parts.data = [...parts.data.slice(0, 4).reverse(), ...parts.data.slice(4)];
    }),
  ],
  ["ERR 04 for an unknown identifier", "read.unknown", errTo(0xd1, 0x04)],
  [
    "91H for an unknown identifier",
    "read.unknown",
    replies((parts) => {
      if (parts.control === 0xd1) parts.control = 0x91;
    }),
  ],
  [
    "a refusal without ERR",
    "read.unknown",
    replies((parts) => {
      if (parts.control === 0xd1) parts.data = [];
    }),
  ],
  [
    "takes identifiers of two bytes",
    "read.two-byte-identifier",
    {
      blurts: (asked) => {
        const parts = partsOf(asked);
        const reply = { address: ADDRESS, control: 0x91, data: Uint8Array.of(0x11, 0xb6, 0, 0x23) };
        return parts?.control === 0x11 && parts.data.length === 2 ? [[30 * MS, encodeFrame(reply, 4)]] : [];
      },
    },
  ],
  ["answers reads of the 1997 edition", "read.1997", answersTo(0x01)],
  ["answers functions that are none", "read.unknown-function", answersTo(0x1f)],
  [
    "gives a following frame where nothing follows",
    "read.following-without-first",
    replies((parts) => {
      if (parts.control !== 0xd2) return;
      parts.control = 0x92;
      parts.data = [0, 0, 1, 0, 0, 1];
    }),
  ],
  [
    "SEQ counts from 0",
    "read.following",
    replies((parts) => {
      if ((parts.control & 0x9f) === 0x92) parts.data[parts.data.length - 1] = (parts.data.at(-1) as number) - 1;
    }),
  ],
  [
    "D5 never set",
    "read.following",
    replies((parts) => {
      parts.control &= ~0x20;
    }),
  ],
  [
    "a following frame once more is the next one",
    "read.following-again",
    counting((next) =>
      requests((parts) => {
        if (parts.control !== 0x12 || parts.data.length !== 5) return;
        if (next() % 2 === 0) parts.data[4] = (parts.data[4] as number) + 1;
      }),
    ),
  ],
  ["an energy in binary", "value.energies", data("00000100", 0, 0x3f)],
  ["a voltage in binary", "value.voltages", data("00010102", 0, 0xfc)],
  [
    "a current of two bytes",
    "value.currents",
    replies(
      to(0x91, "00010202", (parts) => {
        parts.data.pop();
      }),
    ),
  ],
  ["a power in binary", "value.powers", data("00000302", 1, 0xab)],
  ["a power factor of 1.999", "value.power-factors", data("00000602", 1, 0x19)],
  ["a frequency with its bytes swapped", "value.frequency", data("02008002", 1, 0x05)],
  ["month 13", "value.date", data("01010004", 2, 0x13)],
  ["minute 60", "value.time", data("02010004", 1, 0x60)],
  ["another address as its parameter", "value.address", data("01040004", 0, 0x99)],
  [
    "status words of one byte",
    "value.status",
    replies(
      to(0x91, "01050004", (parts) => {
        parts.data.pop();
      }),
    ),
  ],
  [
    "a block without its last phase",
    "value.block",
    replies(
      to(0x91, "00ff0102", (parts) => {
        parts.data.splice(8);
      }),
    ),
  ],
  ["the total of tariffs is not their sum", "value.tariffs", data("00ff0100", 2, 0x77)],
  [
    "an energy that runs backwards",
    "value.forward",
    counting((next) =>
      replies(
        to(0x91, "00000100", (parts) => {
          parts.data[6] = 0x99 - (next() % 10);
        }),
      ),
    ),
  ],
  [
    "a write is done and the reply has data",
    "write.same",
    replies((parts) => {
      if (parts.control === 0x94) parts.data = [0];
    }),
  ],
  ["a write to nothing is done", "write.unknown-identifier", accepts(0xd4, isAbsent)],
  [
    "takes a write to six AA",
    "write.shortened",
    requests((parts) => {
      if (parts.control === 0x14) parts.address = ADDRESS;
    }),
  ],
  [
    "data of a wrong length is taken",
    "write.short",
    accepts(0xd4, (asked) => knowsPassword(asked) && !isAbsent(asked)),
  ],
  ["a wrong password is taken", "write.wrong-password", accepts(0xd4, (asked) => !knowsPassword(asked))],
  ["ERR 01 for a wrong password", "write.wrong-password", errTo(0xd4, 0x01)],
  ["trips without a password", "write.control-guarded", accepts(0xdc)],
  ["takes a new password without the old one", "write.password-guarded", accepts(0xd8)],
  ["clears demand without a password", "write.demand-guarded", accepts(0xd9)],
  ["clears all without a password", "write.meter-guarded", accepts(0xda)],
  ["clears events without a password", "write.events-guarded", accepts(0xdb)],
  ["answers a broadcast time", "write.time-broadcast", answersTo(0x08, "999999999999")],
  ["answers a time to its address", "write.time-addressed", answersTo(0x08, ADDRESS)],
  [
    "a freeze is refused",
    "write.freeze",
    replies((parts) => {
      if (parts.control === 0x96) Object.assign(parts, { control: 0xd6, data: [1] });
    }),
  ],
  [
    "agrees to a rate that is none",
    "write.no-rate",
    replies((parts) => {
      if (parts.control === 0xd7) Object.assign(parts, { control: 0x97, data: [0] });
    }),
  ],
];
