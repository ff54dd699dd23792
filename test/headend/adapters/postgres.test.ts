import { afterAll, beforeAll } from "vitest";
import { openPostgresStore } from "../../../headend/adapters/postgres/store.ts";
import { storeContract } from "../../contracts/store.ts";
import { describeWithPeers, requirePeer } from "../../peers.ts";
import { type PostgresServer, startPostgres } from "../../postgres-server.ts";

describeWithPeers("PostgreSQL", ["postgres"], () => {
  let server: PostgresServer;
  beforeAll(async () => {
    // Like the SQLite suite: what a power cut leaves cannot be seen from within the machine.
    server = await startPostgres(requirePeer("postgres"), ["fsync = off"]);
  }, 60_000);
  afterAll(() => server?.stop());

  storeContract("PostgreSQL", async () => {
    const { url } = server;
    await server.query("DROP SCHEMA IF EXISTS meterworks CASCADE");
    let current = await openPostgresStore({ url });
    return {
      store: current,
      async reopen() {
        await current.close();
        current = await openPostgresStore({ url });
        return current;
      },
      dispose: () => current.close(),
    };
  });
});
