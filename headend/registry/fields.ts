/** The members of an entry as text: what a cell of a table may hold, and how it is shown. Each refusal is a sentence. */
import { failure, type Result, success } from "../../src/core/result.ts";
import { type Civil, civil, parseIso, toIso } from "../../src/core/time.ts";
import type { Dated } from "./entry.ts";

/** So that a whole entry stays far below the longest document. */
const LONGEST_LIST = 100;
/** 32 bytes in base64: the last of 43 digits carries four bits. */
const ED25519_KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** The empty text is "none". */
function matching(pattern: RegExp, what: string): (text: string) => Result<string | null, string> {
  return (text) =>
    text === "" ? success(null) : pattern.test(text) ? success(text) : failure(`"${text.slice(0, 80)}" is no ${what}`);
}

export const parseSerial = matching(/^[!-~]{1,64}$/, "serial number: 1 to 64 visible ASCII characters");
export const parseOrderKey = matching(ED25519_KEY, "Ed25519 public key: 32 bytes in base64, 44 characters");

export function parseModelName(text: string): Result<string, string> {
  if (/^[A-Za-z0-9_.-]{1,64}$/.test(text)) return success(text);
  return failure(`"${text.slice(0, 80)}" is no model: "meterworks models" lists those that are built in`);
}

export function parseNote(text: string): Result<string, string> {
  if (/^\P{Cc}{0,500}$/u.test(text)) return success(text);
  return failure("a note has at most 500 characters, and no line breaks or other control characters");
}

/** A customer's or tariff's id, chosen by whoever bills. */
export function parseBinding(text: string): Result<string, string> {
  if (/^[^\s;\p{Cc}]{1,64}$/u.test(text)) return success(text);
  return failure(`"${text.slice(0, 80)}" is no id: 1 to 64 characters without blanks and semicolons`);
}

/** A number of the rating plate; the empty text leaves it to the model. */
export function parsePlateNumber(text: string): Result<number | null, string> {
  if (text === "") return success(null);
  const value = Number(text);
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text) && value > 0) return success(value);
  return failure(`"${text.slice(0, 80)}" is no number of a rating plate, such as 230 or 57.7`);
}

/** `200/5; 400/5 from 2026-01-01T00:00:00Z`: the first may hold from the beginning, the times go up. */
export function parseDated<T>(
  text: string,
  parseValue: (text: string) => Result<T, string>,
): Result<readonly Dated<T>[], string> {
  if (text.trim() === "") return success([]);
  const list: { from: string | null; value: string }[] = text.split(";").map((part) => {
    const [value = "", from] = part.trim().split(/ +from +/);
    return { from: from ?? null, value };
  });
  return datedList(list, parseValue);
}

/** The same out of JSON: `from` is an ISO 8601 time, or null for "from the beginning". */
export function datedList<T>(
  list: readonly { readonly from: string | null; readonly value: string }[],
  parseValue: (text: string) => Result<T, string>,
): Result<readonly Dated<T>[], string> {
  if (list.length > LONGEST_LIST)
    return failure(`a list has at most ${LONGEST_LIST} dates, this one has ${list.length}`);
  const read: Dated<T>[] = [];
  for (const { from, value } of list) {
    const start: Result<Civil, string> = from === null ? success(civil(0)) : parseIso(from);
    if (!start.ok) return start;
    const parsed = parseValue(value);
    if (!parsed.ok) return parsed;
    const before = read.at(-1);
    if (start.value < 0) return failure(`"${from}" is before 1970`);
    if (before !== undefined && start.value <= before.from)
      return failure(`the dates go up, but ${toIso(start.value)} does not come after ${toIso(before.from)}`);
    read.push({ from: start.value, value: parsed.value });
  }
  return success(read);
}

export function showDated<T>(list: readonly Dated<T>[], showValue: (value: T) => string): string {
  return list
    .map(({ from, value }) => (from === 0 ? showValue(value) : `${showValue(value)} from ${toIso(from)}`))
    .join("; ");
}
