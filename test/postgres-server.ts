/** A PostgreSQL of one's own: a new cluster in a temporary folder, at a free port of 127.0.0.1, gone at the end. */
import { chownSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import pg from "pg";
import { freePort, run, start, temporaryDirectory } from "./programs.ts";

export interface PostgresServer {
  /** `postgres://meterworks@127.0.0.1:PORT/postgres`: a superuser without a password. */
  readonly url: string;
  /** Runs statements as the superuser, in another database where one is named; the rows. */
  query(sql: string, url?: string): Promise<readonly Record<string, unknown>[]>;
  /** Ends every process of the server at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Debian keeps each version's server apart, and out of PATH. */
const DEBIAN = "/usr/lib/postgresql";

/** The server's program, the newest version first; undefined where there is none. */
export function postgresProgram(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const { PATH = "" } = process.env;
  const folders = [...versions.map((version) => join(DEBIAN, version, "bin")), ...PATH.split(delimiter)];
  return folders.map((folder) => join(folder, "postgres")).find((file) => existsSync(file));
}

/** PostgreSQL refuses to run as root: then as the user that Debian made for it, else as nobody. */
const UNPRIVILEGED = process.getuid?.() === 0;

/**
 * @param postgres the path of the server's program, see peers.ts
 * @param settings lines of postgresql.conf
 */
export async function startPostgres(postgres: string, settings: readonly string[] = []): Promise<PostgresServer> {
  const directory = temporaryDirectory();
  const data = join(directory.path, "data");
  const port = await freePort();
  const as = UNPRIVILEGED ? await unprivilegedUser() : undefined;
  if (as !== undefined) chownSync(directory.path, as, as);
  const prefix = as === undefined ? [] : ["setpriv", `--reuid=${as}`, `--regid=${as}`, "--clear-groups"];
  const inCluster = (program: string, ...args: string[]) => {
    const [command, ...rest] = [...prefix, join(dirname(postgres), program), ...args] as [string, ...string[]];
    return { command, rest };
  };
  const init = inCluster("initdb", "-D", data, "-U", "meterworks", "--auth=trust", "--encoding=UTF8", "--no-sync");
  const made = await run(init.command, init.rest, { cwd: directory.path, timeoutMs: 60_000 });
  if (made.code !== 0) throw new Error(`initdb: ${made.stderr}`);
  const main = inCluster("postgres", "-D", data, "-p", String(port), "-h", "127.0.0.1");
  writeFileSync(join(data, "postgresql.auto.conf"), [`unix_socket_directories = ''`, ...settings, ""].join("\n"));
  const begin = () =>
    start(main.command, main.rest, { ready: /ready to accept connections/, cwd: directory.path, timeoutMs: 30_000 });
  let program = await begin();
  const url = `postgres://meterworks@127.0.0.1:${port}/postgres`;
  return {
    url,
    async query(sql, database = url) {
      const client = new pg.Client({ connectionString: database });
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    async kill() {
      // SIGQUIT is PostgreSQL's immediate end: no checkpoint, recovery at the next start.
      await program.stop("SIGQUIT");
    },
    async restart() {
      program = await begin();
    },
    async stop() {
      await program.stop("SIGINT");
      directory.remove();
    },
  };
}

async function unprivilegedUser(): Promise<number> {
  for (const name of ["postgres", "nobody"]) {
    const { code, stdout } = await run("id", ["-u", name]);
    if (code === 0) return Number(stdout);
  }
  throw new Error("PostgreSQL does not run as root, and there is no user postgres or nobody");
}
