/** The optical head of a whole meter: requests and expected values are written by hand, no codec of ours in between. */
import { describe, expect, test } from "vitest";
import { Iec62056Face, type Iec62056FaceOptions } from "../../../firmware-sim/faces/iec62056-21.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { checkSettings } from "../../../firmware-sim/settings.ts";
import { parseDataSets } from "../../../protocols/iec62056-21/dataset.ts";
import { measuresOf } from "../../../protocols/iec62056-21/readings.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { linkId } from "../../../src/core/actor.ts";
import { MEASURES, type MeasureKey, measure } from "../../../src/core/measures.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { ascii, BREAK, block, latin } from "../../protocols/iec62056-21/vectors.ts";

/** 2026-01-01T00:00:00Z. */
const START = 1_767_225_600;
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil(START * 1e6 + seconds * 1e6) });
const LINK = linkId("head");

class Bench {
  readonly meter: Meter;
  readonly face: Iec62056Face;
  #seconds = 1;

  constructor(
    model = "meterworks-3p",
    options: Iec62056FaceOptions = {},
    mains: { current?: number; angle?: number } = {},
    given: object = {},
  ) {
    const found = findModel(model) as MeterModel;
    const settings = checkSettings(given, found);
    if (!settings.ok) throw new Error(settings.error);
    const load = constantLoad(mainsOf({ phases: found.phases, voltage: 230, current: 5, ...mains }));
    const meter = Meter.powerOn(
      {
        ...{ id: "flat-7", model: found, nvram: new MemoryNvram(), password: 42, checkpointEvery: 1e15 },
        settings: settings.value,
        chip: (start) => new ClosedFormChip({ plate: found.plate, phases: found.phases, load, start, seed: 1 }),
      },
      at(0),
    );
    if (!meter.ok) throw new Error(meter.error);
    this.meter = meter.value;
    this.face = new Iec62056Face(this.meter, at(0), options);
  }

  /** Lets seconds pass. */
  pass(seconds: number): this {
    this.#seconds += seconds;
    return this;
  }

