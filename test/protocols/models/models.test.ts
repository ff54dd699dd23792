import { describe, expect, test } from "vitest";
import { findModel, MODELS } from "../../../protocols/models/index.ts";
import { type MeterModel, type RegisterEntry, registerCount } from "../../../protocols/models/model.ts";
import { decodeValue, encodeValue } from "../../../protocols/models/registers.ts";
import { MEASURES, type MeasureKey, measure, showValue } from "../../../src/core/measures.ts";
import { unframed } from "./frames.ts";

const address = (model: string, key: MeasureKey): number | undefined =>
  findModel(model)?.modbus.registers.find((r) => r.measure === key)?.address;

test("models are plain data: a JSON round trip changes nothing", () => {
  for (const model of MODELS) expect(JSON.parse(JSON.stringify(model))).toEqual(model);
});

test("the models are found by id, others are not", () => {
  expect(MODELS.map((m) => m.id)).toEqual([
    "eastron-sdm630",
    "eastron-sdm120",
    "eastron-sdm230",
    "chint-dtsu666",
    "schneider-iem3155",
    "carlo-gavazzi-em24",
    "abb-b23",
    "acrel-adw300",
    "meterworks-3p",
    "meterworks-1p",
  ]);
  for (const model of MODELS) expect(findModel(model.id)).toBe(model);
  expect(findModel("eastron-sdm72")).toBeUndefined();
});

describe.each(MODELS.map((m) => [m.id, m] as const))("examples of %s", (_, model) => {
  test.each(model.examples.map((e) => [e.source, e] as const))("%s", (_source, example) => {
    const request = unframed(example.request);
    const response = unframed(example.response);
    const [unit, fc, hi = 0, lo = 0, qHi = 0, qLo = 0] = request;
    const start = (hi << 8) | lo;
    const quantity = (qHi << 8) | qLo;
    expect([...response.subarray(0, 3)]).toEqual([unit, fc, quantity * 2]);
    expect(response.length).toBe(3 + quantity * 2);
    expect(quantity).toBeLessThanOrEqual(model.modbus.readLimit);
    const table = fc === 3 ? "holding" : "input";
    const inside = model.modbus.registers.filter(
      (r) =>
        (model.modbus.tables === "shared" || r.table === table) &&
        r.address >= start &&
        r.address + registerCount(r.encoding) <= start + quantity,
    );
    const read = inside.map((r) => {
      const value = decodeValue(r, model.modbus.wordOrder, response, 3 + 2 * (r.address - start));
      return [r.measure, value === null || value === undefined ? value : showValue(measure(r.measure), value)];
    });
    expect(Object.fromEntries(read)).toMatchObject(example.reads);
    expect(Object.keys(example.reads).length).toBeGreaterThan(0);
  });
});

test("the SDM630's addresses are those of the public sources", () => {
  // Written down here a second time, from volkszaehler/mbmd sdm.go, so that a slip in the map shows.
  const seen: [MeasureKey, number][] = [
    ["voltageL1", 0x0000],
    ["voltageL2", 0x0002],
    ["voltageL3", 0x0004],
    ["currentL1", 0x0006],
    ["currentL2", 0x0008],
    ["currentL3", 0x000a],
    ["activePowerL1", 0x000c],
    ["activePowerL2", 0x000e],
    ["activePowerL3", 0x0010],
    ["activePower", 0x0034],
    ["apparentPower", 0x0038],
    ["reactivePower", 0x003c],
    ["powerFactor", 0x003e],
    ["powerFactorL1", 0x001e],
    ["powerFactorL3", 0x0022],
    ["frequency", 0x0046],
    ["activeEnergyImport", 0x0048],
    ["activeEnergyExport", 0x004a],
    ["reactiveEnergyImport", 0x004c],
    ["reactiveEnergyExport", 0x004e],
    ["activeEnergySum", 0x0156],
    ["reactiveEnergySum", 0x0158],
    ["activeEnergyImportL1", 0x015a],
    ["activeEnergyExportL2", 0x0162],
    ["activeEnergySumL3", 0x016a],
  ];
  for (const [key, at] of seen) expect([key, address("eastron-sdm630", key)]).toEqual([key, at]);
});

describe("native models", () => {
  const three = findModel("meterworks-3p") as MeterModel;
  const one = findModel("meterworks-1p") as MeterModel;

  test("show every measure that their phase count has", () => {
    const keys = (m: MeterModel) => new Set(m.modbus.registers.map((r) => r.measure));
    expect(keys(three)).toEqual(new Set(MEASURES.map((m) => m.key)));
    const single = MEASURES.filter((m) => (m.phase ?? 1) === 1 && !/^(voltageL(12|23|31)|phaseSequence)$/.test(m.key));
    expect(keys(one)).toEqual(new Set(single.map((m) => m.key)));
  });

  test("have the same address for the same measure", () => {
    for (const entry of one.modbus.registers) expect(three.modbus.registers).toContainEqual(entry);
  });

  test("lose nothing: every register counts in the measure's own quantum", () => {
    for (const { measure: key, unit, scale } of three.modbus.registers) {
      expect(unit).toBe(measure(key).unit);
      expect(scale ?? 0).toBe(-measure(key).decimals || 0);
    }
  });

  test("instantaneous values and total energies are one gapless read, energies of the phases and waveform a second, what is booked a third", () => {
    const ends = three.modbus.registers.map((r) => r.address + registerCount(r.encoding));
    const starts = three.modbus.registers.map((r) => r.address);
    const gaps = starts.slice(1).filter((start, i) => start !== ends[i]);
    // Then the harmonics of each phase, a read of its own for those who want them.
    expect(gaps).toEqual([0x80, 0x100, 0x200, 0x260, 0x2c0]);
    expect(ends[starts.indexOf(0x80) - 1]).toBeLessThanOrEqual(125);
    for (const start of gaps) {
      const next = starts.findIndex((other) => other > start && gaps.includes(other));
      expect((ends.at(next < 0 ? -1 : next - 1) ?? 0) - start).toBeLessThanOrEqual(125);
    }
  });

  test("hold three phases of 100 A at 400 V, either sign", () => {
    const entry = three.modbus.registers.find((r) => r.measure === "activePower") as RegisterEntry;
    for (const milliwatts of [120_000_000, -120_000_000]) {
      const out = new Uint8Array(4);
      encodeValue(entry, "high-first", milliwatts, out, 0);
      expect(new DataView(out.buffer).getInt32(0)).toBe(milliwatts);
    }
  });
});
