/**
 * Each rule of DL/T 645-2007 broken once: the bytes of a sound meter are spoilt in one way, and the check that names the
 * rule must say so. What the spoilt meter does beside that is not looked at.
 */
import { describe, expect, test } from "vitest";
import { encodeFrame, parseFrame } from "../../../protocols/dlt645/frame.ts";
import { DLT645_CHECKS } from "../../../src/field/conformance/dlt645/index.ts";
import { type Defect, idsOf } from "./bench.ts";
import { MAP, wire } from "./dlt645-bench.ts";

interface Parts {
  address: string;
  control: number;
  data: number[];
  preamble: number;
}

const ADDRESS = "000000000007";
const MS = 1_000;

/** A frame taken apart, changed and put together with a right sum; what is no frame stays as it is. */
function reframed(bytes: Uint8Array, change: (parts: Parts) => void): Uint8Array {
  const parsed = parseFrame(bytes);
  if (!parsed.ok) return bytes;
  const { address, control, data } = parsed.value;
  const parts = { address, control, data: [...data], preamble: bytes.findIndex((byte) => byte !== 0xfe) };
  change(parts);
  return encodeFrame({ ...parts, data: Uint8Array.from(parts.data) }, parts.preamble);
}

const partsOf = (bytes: Uint8Array): Parts | undefined => {
  let found: Parts | undefined;
  reframed(bytes, (parts) => {
    found = { ...parts };
  });
  return found;
};

const replies = (change: (parts: Parts) => void): Defect => ({ says: (bytes) => [[0, reframed(bytes, change)]] });
const requests = (change: (parts: Parts) => void): Defect => ({ hears: (bytes) => [reframed(bytes, change)] });
const spoiling = (change: (bytes: Uint8Array) => Uint8Array): Defect => ({
  says: (bytes) => [[0, change(bytes.slice())]],
});
/** One byte of each reply: by its place behind the first 68, or from the end where negative. */
const byteOf = (place: number, change: (byte: number) => number): Defect =>
  spoiling((bytes) => {
    const at = place < 0 ? bytes.length + place : indexOfStart(bytes) + place;
    bytes[at] = change(bytes[at] as number);
    return bytes;
  });
/** Only on replies to a function, and to one identifier where it is named (DI0 first). */
const to =
  (control: number, identifier: string | undefined, change: (parts: Parts) => void) =>
  (parts: Parts): void => {
    const told = parts.data.slice(0, 4).map((byte) => byte.toString(16).padStart(2, "0"));
    if (parts.control === control && (identifier === undefined || told.join("") === identifier)) change(parts);
  };
const data = (identifier: string, at: number, value: number) =>
  replies(
    to(0x91, identifier, (parts) => {
      parts.data[4 + at] = value;
    }),
  );
const errTo = (control: number, err: number) =>
  replies(
    to(control, undefined, (parts) => {
      parts.data[0] = err;
    }),
  );
/** Done although it was refused. */
const accepts = (refusal: number) =>
  replies(
    to(refusal, undefined, (parts) => {
      parts.control = refusal & ~0x40;
      parts.data = [];
    }),
  );
const indexOfStart = (bytes: Uint8Array) => bytes.indexOf(0x68);
/** Heals a frame before the meter sees it: the meter does not look there. */
const blind = (heal: (bytes: Uint8Array, start: number) => unknown): Defect => ({
  hears: (bytes) => {
    const copy = bytes.slice();
    if (copy.length > 12 && copy.includes(0x68)) heal(copy, indexOfStart(copy));
    return [copy];
  },
});
const sum = (bytes: Uint8Array, start: number) => {
  bytes[bytes.length - 2] = bytes.subarray(start, -2).reduce((all, byte) => (all + byte) & 0xff, 0);
};
/** An answer with data to something that a meter must keep silent to. */
const answersTo = (control: number): Defect => ({
  blurts: (asked) => {
    const parts = partsOf(asked);
    if (parts?.control !== control) return [];
    const reply = { address: ADDRESS, control: control | 0x80, data: Uint8Array.of(0x11, 0xb6, 0, 0, 0, 0) };
    return [[30 * MS, encodeFrame(reply, 4)]];
  },
});
const later = (micros: number): Defect => ({ says: (bytes) => [[micros, bytes]] });
let held: Uint8Array = new Uint8Array(0);
let reads = 0;

