/**
 * Every built-in model as a running meter: our own reader gets the known load from all of its registers, and mbpoll gets
 * a power at the address, type and word order that public readers of the real meter use.
 */
import { expect, test } from "vitest";
import { MODELS } from "../../protocols/models/index.ts";
import { describeWithPeers } from "../peers.ts";
import { LOAD } from "./sdm630.ts";
import { Cleanup, expectNear, mbpoll, readJson, startTcpMeter } from "./support.ts";

const TOLERANCE = 0.005;
/** Per phase: 230 V, 5 A, power factor 0.8 inductive, 50 Hz. */
const PHASE: Readonly<Record<string, number>> = {
  voltage: 230,
  current: 5,
  activePower: 920,
  apparentPower: 1150,
  reactivePower: 690,
  powerFactor: 0.8,
};
const SUMS = new Set(["activePower", "apparentPower", "reactivePower"]);

function expected(measure: string, phases: 1 | 3): number | undefined {
  const [, quantity = "", phase = ""] = /^([a-zA-Z]+?)(?:L(\d+))?$/.exec(measure) ?? [];
  if (quantity === "voltage" && phase.length === 2) return 230 * Math.sqrt(3);
  if (measure === "frequency") return 50;
  const each = PHASE[quantity];
  return each !== undefined && phase === "" && SUMS.has(quantity) ? each * phases : each;
}

/**
 * mbpoll's view of the total active power (the voltage of L1 for the one-phase models would not tell more): register type 3
 * is FC 04, 4 is FC 03; -B is the high word first. `unit` is how much one count or 1.0 is, in watts.
 */
const SEEN: Readonly<Record<string, { type: string; high: boolean; address: number; unit: number }>> = {
  "eastron-sdm630": { type: "3:float", high: true, address: 0x34, unit: 1 },
  "eastron-sdm120": { type: "3:float", high: true, address: 0x0c, unit: 1 },
  "eastron-sdm230": { type: "3:float", high: true, address: 0x0c, unit: 1 },
  "chint-dtsu666": { type: "4:float", high: true, address: 0x2012, unit: 0.1 },
  "schneider-iem3155": { type: "4:float", high: true, address: 0x0bf3, unit: 1000 },
  "carlo-gavazzi-em24": { type: "3:int", high: false, address: 0x28, unit: 0.1 },
  "abb-b23": { type: "4:int", high: true, address: 0x5b14, unit: 0.01 },
  "acrel-adw300": { type: "4:int", high: true, address: 36, unit: 1 },
  "meterworks-3p": { type: "4:int", high: true, address: 0, unit: 0.001 },
  "meterworks-1p": { type: "3:int", high: true, address: 0, unit: 0.001 },
};

describeWithPeers("every model as a running meter", ["mbpoll"], () => {
  const cleanup = new Cleanup();

  test.each(MODELS.map((model) => [model.id, model] as const))(
    "%s serves the load at its real addresses",
    async (id, model) => {
      const { port, program } = await startTcpMeter(cleanup, ["--model", id, ...LOAD]);
      const readings = await readJson(["--model", id, "--tcp", `127.0.0.1:${port}`]);
      // Single harmonics are read with --harmonics.
      const usual = model.modbus.registers.map((r) => r.measure).filter((key) => !/Harmonic/.test(key));
      expect(readings.map((r) => r.measure).sort()).toEqual(usual.sort());
      let compared = 0;
      for (const { measure, value } of readings) {
        const wanted = expected(measure, model.phases);
        if (wanted === undefined) continue;
        expectNear(Number(value), wanted, TOLERANCE, `${id} ${measure}`);
        compared++;
      }
      expect(compared).toBeGreaterThanOrEqual(model.phases === 1 ? 5 : 10);

      const seen = SEEN[id];
      if (seen === undefined)
        throw new Error(`${id} has no row in this test: add its power as its public readers see it`);
      const where = ["-m", "tcp", "-a", "1", "-p", String(port), "-t", seen.type, ...(seen.high ? ["-B"] : [])];
      const polled = await mbpoll([...where, "-r", String(seen.address), "-c", "1", "127.0.0.1"]);
      expect(polled.error).toBe("");
      expectNear((polled.values.get(seen.address) ?? Number.NaN) * seen.unit, 920 * model.phases, TOLERANCE, id);
      await program.stop();
    },
    20_000,
  );
});
