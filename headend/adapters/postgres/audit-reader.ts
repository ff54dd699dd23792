/** The audit of a PostgreSQL store, for whoever verifies or exports it; head-ends may be running. */
import type { ChainedEntry } from "../../audit/chain.ts";
import { type AuditRow, auditFrom } from "../mapping.ts";
import { connect } from "./connection.ts";
import { explain } from "./errors.ts";
import { NUMBERS } from "./rows.ts";

/** Entries that are fetched at once. */
const PAGE = 10_000;

/**
 * Shows the entries one after the other, oldest first, until `take` gives false.
 * @throws Error with a sentence: no such server, no right, no store in it.
 */
export async function readPostgresAudit(url: string, take: (entry: ChainedEntry) => boolean): Promise<void> {
  const connection = await connect(url, "meterworks audit");
  try {
    // Rows are only ever added behind the last one, so pages fit together without a transaction around them.
    for (let after = 0; ; ) {
      const { rows } = await connection.client.query<AuditRow & { number: number; hash: string }>({
        text: `SELECT a.number, a.at, a.actor, a.action, m.id AS meter, a.order_id, a.detail, a.hash
          FROM meterworks.audit a LEFT JOIN meterworks.meters m ON m.number = a.meter
          WHERE a.number > $1 ORDER BY a.number LIMIT ${PAGE}`,
        values: [after],
        types: NUMBERS,
      });
      for (const row of rows) if (!take({ number: row.number, entry: auditFrom(row), hash: row.hash })) return;
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.number;
    }
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  } finally {
    await connection.end();
  }
}
