import { describe, expect, test } from "vitest";
import { fittedParts } from "../../../firmware-sim/factory/fitted.ts";
import { encodeRecord } from "../../../firmware-sim/nvram/checkpoint.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { DyingNvram } from "../nvram/dying-nvram.ts";

const fitted = (seed: number | undefined) => ({ ok: true, value: seed });

describe("the parts of a meter", () => {
  test("are ideal unless real ones are asked for, and those stay whatever is drawn later", () => {
    const nvram = new MemoryNvram();
    expect(fittedParts(nvram, undefined, 1)).toEqual(fitted(undefined));
    expect(fittedParts(nvram, "ideal", 1)).toEqual(fitted(undefined));
    expect(fittedParts(nvram, "real", Number.MAX_SAFE_INTEGER)).toEqual(fitted(Number.MAX_SAFE_INTEGER));
    expect(fittedParts(nvram, undefined, 2)).toEqual(fitted(Number.MAX_SAFE_INTEGER));
    expect(fittedParts(nvram, "real", 3)).toEqual(fitted(Number.MAX_SAFE_INTEGER));
    expect(fittedParts(nvram, "ideal", 3)).toMatchObject({ ok: false, error: expect.stringContaining("real parts") });
  });

  test("are known once they were given, whenever the power goes", () => {
    for (const dieAt of [1, 2])
      for (let keep = 0; keep <= 30; keep++) {
        const nvram = new DyingNvram(dieAt, keep);
        expect(() => fittedParts(nvram, "real", 5)).toThrow("power");
        const next = fittedParts(nvram.survivor(), "real", 6);
        // 25 bytes are a whole record: header 12, payload 9, check 4.
        expect(next).toEqual(fitted(dieAt === 1 && keep < 25 ? 6 : 5));
      }
  });

  test("of a record that can't be are refused", () => {
    for (const payload of [
      [9, 0, 0, 0, 0, 0, 0, 0, 0],
      [1, 2],
      [1, 0xbf, 0xf0, 0, 0, 0, 0, 0, 0],
    ]) {
      const nvram = new MemoryNvram();
      nvram.write("parts.a", encodeRecord(1, Uint8Array.from(payload)));
      expect(fittedParts(nvram, undefined, 1).ok).toBe(false);
    }
  });
});