  /** Says something; everything that was sent within half a second, `[baud]` for the changes of rate. */
  ask(text: string, link = LINK): string {
    const effects = [...this.face.handle({ kind: "bytes", link, bytes: ascii(text) }, at(this.#seconds))];
    this.#seconds += 0.5;
    effects.push(...this.face.wake(at(this.#seconds)));
    return effects.map((e) => (e.kind === "send" ? latin(e.bytes) : e.kind === "baud" ? `[${e.rate}]` : "")).join("");
  }

  readout(): string {
    expect(this.ask("/?!\r\n")).toMatch(/^\/MWK5/);
    return this.ask("\x06050\r\n");
  }

  programming(): this {
    this.ask("/?!\r\n");
    expect(this.ask("\x06051\r\n")).toBe(`[9600]${block("()", "P0")}`);
    return this;
  }
}

/** The data between STX and ETX of an answer, whose check character must be good. */
function dataOf(answer: string): string {
  const data = answer.slice(1, -2);
  expect(answer).toBe(block(data));
  return data;
}

/** The value of a line, by the text alone. */
const line = (text: string, address: string) =>
  text
    .split("\r\n")
    .find((l) => l.startsWith(`${address}(`))
    ?.slice(address.length);

describe("readout", () => {
  test("identification, serial number, clock, and what the load makes", () => {
    const b = new Bench();
    expect(b.ask("/?!\r\n")).toBe("/MWK5meterworks-3p\r\n");
    const text = b.ask("\x06050\r\n");
    const lines = text.slice("[9600]\x02".length).split("\r\n");
    expect(lines.slice(0, 6)).toEqual([
      ...["F.F(00000000)", "C.1.0(flat-7)", "0.0.0(flat-7)"],
      ...["0.9.1(000002)", "0.9.2(260101)", "0-0:1.0.0(260101000002)"],
    ]);
    expect(lines.every((l) => l.length <= 78)).toBe(true);
    expect(line(text, "32.7.0")).toBe("(230.0*V)");
    expect(line(text, "71.7.0")).toBe("(005.000*A)");
    expect(line(text, "16.7.0")).toBe("(003.450*kW)");
    expect(line(text, "14.7.0")).toBe("(50.00*Hz)");
    expect(line(text, "13.7.0")).toBe("(1.000)");
    expect(line(text, "0-0:96.3.10")).toBe("(1)");
  });

  test("an hour at 3.45 kW: energies are cut to Wh, never rounded up", () => {
    const text = new Bench().pass(3600).readout();
    const shown = /\((\d{6}\.\d{3})\*kWh\)/.exec(line(text, "1.8.0") as string)?.[1];
    // 3,450 W from the start until the 3,602nd second: 3,451.9 Wh.
    expect(Number(shown)).toBeGreaterThanOrEqual(3.45);
    expect(Number(shown)).toBeLessThanOrEqual(3.452);
    expect(line(text, "2.8.0")).toBe("(000000.000*kWh)");
  });

  test("export is negative power and counts in 2.8.0", () => {
    const text = new Bench("meterworks-3p", {}, { angle: 180 }).pass(3600).readout();
    expect(line(text, "16.7.0")).toBe("(-003.450*kW)");
    expect(line(text, "1.8.0")).toBe("(000000.000*kWh)");
    expect(line(text, "2.8.0")).toMatch(/^\(000003\.45/);
  });

  test("without load the power factor is empty, and zero has no sign", () => {
    const text = new Bench("meterworks-3p", {}, { current: 0 }).readout();
    expect(line(text, "13.7.0")).toBe("()");
    expect(line(text, "16.7.0")).toBe("(000.000*kW)");
  });

  test("a single-phase meter has one phase; a meter without relay shows none", () => {
    const text = new Bench("eastron-sdm120").readout();
    expect(line(text, "32.7.0")).toBe("(230.0*V)");
    for (const address of ["52.7.0", "72.7.0", "140.7.0", "0-0:96.3.10"]) expect(line(text, address)).toBeUndefined();
  });

  test("a meter of one rate shows neither rates nor maxima that it has not: an optical head is slow", () => {
    const b = new Bench("meterworks-1p");
    const text = b.readout();
    expect(text).not.toMatch(/^\d\.8\.[1-9]|^\d\.6\.\d/m);
    expect(text.length).toBeLessThan(1_600);
    expect(new Bench("meterworks-1p").pass(1_800).readout()).toMatch(/^1\.6\.0\(001\.1[45]\d\*kW\)/m);
  });

  test("every measure is the meter's own, cut to the digits shown", () => {
    const b = new Bench("meterworks-3p", {}, { angle: 37 }, { tariff: "four-rates" }).pass(1234);
    const text = b.readout();
    const sets = parseDataSets(text.slice(text.indexOf("F.F"), text.indexOf("\x03")));
    if (!sets.ok) throw new Error(sets.error.kind);
    const values = Object.entries(measuresOf(sets.value, { clockOffset: 0 }));
    const missing = MEASURES.filter((m) => !/Harmonic/.test(m.key) && !values.some(([key]) => key === m.key)).map(
      (m) => m.key,
    );
    expect(missing).toEqual(["creditBalance"]);
    for (const [key, value] of values) {
      const m = measure(key as MeasureKey);
      const own = b.meter.value(key as MeasureKey) as number;
      const step = { V: 100, A: 1000, Hz: 10, "1": 1000, "%": 1, deg: 100 }[m.unit as string] ?? 1000;
      if (m.kind === "status") expect(value).toBe(own);
      else expect([key, value]).toEqual([key, Math.trunc(own / step) * step + 0]);
    }
  });

  test("mode A: data at once; mode B: at its rate, when the identification has left and 200 ms more", () => {
    const a = new Bench("meterworks-1p", { mode: "A", baud: 300 });
    expect(a.ask("/?!\r\n")).toMatch(/^\/MWK-meterworks-1p\r\nF\.F\(00000000\)\r\n.*\r\n!\r\n$/s);
    const b = new Bench("meterworks-1p", { mode: "B" });
    expect(b.ask("/?!\r\n")).toBe("/MWKEmeterworks-1p\r\n[9600]");
    // 20 characters of 33.3 ms after the 500 ms at which it was sent.
    const due = b.face.nextWake().mono;
    expect(due).toBe(1_500_000 + 666_667 + 200_000);
    const sent = b.face
      .wake({ mono: mono(due), civil: at(3).civil })
      .flatMap((e) => (e.kind === "send" ? latin(e.bytes) : []));
    expect(dataOf(sent[0] ?? "")).toMatch(/^F\.F\(00000000\)\r\n/);
  });

  test("each link has a session of its own; a closed one is forgotten", () => {
    const b = new Bench();
    const other = linkId("other");
    b.ask("/?!\r\n");
    expect(b.ask("\x06050\r\n", other)).toBe("");
    b.face.handle({ kind: "closed", link: LINK, reason: "gone" }, at(2));
    expect(b.ask("\x06050\r\n")).toBe("");
  });

  test("the device address is the serial number", () => {
    expect(new Bench().ask("/?flat-8!\r\n")).toBe("");
    expect(new Bench().ask("/?flat-7!\r\n")).not.toBe("");
  });
});

describe("programming mode", () => {
  test.each(["1.8.0", "1-0:1.8.0", "1-0:1.8.0*255"])("R1 and R5 read %s", (address) => {
    const b = new Bench().programming();
    for (const command of ["R1", "R5"])
      expect(dataOf(b.ask(block(`${address}()`, command)))).toMatch(/^1\.8\.0\(000000\.00\d\*kWh\)$/);
  });

  test("what the meter has not is an error", () => {
    const b = new Bench().programming();
    for (const address of ["1.8.0*1", "1.8.9", "C003", ""])
      expect(b.ask(block(`${address}()`, "R1"))).toBe(block("(ER01)"));
  });

  test("the password is the meter's in eight digits; the clock takes time, date or both", () => {
    const b = new Bench().programming();
    const write = (address: string, value: string) => b.ask(block(`${address}(${value})`, "W5"));
    const read = (address: string) => dataOf(b.ask(block(`${address}()`, "R5")));
    expect(write("0.9.1", "101112")).toBe(block("(ER03)"));
    expect(b.ask(block("(42)", "P1"))).toBe(block("(ER05)"));
    expect(b.ask(block("(00000042)", "P1"))).toBe("\x06");
    expect(write("0-0:1.0.0", "301231235950")).toBe("\x06");
    expect(read("0-0:1.0.0")).toMatch(/^0-0:1\.0\.0\(30123123595[01]\)/);
    expect(write("0.9.1", "101112")).toBe("\x06");
    expect(read("0.9.1")).toMatch(/^0\.9\.1\(10111[23]\)/);
    expect(read("0.9.2")).toMatch(/^0\.9\.2\(301231\)/);
    expect(write("0.9.2", "280229")).toBe("\x06");
    expect(read("0-0:1.0.0")).toMatch(/^0-0:1\.0\.0\(2802291011/);
  });

  test("what can't be set is refused and changes nothing", () => {
    const b = new Bench().programming();
    b.ask(block("(00000042)", "P1"));
    const before = b.meter.clock(at(0));
    for (const [data, error] of [
      ["0.9.1(250000)", "ER02"],
      ["0.9.2(270229)", "ER02"],
      ["0.9.1()", "ER02"],
      ["1.8.0(0)", "ER06"],
      ["C.1.0(1)", "ER06"],
      ["C003(910324092239)", "ER01"],
    ] as const)
      expect(b.ask(block(data, "W1"))).toBe(block(`(${error})`));
    expect(b.meter.clock(at(0))).toBe(before);
    expect(b.meter.lastOutcome).toBeUndefined();
  });

  test("the break lets the next reader in", () => {
    const b = new Bench().programming();
    expect(b.ask(BREAK)).toBe("[300]");
    expect(b.ask("/?!\r\n")).toMatch(/^\/MWK5/);
  });
});
