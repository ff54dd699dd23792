/**
 * The CPU's energy registers. Each counts whole quanta of 1 mWh (mvarh, mVAh) and keeps what is below one as a residual in
 * micro-watt-seconds, so that nothing is lost at any rounding: what went in is exactly quanta × quantum + residual.
 */
import { assert, failure, type Result, success } from "../../src/core/result.ts";
import type { PhaseEnergy } from "./chip.ts";

/** µJ in one mWh. */
export const QUANTUM = 3_600_000;

/** Registers that are counted; import and export of reactive energy are sums of quadrants and kept nowhere else. */
export const COUNTED = ["activeImport", "activeExport", "q1", "q2", "q3", "q4", "apparent"] as const;
export type Counted = (typeof COUNTED)[number];

/** +A, −A, +R (Q1 + Q2), −R (Q3 + Q4), the four quadrants, apparent. */
export type EnergyRegister = Counted | "reactiveImport" | "reactiveExport";

/** 0 is the total, 1..3 are L1..L3. */
export type EnergyScope = 0 | 1 | 2 | 3;

/** Steady power of one phase: integer mW and mvar (signed), mVA. */
export interface PhaseLoad {
  readonly active: number;
  readonly reactive: number;
  readonly apparent: number;
}

/** An exact amount: quanta × {@link QUANTUM} + residual, 0 <= residual < QUANTUM. */
export interface EnergyAmount {
  readonly quanta: number;
  readonly residual: number;
}

/** The exact content of each register's total now. */
export type Totals = (register: EnergyRegister) => EnergyAmount;

const INDEX: Readonly<Record<Counted, number>> = {
  activeImport: 0,
  activeExport: 1,
  q1: 2,
  q2: 3,
  q3: 4,
  q4: 5,
  apparent: 6,
};
const ROW = COUNTED.length;
const SNAPSHOT_VERSION = 1;
const SNAPSHOT_HEADER = 4;
const SNAPSHOT_ENTRY = 12;
const TWO_32 = 2 ** 32;

export class EnergyRegisters {
  readonly #phases: 1 | 3;
  readonly #total: "net" | "perPhase";
  readonly #quanta: Float64Array;
  readonly #residual: Float64Array;

  constructor(phases: 1 | 3, polyphaseTotal: "net" | "perPhase") {
    this.#phases = phases;
    this.#total = polyphaseTotal;
    this.#quanta = new Float64Array(ROW * (1 + phases));
    this.#residual = new Float64Array(ROW * (1 + phases));
  }

