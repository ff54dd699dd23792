/** Decimal strings and scaled integers: how quantities enter and leave the system without a float in between. */
import { failure, type Result, success } from "./result.ts";

/** `formatDecimal(12345678, 3)` → `"12345.678"`; trailing zeros of the fraction are dropped, "-0" never appears. */
export function formatDecimal(value: number | bigint, decimals: number): string {
  const negative = value < 0;
  const digits = (negative ? -BigInt(value) : BigInt(value)).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = decimals === 0 ? "" : digits.slice(digits.length - decimals).replace(/0+$/, "");
  return `${negative ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** As {@link formatDecimal} with every decimal shown: money is `"10.00"`, not `"10"`. */
export function formatFixed(value: number | bigint, decimals: number): string {
  const text = formatDecimal(value, decimals);
  if (decimals === 0) return text;
  const [whole, fraction = ""] = text.split(".");
  return `${whole}.${fraction.padEnd(decimals, "0")}`;
}

/** Up to so many digits an integer is exact as a number, whatever they are. */
const EXACT_DIGITS = 15;
const [PLUS, MINUS, POINT, ZERO, NINE] = [43, 45, 46, 48, 57] as const;

/**
 * What nearly every reading's text is, without a detour by patterns: digits, at most one point, not too many of either.
 * Undefined for everything else, be it right or wrong: {@link parseDecimal} takes its time with that.
 */
function parseShort(text: string, decimals: number): number | undefined {
  const first = text.charCodeAt(0);
  const start = first === MINUS || first === PLUS ? 1 : 0;
  const length = text.length;
  if (length === start || length - start > EXACT_DIGITS + 1) return undefined;
  let value = 0;
  let point = -1;
  for (let i = start; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= ZERO && code <= NINE) value = value * 10 + (code - ZERO);
    else if (code === POINT && point < 0 && i > start && i < length - 1) point = i;
    else return undefined;
  }
  const whole = (point < 0 ? length : point) - start;
  const missing = point < 0 ? decimals : decimals - (length - 1 - point);
  if (missing < 0 || whole + decimals > EXACT_DIGITS) return undefined;
  for (let i = 0; i < missing; i++) value *= 10;
  // 0 - 0 is 0, where -0 is another number.
  return first === MINUS ? 0 - value : value;
}

/** As {@link parseDecimal} for what is a safe integer; `undefined` beyond. */
export function parseDecimalNumber(text: string, decimals: number): Result<number | undefined, string> {
  const short = parseShort(text, decimals);
  if (short !== undefined) return success(short);
  const parsed = parseDecimal(text, decimals);
  if (!parsed.ok) return parsed;
  const value = Number(parsed.value);
  return success(Number.isSafeInteger(value) ? value : undefined);
}

/** Reads a decimal string into an integer of 10^-decimals. More decimals than that are refused, never rounded. */
export function parseDecimal(text: string, decimals: number): Result<bigint, string> {
  const m = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (m === null || text.length > 40) return failure(`"${text.slice(0, 40)}" is not a decimal number`);
  const fraction = (m[3] ?? "").replace(/0+$/, "");
  if (fraction.length > decimals) return failure(`"${text}" has more than ${decimals} decimals`);
  const magnitude = BigInt(`${m[2]}${fraction.padEnd(decimals, "0")}`);
  return success(m[1] === "-" ? -magnitude : magnitude);
}

/**
 * An IEEE 754 number (float32 or float64 from a wire) as an integer of 10^-decimals.
 * It is taken at the shortest decimal that names this float, as a person would read it: the float32 nearest to 12345.678
 * gives 12345678 (decimals 3), not the tail of its binary fraction. Beyond `decimals` it rounds half away from zero.
 * @returns undefined for NaN, infinities and values beyond 2^53.
 */
export function integerFromFloat(value: number, bits: 32 | 64, exponent: number): number | undefined {
  if (!Number.isFinite(value)) return undefined;
  const shortest = bits === 32 ? shortestFloat32(value) : value;
  // The exponent is applied in decimal, so that 0.1 at three decimals is 100 and not 100.00000000000001.
  const scaled = Number(
    `${shortest}e${exponent}`.replace(/e([+-]?\d+)e(-?\d+)$/, (_, a, b) => `e${Number(a) + Number(b)}`),
  );
  const rounded = scaled < 0 ? -Math.round(-scaled) : Math.round(scaled);
  return Number.isSafeInteger(rounded) ? rounded + 0 : undefined;
}

function shortestFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(9));
}
