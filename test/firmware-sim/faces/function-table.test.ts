/** docs/meter-functions.md says where every function is read: here a meter that has had them all is asked for each. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EVENT_KINDS } from "../../../firmware-sim/events/kinds.ts";
import { Iec62056Data } from "../../../firmware-sim/faces/iec62056-21-data.ts";
import { ModbusMapFace } from "../../../firmware-sim/faces/modbus-map.ts";
import { ORDER_OPERATIONS, type OrderNumber } from "../../../protocols/orders.ts";
import { MEASURES } from "../../../src/core/measures.ts";
import { at, Bench } from "./dlt645-support.ts";

const DAY = 86_400;

interface Row {
  readonly name: string;
  readonly dlt: readonly string[];
  readonly iec: readonly string[];
  readonly modbus: readonly string[];
  readonly mqtt: string;
}

function rows(): readonly Row[] {
  const page = readFileSync(new URL("../../../docs/meter-functions.md", import.meta.url), "utf8");
  const table = page.slice(page.indexOf("| function | source |"));
  const codes = (cell: string | undefined) => [...(cell ?? "").matchAll(/`([^`]+)`/g)].map((m) => m[1] as string);
  return table
    .split("\n")
    .slice(2)
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, name = "", , dlt, iec, modbus, mqtt = ""]) => ({
      name,
      dlt: codes(dlt),
      iec: codes(iec),
      modbus: codes(modbus),
      mqtt,
    }));
}

/** Three days of four rates and credit, with a settlement, an over-voltage, a freeze, a top-up, a trip and a close. */
function usedMeter(): Bench {
  const bench = new Bench(
    "meterworks-3p",
    {
      settings: {
        tariff: "four-rates",
        credit: { opening: 50_000_000 },
        events: { overVoltage: { trigger: 110, recover: 105 } },
      },
    },
    { voltage: 260 },
  );
  const { meter } = bench;
  const order = (id: number, operation: "credit-add" | "relay-open" | "relay-close", seconds: number) =>
    meter.execute({ id: id as OrderNumber, operation, argument: operation === "credit-add" ? 500 : 0 }, at(seconds));
  meter.refresh(at(DAY));
  meter.perform((functions, second) => functions.freeze(second), at(DAY + 10));
  meter.setClock(at(DAY + 20).civil, at(DAY + 20));
  order(1, "credit-add", DAY + 30);
  order(2, "relay-open", DAY + 40);
  order(3, "relay-close", DAY + 50);
  bench.write("04000104", "05", DAY + 60);
  meter.refresh(at(40 * DAY));
  return bench;
}

test("each function of the table answers where the table says", () => {
  const bench = usedMeter();
  const end = 40 * DAY + 5;
  const iec = new Iec62056Data(bench.meter, at(end));
  const modbus = new ModbusMapFace(bench.meter, at(end));
  iec.at(at(end));
  modbus.at(at(end));
  const readout = iec.readout().map(({ address }) => address);
  const table = rows();
  expect(table.length).toBeGreaterThan(18);
  for (const { name, dlt, iec: codes, modbus: registers, mqtt } of table) {
    // A load record of class 1: how many are wanted comes behind the identifier.
    for (const id of dlt)
      if (id.startsWith("06")) expect(bench.ask("11", "02 00 01 06 01", end), `${name}: ${id}`).toMatch(/^91 /);
      else expect(bench.read(id, end), `${name}: ${id}`).not.toMatch(/^d1|undefined/);
    for (const code of codes) {
      if (code.startsWith("P.")) expect(iec.profile(code, ";"), `${name}: ${code}`).toBeDefined();
      else if (!readout.includes(code)) expect(iec.read(code), `${name}: ${code}`).toBeDefined();
    }
    for (const register of registers) {
      const out = new Uint8Array(8);
      expect(modbus.readRegisters("holding", Number.parseInt(register, 16), 2, out, 0), `${name}: ${register}`).toBe(0);
    }
    for (const [, word = ""] of mqtt.matchAll(/`([^`]+)`/g)) {
      const measure = MEASURES.find(({ obis }) => obis === word);
      if (measure !== undefined) expect(bench.meter.value(measure.key), `${name}: ${word}`).not.toBeNull();
      else expect([...EVENT_KINDS, ...Object.keys(ORDER_OPERATIONS)], name).toContain(word);
    }
  }
});
