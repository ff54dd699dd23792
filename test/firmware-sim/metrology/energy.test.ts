import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type EnergyRegister,
  EnergyRegisters,
  type EnergyScope,
  QUANTUM,
} from "../../../firmware-sim/metrology/energy.ts";

const KWH = 1_000_000;
const REGISTERS: readonly EnergyRegister[] = [
  "activeImport",
  "activeExport",
  "reactiveImport",
  "reactiveExport",
  "q1",
  "q2",
  "q3",
  "q4",
  "apparent",
];

function exact(registers: EnergyRegisters, register: EnergyRegister, scope: EnergyScope): bigint {
  const { quanta, residual } = registers.amount(register, scope);
  return BigInt(quanta) * BigInt(QUANTUM) + BigInt(residual);
}

/** What one signed window adds to a register, by the definitions alone. */
function share(register: EnergyRegister, p: bigint, q: bigint, s: bigint): bigint {
  const positive = (x: bigint) => (x > 0n ? x : 0n);
  const quadrant = q >= 0n ? (p >= 0n ? "q1" : "q2") : p >= 0n ? "q4" : "q3";
  switch (register) {
    case "activeImport":
      return positive(p);
    case "activeExport":
      return positive(-p);
    case "reactiveImport":
      return positive(q);
    case "reactiveExport":
      return positive(-q);
    case "apparent":
      return s;
    default:
      return quadrant === register ? positive(q) + positive(-q) : 0n;
  }
}

const micro = fc.integer({ min: -(2 ** 45), max: 2 ** 45 });
const phaseEnergy = fc.record({ active: micro, reactive: micro, apparent: fc.integer({ min: 0, max: 2 ** 45 }) });
const windows = fc.array(fc.tuple(phaseEnergy, phaseEnergy, phaseEnergy), { maxLength: 40 });

