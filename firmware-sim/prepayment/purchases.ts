/** Purchase records: what was added to or taken from the credit, when, by which order. */
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";
import type { RingShape } from "../nvram/ring.ts";

export interface Purchase {
  readonly kind: "top-up" | "refund";
  /** The order that brought it; 0 where it came without one. */
  readonly order: number;
  readonly at: LocalSecond;
  /** Whole minor units or mWh, above 0. */
  readonly amount: number;
  /** Credit before and after, truncated to whole units; below zero: overdraft. */
  readonly before: bigint;
  readonly after: bigint;
}

/** DL/T 645 03330101 and on: the last ten. Two amounts of up to 40 hexadecimal digits fit. */
export const PURCHASES: RingShape = { name: "purchases", depth: 10, recordSize: 128 };

const LAYOUT = 1;

export function encodePurchase(p: Purchase): Uint8Array {
  return new ByteWriter()
    .u8(LAYOUT)
    .flag(p.kind === "refund")
    .f64(p.order)
    .f64(p.at)
    .f64(p.amount)
    .big(p.before)
    .big(p.after)
    .bytes();
}

/** Undefined where the bytes are of another layout. */
export function decodePurchase(bytes: Uint8Array): Purchase | undefined {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== LAYOUT) return undefined;
  const kind = reader.flag() ? "refund" : "top-up";
  const order = reader.f64();
  const at = localSecond(reader.f64());
  const amount = reader.f64();
  const before = reader.big();
  const after = reader.big();
  return reader.end("purchase").ok ? { kind, order, at, amount, before, after } : undefined;
}
