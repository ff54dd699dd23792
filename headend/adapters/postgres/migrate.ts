/** Creates or upgrades the schema. */
import type pg from "pg";
import { MIGRATIONS } from "./schema.ts";

/** "MTRW": two head-ends that start together must not both create the tables. */
const ADVISORY_LOCK = 0x4d54_5257;

/**
 * Brings the tables up to date, in one transaction.
 * @throws Error with a sentence where a newer version made them or the server cannot hold them.
 */
export async function migrate(client: pg.Client): Promise<void> {
  await requireServer(client);
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1)", [ADVISORY_LOCK]);
    await client.query("CREATE SCHEMA IF NOT EXISTS meterworks");
    await client.query("CREATE TABLE IF NOT EXISTS meterworks.schema_version (version integer NOT NULL)");
    const { rows } = await client.query<{ version: number }>("SELECT version FROM meterworks.schema_version");
    const version = rows[0]?.version ?? 0;
    if (version > MIGRATIONS.length)
      throw new Error(
        `a newer meterworks made its tables (schema ${version}, this one knows ${MIGRATIONS.length}): update meterworks`,
      );
    for (const step of MIGRATIONS.slice(version)) await client.query(step);
    if (rows.length === 0) await client.query("INSERT INTO meterworks.schema_version VALUES (0)");
    await client.query("UPDATE meterworks.schema_version SET version = $1 WHERE version <> $1", [MIGRATIONS.length]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

async function requireServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: number; encoding: string }>(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding",
  );
  const { version, encoding } = rows[0] as { version: number; encoding: string };
  if (version < 130_000)
    throw new Error(`PostgreSQL ${Math.floor(version / 10_000)} is too old: 13 or later is needed`);
  if (encoding !== "UTF8")
    throw new Error(
      `the database's encoding is ${encoding}: make one with createdb --encoding=UTF8 --template=template0`,
    );
}
