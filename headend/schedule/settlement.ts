/** A settlement of a native meter: the registers as the meter itself closed them, from the blocks of function-blocks.ts. */
import { FUNCTION_BLOCKS } from "../../protocols/models/function-blocks.ts";
import type { MeasureKey } from "../../src/core/measures.ts";

/** A register as it stood; energies mWh or mvarh, demands mW or mvar. */
export interface SettledRegister {
  readonly measure: MeasureKey;
  readonly total: number;
  readonly rates: readonly number[];
  /** Null where there was none in the period. */
  readonly maximumDemand: number | null;
  /** Seconds since 1970 on the meter's local clock. */
  readonly maximumDemandAt: number | null;
}

export interface Settlement {
  /** Seconds since 1970 on the meter's local clock, which tells no zone. */
  readonly time: number;
  readonly clockInDoubt: boolean;
  /** Closed after its time, because the meter had no power then. */
  readonly late: boolean;
  readonly registers: readonly SettledRegister[];
}

/** The first rows: those of the quadrants and of apparent energy are not billed by. */
const ROWS: readonly MeasureKey[] = [
  "activeEnergyImport",
  "activeEnergyExport",
  "reactiveEnergyImport",
  "reactiveEnergyExport",
];
const ROW_REGISTERS = 28;
const RATES = 4;
const NO_DEMAND = 0xffff_ffff;
const IS_THERE = 1;
const IN_DOUBT = 2;
const IS_LATE = 4;

/** Where the newest settlement is, beyond the base address, and how many registers tell it; they fit one read. */
export const SETTLEMENT_READ = {
  offset: FUNCTION_BLOCKS.settlement.offset,
  count: FUNCTION_BLOCKS.settlement.count + ROWS.length * ROW_REGISTERS,
} as const;

/** @returns undefined where the meter has closed none yet */
export function decodeSettlement(data: Uint8Array): Settlement | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const flags = view.getUint16(0);
  if ((flags & IS_THERE) === 0) return undefined;
  const registers = ROWS.map((measure, row) => {
    const at = 2 * (FUNCTION_BLOCKS.settlement.count + row * ROW_REGISTERS);
    const energy = (i: number) => Number(view.getBigUint64(at + 8 * i));
    const demand = view.getUint32(at + 8 * (1 + RATES));
    const demandAt = view.getUint32(at + 8 * (1 + RATES) + 4);
    return {
      measure,
      total: energy(0),
      rates: Array.from({ length: RATES }, (_, i) => energy(1 + i)),
      maximumDemand: demand === NO_DEMAND ? null : demand,
      maximumDemandAt: demand === NO_DEMAND || demandAt === 0 ? null : demandAt,
    };
  });
  return {
    time: view.getUint32(4),
    clockInDoubt: (flags & IN_DOUBT) !== 0,
    late: (flags & IS_LATE) !== 0,
    registers,
  };
}
