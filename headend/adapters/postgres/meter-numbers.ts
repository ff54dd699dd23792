/** The numbers of the meters that a batch names, given where one is new; and which columns each meter has ever filled. */
import type pg from "pg";
import type { MeasureKey } from "../../../src/core/measures.ts";
import type { MeterId } from "../../ports.ts";
import type { Shape } from "./shapes.ts";

/** Meters kept in memory; a larger fleet starts afresh rather than growing it. */
const CACHED_METERS = 200_000;

export interface KnownMeter {
  readonly number: number;
  readonly measures: Set<MeasureKey>;
  /** The kind of its newest reading, whose measures are all in the set. */
  newest?: Shape;
}

export class MeterNumbers {
  readonly #client: pg.Client;
  readonly #known = new Map<MeterId, KnownMeter>();
  /** Meters whose set has grown since it was written. */
  readonly #grown = new Set<KnownMeter>();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** What a rolled-back transaction gave is gone with it. */
  forget(): void {
    this.#known.clear();
    this.#grown.clear();
  }

  /** A meter that was named to {@link require} in this transaction. */
  get(id: MeterId): KnownMeter {
    return this.#known.get(id) as KnownMeter;
  }

  /** Inside a transaction: makes all of them known. */
  async require(ids: Iterable<MeterId>): Promise<void> {
    if (this.#known.size >= CACHED_METERS) this.#known.clear();
    const missing = [...new Set([...ids].filter((id) => !this.#known.has(id)))];
    if (missing.length === 0) return;
    await this.#client.query(
      `INSERT INTO meterworks.meters (id) SELECT id FROM unnest($1::text[]) AS given (id)
       WHERE NOT EXISTS (SELECT FROM meterworks.meters m WHERE m.id = given.id) ON CONFLICT (id) DO NOTHING`,
      [missing],
    );
    const { rows } = await this.#client.query<{ id: MeterId; number: string; measures: string }>(
      "SELECT id, number, measures FROM meterworks.meters WHERE id = ANY ($1)",
      [missing],
    );
    for (const { id, number, measures } of rows)
      this.#known.set(id, { number: Number(number), measures: measuresFrom(measures) });
  }

  /** The meter has a reading of this shape. */
  fills(meter: KnownMeter, shape: Shape): void {
    meter.newest = shape;
    for (const key of shape.valued) {
      if (meter.measures.has(key)) continue;
      meter.measures.add(key);
      this.#grown.add(meter);
    }
  }

  /** Inside a transaction: writes the sets that have grown. */
  async keepGrown(): Promise<void> {
    if (this.#grown.size === 0) return;
    const grown = [...this.#grown];
    this.#grown.clear();
    await this.#client.query(
      `UPDATE meterworks.meters m SET measures = g.measures
       FROM unnest($1::bigint[], $2::text[]) AS g (number, measures) WHERE m.number = g.number`,
      [grown.map(({ number }) => number), grown.map(({ measures }) => [...measures].join(","))],
    );
  }
}

/** The text in `meters.measures`. */
export function measuresFrom(text: string): Set<MeasureKey> {
  return new Set(text === "" ? [] : (text.split(",") as MeasureKey[]));
}
