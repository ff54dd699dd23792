/** Frames of DL/T 645: every captured one, what damage to them is called, and the search in a stream. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addressMatches,
  type Dlt645Frame,
  encodeFrame,
  isAddress,
  parseFrame,
} from "../../../protocols/dlt645/frame.ts";
import { Dlt645Framer } from "../../../protocols/dlt645/framer.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { Random } from "../../../src/core/random.ts";
import { bytes, V52, VECTORS, vector } from "./vectors.ts";

describe("captured frames", () => {
  test.each(VECTORS)("$name: parsed, and built again to the same bytes", (v) => {
    const parsed = parseFrame(bytes(v.hex));
    expect(parsed.ok && [parsed.value.address, parsed.value.control]).toEqual([v.address, v.control]);
    if (parsed.ok) expect(toHex(encodeFrame(parsed.value, v.preamble)).toUpperCase()).toBe(v.hex);
  });

  test("the data of the trip order V18 as its bytes are meant", () => {
    const parsed = parseFrame(bytes(vector("V18").hex));
    expect(parsed.ok && toHex(parsed.value.data)).toBe("02000000000000001a00595923090721");
  });
});

describe("damage has its name", () => {
  const good = vector("V7").hex;
  test.each([
    ["a wrong checksum (V52)", V52, "checksum"],
    ["a wrong end", `${good.slice(0, -2)}17`, "end"],
    ["the last byte missing", good.slice(0, -2), "cut"],
    ["an L longer than the frame", good.replace("9108", "9128"), "cut"],
    ["an L above 200", good.replace("9108", "91C9"), "too-long"],
    ["no second 68", good.replace("6891", "6991"), "no-second-start"],
    ["no 68 at all", `00${good.slice(2)}`, "no-start"],
    ["bytes behind the frame", `${good}00`, "surplus"],
    ["a preamble and nothing else", "FEFEFEFE", "cut"],
    ["nothing", "", "cut"],
  ])("%s", (_name, hex, fault) => {
    expect(parseFrame(bytes(hex))).toEqual({ ok: false, error: fault });
  });

  test("no single wrong bit of a captured frame passes for another good frame", () => {
    const whole = bytes(vector("V15").hex).subarray(4);
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const damaged = whole.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(parseFrame(damaged).ok, `bit ${bit}`).toBe(false);
    }
  });
});

describe("addresses", () => {
  test.each([
    ["AAAAAAAAAAAA", "558890213594", true],
    ["AAAAAAAA3594", "558890213594", true],
    ["AAAAAAAA3595", "558890213594", false],
    ["558890213594", "558890213594", true],
    ["3594AAAAAAAA", "558890213594", false],
    ["55AA90213594", "558890213594", false],
    ["AAAAAAAAAAA4", "558890213594", false],
  ])("%s means %s: %s", (asked, own, means) => {
    expect(addressMatches(asked, own)).toBe(means);
  });

  test("an address is 12 digits, AA for its high bytes", () => {
    expect(["", "1", "0000000000001", "00000000000G", "AAAAAAAAAAAA", "AAAA00000012"].map(isAddress)).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});

/** A framer, what it found, and its line. */
class Bench {
  readonly found: string[] = [];
  readonly framer = new Dlt645Framer((frame) => this.found.push(frameHex(frame)));
  now = 0;

  send(data: Uint8Array): this {
    this.framer.receive(data, this.now);
    return this;
  }

  pass(micros: number): this {
    const until = this.now + micros;
    while (this.framer.nextWake() <= until) this.framer.wake(this.framer.nextWake());
    this.now = until;
    return this;
  }
}

function frameHex(frame: Dlt645Frame): string {
  return toHex(encodeFrame(frame, 0)).toUpperCase();
}

const bare = (name: string) => {
  const v = vector(name);
  return v.hex.slice(2 * v.preamble);
};
const MS = 1_000;

describe("a stream", () => {
  test.each([0, 1, 2, 3, 4, 9, 300])("%i bytes FE before a frame", (count) => {
    const bench = new Bench().send(bytes("FE".repeat(count) + bare("V6")));
    expect(bench.found).toEqual([bare("V6")]);
    expect(bench.framer.junk).toBe(0);
  });

  test("all captured frames in one lump, FE between them, V2 with a 68 in its data", () => {
    const bench = new Bench().send(bytes(VECTORS.map((v) => v.hex).join("FE")));
    expect(bench.found).toEqual(VECTORS.map((v) => bare(v.name)));
    expect(bench.framer.idle).toBe(true);
  });

  test("a frame byte by byte with 499 ms between its bytes; with 500 ms it is none", () => {
    const run = (gap: number) => {
      const bench = new Bench();
      for (const byte of bytes(vector("V2").hex)) bench.send(Uint8Array.of(byte)).pass(gap);
      return bench.found;
    };
    expect(run(499 * MS)).toEqual([bare("V2")]);
    expect(run(500 * MS)).toEqual([]);
  });

  test("a driver that wakes late judges the gap all the same", () => {
    const bench = new Bench().send(bytes("686101"));
    bench.now = 2_000 * MS;
    bench.send(bytes(bare("V6")));
    expect(bench.found).toEqual([bare("V6")]);
  });

  test("a wrong checksum costs that frame only", () => {
    const bench = new Bench().send(bytes(V52 + bare("V6")));
    expect(bench.found).toEqual([bare("V6")]);
  });

  test("a false 68 that waits for 200 bytes holds the real frame up for 60 ms, not for the longest gap", () => {
    const bench = new Bench().send(bytes(`68 000000000000 68 91 C8 ${bare("V6")}`));
    expect(bench.found).toEqual([]);
    bench.pass(59 * MS);
    expect(bench.found).toEqual([]);
    bench.pass(1 * MS);
    expect(bench.found).toEqual([bare("V6")]);
    expect(bench.framer.nextWake()).toBe(Number.POSITIVE_INFINITY);
  });

  test("a frame inside the data of another one is data", () => {
    const inner = bytes(bare("V6"));
    const outer = encodeFrame({ address: "000000000002", control: 0x94, data: inner.map((b) => b - 0x33) }, 0);
    for (let cut = 1; cut < outer.length; cut++) {
      const bench = new Bench()
        .send(outer.subarray(0, cut))
        .pass(40 * MS)
        .send(outer.subarray(cut));
      expect(bench.found).toEqual([toHex(outer).toUpperCase()]);
    }
  });

  test("1000 bytes of garbage before, between and after frames cost none of them", () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = new Random(seed);
      const junk = () => Uint8Array.from({ length: 1_000 }, () => random.pick([0x68, 0xfe, 0x16, random.below(256)]));
      const bench = new Bench();
      for (const name of ["V6", "V2"])
        bench
          .send(junk())
          .send(bytes(vector(name).hex))
          .pass(100 * MS);
      bench.send(junk()).pass(1_000 * MS);
      // Junk may look like a frame by chance (once in some millions of places); the real ones are there.
      expect(bench.found.filter((hex) => hex === bare("V6") || hex === bare("V2"))).toEqual([bare("V6"), bare("V2")]);
    }
  });

  test("however it is cut, the same frames come out (property)", () => {
    const whole = bytes(VECTORS.map((v) => v.hex).join(""));
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 40 }), (cuts) => {
        const bench = new Bench();
        let from = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), whole.length]) {
          bench.send(whole.subarray(from, cut)).pass(20 * MS);
          from = cut;
        }
        expect(bench.found).toEqual(VECTORS.map((v) => bare(v.name)));
      }),
    );
  });
});
