/**
 * Where the native models show what their CPU keeps beside the measures: holding registers from the base address of
 * `modbus.control.functions` on. Numbers are big endian, longer ones high word first; times are seconds since 1970 on the
 * meter's local clock, 0 where there is none; energies mWh, mvarh, mVAh; demands mW, mvar, mVA, ffffffff where there is none.
 *
 * | offset | registers | holds |
 * | --- | --- | --- |
 * | 00 | 21 | state: alarms (2), relay bits, relay reason, rate, step, price (4), credit left (4), overdraft (4), credit mode, settlements ever (2) |
 * | 20 | 4  | selector: age of a settlement (0 is now), kind, phase and age of an event |
 * | 30 | 36 | how often each kind of event has begun |
 * | 60 | 37 | selected event: state, start (2), end (2), four energies at the start (16) and at the end (16) |
 * | CC | 4  | selected settlement: flags, settlement day, time (2) |
 * | D0 | 252 | selected settlement, a row of 28 for each register: total and rates 1 .. 4 (20), maximum demand (2) and its time (2), present (2) and last demand (2) |
 *
 * The load profile follows; its times are seconds since 1970 in UTC, as those of the clock register are, for a local hour
 * may come twice. See load-profile-blocks.ts.
 */
export const FUNCTION_BLOCKS = {
  state: { offset: 0x00, count: 21 },
  selector: { offset: 0x20, count: 4 },
  counts: { offset: 0x30, count: 36 },
  event: { offset: 0x60, count: 37 },
  settlement: { offset: 0xcc, count: 4 },
  registers: { offset: 0xd0, count: 252 },
} as const;
