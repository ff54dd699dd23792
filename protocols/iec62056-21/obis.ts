/** Identification codes of data sets (IEC 62056-61): full `1-0:1.8.0*255`, short `1.8.0`, and the letters of EDIS, `C.1`, `F.F`. */

export interface ObisCode {
  /** `A-B:C.D.E`, the form of the vocabulary. */
  readonly code: string;
  /** Value group F when the data set is a stored one of a former period; undefined for the present value. */
  readonly history: number | undefined;
}

/** EDIS writes these value groups as letters. */
const LETTERS: Readonly<Record<string, number>> = { C: 96, F: 97, L: 98, P: 99 };
/** General and service objects, error codes, lists and profiles (IEC 62056-61): without A-B they belong to no medium, 0-0. */
const isGeneral = (c: number): boolean => c >= 96 && c <= 99;
/** F = 255 means "not used": the present value. */
const NOT_USED = 255;

const FORM = /^(?:(\d{1,3})-(\d{1,3}):)?(\d{1,3}|[CFLP])\.(\d{1,3}|[CFLP])(?:\.(\d{1,3}))?(?:[*&](\d{1,3}))?$/;

/** The code of an address, or undefined for one that is no OBIS code (`C003`, a manufacturer's own). */
export function parseObis(address: string): ObisCode | undefined {
  const m = FORM.exec(address);
  if (m === null) return undefined;
  const c = group(m[3]);
  const [standardA, standardB] = isGeneral(c) ? [0, 0] : [1, 0];
  const a = m[1] === undefined ? standardA : group(m[1]);
  const b = m[2] === undefined ? standardB : group(m[2]);
  const [d, e, f] = [group(m[4]), group(m[5] ?? "0"), group(m[6] ?? "255")];
  if ([a, b, c, d, e, f].some((value) => value > 255)) return undefined;
  return { code: `${a}-${b}:${c}.${d}.${e}`, history: f === NOT_USED ? undefined : f };
}

/** `A-B:C.D.E`, with the stored period as `*F` where there is one; undefined for what is no OBIS code. */
export function normalObis(address: string): string | undefined {
  const obis = parseObis(address);
  if (obis === undefined) return undefined;
  return obis.history === undefined ? obis.code : `${obis.code}*${obis.history}`;
}

/** The form meters print: without A-B where it is that of electricity. */
export function shortObis(code: string): string {
  return code.startsWith("1-0:") ? code.slice(4) : code;
}

function group(text: string | undefined): number {
  return LETTERS[text ?? ""] ?? Number(text);
}
