/**
 * The register map of the ADE9000, addresses as in the maker's public driver. Registers 480..4FE have 16 bits, all others 32.
 * Reset values are recalled from the data sheet but for CONFIG5, which the driver checks.
 */

export const A = {
  CONFIG0: 0x060,
  MTTHR_L0: 0x061,
  MTTHR_H0: 0x066,
  NIGAIN: 0x06d,
  NIRMSOS: 0x06b,
  ISUMRMSOS: 0x06c,
  NIRMSONEOS: 0x06f,
  NIRMS1012OS: 0x070,
  NIRMS: 0x266,
  NIRMSONE: 0x267,
  NIRMS1012: 0x268,
  ISUMRMS: 0x269,
  PWATT_ACC: 0x397,
  NWATT_ACC: 0x39b,
  PVAR_ACC: 0x39f,
  NVAR_ACC: 0x3a3,
  IPEAK: 0x400,
  VPEAK: 0x401,
  STATUS0: 0x402,
  STATUS1: 0x403,
  EVENT_STATUS: 0x404,
  MASK0: 0x405,
  MASK1: 0x406,
  OILVL: 0x409,
  OIA: 0x40a,
  DIP_LVL: 0x410,
  DIPA: 0x411,
  SWELL_LVL: 0x414,
  SWELLA: 0x415,
  APERIOD: 0x418,
  ACT_NL_LVL: 0x41c,
  REACT_NL_LVL: 0x41d,
  APP_NL_LVL: 0x41e,
  PHNOLOAD: 0x41f,
  WTHR: 0x420,
  LAST_DATA_32: 0x423,
  CF_LCFG: 0x425,
  TEMP_TRIM: 0x474,
  RUN: 0x480,
  CONFIG1: 0x481,
  ANGL_VA_VB: 0x482,
  ANGL_VA_IA: 0x485,
  ANGL_IA_IB: 0x488,
  DIP_CYC: 0x48b,
  SWELL_CYC: 0x48c,
  OISTATUS: 0x48f,
  CFMODE: 0x490,
  COMPMODE: 0x491,
  ACCMODE: 0x492,
  CONFIG3: 0x493,
  CF1DEN: 0x494,
  PHSIGN: 0x49d,
  WFB_CFG: 0x4a0,
  WFB_PG_IRQEN: 0x4a1,
  WFB_TRG_CFG: 0x4a2,
  WFB_TRG_STAT: 0x4a3,
  LAST_DATA_16: 0x4ac,
  LAST_CMD: 0x4ae,
  EP_CFG: 0x4b0,
  PWR_TIME: 0x4b1,
  EGY_TIME: 0x4b2,
  TEMP_CFG: 0x4b6,
  TEMP_RSLT: 0x4b7,
  PGA_GAIN: 0x4b9,
  WR_LOCK: 0x4bf,
  /** Newest samples behind the converter and its filter: IA, VA, IB, VB, IC, VC, IN. */
  SINC_DAT: 0x500,
  LPF_DAT: 0x510,
  NI_PCF: 0x265,
} as const;

/** Of phase A; phases B and C have theirs 20 and 40 further on. */
export const P = {
  IGAIN: 0x000,
  IGAIN0: 0x001,
  PHCAL0: 0x006,
  VGAIN: 0x00b,
  IRMSOS: 0x00c,
  VRMSOS: 0x00d,
  PGAIN: 0x00e,
  WATTOS: 0x00f,
  VAROS: 0x010,
  FWATTOS: 0x011,
  FVAROS: 0x012,
  IFRMSOS: 0x013,
  VFRMSOS: 0x014,
  VRMSONEOS: 0x015,
  IRMSONEOS: 0x016,
  VRMS1012OS: 0x017,
  IRMS1012OS: 0x018,
  I_PCF: 0x20a,
  V_PCF: 0x20b,
  IRMS: 0x20c,
  VRMS: 0x20d,
  IFRMS: 0x20e,
  VFRMS: 0x20f,
  WATT: 0x210,
  VAR: 0x211,
  VA: 0x212,
  FWATT: 0x213,
  FVAR: 0x214,
  FVA: 0x215,
  PF: 0x216,
  VTHD: 0x217,
  ITHD: 0x218,
  IRMSONE: 0x219,
  VRMSONE: 0x21a,
  IRMS1012: 0x21b,
  VRMS1012: 0x21c,
  MTREGION: 0x21d,
} as const;

/** First register of an energy (ACC, then HR_LO and HR_HI), and how far to the next: WATT, VAR, VA, FWATT, FVAR, FVA of A, then of B and C. */
export const ENERGY = { first: 0x2e5, kind: 0x0a } as const;

type Range = readonly [first: number, last: number];

