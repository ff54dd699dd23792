/** A map whose changes since the last commit can be taken back, for state that follows a store which may refuse a batch. */
export class JournaledMap<K, V> {
  readonly #map: Map<K, V>;
  /** What each changed key held before; undefined where it was absent. */
  readonly #before = new Map<K, V | undefined>();

  constructor(entries: Iterable<readonly [K, V]> = []) {
    this.#map = new Map(entries);
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  values(): IterableIterator<V> {
    return this.#map.values();
  }

  set(key: K, value: V): void {
    this.#remember(key);
    this.#map.set(key, value);
  }

  delete(key: K): void {
    this.#remember(key);
    this.#map.delete(key);
  }

  commit(): void {
    this.#before.clear();
  }

  rollback(): void {
    for (const [key, value] of this.#before) {
      if (value === undefined) this.#map.delete(key);
      else this.#map.set(key, value);
    }
    this.#before.clear();
  }

  #remember(key: K): void {
    if (!this.#before.has(key)) this.#before.set(key, this.#map.get(key));
  }
}
