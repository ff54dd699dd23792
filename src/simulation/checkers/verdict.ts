/** What a checker says after a run. */
export interface Verdict {
  readonly checker: string;
  readonly checked: number;
  /** Empty when all is well; a checker stops listing at {@link LISTED}. */
  readonly violations: readonly string[];
}

const LISTED = 10;

/** Collects violations of one checker; beyond the first few only their number matters. */
export class Findings {
  readonly #checker: string;
  readonly #listed: string[] = [];
  #checked = 0;
  #more = 0;

  constructor(checker: string) {
    this.#checker = checker;
  }

  /** Counts one check; `violation` is called only when it failed. */
  check(good: boolean, violation: () => string): void {
    this.#checked += 1;
    if (good) return;
    if (this.#listed.length < LISTED) this.#listed.push(violation());
    else this.#more += 1;
  }

  verdict(): Verdict {
    const violations = this.#more === 0 ? this.#listed : [...this.#listed, `… and ${this.#more} more`];
    return { checker: this.#checker, checked: this.#checked, violations };
  }
}
