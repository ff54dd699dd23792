/** One head-end of several works, the others stand by: each term of the work lasts as long as the leases are held. */
import { type Fence, type LeaseEffect, type LeaseEvent, LeaseKeeper, type Leases } from "../../headend/leases.ts";
import { errorText } from "../platform/errors.ts";
import type { CommandProcess } from "./process.ts";

/** A time of leading, from when the leases were taken until they are lost. */
export interface Term {
  readonly fences: readonly Fence[];
  /** Resolves when they are lost: nothing can be committed any more. */
  readonly over: Promise<void>;
}

/**
 * Does `work` once for each term, one after the other, until the process is asked to end; what a term opened is cleaned up
 * at its end. The log says who is waited for.
 */
export async function inTerms(
  proc: CommandProcess,
  leases: Leases,
  seconds: number,
  work: (term: Term) => Promise<void>,
): Promise<void> {
  const terms = new Terms();
  proc.cleanup(async () => {
    // The server may be what is gone.
    await leases.release().catch(() => {});
    await leases.close();
  });
  const host = proc.runtime.host<LeaseEvent, LeaseEffect>(
    new LeaseKeeper(seconds),
    (effect, post) => {
      if (effect.kind === "take")
        leases.take().then(
          (answer) => post({ kind: "answered", answer }),
          (error: unknown) => post({ kind: "failed", reason: errorText(error) }),
        );
      else tell(proc, effect, terms);
    },
    { name: "leases" },
  );
  proc.cleanup(() => host.close());
  while (!proc.ending) {
    const term = await Promise.race([terms.next(), proc.stopped]);
    if (term === undefined || proc.ending) return;
    await proc.stretch(() => work(term));
  }
}

function tell(proc: CommandProcess, effect: Exclude<LeaseEffect, { kind: "take" }>, terms: Terms): void {
  if (effect.kind === "leading") {
    proc.info("headend.leading", { leases: effect.fences.map(({ resource }) => resource).join(", ") });
    terms.begin(effect.fences);
  } else if (effect.kind === "deposed") {
    proc.log({ kind: "log", level: "warn", event: "headend.deposed", fields: { reason: effect.reason } });
    terms.end();
  } else if (effect.busy === null)
    proc.log({ kind: "log", level: "warn", event: "headend.standby", fields: { reason: effect.reason } });
  else {
    const { resource, holder, until } = effect.busy;
    const upTo = new Date(until / 1_000).toISOString();
    proc.info("headend.standby", { waiting: `waiting for ${resource}, held by ${holder} until ${upTo}` });
  }
}

class Terms {
  #current: Term | undefined;
  #end: () => void = () => {};
  #begun: (term: Term) => void = () => {};

  begin(fences: readonly Fence[]): void {
    const over = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    this.#current = { fences, over };
    this.#begun(this.#current);
  }

  end(): void {
    this.#current = undefined;
    this.#end();
  }

  /** The present one, or the next. */
  next(): Promise<Term> {
    if (this.#current !== undefined) return Promise.resolve(this.#current);
    return new Promise((resolve) => {
      this.#begun = resolve;
    });
  }
}