const READABLE: readonly Range[] = [
  [0x000, 0x018],
  [0x020, 0x038],
  [0x040, 0x058],
  [0x060, 0x073],
  [0x20a, 0x21d],
  [0x22a, 0x23d],
  [0x24a, 0x25d],
  [0x265, 0x26a],
  ...Array.from({ length: 18 }, (_, k): Range => [ENERGY.first + 10 * k, ENERGY.first + 10 * k + 2]),
  ...[A.PWATT_ACC, A.NWATT_ACC, A.PVAR_ACC, A.NVAR_ACC].map((a): Range => [a, a]),
  [0x400, 0x407],
  [0x409, 0x425],
  [0x472, 0x472],
  [0x474, 0x474],
  [0x480, 0x48c],
  [0x48f, 0x49a],
  [0x49c, 0x49d],
  [0x4a0, 0x4a4],
  [0x4a8, 0x4a9],
  [0x4ac, 0x4ac],
  [0x4ae, 0x4b2],
  [0x4b4, 0x4b7],
  [0x4b9, 0x4ba],
  [0x4bf, 0x4bf],
  [0x4e0, 0x4e0],
  [0x4fe, 0x4fe],
  [0x500, 0x506],
  [0x510, 0x516],
  [0x800, 0xfff],
];

const WRITABLE: readonly Range[] = [
  [0x000, 0x018],
  [0x020, 0x038],
  [0x040, 0x058],
  [0x060, 0x073],
  [0x405, 0x407],
  [0x409, 0x409],
  [0x40e, 0x410],
  [0x414, 0x414],
  [0x41c, 0x41e],
  [0x420, 0x422],
  [0x424, 0x425],
  [0x480, 0x481],
  [0x48b, 0x48c],
  [0x490, 0x49a],
  [0x49c, 0x49c],
  [0x4a0, 0x4a2],
  [0x4a4, 0x4a4],
  [0x4af, 0x4b2],
  [0x4b4, 0x4b6],
  [0x4b9, 0x4ba],
  [0x4bf, 0x4bf],
  [0x4e0, 0x4e0],
];

export const ADE9000_RESET: Readonly<Record<number, number>> = {
  1033: 0x00ff_ffff,
  1038: 0x0050_0000,
  1039: 0x0045_d450,
  1041: 0x007f_ffff,
  1042: 0x007f_ffff,
  1043: 0x007f_ffff,
  1044: 0x00ff_ffff,
  1048: 0x00a0_0000,
  1049: 0x00a0_0000,
  1050: 0x00a0_0000,
  1051: 0x00a0_0000,
  1052: 0xffff,
  1053: 0xffff,
  1054: 0xffff,
  1056: 0xffff,
  1057: 0xffff,
  1058: 0xffff,
  1060: 0x001f_ffff,
  1138: 0x0010_0000,
  1163: 0xffff,
  1164: 0xffff,
  1171: 0xf000,
  1172: 0xffff,
  1173: 0xffff,
  1174: 0xffff,
  1175: 0xffff,
  1176: 0xffff,
  1177: 0x0009,
  1178: 0x001e,
  1180: 0x00ff,
  1188: 0x0063,
  1199: 0x0c00,
  1201: 0x00ff,
  1202: 0x00ff,
  1278: 0x00fe,
};

/** What the burst addresses from 600 on show, in their order; from 680 on the same by phase. */
const BURST_600: readonly (readonly number[])[] = [
  [0x20b, 0x22b, 0x24b, 0x265],
  ...[0x20a, P.IRMS, P.VRMS].map(byPhase),
  [A.NIRMS],
  ...[P.WATT, P.VA, P.VAR, P.FVAR, P.PF, P.VTHD, P.ITHD, P.FWATT, P.FVA, P.IFRMS, P.VFRMS].map(byPhase),
  ...[P.IRMSONE, P.VRMSONE].map(byPhase),
  [A.NIRMSONE],
  ...[P.IRMS1012, P.VRMS1012].map(byPhase),
  [A.NIRMS1012],
];
const OF_PHASE_680 = [0x20b, 0x20a, P.IRMS, P.VRMS, P.WATT, P.VA, P.VAR, P.FVAR, P.PF, P.VTHD, P.ITHD, P.FWATT, P.FVA];
const REST_680 = [P.IFRMS, P.VFRMS, P.IRMSONE, P.VRMSONE, P.IRMS1012, P.VRMS1012];

function byPhase(register: number): readonly number[] {
  return [register, register + 0x20, register + 0x40];
}

const ALIASES: ReadonlyMap<number, number> = new Map([
  ...BURST_600.flat().map((register, k) => [0x600 + k, register] as const),
  ...[0, 0x20, 0x40]
    .flatMap((phase) => [...OF_PHASE_680, ...REST_680].map((register) => register + phase))
    .concat([0x265, A.NIRMS, A.NIRMSONE, A.NIRMS1012])
    .map((register, k) => [0x680 + k, register] as const),
]);

/** The register behind an address of the burst maps; any other address is its own. */
export function behindBurst(address: number): number {
  return ALIASES.get(address) ?? address;
}

export function inBurst(address: number): boolean {
  return ALIASES.has(address);
}

export function isReadable(address: number): boolean {
  return within(READABLE, address) || inBurst(address);
}

export function isWritable(address: number): boolean {
  return within(WRITABLE, address);
}

/** What the write lock covers: settings, and everything from 400 on but the lock itself. */
export function isLockable(address: number): boolean {
  return address <= 0x073 || (address >= 0x400 && address <= 0x4ff && address !== A.WR_LOCK);
}

/** Bytes of a register on the bus. */
export function ade9000Width(address: number): 2 | 4 {
  return address >= 0x480 && address <= 0x4fe ? 2 : 4;
}

function within(ranges: readonly Range[], address: number): boolean {
  return ranges.some(([first, last]) => address >= first && address <= last);
}
