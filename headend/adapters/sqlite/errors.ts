/** What SQLite says, as a sentence that says what to do. */

/** What to do about a damaged store. */
export const WAY_OUT = "keep a copy of it, then restore a backup (meterworks restore --help)";

/** By primary result code; extended codes (`SQLITE_IOERR_WRITE`) fall back to it. */
const SENTENCES: Readonly<Record<string, string>> = {
  SQLITE_FULL: "the disk is full: free some space; nothing stored is lost, and storing goes on by itself",
  SQLITE_IOERR: "the disk refuses to read or write: check the disk, its free space and its quota",
  SQLITE_READONLY: "the file cannot be written: check its owner and mode, and whether the disk is mounted read-only",
  SQLITE_CANTOPEN: "the file cannot be opened: check the path and the rights on its directory",
  SQLITE_NOTADB: "the file is not an SQLite database: choose another file",
  SQLITE_CORRUPT: `the database is damaged: ${WAY_OUT}`,
  SQLITE_BUSY: "another program holds a long write on the database: close it (an open sqlite3 transaction, a backup)",
  SQLITE_NOMEM: "out of memory",
};

/** The sentence for an exception of better-sqlite3, or the message of any other. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  if (typeof code !== "string" || !code.startsWith("SQLITE_")) return error.message;
  const sentence = SENTENCES[code.split("_").slice(0, 2).join("_")];
  return sentence === undefined ? `${error.message} (${code})` : `${sentence} (${error.message}, ${code})`;
}

/** Does `work`; what SQLite throws becomes an Error with the sentence of {@link explain}. */
export function explained<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  }
}
