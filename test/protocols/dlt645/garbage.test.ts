/** A burst of 1,000 bytes of garbage before, between and after frames costs the frames it touches: meter and reader. */
import { describe, expect, test } from "vitest";
import { identifier } from "../../../protocols/dlt645/identifier.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { Random } from "../../../src/core/random.ts";
import { ADDRESS, ClientBench, MS, ServerBench } from "./support.ts";
import { vector } from "./vectors.ts";

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);
const ASK = vector("V6").hex;
const ANSWER = vector("V7").hex;
/** What frames are made of: preamble, start, end, the address, control and length of the frames above. */
const ALPHABET = [0xfe, 0x68, 0x16, 0x61, 0x01, 0x00, 0x11, 0x91, 0x04, 0x08, 0x33];

/** Any bytes on even seeds, bytes of frames on odd ones. */
function garbage(random: Random, seed: number, length = 1_000): Uint8Array {
  return Uint8Array.from({ length }, () => (seed % 2 === 0 ? random.below(256) : random.pick(ALPHABET)));
}

function meter(): ServerBench {
  const bench = new ServerBench({ preamble: 0 });
  bench.model.data.set(0x00010000, Uint8Array.of(0x26, 0, 0, 0));
  return bench;
}

function reader(): ClientBench {
  return new ClientBench().submit(1, ADDRESS, { kind: "read", identifier: identifier(0x00010000) }).pass(100 * MS);
}

const ends = (bench: ClientBench) =>
  bench.done.map(({ result }) => {
    if (!result.ok) return result.error.kind;
    return result.value.reply.kind === "data" ? toHex(result.value.reply.data) : result.value.reply.kind;
  });

describe("meter", () => {
  test("garbage that touches no request costs none, and is never answered", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const bench = meter();
      for (let round = 0; round < 3; round++) {
        bench.send(garbage(random, seed)).pass(1_000 * MS);
        expect([seed, bench.replies.length]).toEqual([seed, round]);
        expect([seed, bench.ask(ASK)]).toEqual([seed, [ANSWER]]);
      }
      expect(bench.model.done).toEqual([]);
    }
  });

  test("garbage up against a request, or over a part of it, costs no more than that one", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const bench = meter();
      const cut = 2 * random.between(1, ASK.length / 2 - 1);
      const junk = () => toHex(garbage(random, seed));
      for (const touched of [junk() + ASK, ASK + junk(), ASK.slice(0, cut) + junk() + ASK.slice(cut)]) {
        for (const reply of bench.ask(touched)) expect(reply).toBe(ANSWER);
        expect([seed, bench.ask(ASK)]).toEqual([seed, [ANSWER]]);
      }
      expect(bench.model.done).toEqual([]);
    }
  });
});

describe("reader", () => {
  test("garbage between request and reply, and after it, costs nothing", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const bench = reader()
        .hear(toHex(garbage(random, seed)))
        .pass(100 * MS);
      bench.hear(ANSWER).pass(600 * MS);
      expect([seed, ends(bench)]).toEqual([seed, ["26000000"]]);
      bench.hear(toHex(garbage(random, seed))).pass(600 * MS);
      bench.submit(2, ADDRESS, { kind: "read", identifier: identifier(0x00010000) }).pass(100 * MS);
      bench.hear(ANSWER).pass(600 * MS);
      expect([seed, ends(bench)]).toEqual([seed, ["26000000", "26000000"]]);
    }
  });

  test("garbage up against a reply, or over a part of it, costs that one and gives no other value", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const cut = 2 * random.between(1, ANSWER.length / 2 - 1);
      // Any bytes only: of bytes of frames one in a thousand continues this reply to a good sum of other values.
      const junk = () => toHex(garbage(random, 0));
      for (const touched of [junk() + ANSWER, ANSWER + junk(), ANSWER.slice(0, cut) + junk() + ANSWER.slice(cut)]) {
        const bench = reader()
          .hear(touched)
          .pass(3_000 * MS);
        const [end, ...more] = ends(bench);
        expect(more).toEqual([]);
        expect(["26000000", "timeout", "bad-reply"]).toContain(end);
        bench.submit(2, ADDRESS, { kind: "read", identifier: identifier(0x00010000) }).pass(100 * MS);
        bench.hear(ANSWER).pass(600 * MS);
        expect([seed, ends(bench)[1]]).toEqual([seed, "26000000"]);
      }
    }
  });
});
