/** Data sets, `address(value*unit)(value*unit)…`: the one form of data in readouts, replies and P1 telegrams. */
import { failure, type Result, success } from "../../src/core/result.ts";
import type { Iec62056Error } from "./errors.ts";
import { CRLF } from "./frame.ts";

export interface ValueGroup {
  readonly value: string;
  /** As sent; undefined where the group has none. */
  readonly unit: string | undefined;
}

export interface DataSet {
  /** As sent; empty in a reply that leaves it out. */
  readonly address: string;
  /** At least one. */
  readonly groups: readonly ValueGroup[];
}

/** A data set with its place in the text, the whole of its groups included. */
export interface PlacedDataSet extends DataSet {
  readonly offset: number;
  readonly length: number;
}

/** Longer than the standard's 16 for the sake of meters that qualify their codes. */
const ADDRESS_LIMIT = 40;
const CLOSING = "!";

/**
 * Reads the data sets of a text up to its end or to `!`. Groups on a line without address belong to the data set before
 * (old P1 versions put a gas value there).
 */
export function parseDataSets(text: string): Result<readonly PlacedDataSet[], Iec62056Error> {
  const sets: { address: string; groups: ValueGroup[]; offset: number; length: number }[] = [];
  let at = 0;
  const bad = (offset: number, detail: string): Result<never, Iec62056Error> =>
    failure({ kind: "bad-data", offset, detail });
  for (;;) {
    while (at < text.length && isBlank(text.charCodeAt(at))) at++;
    if (at >= text.length || text[at] === CLOSING) return success(sets);
    const start = at;
    while (at < text.length && isAddress(text.charCodeAt(at))) at++;
    if (text[at] !== "(") return bad(at, at === start ? "no data set begins here" : "an address without a value");
    if (at - start > ADDRESS_LIMIT) return bad(start, `an address of more than ${ADDRESS_LIMIT} characters`);
    let set = sets.at(-1);
    if (at > start || set === undefined) {
      set = { address: text.slice(start, at), groups: [], offset: start, length: 0 };
      sets.push(set);
    }
    while (text[at] === "(") {
      const end = groupEnd(text, at + 1);
      if (text[end] !== ")") return bad(end, "a value ends without )");
      set.groups.push(parseGroup(text.slice(at + 1, end)));
      at = end + 1;
    }
    set.length = at - set.offset;
  }
}

function isBlank(code: number): boolean {
  return code === 0x0d || code === 0x0a || code === 0x20;
}

/** Printable, and none of ( ) / ! which have other uses. */
function isAddress(code: number): boolean {
  return code > 0x21 && code < 0x7f && code !== 0x28 && code !== 0x29 && code !== 0x2f;
}

/** Where the value's printable characters end: at its `)` if all is well. */
function groupEnd(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e || code === 0x28 || code === 0x29) break;
  }
  return at;
}

function parseGroup(text: string): ValueGroup {
  const star = text.indexOf("*");
  return star < 0 ? { value: text, unit: undefined } : { value: text.slice(0, star), unit: text.slice(star + 1) };
}

export function formatGroup({ value, unit }: ValueGroup): string {
  return unit === undefined ? `(${value})` : `(${value}*${unit})`;
}

export function formatDataSet({ address, groups }: DataSet): string {
  return `${address}${groups.map(formatGroup).join("")}`;
}

/** A data block: a line for each data set, closed by `!` (clause 6.3, facts 1.5). */
export function formatDataBlock(sets: readonly DataSet[]): string {
  return `${sets.map((set) => `${formatDataSet(set)}${CRLF}`).join("")}!${CRLF}`;
}

/** The text of an error message, `(ERnn)` or `ERnn()`; undefined for data. */
export function errorMessage(sets: readonly DataSet[]): string | undefined {
  const [set] = sets;
  if (set === undefined || sets.length !== 1) return undefined;
  const text = set.address === "" ? set.groups[0]?.value : set.address;
  return text?.startsWith("ER") ? text : undefined;
}
