/** Runs a list of checks one after the other, each on a quiet line, and keeps what was said. It always comes to an end. */
import type { Heard, Probe, ProbeStep } from "../probe.ts";
import { type Check, type CheckResult, type Declarations, type Exchange, fail, skip, type Verdict } from "./check.ts";

export interface RunOptions {
  readonly declarations: Declarations;
  /** The line is taken for free when nothing was heard for so long, µs. */
  readonly drain: number;
  /** Run after a failure: brings a device that still holds bytes of the check back to where it answers, or says false. */
  readonly recover?: () => Probe<boolean>;
  /** Told of each result as it comes. */
  readonly onResult?: (result: CheckResult, done: number, total: number) => void;
}

/** Exchanges that one check may make: more than any needs, so that a device that never ends can't hold the run up. */
const MOST_EXCHANGES = 600;
/** So many checks in a row whose connection was lost, or after which nobody answered, end the run. */
const MOST_LOST = 3;

/** The checks in their order, with one result each. */
export function* runChecks<C>(checks: readonly Check<C>[], context: C, options: RunOptions): Probe<CheckResult[]> {
  const results: CheckResult[] = [];
  let lost = 0;
  for (const check of checks) {
    let result: CheckResult;
    const missing = missingOf(check, options.declarations);
    if (missing !== undefined) result = { check, verdict: skip(missing), exchanges: [] };
    else if (lost >= MOST_LOST) result = { check, verdict: skip("not run: nobody answers any more"), exchanges: [] };
    else {
      yield* drain(options.drain);
      result = yield* runOne(check, context);
      lost = (yield* isLost(result, options)) ? lost + 1 : 0;
    }
    results.push(result);
    options.onResult?.(result, results.length, checks.length);
  }
  return results;
}

/** After a failure: what was left half said must not reach the next check. True where nobody is there any more. */
function* isLost({ verdict, exchanges }: CheckResult, { recover }: RunOptions): Probe<boolean> {
  if (verdict.kind !== "fail") return false;
  yield { kind: "reconnect" };
  return recover === undefined ? exchanges.at(-1)?.ended === "closed" : !(yield* recover());
}

/** Why a check can't be made, or undefined. */
function missingOf<C>(check: Check<C>, declarations: Declarations): string | undefined {
  for (const feature of check.needs ?? []) {
    const reason = declarations.notSupported.get(feature);
    if (reason !== undefined) return `not supported by design: ${reason}`;
    if (!declarations.declares(feature))
      return declarations.given ? `the map does not declare ${feature}` : `needs a map file that declares ${feature}`;
  }
  if (check.writes === true && !declarations.given) return "it changes the device, which needs a map file";
  return undefined;
}

/** Listens until the line is free, ten times as long at most. */
function* drain(quiet: number): Probe<void> {
  yield { kind: "exchange", send: new Uint8Array(0), listen: { first: quiet, quiet, longest: 10 * quiet } };
}

/** Hands the check's steps on and keeps what was said. */
function* runOne<C>(check: Check<C>, context: C): Probe<CheckResult> {
  const exchanges: Exchange[] = [];
  const script = check.run(context);
  let next: IteratorResult<ProbeStep, Verdict> = script.next();
  while (!next.done) {
    const step = next.value;
    const heard: Heard = yield step;
    if (step.kind === "exchange") {
      exchanges.push({ sent: step.send, received: heard.bytes, on: step.on ?? 0, ended: heard.ended });
      if (exchanges.length >= MOST_EXCHANGES)
        return { check, verdict: fail(`${MOST_EXCHANGES} exchanges`, "it has no end"), exchanges };
    }
    next = script.next(heard);
  }
  return { check, verdict: next.value, exchanges };
}
