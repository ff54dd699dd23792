/**
 * The load profile in the native models' Modbus map, behind the blocks of function-blocks.ts: offsets from the same base. A
 * selector says which records, a window shows them; with function 17 (hex) one request does both.
 *
 * | offset | registers | holds |
 * | --- | --- | --- |
 * | 1D0 | 6 | selector: class 1 .. 6; channels, a bit for each value (0: all); step in minutes (0: every record); how (0 age, 1 time); age or time (2) |
 * | 1D8 | 12 | of the class: interval in minutes (0: it captures nothing), records kept (2), number of values, an OBIS code for each (8) |
 * | 1E8 | 842 | window: number of records, registers of each; then the records, oldest first |
 *
 * A record: time (2), status, values (4 each, signed; 8000000000000000 is none). An OBIS code is C × 256 + D of 1-0:C.D.0.
 * By time the window begins with the first record written at or after it, by age (0 is the newest) with that record; with a
 * step it holds only records at its multiples of the day in UTC.
 */
export const LOAD_PROFILE_BLOCKS = {
  selector: { offset: 0x1d0, count: 6 },
  class: { offset: 0x1d8, count: 12 },
  window: { offset: 0x1e8, count: 842 },
} as const;

/** Records that one window holds at most. */
export const WINDOW_RECORDS = 24;
/** Registers before the first record of a window, and of a record before its first value. */
export const WINDOW_HEAD = 2;
export const RECORD_HEAD = 3;
export const VALUE_REGISTERS = 4;

/** Bits of a record's status. */
export const RECORD_STATUS = { powerCut: 1, clockChanged: 2, clockDoubt: 4 } as const;

/** The class (1 .. 6) that has +A, −A, +R and −R from the factory on. */
export const ENERGY_CLASS = 4;

/** What stands for a value that the meter did not have: the lowest of 64 bits. */
export const NO_PROFILE_VALUE = -(2n ** 63n);
