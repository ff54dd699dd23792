/** Where the store is, as --store names it. */
import { usage } from "./errors.ts";

/** The path in `sqlite:FILE`. */
export function storeFile(url: string): string {
  const m = /^sqlite:(.+)$/.exec(url);
  if (m?.[1] !== undefined) return m[1];
  if (/^postgres(ql)?:/.test(url)) throw usage("--store postgres: is not offered in this version", "use sqlite:FILE");
  throw usage(`--store "${url}" is no store`, "use sqlite:FILE");
}
