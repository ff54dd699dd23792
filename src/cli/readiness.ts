/** Whether the head-end can do its work now: the store takes commits, the broker and every line are open. */
import type { ReadyCheck } from "../../headend/api/context.ts";
import type { Store } from "../../headend/ports.ts";
import { MICROS_PER_MS, type Now } from "../core/time.ts";
import { errorText } from "../platform/errors.ts";
import type { Link } from "../platform/link.ts";

/** For an empty commit to come through; it waits behind what is in the store's hands. */
const STORE_PATIENCE_MS = 2_000;
/** Anybody may ask, so the store is tried at most once in this time. */
const KEPT = 1_000 * MICROS_PER_MS;

export interface ReadinessOptions {
  readonly store: Pick<Store, "commit">;
  readonly lines: readonly Link[];
  readonly broker: Link | undefined;
  readonly now: () => Now;
  /** Default {@link STORE_PATIENCE_MS}. */
  readonly patienceMs?: number;
}

export class Readiness {
  readonly #options: ReadinessOptions;
  /** Why the newest batch was not committed: an empty one comes through on a full disk, so it proves nothing against this. */
  #refused: string | null = null;
  #trial: Promise<string | null> | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  /** A commit of ours is still in the store's hands: where it hangs, another would only queue behind it. */
  #pending = false;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** What the store said to a batch of the collector: null for a commit. */
  batch(refusal: string | null): void {
    this.#refused = refusal;
  }

  async checks(): Promise<readonly ReadyCheck[]> {
    const { lines, broker } = this.#options;
    const reason = this.#refused ?? (await this.#tryStore());
    const store: ReadyCheck = { part: "store", name: "store", ok: reason === null, reason };
    return [
      store,
      ...(broker === undefined ? [] : [linkCheck("broker", broker)]),
      ...lines.map((l) => linkCheck("line", l)),
    ];
  }

  /** Shared by all who ask at the same time or soon after. */
  #tryStore(): Promise<string | null> {
    const { mono } = this.#options.now();
    if (this.#trial === undefined || (!this.#pending && mono - this.#triedAt >= KEPT)) {
      this.#triedAt = mono;
      this.#trial = this.#emptyCommit();
    }
    return this.#trial;
  }

  #emptyCommit(): Promise<string | null> {
    const { store, patienceMs = STORE_PATIENCE_MS } = this.#options;
    this.#pending = true;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patienceMs, `no commit within ${patienceMs} ms: the store is behind or locked`);
      store
        .commit([])
        .then(
          () => resolve(null),
          (error: unknown) => resolve(errorText(error)),
        )
        .finally(() => {
          clearTimeout(timer);
          this.#pending = false;
        });
    });
  }
}

function linkCheck(part: "broker" | "line", { id, open }: Link): ReadyCheck {
  return { part, name: id, ok: open, reason: open ? null : "not open; the log says why, it is opened again by itself" };
}
