/** Any readings of a day come back as they were; what is no day is refused. */
import { describe, expect, test } from "vitest";
import { packDay, unpackDay } from "../../../headend/adapters/sqlite/day-blob.ts";
import { ByteReader, ByteWriter } from "../../../headend/compact/byte-stream.ts";
import { type DayRows, decodeDay, encodeDay } from "../../../headend/compact/day-codec.ts";
import { readSeries, writeSeries } from "../../../headend/compact/series.ts";
import { Random } from "../../../src/core/random.ts";

const DAY = 1_764_374_400_000_000;
const EDGES = [
  0,
  1,
  -1,
  63,
  64,
  -64,
  -65,
  2 ** 50,
  -(2 ** 50),
  2 ** 51 + 1,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
];

/** Series as meters make them, and such as no meter does. */
function series(random: Random, count: number): number[] {
  const scale = random.pick([1, 10, 1_000, 999_983]);
  let value = random.below(1_000_000) * scale;
  switch (random.below(5)) {
    case 0:
      return Array.from({ length: count }, () => value);
    case 1:
      return Array.from({ length: count }, () => (value += random.below(300) * scale));
    case 2:
      return Array.from({ length: count }, (_, i) => value + i * scale);
    case 3:
      return Array.from({ length: count }, () => (random.below(2_000) - 1_000) * scale);
    default:
      return Array.from({ length: count }, () => random.pick(EDGES));
  }
}

function gappy<T>(random: Random, values: readonly T[], others: readonly (null | undefined)[]) {
  if (random.below(2) === 0) return values;
  return values.map((value) => (random.below(4) === 0 ? random.pick(others) : value));
}

function anyDay(random: Random): DayRows {
  const count = 1 + random.below(random.pick([1, 3, 96, 400]));
  let time = DAY;
  const isRegular = random.below(2) === 0;
  const column = (measure: number) => ({ measure, cells: gappy(random, series(random, count), [null, undefined]) });
  return {
    times: Array.from({ length: count }, () => (time += isRegular ? 900_000_000 : 1 + random.below(60_000_000))),
    sources: Array.from({ length: count }, () => 1 + (random.below(9) === 0 ? 1 : 0)),
    qualities: Array.from({ length: count }, () => 1 + random.below(6)),
    sequences: gappy(random, series(random, count), [null]) as (number | null)[],
    columns: [1, 2, 86, 300].filter(() => random.below(4) > 0).map(column),
  };
}

test.each([1, 2, 3, 4])("any day comes back as it was, seed %i", (seed) => {
  const random = new Random(seed);
  for (let i = 0; i < 150; i++) {
    const day = anyDay(random);
    expect(decodeDay(encodeDay(day))).toEqual({ ok: true, value: day });
    expect(unpackDay(packDay(day))).toEqual({ ok: true, value: day });
  }
});

test("any integers come back, at the edges of what is safe too", () => {
  const random = new Random(7);
  for (let i = 0; i < 400; i++) {
    const values = series(random, 1 + random.below(20));
    const out = new ByteWriter();
    writeSeries(out, values);
    const input = new ByteReader(out.bytes());
    expect(readSeries(input, values.length)).toEqual(values);
    expect([input.atEnd, input.broken]).toEqual([true, false]);
  }
});

test("what is constant or regular costs its beginning only", () => {
  const size = (values: readonly number[]) => {
    const out = new ByteWriter();
    writeSeries(out, values);
    return out.bytes().length;
  };
  const many = (of: (i: number) => number) => Array.from({ length: 1_440 }, (_, i) => of(i));
  expect(size(many(() => 230_100))).toBeLessThan(6);
  expect(size(many((i) => DAY + i * 60_000_000))).toBeLessThan(20);
  // Shown to 0.1 V: one byte each, whatever the unit inside.
  expect(size(many((i) => 230_000 + ((i * 7) % 11) * 100))).toBeLessThan(1_460);
});

describe("what is damaged is refused with a sentence", () => {
  const day = anyDay(new Random(11));
  const blob = packDay(day);

  test("any byte changed", () => {
    for (let at = 0; at < blob.length; at++) {
      const bad = blob.slice();
      bad[at] = (bad[at] as number) ^ 0x10;
      expect(unpackDay(bad).ok).toBe(false);
    }
  });

  test("cut anywhere", () => {
    for (let length = 0; length < blob.length; length++)
      expect(unpackDay(blob.slice(0, length))).toEqual({ ok: false, error: expect.stringMatching(/backup/) });
  });

  test("a later format", () => {
    const later = blob.slice();
    later[0] = 2;
    expect(unpackDay(later)).toEqual({ ok: false, error: expect.stringMatching(/format 2.*update meterworks/) });
  });

  test("rows that were never written end in no endless work", () => {
    const random = new Random(5);
    const plain = encodeDay(day);
    for (let i = 0; i < 2_000; i++) {
      const bad = plain.slice(0, 1 + random.below(plain.length));
      bad[random.below(bad.length)] = random.below(256);
      decodeDay(bad);
    }
    expect(decodeDay(Uint8Array.from([255, 255, 255, 255, 255, 0]))).toEqual({
      ok: false,
      error: expect.stringMatching(/claims to have \d+ readings/),
    });
    expect(decodeDay(Uint8Array.from([...plain, 0]))).toEqual({
      ok: false,
      error: expect.stringMatching(/behind its end/),
    });
  });
});
