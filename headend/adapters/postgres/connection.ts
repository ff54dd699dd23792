/** One connection, and how it is found out that it is gone. */
import pg from "pg";
import { explain } from "./errors.ts";

/** To find a server, and to get in. */
const CONNECT_MS = 5_000;

export interface Connection {
  readonly client: pg.Client;
  /** True from the moment the connection broke: what was under way on it has an unknown end. */
  readonly lost: boolean;
  /** Ends it at once, in the middle of whatever it does. */
  drop(): void;
  end(): Promise<void>;
}

/** What a pool or a client is opened with. */
export function clientConfig(url: string, name: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: name,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
  };
}

/**
 * Host, port and database of a store's URL, without its password: for people and logs.
 * @throws Error with a sentence where it is no such URL.
 */
export function showUrl(url: string): string {
  try {
    const { host, port, database } = new pg.Client({ connectionString: url });
    return `postgres://${host}:${port}/${database ?? ""}`;
  } catch (error) {
    throw new Error(`the store's URL is none (${(error as Error).message}): postgres://USER@HOST/DATABASE`);
  }
}

/** @throws Error with a sentence that names the server. */
export async function connect(url: string, name: string): Promise<Connection> {
  const where = showUrl(url);
  const client = new pg.Client(clientConfig(url, name));
  let lost = false;
  // Without a listener a broken connection would end the process.
  client.on("error", () => {
    lost = true;
  });
  client.on("end", () => {
    lost = true;
  });
  try {
    await client.connect();
  } catch (error) {
    client.end().catch(() => {});
    const said = /timeout expired/.test((error as Error).message) ? "it does not answer" : explain(error);
    throw new Error(`${where}: ${said}`, { cause: error });
  }
  return {
    client,
    get lost() {
      return lost;
    },
    drop() {
      lost = true;
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    },
    async end() {
      if (!lost) await client.end().catch(() => {});
    },
  };
}
