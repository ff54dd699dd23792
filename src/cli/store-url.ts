/** Where the store is, as --store names it. */
import { showUrl } from "../../headend/adapters/postgres/connection.ts";
import { CommandError, usage } from "./errors.ts";

export type StoreAddress =
  | { readonly kind: "sqlite"; readonly file: string }
  /** `shown` has no password. */
  | { readonly kind: "postgres"; readonly url: string; readonly shown: string };

const HINT = "use sqlite:FILE or postgres://USER@HOST/DATABASE";

export function storeAddress(url: string): StoreAddress {
  const file = /^sqlite:(.+)$/.exec(url)?.[1];
  if (file !== undefined) return { kind: "sqlite", file };
  if (!/^postgres(ql)?:\/\//.test(url)) throw usage(`--store "${withoutPassword(url)}" is no store`, HINT);
  try {
    return { kind: "postgres", url, shown: showUrl(url) };
  } catch (error) {
    throw new CommandError(2, (error as Error).message);
  }
}

/**
 * The path in `sqlite:FILE`, for commands that work on the file itself.
 * @param instead what PostgreSQL's own programs do for it, given an address without a password
 */
export function storeFile(url: string, instead: (shown: string) => string): string {
  const store = storeAddress(url);
  if (store.kind === "sqlite") return store.file;
  throw usage(`${store.shown} is no file: PostgreSQL's own programs do this`, instead(store.shown));
}

function withoutPassword(url: string): string {
  return url.replace(/:[^:@/]*@/, ":…@");
}
