/** The silences of an RTU line (MODBUS over Serial Line V1.02, 2.5.1.1). All times are integer microseconds. */
import { assert } from "../../src/core/result.ts";

export interface RtuTiming {
  readonly baud: number;
  /** Bits of a character on the wire: start, data, parity, stop. */
  readonly bitsPerChar: number;
  /** The longest silence allowed between two characters of a frame. */
  readonly t15: number;
  /** The shortest silence that ends a frame. */
  readonly t35: number;
  /** The link gives the time of each byte (a virtual line). Otherwise bytes come in lumps when the host gets to them. */
  readonly byteTimes: boolean;
  /** The longest pause that a host's port may put inside a frame: USB adapters hold bytes for up to 16 ms. */
  readonly lumpGap: number;
}

export interface RtuTimingOptions {
  readonly bitsPerChar?: number;
  readonly byteTimes?: boolean;
  readonly lumpGap?: number;
}

/**
 * µs that a program on a busy machine may be late to read its port in the middle of a frame, beyond what the adapter
 * holds: for whoever can wait that long before a broken frame is called broken.
 */
export const BUSY_HOST_GAP = 50_000;

/** Above this baud the silences are fixed, because interrupts could not follow shorter ones. */
const LAST_SCALED_BAUD = 19_200;
const FIXED_T15 = 750;
const FIXED_T35 = 1_750;
/** The standard's character has 11 bits whatever the parity; 8N1 sends 10 but keeps the silences of 11. */
const STANDARD_BITS = 11;

/**
 * Timing of a line. The limits are rounded so that integer times compare as the exact ones would:
 * "longer than t1.5" is the same with t1.5 rounded down, "at least t3.5" the same with t3.5 rounded up.
 */
export function rtuTiming(baud: number, options: RtuTimingOptions = {}): RtuTiming {
  assert(Number.isInteger(baud) && baud > 0, "baud is a positive integer");
  const halfCharacter = (STANDARD_BITS * 500_000) / baud;
  const scaled = baud <= LAST_SCALED_BAUD;
  return {
    baud,
    bitsPerChar: options.bitsPerChar ?? STANDARD_BITS,
    t15: scaled ? Math.floor(3 * halfCharacter) : FIXED_T15,
    t35: scaled ? Math.ceil(7 * halfCharacter) : FIXED_T35,
    byteTimes: options.byteTimes ?? false,
    lumpGap: options.lumpGap ?? 20_000,
  };
}

/** How long `count` characters are on the wire, µs. */
export function wireTime(timing: RtuTiming, count: number): number {
  return Math.round((count * timing.bitsPerChar * 1_000_000) / timing.baud);
}

/**
 * How long after the last byte nothing of its frame can still be to come, µs. Where bytes are timed: t3.5, and the character
 * that could have begun just before t3.5 was over, which is known only when it ends.
 */
export function settledAfter(timing: RtuTiming): number {
  return timing.byteTimes ? timing.t35 + wireTime(timing, 1) : Math.max(timing.t35, timing.lumpGap);
}
