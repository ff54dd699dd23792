/** How a line does: requests, how long their replies took, and what went wrong how often. Times in µs, monotonic. */

/** Percentiles are of the last so many replies. */
const KEPT = 1_000;

export class LineStatistics {
  requests = 0;
  readonly #took: number[] = [];
  readonly #errors = new Map<string, number>();
  #sent: { readonly at: number; readonly bytes: Uint8Array } | undefined;
  #heardAt: number | undefined;

  sent(at: number, bytes: Uint8Array): void {
    const before = this.#sent;
    // The same request once more is a repeat: what came before it was no good reply.
    const isRepeat = before !== undefined && isSameRequest(before.bytes, bytes);
    this.#settle(isRepeat ? "damaged reply" : undefined);
    this.requests += 1;
    // The sender may use its array again.
    this.#sent = { at, bytes: bytes.slice() };
  }

  heard(at: number): void {
    if (this.#sent !== undefined) this.#heardAt = at;
  }

  /** A reading is complete. */
  succeeded(): void {
    this.#settle(undefined);
  }

  /** A reading was given up. @param reason as people read it; the text in front of a colon says only where */
  failed(reason: string): void {
    // The loss of a line is counted where it is lost, once.
    if (IS_LINE_DOWN.test(reason)) this.#sent = undefined;
    else if (this.#sent === undefined) this.#count(kindOf(reason));
    else this.#settle(kindOf(reason));
  }

  /** Whatever was being asked then has no answer for that reason. */
  lineLost(): void {
    this.#sent = undefined;
    this.#count("line down");
  }

  /** The `share` (0..1) of replies that took no longer; undefined before the first one. */
  percentile(share: number): number | undefined {
    const sorted = [...this.#took].sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  }

  /** The most frequent first. */
  get errors(): readonly (readonly [kind: string, times: number])[] {
    return [...this.#errors].sort(([, a], [, b]) => b - a);
  }

  #settle(error: string | undefined): void {
    const [sent, heardAt] = [this.#sent, this.#heardAt];
    this.#sent = undefined;
    this.#heardAt = undefined;
    if (sent === undefined) return;
    if (heardAt === undefined) this.#count("no reply");
    else if (error !== undefined) this.#count(error);
    else {
      this.#took.push(heardAt - sent.at);
      if (this.#took.length > KEPT) this.#took.shift();
    }
  }

  #count(kind: string): void {
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1);
  }
}

/** On TCP a repeat differs in its transaction number, the first two bytes. */
function isSameRequest(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => i < 2 || byte === b[i]);
}

const IS_LINE_DOWN = /link is down|no connection|unplugged|connect E|closed by/i;
const LONGEST_KIND = 40;

function kindOf(reason: string): string {
  const text = reason.replace(/^.*?: /, "");
  return text.length > LONGEST_KIND ? `${text.slice(0, LONGEST_KIND - 1)}…` : text;
}
