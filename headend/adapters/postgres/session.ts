/** One connection that writes, and the transaction in which a group of batches is committed. */
import { assert } from "../../../src/core/result.ts";
import type { Fence } from "../../leases.ts";
import { type MeterId, type MeterReading, READING_SOURCES, type StoreBatch } from "../../ports.ts";
import { SOURCE_CODES } from "../codes.ts";
import { type Connection, connect } from "./connection.ts";
import { MeterNumbers } from "./meter-numbers.ts";
import { type Added, ReadingWriter } from "./reading-writer.ts";
import { RecordWriter, type Sorted } from "./record-writer.ts";

export interface Writer {
  /** Names the writer in meterworks.writers: a UUID. */
  readonly id: string;
  /** What every commit checks; without any nothing keeps a second head-end away. */
  readonly fences: readonly Fence[];
}

/** Longer than any group takes; a connection that hangs so long is given up. */
const GROUP_MS = 60_000;
/** The server ends the transaction of a head-end that stands still, so that its locks do not hold up its successor. */
const IDLE_IN_TRANSACTION_MS = 4_000;

export class Session {
  readonly #connection: Connection;
  readonly #writer: Writer;
  readonly #meters: MeterNumbers;
  readonly #readings: ReadingWriter;
  readonly #records: RecordWriter;
  /** True from the moment COMMIT is sent until its answer is there. */
  #committing = false;

  private constructor(connection: Connection, writer: Writer) {
    const { client } = connection;
    this.#connection = connection;
    this.#writer = writer;
    this.#meters = new MeterNumbers(client);
    this.#readings = new ReadingWriter(client, this.#meters);
    this.#records = new RecordWriter(client, this.#meters);
  }

  /** @throws Error with a sentence that names the server. */
  static async open(url: string, writer: Writer): Promise<Session> {
    const connection = await connect(url, "meterworks writer");
    try {
      const session = new Session(connection, writer);
      await session.#prepare();
      return session;
    } catch (error) {
      await connection.end();
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    const { client } = this.#connection;
    await client.query(`SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}`);
    // What is acknowledged must survive a power cut, whatever the server's default; stricter ones are kept.
    await client.query(
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    );
    await client.query("INSERT INTO meterworks.writers VALUES ($1, 0, now()) ON CONFLICT DO NOTHING", [
      this.#writer.id,
    ]);
    await client.query("DELETE FROM meterworks.writers WHERE at < now() - interval '90 days'");
    await this.#readings.open();
  }

  get lost(): boolean {
    return this.#connection.lost;
  }

  /** Whether the end of the last {@link commit} is unknown: the connection broke between COMMIT and its answer. */
  get inDoubt(): boolean {
    return this.#committing;
  }

  drop(): void {
    this.#connection.drop();
  }

  end(): Promise<void> {
    return this.#connection.end();
  }

  /** Number of the newest batch of this writer that is committed; waits for one that is still on its way in the server. */
  async newestBatch(): Promise<number> {
    const { rows } = await this.#connection.client.query<{ batch: string }>(
      "SELECT batch FROM meterworks.writers WHERE writer = $1 FOR UPDATE",
      [this.#writer.id],
    );
    return Number(rows[0]?.batch ?? 0);
  }

  /** Commits all of them in one transaction under `number`, or none and throws. */
  async commit(batches: readonly StoreBatch[], number: number): Promise<void> {
    const { client } = this.#connection;
    const hung = setTimeout(() => this.drop(), GROUP_MS);
    try {
      const { readings, meters, rest } = sort(batches);
      const prepared = await this.#readings.prepare(readings);
      await client.query("BEGIN");
      await this.#meters.require(meters);
      const added = await this.#readings.write(prepared);
      await this.#records.write(rest);
      this.#committing = true;
      await client.query(`${counting(added)}${this.#endOf(number)}; COMMIT`);
      this.#committing = false;
    } catch (error) {
      // The server ends the connection behind such an error: whether it had committed is not known.
      if (["FATAL", "PANIC"].includes((error as { severity?: string }).severity ?? "")) this.drop();
      if (!this.lost) await this.#rollBack();
      throw error;
    } finally {
      clearTimeout(hung);
    }
  }

  async #rollBack(): Promise<void> {
    this.#committing = false;
    this.#meters.forget();
    this.#readings.forget();
    this.#records.forget();
    await this.#connection.client.query("ROLLBACK").catch(() => this.drop());
  }

  /** Together with COMMIT in one message: nothing of ours can come between the check and the commit. */
  #endOf(number: number): string {
    const { id, fences } = this.#writer;
    const { client } = this.#connection;
    const resources = fences.map(({ resource }) => client.escapeLiteral(resource)).join(", ");
    return `SELECT meterworks.end_batch('${id}', ${number}, ARRAY[${resources}]::text[], ARRAY[${fences
      .map(({ fence }) => fence)
      .join(", ")}]::bigint[])`;
  }
}

/** Counting by hand, since counting rows would read them all. */
function counting(added: Added): string {
  const rows = READING_SOURCES.filter((source) => added[source] > 0);
  if (rows.length === 0) return "";
  return `INSERT INTO meterworks.reading_counts AS c (source, count)
    VALUES ${rows.map((source) => `(${SOURCE_CODES[source]}, ${added[source]})`).join(", ")}
    ON CONFLICT (source) DO UPDATE SET count = c.count + excluded.count; `;
}

/** What the batches hold by kind, and every meter that they name. */
function sort(batches: readonly StoreBatch[]) {
  const readings: MeterReading[] = [];
  const meters = new Set<MeterId>();
  const rest: Sorted = { meters: [], orders: [], audit: [], postings: [], accounts: [], documents: [] };
  for (const batch of batches) {
    for (const record of batch) {
      switch (record.kind) {
        case "reading":
          readings.push(record.reading);
          meters.add(record.reading.meter);
          break;
        case "order":
          rest.orders.push(record.order);
          meters.add(record.order.meter);
          break;
        case "audit":
          rest.audit.push(record.entry);
          if (record.entry.meter !== null) meters.add(record.entry.meter);
          break;
        case "posting":
          rest.postings.push(record.posting);
          meters.add(record.posting.meter);
          break;
        case "account":
          rest.accounts.push(record.account);
          meters.add(record.account.meter);
          break;
        case "meter":
          rest.meters.push(record.meter);
          break;
        case "document":
          rest.documents.push(record.document);
          break;
        default:
          assert(false, `a record of kind ${(record as { kind: string }).kind}`);
      }
    }
  }
  return { readings, meters, rest };
}
