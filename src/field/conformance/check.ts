/**
 * A check is one rule of a protocol made executable: what is asked, what the standard wants, and a probe that finds out.
 * What a check needs of the device is declared in the map file; what the map does not declare is skipped with that reason.
 */
import type { Ended, Probe } from "../probe.ts";

export type Verdict =
  | { readonly kind: "pass" }
  /** `seen` is what the device did; `why` is what makes that wrong. */
  | { readonly kind: "fail"; readonly seen: string; readonly why: string }
  | { readonly kind: "skip"; readonly reason: string };

/** @typeParam C what the checks of a protocol share: its map, its framing, its address */
export interface Check<C> {
  /** Unique in its protocol and the same in every version: scripts name it. */
  readonly id: string;
  readonly group: string;
  /** Document and section that the rule comes from. */
  readonly clause: string;
  readonly title: string;
  readonly request: string;
  readonly expectation: string;
  /** Features that the map must declare. */
  readonly needs?: readonly string[];
  /** Changes something in the device: never run unless the map was given as a file. */
  readonly writes?: true;
  run(context: C): Probe<Verdict>;
}

/** What was said on the line during a check. */
export interface Exchange {
  readonly sent: Uint8Array;
  readonly received: Uint8Array;
  /** Which connection; 0 on a serial line. */
  readonly on: number;
  readonly ended: Ended;
}

export interface CheckResult {
  readonly check: Omit<Check<never>, "run">;
  readonly verdict: Verdict;
  readonly exchanges: readonly Exchange[];
}

/** What the owner of the device says of it. */
export interface Declarations {
  /** False where nobody said anything: then only reads are made. */
  readonly given: boolean;
  declares(feature: string): boolean;
  /** Features left out by design, each with its reason. */
  readonly notSupported: ReadonlyMap<string, string>;
}

export const PASS: Verdict = { kind: "pass" };

export function fail(seen: string, why: string): Verdict {
  return { kind: "fail", seen, why };
}

export function skip(reason: string): Verdict {
  return { kind: "skip", reason };
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function tally(results: readonly CheckResult[]): Tally {
  const of = (kind: Verdict["kind"]) => results.filter(({ verdict }) => verdict.kind === kind).length;
  return { passed: of("pass"), failed: of("fail"), skipped: of("skip") };
}
