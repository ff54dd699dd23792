/** Characters as levels in time: what a UART puts on a wire, and what one makes of the levels it samples there. */

import type { LineFormat } from "../../core/line-format.ts";

/** µs of one bit; not a whole number at most bauds. */
export function bitTime({ baud }: LineFormat): number {
  return 1_000_000 / baud;
}

/** Index of the first stop bit. */
export function firstStopBit({ dataBits, parity }: LineFormat): number {
  return 1 + dataBits + (parity === "none" ? 0 : 1);
}

/** The levels of a byte, first bit in bit 0: start low, data lowest bit first, parity, stop high. */
export function levelsOf(byte: number, format: LineFormat): number {
  const data = byte & ((1 << format.dataBits) - 1);
  const stop = firstStopBit(format);
  let levels = (data << 1) | (((1 << format.stopBits) - 1) << stop);
  if (format.parity !== "none") levels |= parityOf(data, format.parity) << (stop - 1);
  return levels;
}

export interface Sampled {
  readonly byte: number;
  /** Parity or stop bit are not what the receiver is set to. */
  readonly bad: boolean;
}

/** The byte that a receiver reads from levels, sampled up to and with the first stop bit. */
export function byteOf(levels: number, format: LineFormat): Sampled {
  const byte = (levels >> 1) & ((1 << format.dataBits) - 1);
  const stop = firstStopBit(format);
  const framing = ((levels >> stop) & 1) === 0;
  const parity = format.parity !== "none" && ((levels >> (stop - 1)) & 1) !== parityOf(byte, format.parity);
  return { byte, bad: framing || parity };
}

function parityOf(data: number, parity: "even" | "odd"): number {
  let ones = 0;
  for (let rest = data; rest !== 0; rest &= rest - 1) ones++;
  return (ones & 1) ^ (parity === "odd" ? 1 : 0);
}
