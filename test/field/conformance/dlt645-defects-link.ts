/** Defects of frame, address field and times: each rule broken once. */
import { encodeFrame, parseFrame } from "../../../protocols/dlt645/frame.ts";
import {
  ADDRESS,
  blind,
  byteOf,
  counting,
  indexOfStart,
  keeping,
  later,
  MS,
  type Mutation,
  partsOf,
  reframed,
  replies,
  requests,
  spoiling,
  sum,
  to,
} from "./dlt645-spoil.ts";

export const LINK_DEFECTS: readonly Mutation[] = [
  ["a 00 before each reply", "frame.preamble", spoiling((bytes) => Uint8Array.of(0, ...bytes))],
  ["six FE before a reply", "frame.preamble", spoiling((bytes) => Uint8Array.of(0xfe, 0xfe, ...bytes))],
  ["69H for the first 68H", "frame.start", byteOf(0, () => 0x69)],
  ["69H for the second 68H", "frame.start", byteOf(7, () => 0x69)],
  [
    "address high byte first",
    "frame.address",
    replies((parts) => {
      parts.address = (parts.address.match(/../g) ?? []).reverse().join("");
    }),
  ],
  [
    "AA in the reply's address",
    "frame.address",
    replies((parts) => {
      parts.address = `AAAA${parts.address.slice(4)}`;
    }),
  ],
  [
    "D7 not set in a reply",
    "frame.control",
    replies((parts) => {
      parts.control &= 0x7f;
    }),
  ],
  [
    "L counts CS and end too",
    "frame.length",
    spoiling((bytes) => {
      const start = indexOfStart(bytes);
      bytes[start + 9] = (bytes[start + 9] as number) + 2;
      sum(bytes, start);
      return bytes;
    }),
  ],
  [
    "data without 33H",
    "frame.data-offset",
    replies((parts) => {
      parts.data = parts.data.map((byte) => byte - 0x33);
    }),
  ],
  ["CS counts from behind the first 68H", "frame.checksum", byteOf(-2, (byte) => byte - 0x68)],
  ["17H for the end", "frame.end", byteOf(-1, () => 0x17)],
  ["a CR behind the end", "frame.nothing-behind", spoiling((bytes) => Uint8Array.of(...bytes, 0x0d))],
  ["CS is not looked at", "frame.wrong-checksum", blind(sum)],
  ["the end is not looked at", "frame.wrong-end", blind((bytes) => bytes.fill(0x16, -1))],
  [
    "the second 68H is not looked at",
    "frame.wrong-second-start",
    blind((bytes, start) => {
      if (bytes.length - start !== 16) return;
      bytes[start + 7] = 0x68;
      sum(bytes, start);
    }),
  ],
  [
    "L too long is not looked at",
    "frame.wrong-length",
    blind((bytes, start) => {
      if (bytes[start + 8] !== 0x11 || bytes[start + 9] !== 5 || bytes.length - start !== 16) return;
      bytes[start + 9] = 4;
      sum(bytes, start);
    }),
  ],
  [
    "L too short is not looked at",
    "frame.missing-data",
    blind((bytes, start) => {
      if (bytes[start + 8] !== 0x11 || bytes[start + 9] !== 3) return;
      bytes[start + 9] = 4;
      sum(bytes, start);
    }),
  ],
  [
    "replies of others are taken for requests",
    "frame.from-a-meter",
    requests((parts) => {
      if (parts.control !== 0x91) return;
      parts.control = 0x11;
      parts.data = parts.data.slice(0, 4);
    }),
  ],
  [
    "a request needs four FE",
    "frame.preamble-accepted",
    { hears: (bytes) => (bytes[3] === 0xfe || bytes[0] !== 0x68 ? [bytes] : []) },
  ],
  ["noise before a frame spoils it", "frame.noise-before", { hears: (bytes) => (bytes[0] === 0 ? [] : [bytes]) }],
  [
    "the first 68H must be the right one",
    "frame.false-start",
    { hears: (bytes) => (bytes[0] === 0x68 && bytes[7] !== 0x68 && bytes.length > 16 ? [] : [bytes]) },
  ],
  [
    "a broken frame takes the next one with it",
    "frame.behind-broken",
    {
      hears: (bytes) =>
        bytes.length > 36 && bytes.filter((byte) => byte === 0x16).length > 1 && bytes[8] !== 0x14 ? [] : [bytes],
    },
  ],
  [
    "half a frame is kept for ever",
    "frame.half",
    keeping((memory) => ({
      hears: (bytes) => {
        const joined = Uint8Array.of(...memory.held, ...bytes);
        memory.held = parseFrame(bytes).ok || bytes.length !== 15 ? new Uint8Array(0) : bytes;
        return joined.length > 30 ? [] : [bytes];
      },
    })),
  ],
  [
    "every lump of bytes is a frame",
    "frame.gap-accepted",
    { hears: (bytes) => (parseFrame(bytes).ok || bytes.includes(0x69) ? [bytes] : []) },
  ],
  [
    "a pause does not end a frame",
    "frame.gap-ends",
    keeping((memory) => ({
      hears: (bytes) => {
        if (bytes.length === 15) {
          memory.held = bytes;
          return [];
        }
        const all = bytes.length === 5 ? Uint8Array.of(...memory.held, ...bytes) : bytes;
        memory.held = new Uint8Array(0);
        return [all];
      },
    })),
  ],
  [
    "answers to every address",
    "address.other",
    requests((parts) => {
      if (/^\d{12}$/.test(parts.address) && parts.address !== "999999999999") parts.address = ADDRESS;
    }),
  ],
  [
    "looks at the low digits only",
    "address.other-high",
    requests((parts) => {
      if (parts.address.endsWith("07")) parts.address = ADDRESS;
    }),
  ],
  [
    "answers reads to the broadcast address",
    "address.broadcast",
    requests((parts) => {
      if (parts.control === 0x11 && parts.address === "999999999999") parts.address = ADDRESS;
    }),
  ],
  [
    "does not know six AA in a read",
    "address.any",
    requests((parts) => {
      if (parts.control === 0x11 && parts.address === "AAAAAAAAAAAA") parts.address = "000000000001";
    }),
  ],
  [
    "does not know shortened addresses",
    "address.shortened",
    requests((parts) => {
      if (/^(AA)+\d/.test(parts.address)) parts.address = "000000000001";
    }),
  ],
  [
    "takes every shortened address for its own",
    "address.shortened-other",
    requests((parts) => {
      if (/^(AA)+\d/.test(parts.address)) parts.address = ADDRESS;
    }),
  ],
  [
    "echoes the wildcard in the reply",
    "address.any",
    {
      says: (bytes, asked) => [
        [
          0,
          reframed(bytes, (parts) => {
            parts.address = partsOf(asked)?.address ?? parts.address;
          }),
        ],
      ],
    },
  ],
  [
    "function 13 tells the address high byte first",
    "address.read",
    replies(
      to(0x93, undefined, (parts) => {
        parts.data.reverse();
      }),
    ),
  ],
  [
    "answers after 5 ms",
    "time.not-too-soon",
    {
      says: () => [],
      blurts: (asked) => {
        const reply = { address: ADDRESS, control: 0x91, data: Uint8Array.of(0, 0, 1, 0, 0, 0, 0, 0) };
        return partsOf(asked)?.control === 0x11 ? [[5 * MS, encodeFrame(reply, 4)]] : [];
      },
    },
  ],
  ["answers after 700 ms", "time.not-too-late", later(670 * MS)],
  [
    "a pause of 800 ms inside a reply",
    "time.byte-gap",
    {
      says: (bytes) => [
        [0, bytes.slice(0, 9)],
        [800 * MS, bytes.slice(9)],
      ],
    },
  ],
  [
    "every fourth request is lost",
    "time.repeated",
    counting((next) => ({ hears: (bytes) => (next() % 4 === 0 ? [] : [bytes]) })),
  ],
];
