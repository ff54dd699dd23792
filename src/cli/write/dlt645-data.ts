/** What a person writes for a DL/T 645 identifier as the bytes of function 14H, and the bytes as people read them. */
import { type Field, pack } from "../../../firmware-sim/faces/dlt645-fields.ts";
import { decodeData } from "../../../protocols/dlt645/decode.ts";
import { type Identifier, parseIdentifier, showIdentifier } from "../../../protocols/dlt645/identifier.ts";
import { findItem } from "../../../protocols/dlt645/identifiers.ts";
import type { Item, Part } from "../../../protocols/dlt645/item.ts";
import { fromHex, toHex } from "../../core/bytes.ts";
import { parseDecimal } from "../../core/decimal.ts";
import { usage } from "../errors.ts";

export interface DataWish {
  readonly identifier: Identifier;
  readonly what: string;
  readonly data: Uint8Array;
}

/** `hex:01020304` are bytes as on the wire; else the fields in the order in which `read` and `decode` name them. */
const RAW = /^hex:/i;

/**
 * @param fields one text for each field of the item, repeated for a table
 * @throws CommandError (exit 2) for what is no identifier or does not fit it
 */
export function dataWish(name: string, fields: readonly string[]): DataWish {
  const id = parseIdentifier(name);
  if (id === undefined) throw usage(`"${name}" is no identifier`, "8 hex digits with DI3 first, such as 04000103");
  const item = findItem(id);
  const what = `${showIdentifier(id)}${item === undefined ? "" : ` ${item.name}`}`;
  const [first = ""] = fields;
  if (fields.length === 1 && RAW.test(first)) {
    const bytes = fromHex(first.replace(RAW, ""));
    if (!bytes.ok || bytes.value.length === 0) throw usage(`${what}: "${first}" holds no bytes`, "such as hex:0800");
    return { identifier: id, what, data: bytes.value };
  }
  if (item === undefined || item.parts.some(({ format }) => format.kind === "raw"))
    throw usage(`${what}: its layout is not known here`, "give the bytes as on the wire, hex:0102");
  return { identifier: id, what, data: packed(what, item, fields) };
}

function packed(what: string, item: Item, texts: readonly string[]): Uint8Array {
  const count = item.parts.length;
  const names = item.parts.map((part) => part.name).join(", ");
  if (texts.length === 0 || texts.length % count !== 0 || texts.length / count > (item.repeat ?? 1))
    throw usage(
      `${what} has ${texts.length} values`,
      `give ${names}${item.repeat ? `, up to ${item.repeat} times` : ""}`,
    );
  const fields = texts.map((text, i) => fieldOf(what, item.parts[i % count] as Part, text));
  return pack(item, fields);
}

function fieldOf(what: string, { name, format }: Part, text: string): Field {
  const wrong = (wanted: string) => usage(`${what}: ${name} "${text}" is wrong`, `give ${wanted}`);
  switch (format.kind) {
    case "number": {
      const value = parseDecimal(text, format.decimals);
      const fits = value.ok && value.value < 10n ** BigInt(2 * format.bytes) && (format.signed || value.value >= 0n);
      if (!fits) throw wrong(`a number of ${2 * format.bytes} digits, ${format.decimals} of them decimals`);
      return Number(value.value);
    }
    case "moment":
      if (!/^\d+$/.test(text) || text.length !== format.fields.length) throw wrong(`digits as ${format.fields}`);
      return text;
    case "digits":
      if (!/^\d+$/.test(text) || text.length !== 2 * format.bytes) throw wrong(`${2 * format.bytes} digits`);
      return text;
    case "bits": {
      const value = /^[0-9a-f]+$/i.test(text) ? Number.parseInt(text, 16) : Number.NaN;
      if (!(value < 2 ** (8 * format.bytes))) throw wrong(`up to ${2 * format.bytes} hex digits`);
      return value;
    }
    default:
      if (text.length > (format.kind === "text" ? format.bytes : 0) || /[^\x20-\x7e]/.test(text)) throw wrong("ASCII");
      return text;
  }
}

/** As `decode` shows it; bytes in hex where nobody knows their layout. */
export function showData(id: Identifier, data: Uint8Array): string {
  const parts = decodeData(id, data);
  if (parts.length === 0 || parts.some((part) => part.fault !== undefined)) return `hex:${toHex(data)}`;
  return parts.map(({ value }) => value ?? "none").join(" ");
}

/** Tables of a fixed length are filled up by their last entry: what follows the written bytes must repeat it. */
export function holdsTable(id: Identifier, wanted: Uint8Array, got: Uint8Array): boolean {
  const item = findItem(id);
  const entries =
    item?.repeat === undefined || wanted.length === 0 ? 1 : decodeData(id, wanted).length / item.parts.length;
  const size = wanted.length / entries;
  if (got.length < wanted.length || (entries === 1 && got.length !== wanted.length && item?.repeat === undefined))
    return false;
  return got.every((byte, i) => byte === wanted[i < wanted.length ? i : wanted.length - size + (i % size)]);
}
