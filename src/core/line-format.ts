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