const MUTATIONS: readonly (readonly [defect: string, caughtBy: string, spoil: Defect])[] = [
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
    {
      hears: (bytes) => {
        const joined = Uint8Array.of(...held, ...bytes);
        held = parseFrame(bytes).ok || bytes.length !== 15 ? new Uint8Array(0) : bytes;
        return joined.length > 30 ? [] : [bytes];
      },
    },
  ],
  [
    "every lump of bytes is a frame",
    "frame.gap-accepted",
    { hears: (bytes) => (parseFrame(bytes).ok || bytes.includes(0x69) ? [bytes] : []) },
  ],
  [
    "a pause does not end a frame",
    "frame.gap-ends",
    {
      hears: (bytes) => {
        if (bytes.length === 15) {
          held = bytes;
          return [];
        }
        const all = bytes.length === 5 ? Uint8Array.of(...held, ...bytes) : bytes;
        held = new Uint8Array(0);
        return [all];
      },
    },
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
    {
      hears: (bytes) => {
        reads += 1;
        return reads % 4 === 0 ? [] : [bytes];
      },
    },
  ],
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
    {
      hears: (bytes) => [
        reframed(bytes, (parts) => {
          if (parts.control !== 0x12 || parts.data.length !== 5) return;
          reads += 1;
          if (reads % 2 === 0) parts.data[4] = (parts.data[4] as number) + 1;
        }),
      ],
    },
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
    {
      says: (bytes) => [
        [
          0,
          reframed(
            bytes,
            to(0x91, "00000100", (parts) => {
              reads += 1;
              parts.data[6] = 0x99 - (reads % 10);
            }),
          ),
        ],
      ],
    },
  ],
  [
    "a write is done and the reply has data",
    "write.same",
    replies((parts) => {
      if (parts.control === 0x94) parts.data = [0];
    }),
  ],
  ["a write to nothing is done", "write.unknown-identifier", accepts(0xd4)],
  [
    "takes a write to six AA",
    "write.shortened",
    requests((parts) => {
      if (parts.control === 0x14) parts.address = ADDRESS;
    }),
  ],
  ["data of a wrong length is taken", "write.short", accepts(0xd4)],
  ["a wrong password is taken", "write.wrong-password", accepts(0xd4)],
  ["ERR 01 for a wrong password", "write.wrong-password", errTo(0xd4, 0x01)],
  ["trips without a password", "write.control-guarded", accepts(0xdc)],
  ["takes a new password without the old one", "write.password-guarded", accepts(0xd8)],
  ["clears demand without a password", "write.demand-guarded", accepts(0xd9)],
  ["clears all without a password", "write.meter-guarded", accepts(0xda)],
  ["clears events without a password", "write.events-guarded", accepts(0xdb)],
  ["answers a broadcast time", "write.time-broadcast", answersTo(0x08)],
  ["answers a time to its address", "write.time-addressed", answersTo(0x08)],
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

describe("a DL/T 645 meter with a defect", () => {
  test("the table breaks each check of the list at least once", () => {
    const named = new Set(MUTATIONS.map(([, id]) => id));
    expect(DLT645_CHECKS.map(({ id }) => id).filter((id) => !named.has(id))).toEqual([
      "address.own",
      "address.shortened-one",
      "value.energies-settled",
      "value.demands",
    ]);
  });

  test.each(MUTATIONS)("%s: %s", (_, caughtBy, spoil) => {
    held = new Uint8Array(0);
    reads = 0;
    expect(idsOf(wire(MAP, spoil), "fail")).toContain(caughtBy);
  });
});
