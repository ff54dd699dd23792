/**
 * Group commit: while one transaction is on its way to the disk, the batches that arrive are collected and go together in
 * the next. One wait for the disk then serves them all, and a lone batch waits for nobody.
 */
/** Per batch: committed, or why not. */
export type CommitOutcome = string | null;

interface Waiting<B> {
  readonly batch: B;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface GroupLimits {
  /** Records in one transaction: where the rate no longer rises with more, the first in the group only waits longer. */
  readonly groupRecords: number;
  /** Batches that may wait behind the running transaction; the collector keeps far fewer in flight. */
  readonly waitingBatches: number;
}

export class GroupCommit<B extends { readonly length: number }> {
  readonly #write: (batches: readonly B[]) => Promise<readonly CommitOutcome[]>;
  readonly #limits: GroupLimits;
  #waiting: Waiting<B>[] = [];
  #writing: Promise<void> | undefined;

  /** `write` is never called again before its promise has settled. */
  constructor(write: (batches: readonly B[]) => Promise<readonly CommitOutcome[]>, limits: GroupLimits) {
    this.#write = write;
    this.#limits = limits;
  }

  /** Resolves after the commit; rejects with the store's sentence. Batches are committed in the order of the calls. */
  commit(batch: B): Promise<void> {
    if (this.#waiting.length >= this.#limits.waitingBatches)
      return Promise.reject(new Error(`the store is ${this.#waiting.length} batches behind: send less, or later`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#writing ??= this.#drain();
    });
  }

  /** Resolves when everything taken so far has been committed or refused. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commitGroup(this.#takeGroup());
    this.#writing = undefined;
  }

  #takeGroup(): readonly Waiting<B>[] {
    let records = 0;
    let count = 0;
    for (const { batch } of this.#waiting) {
      records += batch.length;
      if (count > 0 && records > this.#limits.groupRecords) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #commitGroup(group: readonly Waiting<B>[]): Promise<void> {
    try {
      const outcomes = await this.#write(group.map((waiting) => waiting.batch));
      for (const [i, { resolve, reject }] of group.entries()) {
        const refused = outcomes[i] ?? null;
        if (refused === null) resolve();
        else reject(new Error(refused));
      }
    } catch (error) {
      for (const { reject } of group) reject(error as Error);
    }
  }
}
