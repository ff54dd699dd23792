/** One reading in virtual time: what is asked, what is asked again, and how it ends when the meter or the line does not do well. */
import { describe, expect, test } from "vitest";
import { encodeFrame, parseFrame } from "../../protocols/dlt645/frame.ts";
import { dlt645Choices, dlt645Line } from "../../src/cli/dlt645-options.ts";
import { type Dlt645Outcome, Dlt645ReadOnce } from "../../src/cli/read-dlt645.ts";
import { type LinkEffect, linkId } from "../../src/core/actor.ts";
import { toHex } from "../../src/core/bytes.ts";
import { civil, mono, type Now } from "../../src/core/time.ts";
import { bytes } from "../protocols/dlt645/vectors.ts";

const LINK = linkId("line");
const ADDRESS = "000000000161";
const MS = 1_000;

/** Control and data of a reply to a control byte and an identifier (DI3 first), the how-manieth time it is asked. */
type Meter = (control: number, id: string, times: number) => readonly [control: number, data: string] | undefined;

const DATA: Readonly<Record<string, string>> = {
  "0201FF00": "972201220023",
  "00010000": "26020000",
  "02800002": "9849",
};

const good: Meter = (control, id) => {
  if (control === 0x13) return [0x93, "610100000000"];
  const data = DATA[id];
  return data === undefined ? [0xd1, "02"] : [0x91, data];
};

class Bench {
  readonly reader: Dlt645ReadOnce;
  readonly asked: string[] = [];
  outcome: Dlt645Outcome | undefined;
  #now = 0;
  readonly #meter: Meter;

  constructor(meter: Meter, address: string | undefined = undefined, plan = {}) {
    this.#meter = meter;
    this.reader = new Dlt645ReadOnce(
      LINK,
      { address, client: { responseTimeout: 500 * MS }, plan, retries: 2, linkPatience: 3_000 * MS },
      (outcome) => {
        this.outcome ??= outcome;
      },
    );
  }

