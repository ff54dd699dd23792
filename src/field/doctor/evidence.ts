/** How findings show what they rest on. */
import { toHex } from "../../core/bytes.ts";
import { MICROS_PER_MS } from "../../core/time.ts";
import type { Cause, Confidence, Finding } from "./finding.ts";

/** A finding without its text, which is that of its cause. */
export function finding(cause: Cause, confidence: Confidence, evidence: readonly string[]): Finding {
  return { cause, confidence, evidence };
}

/** Bytes that are shown of many. */
const SHOWN = 32;

/** Bytes as evidence, cut where they are many. */
export function showBytes(bytes: Uint8Array): string {
  const text = toHex(bytes.subarray(0, SHOWN), " ");
  return bytes.length > SHOWN ? `${text} … (${bytes.length} bytes)` : text;
}

/** µs as people say them. */
export function ms(micros: number): string {
  return `${Math.round(micros / MICROS_PER_MS)} ms`;
}
