/** What the doctor says beside the name of a cause: evidence, several causes at once, and that it only ever reads. */
import { describe, expect, test } from "vitest";
import { parseFrame } from "../../../protocols/dlt645/frame.ts";
import { FUNCTION } from "../../../protocols/dlt645/functions.ts";
import { crc16 } from "../../../protocols/modbus/frame.ts";
import { EASTRON_SDM630 } from "../../../protocols/models/eastron-sdm630.ts";
import { SCHNEIDER_IEM3155 } from "../../../protocols/models/schneider-iem3155.ts";
import type { LinkEffect } from "../../../src/core/actor.ts";
import type { LineFormat } from "../../../src/core/line-format.ts";
import { Random } from "../../../src/core/random.ts";
import { bridge } from "../../../src/field/doctor/inverted.ts";
import { type Case, diagnose, loadOf } from "./bench.ts";
import { SCENARIOS } from "./scenarios.ts";

const FORMAT: LineFormat = { baud: 9_600, parity: "none", dataBits: 8, stopBits: 1 };

/** Unit 5 at 9600 8N1 on a sound line, as the given parts change it. */
function caseOf(change: Partial<Case> = {}): Case {
  const mains = loadOf(EASTRON_SDM630, new Random(1));
  const meter = { unit: 5, format: FORMAT, mains, delay: 10_000, party: {} };
  const sound: Case = {
    ...{ model: EASTRON_SDM630, protocol: "modbus", unit: 5, asked: FORMAT, timeout: 1_000_000 },
    ...{ adapter: {}, faults: {}, meters: [meter] },
  };
  return { ...sound, ...change };
}

function causes(what: Case): string[] {
  return diagnose(what, 1).findings.map(({ cause, confidence }) => `${cause} ${confidence}`);
}

describe("several causes at once are all named", () => {
  test("an echo, another baud and lumps", () => {
    const what = caseOf({ asked: { ...FORMAT, baud: 19_200 }, adapter: { echo: true, lumps: true } });
    expect(causes(what)).toEqual(["echo certain", "wrong-baud certain", "adapter-latency certain"]);
  });

  test("an echo and nobody there", () => {
    expect(causes(caseOf({ adapter: { echo: true }, meters: [] }))).toEqual(["echo certain", "no-traffic certain"]);
  });
});

describe("evidence", () => {
  test("of another baud: the one that answers, and the answer", () => {
    const { findings, format } = diagnose(caseOf({ asked: { ...FORMAT, baud: 19_200 } }), 1);
    expect(format).toEqual(FORMAT);
    expect(findings[0]?.evidence[1]).toMatch(/^at 9600 8N1 the meter answers 05 04 04 /);
  });

  test("of an echo: the bytes", () => {
    const [echo] = diagnose(caseOf({ adapter: { echo: true } }), 1).findings;
    expect(echo?.evidence[0]).toBe("sent 05 04 00 00 00 02 70 4f");
  });

  test("of a slow meter: how late", () => {
    const [meter] = caseOf().meters;
    const slow = { ...(meter as NonNullable<typeof meter>), delay: 1_500_000 };
    const { findings, latency } = diagnose(caseOf({ meters: [slow] }), 1);
    expect(findings[0]?.evidence[1]).toMatch(/^the slowest after 150\d ms$/);
    expect(latency?.[1]).toBeGreaterThan(1_500_000);
    expect(latency?.[1]).toBeLessThan(1_510_000);
  });

  test("of nobody there: how often was asked", () => {
    const { findings, questions, answers } = diagnose(caseOf({ meters: [] }), 1);
    expect(findings[0]?.evidence).toEqual([`${questions} questions, no good answer`]);
    expect(questions).toBeGreaterThan(20);
    expect(answers).toBe(0);
  });
});

test("a meter of another model answers, and refuses", () => {
  const [meter] = caseOf().meters;
  const what = caseOf({ model: SCHNEIDER_IEM3155 });
  // The line's meters have the case's model: here they must not.
  const served = { ...(meter as NonNullable<typeof meter>), model: EASTRON_SDM630 };
  expect(causes({ ...what, meters: [served] })).toEqual(["wrong-model likely"]);
});

test("swapped wires are likely from the break alone, where no meter is there to answer", () => {
  expect(causes(caseOf({ adapter: { swapped: true }, meters: [] }))).toEqual(["swapped-wires likely"]);
});

test("a question with its levels turned round has a character for each bit", () => {
  // 01 at 8E1: start 0, then 1 0000000, parity 1, stop 1; a high level is sent as 00, a low one as FF.
  const even: LineFormat = { ...FORMAT, parity: "even" };
  expect([...bridge(Uint8Array.of(1), even)].map((byte) => (byte === 0 ? 1 : 0)).join("")).toBe("01000000011");
});

describe("it only reads", () => {
  test.each(Object.entries(SCENARIOS))("%s", (cause, draw) => {
    const drawn = draw(new Random(7).fork(cause));
    const modbus = sentBy(drawn, 8);
    expect(modbus.length).toBeGreaterThan(0);
    for (const bytes of modbus) {
      expect(crc16(bytes, 0, bytes.length)).toBe(0);
      expect([3, 4]).toContain(bytes[1]);
    }
    for (const bytes of sentBy({ ...drawn, protocol: "dlt645" }, 7)) {
      const frame = parseFrame(bytes);
      expect(frame.ok && [FUNCTION.read, FUNCTION.readAddress]).toContain(frame.ok && frame.value.control);
    }
  });

  /** Whole frames that were sent; those with levels turned round stand for the same question and consist of 00 and FF. */
  function sentBy(what: Case, seed: number): Uint8Array[] {
    const effects: LinkEffect[] = [];
    diagnose(what, seed, effects);
    const sent = effects.flatMap((effect) => (effect.kind === "send" ? [effect.bytes] : []));
    return sent.filter((bytes) => bytes.some((byte) => byte !== 0 && byte !== 0xff));
  }
});
