/** How characters stand on a serial line: what a port is opened with, and what a receiver must be set to. */

export interface LineFormat {
  /** Bits per second. */
  readonly baud: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
}

/** Bits of a character: start, data, parity, stop. */
export function bitsPerCharacter({ dataBits, parity, stopBits }: LineFormat): number {
  return 1 + dataBits + (parity === "none" ? 0 : 1) + stopBits;
}

/** µs that so many characters take on the line; not a whole number at most bauds. */
export function wireTime(characters: number, format: LineFormat): number {
  return (characters * bitsPerCharacter(format) * 1_000_000) / format.baud;
}

/** As technicians write it: `9600 8N1`. */
export function showLineFormat({ baud, dataBits, parity, stopBits }: LineFormat): string {
  return `${baud} ${dataBits}${{ none: "N", even: "E", odd: "O" }[parity]}${stopBits}`;
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

/** The parity bit of some data. */
export function parityOf(data: number, parity: "even" | "odd"): number {
  let ones = 0;
  for (let rest = data; rest !== 0; rest &= rest - 1) ones++;
  return (ones & 1) ^ (parity === "odd" ? 1 : 0);
}
