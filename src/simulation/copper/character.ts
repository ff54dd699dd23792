/** What a UART makes of the levels it samples on a wire. */

import { firstStopBit, type LineFormat, parityOf } from "../../core/line-format.ts";

/** µs of one bit; not a whole number at most bauds. */
export function bitTime({ baud }: LineFormat): number {
  return 1_000_000 / baud;
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
