/**
 * Documents: state of which there is little and which nothing adds up (incidents, schedules, registry entries), so that a
 * new kind of it needs no table in each store. What is counted, summed or grows with every poll has tables of its own.
 */
import { assert } from "../src/core/result.ts";
import { JournaledMap } from "./journaled-map.ts";
import type { StoredDocument, StoreRecord } from "./ports.ts";

const COLLECTION = /^[a-z][a-z-]{0,31}$/;
/** Printable ASCII without a space, so that every store sorts keys alike. */
const KEY = /^[!-~]{1,200}$/;
/** A document is read and written whole. */
const LONGEST_TEXT = 65_536;

/** How one kind of document becomes text and back. `decode` throws where a text is none of its own: the store is damaged. */
export interface DocumentCodec<T> {
  encode(value: T): string;
  decode(text: string): T;
  /** Whether a new collector has to know it; what is over is read by the API alone. */
  live(value: T): boolean;
}

/** The live documents of one collection, which go back with the books when the store refuses a batch. */
export class Shelf<T> {
  readonly #collection: string;
  readonly #codec: DocumentCodec<T>;
  readonly #values: JournaledMap<string, T>;

  constructor(collection: string, codec: DocumentCodec<T>, snapshot: readonly StoredDocument[]) {
    assert(COLLECTION.test(collection), `"${collection}" names no collection`);
    this.#collection = collection;
    this.#codec = codec;
    this.#values = new JournaledMap(
      snapshot
        .filter((document) => document.collection === collection)
        .map(({ key, text }) => [key, codec.decode(text)] as const),
    );
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  values(): IterableIterator<T> {
    return this.#values.values();
  }

  /** Replaces what the key held, in the batch of `draft`. */
  set(key: string, value: T, draft: { readonly records: StoreRecord[] }): void {
    assert(KEY.test(key), `"${key}" is no document key`);
    const text = this.#codec.encode(value);
    assert(text.length <= LONGEST_TEXT, `the ${this.#collection} document ${key} is too long`);
    const live = this.#codec.live(value);
    if (live) this.#values.set(key, value);
    else this.#values.delete(key);
    draft.records.push({ kind: "document", document: { collection: this.#collection, key, live, text } });
  }

  commit(): void {
    this.#values.commit();
  }

  rollback(): void {
    this.#values.rollback();
  }
}
