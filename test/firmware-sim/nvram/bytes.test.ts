import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../../firmware-sim/nvram/bytes.ts";

test("reads back what was written, to the last bit", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 65_535 }),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.double({ noNaN: true }),
      fc.bigInt(),
      fc.uint8Array({ maxLength: 300 }),
      (u8, u16, u32, f64, big, block) => {
        const bytes = new ByteWriter().u8(u8).u16(u16).u32(u32).f64(f64).big(big).block(block).flag(true).bytes();
        const reader = new ByteReader(bytes);
        expect([reader.u8(), reader.u16(), reader.u32()]).toEqual([u8, u16, u32]);
        expect(Object.is(reader.f64(), f64)).toBe(true);
        expect(reader.big()).toBe(big);
        expect(reader.block()).toEqual(block);
        expect(reader.flag()).toBe(true);
        expect(reader.end("record").ok).toBe(true);
      },
    ),
  );
});

test("bytes that are too few or too many are told, whatever was asked for", () => {
  const bytes = new ByteWriter()
    .u32(7)
    .block(Uint8Array.of(1, 2, 3))
    .bytes();
  for (let length = 0; length < bytes.length; length++) {
    const reader = new ByteReader(bytes.subarray(0, length));
    reader.u32();
    reader.block();
    expect(reader.end("record")).toEqual({ ok: false, error: "record is shorter than its layout" });
  }
  const reader = new ByteReader(bytes);
  reader.u32();
  expect(reader.end("record")).toEqual({ ok: false, error: "record has 7 bytes beyond its layout" });
});