  /**
   * Counts one window of the chip: integer micro-units per phase, each below 2^50.
   * @returns µJ by which the total of +A has grown: what price and steps go by
   */
  add(window: readonly PhaseEnergy[]): number {
    assert(window.length === this.#phases, "one energy per phase");
    let active = 0;
    let reactive = 0;
    let apparent = 0;
    let imported = 0;
    for (let p = 0; p < window.length; p++) {
      const e = window[p] as PhaseEnergy;
      this.#count(p + 1, e.active, e.reactive, e.apparent);
      if (this.#total === "perPhase") this.#count(0, e.active, e.reactive, e.apparent);
      active += e.active;
      reactive += e.reactive;
      apparent += e.apparent;
      if (e.active > 0) imported += e.active;
    }
    if (this.#total === "perPhase") return imported;
    this.#count(0, active, reactive, apparent);
    return Math.max(0, active);
  }

  /** A load that enters behind the chip, for exact tests of what follows (quantities.md, "Load for tests"). */
  addLoad(phases: readonly PhaseLoad[], seconds: number): void {
    const micro = 1_000 * seconds;
    this.add(
      phases.map((l) => ({ active: l.active * micro, reactive: l.reactive * micro, apparent: l.apparent * micro })),
    );
  }

  /** Whole mWh, mvarh or mVAh, as protocols and displays show them; 0 for a phase the meter does not have. */
  value(register: EnergyRegister, scope: EnergyScope = 0): number {
    return this.amount(register, scope).quanta;
  }

  /** The exact content of a register. */
  amount(register: EnergyRegister, scope: EnergyScope = 0): EnergyAmount {
    if (scope > this.#phases) return { quanta: 0, residual: 0 };
    return fromCounted(register, (counted) => {
      const at = ROW * scope + INDEX[counted];
      return { quanta: this.#quanta[at] as number, residual: this.#residual[at] as number };
    });
  }

  /** A meter clear. */
  clear(): void {
    this.#quanta.fill(0);
    this.#residual.fill(0);
  }

  /** All registers as bytes for a checkpoint. */
  snapshot(): Uint8Array {
    const bytes = new Uint8Array(SNAPSHOT_HEADER + SNAPSHOT_ENTRY * this.#quanta.length);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, SNAPSHOT_VERSION);
    view.setUint8(1, this.#phases);
    view.setUint8(2, this.#total === "net" ? 0 : 1);
    for (let i = 0; i < this.#quanta.length; i++) {
      const at = SNAPSHOT_HEADER + SNAPSHOT_ENTRY * i;
      const quanta = this.#quanta[i] as number;
      view.setUint32(at, quanta % TWO_32, true);
      view.setUint32(at + 4, Math.floor(quanta / TWO_32), true);
      view.setUint32(at + 8, this.#residual[i] as number, true);
    }
    return bytes;
  }

  /** Takes over a {@link snapshot}; on a failure, with the reason for people, nothing has changed. */
  restore(bytes: Uint8Array): Result<void, string> {
    if (bytes.length !== SNAPSHOT_HEADER + SNAPSHOT_ENTRY * this.#quanta.length)
      return failure(`an energy snapshot of ${bytes.length} bytes is not of a meter with ${this.#phases} phase(s)`);
    if (bytes[0] !== SNAPSHOT_VERSION) return failure(`energy snapshot version ${bytes[0]} is not known`);
    if (bytes[1] !== this.#phases) return failure(`the energy snapshot is of a meter with ${bytes[1]} phase(s)`);
    if (bytes[2] !== (this.#total === "net" ? 0 : 1))
      return failure("the energy snapshot is of a meter that forms its totals in another way");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const quanta = new Float64Array(this.#quanta.length);
    const residual = new Float64Array(this.#residual.length);
    for (let i = 0; i < quanta.length; i++) {
      const at = SNAPSHOT_HEADER + SNAPSHOT_ENTRY * i;
      quanta[i] = view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
      residual[i] = view.getUint32(at + 8, true);
      if (!Number.isSafeInteger(quanta[i]) || (residual[i] as number) >= QUANTUM)
        return failure(`energy snapshot entry ${i} is out of range`);
    }
    this.#quanta.set(quanta);
    this.#residual.set(residual);
    return success(undefined);
  }

  #count(scope: number, active: number, reactive: number, apparent: number): void {
    const row = ROW * scope;
    if (active >= 0) this.#into(row + INDEX.activeImport, active);
    else this.#into(row + INDEX.activeExport, -active);
    if (reactive >= 0) this.#into(row + (active >= 0 ? INDEX.q1 : INDEX.q2), reactive);
    else this.#into(row + (active >= 0 ? INDEX.q4 : INDEX.q3), -reactive);
    this.#into(row + INDEX.apparent, apparent);
  }

  #into(at: number, micro: number): void {
    const all = (this.#residual[at] as number) + micro;
    const whole = Math.floor(all / QUANTUM);
    this.#quanta[at] = (this.#quanta[at] as number) + whole;
    this.#residual[at] = all - whole * QUANTUM;
  }
}

/** A register made from those that are counted. */
export function fromCounted(register: EnergyRegister, amountOf: (counted: Counted) => EnergyAmount): EnergyAmount {
  if (register === "reactiveImport") return plus(amountOf("q1"), amountOf("q2"));
  if (register === "reactiveExport") return plus(amountOf("q3"), amountOf("q4"));
  return amountOf(register);
}

export function plus(a: EnergyAmount, b: EnergyAmount): EnergyAmount {
  const residual = a.residual + b.residual;
  const carry = residual >= QUANTUM ? 1 : 0;
  return { quanta: a.quanta + b.quanta + carry, residual: residual - carry * QUANTUM };
}
