/** The sound device passes every check on every framing; what is skipped is skipped for its reason. */
import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/core/bytes.ts";
import { resultLines } from "../../../src/field/conformance/report-text.ts";
import { judge, type Seeded, SOUND } from "./modbus-device.ts";

describe.each(["rtu", "ascii", "tcp"] as const)("the sound device over %s", (framing) => {
  test("fails no check and skips only what its map leaves out", () => {
    const results = judge(framing);
    expect(results.filter(({ verdict }) => verdict.kind === "fail").flatMap(resultLines)).toEqual([]);
    const skipped = results.filter(({ verdict }) => verdict.kind === "skip").map(({ check }) => check.id);
    const left = ["fc14.reply", "fc14.byte-count", "fc14.type", "fc15.byte-count", "fc18.count"];
    expect(skipped).toEqual(left);
    expect(results.length).toBeGreaterThan(framing === "tcp" ? 70 : 90);
  });

  test("is left as it was found, whatever the verdict", () => {
    // Carries writes out and denies it.
    const denies: Seeded = {
      pdu: (reply, [code = 0]) => ([5, 6, 15, 16].includes(code) ? Uint8Array.of(code | 0x80, 4) : reply),
    };
    for (const defect of [SOUND, denies]) {
      const states: string[] = [];
      judge(framing, {
        ...defect,
        model: (sound) => {
          const { writeRegisters, writeBits, readRegisters, readBits } = sound;
          const state = () => {
            const [words, bits] = [new Uint8Array(260), new Uint8Array(2)];
            readRegisters?.("holding", 0, 130, words, 0);
            readBits?.("coil", 2000, 16, bits, 0);
            return toHex(words) + toHex(bits);
          };
          states.push(state());
          const keep = (code: number) => {
            states.push(state());
            return code;
          };
          return {
            ...sound,
            writeRegisters: (a, n, bytes, at) => keep(writeRegisters?.(a, n, bytes, at) ?? 1),
            writeBits: (a, n, bytes, at) => keep(writeBits?.(a, n, bytes, at) ?? 1),
          };
        },
      });
      expect(states.length, "it is written to").toBeGreaterThan(10);
      expect(states.at(-1)).toBe(states[0]);
    }
  });
});
