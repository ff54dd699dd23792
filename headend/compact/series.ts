/**
 * A series of safe integers in few bytes. Values are taken from the first one, divided by the greatest common divisor of
 * these differences (a meter that shows 0.1 V counts in hundreds of mV), and written as they are, as differences or as
 * differences of differences, whichever is smallest; of the first two the median is taken away. What is constant or grows
 * evenly costs its beginning only.
 */
import type { ByteReader, ByteWriter } from "./byte-stream.ts";

/** The form byte: bits 0..1 how often differences are taken, then what is present. */
const ORDER = 3;
const RESIDUALS = 4;
const DIVISOR = 8;
const CENTRE = 16;
const WIDE = 32;
const KNOWN = ORDER | RESIDUALS | DIVISOR | CENTRE | WIDE;

/** Differences of differences of numbers up to here are safe integers. */
const LARGEST = 2 ** 50;

interface Plan {
  readonly order: 0 | 1 | 2;
  /** Order 2: the first difference; else what is added to every residual. */
  readonly centre: number;
  /** Those that the series' first values do not give. */
  readonly residuals: Float64Array;
}

/** Writes at least one value; how many there are the reader has to be told. */
export function writeSeries(out: ByteWriter, values: readonly number[]): void {
  const base = values[0] as number;
  const scaled = Float64Array.from(values, (value) => value - base);
  if (!scaled.every((value) => Math.abs(value) <= LARGEST)) {
    out.byte(WIDE);
    for (const value of values) out.signed(value);
    return;
  }
  const divisor = commonDivisor(scaled);
  if (divisor > 1) for (let i = 0; i < scaled.length; i++) scaled[i] = (scaled[i] as number) / divisor;
  const plan = cheapest(scaled);
  const hasResiduals = plan.residuals.some((r) => r !== 0);
  const form = plan.order | (hasResiduals ? RESIDUALS : 0) | (divisor > 1 ? DIVISOR : 0) | (plan.centre ? CENTRE : 0);
  out.byte(form);
  out.signed(base);
  if (divisor > 1) out.unsigned(divisor);
  if (plan.centre !== 0) out.signed(plan.centre);
  if (hasResiduals) for (const residual of plan.residuals) out.signed(residual);
}

export function readSeries(input: ByteReader, count: number): number[] {
  const form = input.byte();
  if (form & ~KNOWN || (form & ORDER) > 2) input.refuse();
  if (form & WIDE) return Array.from({ length: count }, () => input.signed());
  const order = form & ORDER;
  const base = input.signed();
  const divisor = form & DIVISOR ? input.unsigned() : 1;
  const centre = form & CENTRE ? input.signed() : 0;
  const residual = form & RESIDUALS ? () => input.signed() : () => 0;
  const values: number[] = [base];
  let last = 0;
  let slope = 0;
  for (let i = 1; i < count; i++) {
    if (order === 0) last = residual() + centre;
    else if (order === 1) last += residual() + centre;
    else {
      slope = i === 1 ? centre : slope + residual();
      last += slope;
    }
    const value = base + last * divisor;
    values.push(Number.isSafeInteger(value) ? value : input.refuse());
  }
  return values;
}

function cheapest(scaled: Float64Array): Plan {
  const first = differences(scaled);
  const plans: Plan[] = [around(0, scaled.slice(1)), around(1, first)];
  if (first.length > 0) plans.push({ order: 2, centre: first[0] as number, residuals: differences(first) });
  return plans.reduce((best, plan) => (cost(plan) < cost(best) ? plan : best));
}

function around(order: 0 | 1, values: Float64Array): Plan {
  const centre = values.length === 0 ? 0 : (values.slice().sort()[values.length >> 1] as number);
  return { order, centre, residuals: values.map((value) => value - centre) };
}

/** About the information in the residuals, in bits. */
function cost({ residuals }: Plan): number {
  let bits = 0;
  for (const residual of residuals) if (residual !== 0) bits += 1 + Math.log2(1 + 2 * Math.abs(residual));
  return bits;
}

function differences(values: Float64Array): Float64Array {
  const result = new Float64Array(Math.max(0, values.length - 1));
  for (let i = 0; i < result.length; i++) result[i] = (values[i + 1] as number) - (values[i] as number);
  return result;
}

/** 0 where all are 0. */
function commonDivisor(values: Float64Array): number {
  let divisor = 0;
  for (const value of values) {
    let [a, b] = [Math.abs(value), divisor];
    while (b > 0) [a, b] = [b, a % b];
    divisor = a;
    if (divisor === 1) return 1;
  }
  return divisor;
}
