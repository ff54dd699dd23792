/**
 * The register map of the RN8209C. Addresses and widths are those of the drivers that its makers and users publish. Reset
 * values: HFConst 1000 as there, the others as the known checksum of the reset state (EE79) confirms.
 */

export interface Rn8209cRegister {
  readonly bytes: 1 | 2 | 3 | 4;
  readonly reset: number;
  /** Settings and the fast counters; only while writing is enabled. */
  readonly writable: boolean;
}

export const R = {
  SYSCON: 0x00,
  EMUCON: 0x01,
  HFCONST: 0x02,
  PSTART: 0x03,
  DSTART: 0x04,
  GPQA: 0x05,
  GPQB: 0x06,
  PHSA: 0x07,
  PHSB: 0x08,
  QPHSCAL: 0x09,
  APOSA: 0x0a,
  APOSB: 0x0b,
  RPOSA: 0x0c,
  RPOSB: 0x0d,
  IARMSOS: 0x0e,
  IBRMSOS: 0x0f,
  IBGAIN: 0x10,
  EMUCON2: 0x17,
  PFCNT: 0x20,
  DFCNT: 0x21,
  IARMS: 0x22,
  IBRMS: 0x23,
  URMS: 0x24,
  UFREQ: 0x25,
  POWERPA: 0x26,
  POWERPB: 0x27,
  POWERQ: 0x28,
  ENERGYP: 0x29,
  ENERGYP2: 0x2a,
  ENERGYD: 0x2b,
  ENERGYD2: 0x2c,
  EMUSTATUS: 0x2d,
  IE: 0x40,
  IF: 0x41,
  RIF: 0x42,
  SYSSTATUS: 0x43,
  RDATA: 0x44,
  WDATA: 0x45,
  DEVICEID: 0x7f,
} as const;

/** Write-only: enable, protect, energy channel, reset. */
export const COMMAND = 0xea;

const RESET: Readonly<Record<number, number>> = {
  [R.SYSCON]: 0x0003,
  [R.EMUCON]: 0x0003,
  [R.HFCONST]: 0x1000,
  [R.PSTART]: 0x0060,
  [R.DSTART]: 0x0120,
  [R.DEVICEID]: 0x820900,
};

const BYTES: Readonly<Record<number, 1 | 3 | 4>> = {
  [R.PHSA]: 1,
  [R.PHSB]: 1,
  [R.IARMS]: 3,
  [R.IBRMS]: 3,
  [R.URMS]: 3,
  [R.POWERPA]: 4,
  [R.POWERPB]: 4,
  [R.POWERQ]: 4,
  [R.ENERGYP]: 3,
  [R.ENERGYP2]: 3,
  [R.ENERGYD]: 3,
  [R.ENERGYD2]: 3,
  [R.EMUSTATUS]: 3,
  [0x30]: 3,
  [0x31]: 3,
  [0x32]: 3,
  [R.IE]: 1,
  [R.IF]: 1,
  [R.RIF]: 1,
  [R.SYSSTATUS]: 1,
  [R.RDATA]: 4,
  [R.DEVICEID]: 3,
};

/** Settings 00..17, measurements 20..2D, waveform samples 30..32, system 40..45, identity. */
const RANGES = [
  [0x00, 0x17],
  [0x20, 0x2d],
  [0x30, 0x32],
  [0x40, 0x45],
  [0x7f, 0x7f],
] as const;

export const RN8209C_REGISTERS: ReadonlyMap<number, Rn8209cRegister> = new Map(
  RANGES.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, k) => {
      const address = first + k;
      const writable = address <= R.DFCNT || address === R.IE;
      return [address, { bytes: BYTES[address] ?? 2, reset: RESET[address] ?? 0, writable }] as const;
    }),
  ),
);
