/**
 * The audit as a chain: each entry's hash covers its own text and the hash before it, so that nobody can change, remove,
 * insert or reorder entries without every later hash being wrong. Who can write to the store can make a whole new chain;
 * against that, and against entries cut off at the end, the newest hash is noted elsewhere and expected at the next look.
 * The hash function comes from outside: stores, PostgreSQL's as well as SQLite's, and the command that verifies use this.
 */
import type { AuditEntry } from "../ports.ts";

/** SHA-256 of a text in UTF-8, as 64 lower-case hex digits. */
export type Sha256 = (text: string) => string;

export interface ChainedEntry {
  /** 1, 2, 3 … without a gap. */
  readonly number: number;
  readonly entry: AuditEntry;
  readonly hash: string;
}

/** What stands before the first entry. */
export const GENESIS = "0".repeat(64);

const UNKEEPABLE = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * The entry with its texts as every store gives them back: half a character, left where a text was cut, and NUL become
 * U+FFFD. A store hashes and keeps this.
 */
export function keepable(entry: AuditEntry): AuditEntry {
  const keep = (text: string) => text.replace(UNKEEPABLE, "\ufffd");
  return { ...entry, actor: keep(entry.actor), action: keep(entry.action), detail: keep(entry.detail) };
}

/** `[number, µs since 1970, actor, action, meter or null, order or null, detail]` as JSON without blanks. */
function canonicalText(number: number, { at, actor, action, meter, order, detail }: AuditEntry): string {
  return JSON.stringify([number, at, actor, action, meter, order, detail]);
}

/** @param previous the hash of the entry before, {@link GENESIS} for the first one */
export function chainHash(sha256: Sha256, previous: string, number: number, entry: AuditEntry): string {
  return sha256(`${previous}\n${canonicalText(number, entry)}`);
}

export interface ChainVerdict {
  /** How many entries were good, from the first one on. */
  readonly entries: number;
  /** The hash of the last good one: what to note, and to expect at the next look. */
  readonly head: string;
  /** The first number at which the chain is broken, and how; null where it is whole. */
  readonly broken: { readonly number: number; readonly reason: string } | null;
}

/** What was noted of a chain at an earlier look. */
export interface ChainNote {
  readonly entries: number;
  readonly head: string;
}

/** Takes the entries in order, one at a time: an audit of years does not fit into memory. */
export class ChainVerifier {
  readonly #sha256: Sha256;
  readonly #note: ChainNote | undefined;
  #entries = 0;
  #head = GENESIS;
  #broken: ChainVerdict["broken"] = null;

  /** @param note the chain must go on from what was noted */
  constructor(sha256: Sha256, note?: ChainNote) {
    this.#sha256 = sha256;
    this.#note = note;
  }

  /** @returns false once the chain is broken: later entries tell nothing more. */
  add({ number, entry, hash }: ChainedEntry): boolean {
    if (this.#broken !== null) return false;
    const due = this.#entries + 1;
    if (number !== due) return this.#break(due, `entry ${due} is missing: ${number} comes in its place`);
    if (chainHash(this.#sha256, this.#head, number, entry) !== hash)
      return this.#break(
        due,
        `entry ${due} is not what was written after entry ${this.#entries}: it, or one before, was changed`,
      );
    this.#entries = due;
    this.#head = hash;
    if (this.#note?.entries === due && this.#note.head !== hash)
      return this.#break(due, `entry ${due} is not the one that was noted: the chain was written anew`);
    return true;
  }

  verdict(): ChainVerdict {
    const [entries, head] = [this.#entries, this.#head];
    if (this.#broken === null && this.#note !== undefined && entries < this.#note.entries)
      this.#break(entries + 1, `${this.#note.entries} entries were noted, ${entries} are there: the end is cut off`);
    return { entries, head, broken: this.#broken };
  }

  #break(number: number, reason: string): false {
    this.#broken = { number, reason };
    return false;
  }
}