describe("energy registers", () => {
  it("hold exactly what went in: quanta × quantum + residual, per phase and in total", () => {
    fc.assert(
      fc.property(windows, fc.constantFrom("net" as const, "perPhase" as const), (all, mode) => {
        const registers = new EnergyRegisters(3, mode);
        for (const w of all) registers.add(w);
        for (const register of REGISTERS) {
          const ofPhase = (p: 0 | 1 | 2) =>
            all.reduce(
              (sum, w) => sum + share(register, BigInt(w[p].active), BigInt(w[p].reactive), BigInt(w[p].apparent)),
              0n,
            );
          const net = all.reduce((sum, [a, b, c]) => {
            const total = (k: "active" | "reactive" | "apparent") => BigInt(a[k]) + BigInt(b[k]) + BigInt(c[k]);
            return sum + share(register, total("active"), total("reactive"), total("apparent"));
          }, 0n);
          const phases = [ofPhase(0), ofPhase(1), ofPhase(2)] as const;
          expect(phases).toEqual([
            exact(registers, register, 1),
            exact(registers, register, 2),
            exact(registers, register, 3),
          ]);
          expect(exact(registers, register, 0)).toBe(mode === "net" ? net : phases[0] + phases[1] + phases[2]);
          expect(registers.amount(register).residual).toBeLessThan(QUANTUM);
        }
      }),
    );
  });

  it("show whole quanta only, truncated", () => {
    const registers = new EnergyRegisters(1, "net");
    registers.add([{ active: QUANTUM - 1, reactive: 0, apparent: QUANTUM - 1 }]);
    expect(registers.value("activeImport")).toBe(0);
    registers.add([{ active: 1, reactive: 0, apparent: 1 }]);
    expect(registers.value("activeImport")).toBe(1);
    expect(registers.amount("activeImport")).toEqual({ quanta: 1, residual: 0 });
  });

  it("take a load behind the chip exactly: 1 kW for an hour in seconds is 1 kWh", () => {
    const registers = new EnergyRegisters(3, "net");
    const load = { active: 333_333, reactive: -100_000, apparent: 350_000 };
    for (let s = 0; s < 3600; s++) registers.addLoad([load, load, { ...load, active: 333_334 }], 1);
    expect(registers.amount("activeImport")).toEqual({ quanta: KWH, residual: 0 });
    expect(registers.amount("activeImport", 3)).toEqual({ quanta: 333_334, residual: 0 });
    expect(registers.amount("q4")).toEqual({ quanta: 300_000, residual: 0 });
    expect(registers.amount("reactiveExport")).toEqual({ quanta: 300_000, residual: 0 });
    expect(registers.amount("apparent")).toEqual({ quanta: 1_050_000, residual: 0 });
  });

  it("differ between net and per phase when one phase exports while another imports", () => {
    const net = new EnergyRegisters(3, "net");
    const perPhase = new EnergyRegisters(3, "perPhase");
    const loads = [
      { active: 3_000_000, reactive: 500_000, apparent: 3_041_381 },
      { active: -1_000_000, reactive: 200_000, apparent: 1_019_804 },
      { active: 0, reactive: -300_000, apparent: 300_000 },
    ];
    for (const r of [net, perPhase]) r.addLoad(loads, 3600);
    const shown = (r: EnergyRegisters) => REGISTERS.map((register) => r.value(register) / KWH);
    //                              +A −A  +R   −R   Q1   Q2   Q3 Q4   S
    expect(shown(net)).toEqual([2, 0, 0.4, 0, 0.4, 0, 0, 0, 4.361185]);
    expect(shown(perPhase)).toEqual([3, 1, 0.7, 0.3, 0.5, 0.2, 0, 0.3, 4.361185]);
  });

  it("have nothing for phases the meter does not have", () => {
    const registers = new EnergyRegisters(1, "net");
    registers.addLoad([{ active: 1_000_000, reactive: 0, apparent: 1_000_000 }], 3600);
    expect([1, 2, 3].map((p) => registers.value("activeImport", p as EnergyScope))).toEqual([KWH, 0, 0]);
  });

  it("come back whole from a snapshot", () => {
    fc.assert(
      fc.property(windows, (all) => {
        const registers = new EnergyRegisters(3, "net");
        for (const w of all) registers.add(w);
        const back = new EnergyRegisters(3, "net");
        expect(back.restore(registers.snapshot()).ok).toBe(true);
        for (const register of REGISTERS)
          for (const scope of [0, 1, 2, 3] as const)
            expect(back.amount(register, scope)).toEqual(registers.amount(register, scope));
      }),
      { numRuns: 30 },
    );
  });

  it("survive a snapshot beyond 2^32 quanta", () => {
    const registers = new EnergyRegisters(1, "net");
    for (let i = 0; i < 30; i++) registers.add([{ active: 2 ** 50 - 1, reactive: 0, apparent: 0 }]);
    expect(registers.value("activeImport")).toBeGreaterThan(2 ** 32);
    const back = new EnergyRegisters(1, "net");
    expect(back.restore(registers.snapshot()).ok).toBe(true);
    expect(exact(back, "activeImport", 0)).toBe(30n * (2n ** 50n - 1n));
  });

  it("refuse a snapshot that is not theirs and keep what they have", () => {
    const registers = new EnergyRegisters(3, "net");
    registers.addLoad(
      [1, 2, 3].map((k) => ({ active: k * KWH, reactive: 0, apparent: 0 })),
      3600,
    );
    const good = registers.snapshot();
    const changed = (at: number, value: number) => {
      const bytes = good.slice();
      bytes[at] = value;
      return bytes;
    };
    const bad = [
      new EnergyRegisters(1, "net").snapshot(),
      new EnergyRegisters(3, "perPhase").snapshot(),
      good.subarray(0, good.length - 1),
      new Uint8Array(0),
      changed(0, 9),
      changed(1, 1),
      changed(4 + 7, 0xff), // quanta beyond 2^53
      changed(4 + 11, 0xff), // residual beyond the quantum
    ];
    for (const bytes of bad) expect(registers.restore(bytes).ok).toBe(false);
    expect(registers.value("activeImport")).toBe(6 * KWH);
  });
});
