/** How many things, and bytes of them, many owners hold together. */

interface Share {
  readonly count: number;
  readonly bytes: number;
}

export class Quota {
  readonly #count: number;
  readonly #bytes: number;
  readonly #shares = new Map<string, Share>();
  #held: Share = { count: 0, bytes: 0 };

  /** What all owners may hold together. */
  constructor(count: number, bytes: number) {
    this.#count = count;
    this.#bytes = bytes;
  }

  count(owner: string): number {
    return this.#shares.get(owner)?.count ?? 0;
  }

  /**
   * One more for this owner, who may have at most `most`; false when there is no room. `times` widens what all may hold:
   * some owners must not be starved by others.
   */
  take(owner: string, bytes: number, most: number, times = 1): boolean {
    const held = this.#held;
    if (this.count(owner) >= most) return false;
    if (held.count >= times * this.#count || held.bytes + bytes > times * this.#bytes) return false;
    this.#change(owner, 1, bytes);
    return true;
  }

  give(owner: string, bytes: number): void {
    const share = this.#shares.get(owner);
    if (share === undefined) return;
    // The last one takes every byte along.
    if (share.count <= 1) this.giveAll(owner);
    else this.#change(owner, -1, -Math.min(bytes, share.bytes));
  }

  giveAll(owner: string): void {
    const share = this.#shares.get(owner);
    if (share === undefined) return;
    this.#change(owner, -share.count, -share.bytes);
    this.#shares.delete(owner);
  }

  #change(owner: string, count: number, bytes: number): void {
    const share = this.#shares.get(owner) ?? { count: 0, bytes: 0 };
    this.#shares.set(owner, { count: share.count + count, bytes: share.bytes + bytes });
    this.#held = { count: this.#held.count + count, bytes: this.#held.bytes + bytes };
  }
}
