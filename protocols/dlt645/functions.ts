/** Control codes of DL/T 645-2007: D7 from the meter, D6 abnormal, D5 more frames follow, D4..D0 the function. */

export const FROM_METER = 0x80;
export const ABNORMAL = 0x40;
export const MORE = 0x20;
const FUNCTION_BITS = 0x1f;

export const FUNCTION = {
  security: 0x03,
  setTime: 0x08,
  read: 0x11,
  readFollowing: 0x12,
  readAddress: 0x13,
  write: 0x14,
  writeAddress: 0x15,
  freeze: 0x16,
  changeBaud: 0x17,
  changePassword: 0x18,
  clearDemand: 0x19,
  clearMeter: 0x1a,
  clearEvents: 0x1b,
  control: 0x1c,
} as const;
export type FunctionCode = (typeof FUNCTION)[keyof typeof FUNCTION];

const NAMES: ReadonlyMap<number, string> = new Map<number, string>([
  [FUNCTION.security, "security authentication"],
  [FUNCTION.setTime, "broadcast time"],
  [FUNCTION.read, "read data"],
  [FUNCTION.readFollowing, "read following data"],
  [FUNCTION.readAddress, "read address"],
  [FUNCTION.write, "write data"],
  [FUNCTION.writeAddress, "write address"],
  [FUNCTION.freeze, "freeze"],
  [FUNCTION.changeBaud, "change baud rate"],
  [FUNCTION.changePassword, "change password"],
  [FUNCTION.clearDemand, "clear maximum demand"],
  [FUNCTION.clearMeter, "clear meter"],
  [FUNCTION.clearEvents, "clear events"],
  [FUNCTION.control, "trip, close, alarm, keep power"],
]);

/** The function of a control byte; undefined for one that this edition does not have (the 1997 edition reads with 01). */
export function functionOf(control: number): FunctionCode | undefined {
  const code = control & FUNCTION_BITS;
  return NAMES.has(code) ? (code as FunctionCode) : undefined;
}

export function controlHex(control: number): string {
  return control.toString(16).padStart(2, "0").toUpperCase();
}

/** A control byte in words. */
export function controlText(control: number): string {
  const name = NAMES.get(control & FUNCTION_BITS) ?? "no function of DL/T 645-2007";
  if ((control & FROM_METER) === 0) return `${name}, request`;
  if ((control & ABNORMAL) !== 0) return `${name}, refused`;
  return (control & MORE) !== 0 ? `${name}, reply, more follows` : `${name}, reply`;
}

/** Operations of function 1C, byte N1. 1A and 1B are captured, the others recalled. */
export const OPERATION = {
  trip: 0x1a,
  allowClose: 0x1b,
  close: 0x1c,
  alarm: 0x2a,
  alarmOff: 0x2b,
  keepPower: 0x3a,
  release: 0x3b,
} as const;

const OPERATION_TEXTS: ReadonlyMap<number, string> = new Map<number, string>([
  [OPERATION.trip, "trip"],
  [OPERATION.allowClose, "allow to close by the user's key"],
  [OPERATION.close, "close"],
  [OPERATION.alarm, "alarm"],
  [OPERATION.alarmOff, "alarm off"],
  [OPERATION.keepPower, "keep power"],
  [OPERATION.release, "release keep power"],
]);

export function operationText(operation: number): string {
  return OPERATION_TEXTS.get(operation) ?? "no operation of the standard";
}

/**
 * Sources conflict on the feature byte of a baud rate: one bit a rate, or rate / 300 in BCD. They agree up to 2400.
 * "bits" is the default until a real meter says otherwise.
 */
export type BaudCoding = "bits" | "bcd";
const BAUDS = [600, 1200, 2400, 4800, 9600, 19_200] as const;
const BCD_FEATURES = [0x02, 0x04, 0x08, 0x16, 0x32, 0x64] as const;

/** The feature byte Z; undefined for a rate that has none. */
export function baudFeature(baud: number, coding: BaudCoding): number | undefined {
  const index = (BAUDS as readonly number[]).indexOf(baud);
  if (index < 0) return undefined;
  return coding === "bits" ? 2 << index : BCD_FEATURES[index];
}

/** The rate of a feature byte; undefined where it names none or several. */
export function baudOf(feature: number, coding: BaudCoding): number | undefined {
  return BAUDS.find((baud) => baudFeature(baud, coding) === feature);
}
