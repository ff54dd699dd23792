/** Cursors: where the next page of a list begins. Opaque to callers, and good for the list that gave them only. */
import { createHash } from "node:crypto";
import { Problem } from "./problems.ts";

const CHECK_BYTES = 4;

/** @param list names the list, with what it is a list of: a cursor of one meter's orders is none of another's */
export function writeCursor(list: string, at: string): string {
  const text = Buffer.from(at);
  return Buffer.concat([check(list, text), text]).toString("base64url");
}

/** @throws Problem 400 where the cursor is damaged or of another list */
export function readCursor(list: string, cursor: string): string {
  const bytes = Buffer.from(cursor, "base64url");
  const text = bytes.subarray(CHECK_BYTES);
  if (bytes.length > CHECK_BYTES && check(list, text).equals(bytes.subarray(0, CHECK_BYTES))) return text.toString();
  const detail = 'query: "cursor" is damaged or of another list: take the "next" of the page before, or begin without';
  throw new Problem(400, "bad-cursor", detail);
}

/** A page out of what was found, which is one more than the page where there is another. */
export function pageOf<T>(list: string, found: readonly T[], limit: number, at: (item: T) => string) {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const next = found.length > limit && last !== undefined ? writeCursor(list, at(last)) : null;
  return { items, next };
}

function check(list: string, text: Uint8Array): Buffer {
  return createHash("sha256").update(`${list} `).update(text).digest().subarray(0, CHECK_BYTES);
}