  get now(): Now {
    return { mono: mono(this.#now), civil: civil(1_767_225_600_000_000 + this.#now) };
  }

  open(): this {
    return this.#do(this.reader.handle({ kind: "opened", link: LINK }, this.now));
  }

  close(): this {
    return this.#do(this.reader.handle({ kind: "closed", link: LINK, reason: "ECONNRESET" }, this.now));
  }

  /** Until the reading has ended, or for so many wakes. */
  run(wakes = 5_000): this {
    for (let i = 0; i < wakes && this.outcome === undefined; i++) {
      const next = this.reader.nextWake().mono;
      if (next === Number.POSITIVE_INFINITY) break;
      this.#now = Math.max(this.#now, next);
      this.#do(this.reader.wake(this.now));
    }
    return this;
  }

  #do(effects: readonly LinkEffect[]): this {
    for (const effect of effects) {
      if (effect.kind !== "send") continue;
      const frame = parseFrame(effect.bytes);
      if (!frame.ok) throw new Error(frame.error);
      const { control, data } = frame.value;
      const id = toHex(data.slice().reverse()).toUpperCase();
      const key = `${frame.value.address} ${control.toString(16)} ${id}`.trim();
      this.asked.push(key);
      const times = this.asked.filter((other) => other === key).length;
      const reply = this.#meter(control, id, times);
      if (reply === undefined) continue;
      const body = reply[0] === 0x91 ? Uint8Array.of(...data, ...bytes(reply[1])) : bytes(reply[1]);
      const answer = encodeFrame({ address: ADDRESS, control: reply[0], data: body }, 2);
      this.#now += 40 * MS;
      this.#do(this.reader.handle({ kind: "bytes", link: LINK, bytes: answer }, this.now));
    }
    return this;
  }
}

const values = (bench: Bench) => (bench.outcome?.ok === true ? bench.outcome.values : bench.outcome);
const EXPECTED = {
  ...{ voltageL1: 229_700, voltageL2: 220_100, voltageL3: 230_000 },
  ...{ activeEnergyImport: 2_260_000, frequency: 49_980 },
};

describe("a good line", () => {
  test("the address first, then each identifier once; what is refused is left out and told", () => {
    const bench = new Bench(good).open().run();
    expect(values(bench)).toEqual(EXPECTED);
    expect(bench.outcome).toMatchObject({ address: ADDRESS, time: bench.now.civil });
    expect(bench.asked[0]).toBe("AAAAAAAAAAAA 13");
    expect(bench.asked.slice(1).every((asked) => asked.startsWith(`${ADDRESS} 11`))).toBe(true);
    expect(new Set(bench.asked).size).toBe(bench.asked.length);
    // The members of a block that is refused are asked one by one.
    expect(bench.asked).toContain(`${ADDRESS} 11 02020200`);
    const notes = bench.outcome?.ok === true ? bench.outcome.notes : [];
    expect(notes).toContain("02060000: the meter refused it: no such data");
  });

  test("a given address is not asked for; a shortened one gives way to the meter's own", () => {
    expect(new Bench(good, ADDRESS).open().run().asked[0]).toMatch(/^000000000161 11/);
    const bench = new Bench(good, "AAAAAAAA0161").open().run();
    expect(values(bench)).toEqual(EXPECTED);
    expect(bench.asked[0]).toMatch(/^AAAAAAAA0161 11/);
    expect(bench.asked.at(-1)).toMatch(/^000000000161 11/);
    expect(bench.outcome).toMatchObject({ address: ADDRESS });
  });

  test("data that is no BCD costs its own measures", () => {
    const odd: Meter = (control, id, times) => (id === "02800002" ? [0x91, "9A49"] : good(control, id, times));
    const bench = new Bench(odd).open().run();
    expect(values(bench)).toEqual({ ...EXPECTED, frequency: null });
    expect(bench.outcome).toMatchObject({ notes: expect.arrayContaining(["02800002: byte 9a is no BCD"]) });
  });
});

describe("a bad line", () => {
  test("silence is asked again twice, then it is a failure that names what was asked", () => {
    const silentFor = (count: number): Meter => {
      return (control, id, times) => (id === "00010000" && times <= count ? undefined : good(control, id, times));
    };
    const late = new Bench(silentFor(2)).open().run();
    expect(values(late)).toEqual(EXPECTED);
    const silent = new Bench(silentFor(3)).open().run();
    expect(silent.outcome).toEqual({ ok: false, reason: "00010000: no answer", asked: "data" });
    expect(silent.asked.filter((asked) => asked.endsWith("00010000"))).toHaveLength(3);
  });

  test("no meter at all", () => {
    const bench = new Bench(() => undefined).open().run();
    expect(bench.outcome).toEqual({ ok: false, reason: "no answer", asked: "address" });
    expect(bench.asked).toEqual(Array(3).fill("AAAAAAAAAAAA 13"));
  });

  test("a meter that does not tell its address, and one that has nothing", () => {
    const mute: Meter = () => [0xd3, "04"];
    expect(new Bench(mute).open().run().outcome).toMatchObject({ ok: false, asked: "address" });
    const empty: Meter = (control, id, times) => (control === 0x13 ? good(control, id, times) : [0xd1, "02"]);
    expect(new Bench(empty).open().run().outcome).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/000000000161 has none of the data asked for; .*no such data/),
    });
  });

  test("a link that is lost, and one that never comes", () => {
    expect(new Bench(good).open().run(5).close().outcome).toEqual({
      ...{ ok: false, reason: "ECONNRESET", asked: undefined },
    });
    const bench = new Bench(good).close().run();
    expect(bench.outcome).toMatchObject({ ok: false, reason: "ECONNRESET" });
    expect(bench.now.mono).toBe(3_000 * MS);
  });
});

describe("options", () => {
  test("the line is 2400 8E1 unless told otherwise", () => {
    expect(dlt645Line({})).toEqual({ baudRate: 2_400, parity: "even", dataBits: 8, stopBits: 1 });
    expect(dlt645Line({ baud: 1_200, parity: "none" })).toMatchObject({ baudRate: 1_200, parity: "none" });
  });

  test("choices of both sides, several at once", () => {
    expect(dlt645Choices("meter")("combined=sum,zone=480,baud=bcd,error=serr,key=pressed")).toEqual({
      combinations: { active: 0x05, reactive1: 0x05, reactive2: 0x50 },
      ...{ zone: 480, baudCoding: "bcd", controlError: "serr", programmingKey: true },
    });
    expect(dlt645Choices("read")("combined=difference,blocks=no,zone=-210")).toMatchObject({
      ...{ combinations: { active: 0x09 }, blocks: false, zone: -210 },
    });
  });

  test.each(["zone=841", "zone=", "zone=1.5", "zone", "combined=05", "toString=1", "", "blocks=toString"])(
    "%s is refused",
    (text) => {
      expect(() => dlt645Choices("read")(text)).toThrow(/--dlt645/);
    },
  );
});
