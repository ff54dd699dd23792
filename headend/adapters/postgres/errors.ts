/** What PostgreSQL and the way to it say, as a sentence that says what to do. */

/** SQLSTATE of `end_batch`: another head-end holds the lease. */
const LEASE_LOST = "MWL01";

/** By SQLSTATE or the operating system's code. */
const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: start PostgreSQL, or check host and port",
  ENOTFOUND: "the host is unknown: check its name",
  ENOENT: "there is no such socket: start PostgreSQL, or check the directory in ?host=",
  EHOSTUNREACH: "the host cannot be reached: check the network",
  ETIMEDOUT: "the host does not answer: check the network and the firewall",
  "28P01": "the password is wrong: give it in the URL, in PGPASSWORD or in ~/.pgpass",
  "28000": "the server lets this user in from here in no way: see its pg_hba.conf",
  "3D000": "there is no such database: make it with createdb",
  "3F000": "there is no store in it: start the head-end on it once",
  "42P01": "there is no store in it: start the head-end on it once",
  "42501": "the user lacks a right: let it own the database (ALTER DATABASE … OWNER TO …)",
  "53100": "the server's disk is full: free some space; nothing stored is lost, and storing goes on by itself",
  "53300": "the server has no connection left: raise max_connections or end other programs",
  "57P01": "the server was shut down: it is tried again",
  "57P02": "the server crashed: it is tried again",
  "57P03": "the server is starting or stopping: it is tried again",
  "25006": "this server is a read-only standby: give the address of the primary",
  "25P03": "the transaction was left open too long and the server ended it",
  "40P01": "two programs waited for each other: it is tried again",
  "22003": "a value does not fit into 64 bits",
  [LEASE_LOST]: "another head-end has taken over",
};

/** The `code` of an exception; empty where it has none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

/** The sentence for an exception of `pg` or of the socket under it, or its own message. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const sentence = SENTENCES[codeOf(error)];
  // Several addresses of one host that all refuse come as one error without a text.
  const said = error.message === "" ? codeOf(error) : error.message;
  return sentence === undefined ? said : `${sentence} (${said})`;
}
