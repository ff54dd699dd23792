/** Device identification, function 2B/0E (V1.1b3, 6.21): the objects of a device, page by page. */
import { failure, type Result, success } from "../../src/core/result.ts";
import { EXCEPTION } from "./errors.ts";
import { MAX_PDU } from "./frame.ts";
import { DEVICE_IDENTIFICATION, ENCAPSULATED } from "./functions.ts";
import type { ModbusRequest } from "./message.ts";

/** Texts in ASCII by object id: 00 vendor name, 01 product code, 02 revision are always there, 80 .. FF are the maker's own. At most 244 bytes each, what one reply holds. */
export type DeviceObjects = ReadonlyMap<number, Uint8Array>;

/** Function, type, code, conformity, more follows, next object, number of objects. */
const HEADER = 7;

const ONE_OBJECT = 4;
const BASIC = 1;
const REGULAR = 2;
const EXTENDED = 3;
const LAST_BASIC = 0x02;
const FIRST_EXTENDED = 0x80;
/** Beside the streams, single objects can be asked for. */
const INDIVIDUAL = 0x80;
const MORE = 0xff;

/** The last object id of a category. */
function lastOf(category: number): number {
  return category === BASIC ? LAST_BASIC : category === REGULAR ? FIRST_EXTENDED - 1 : 0xff;
}

function conformityOf(objects: DeviceObjects): number {
  let last = 0;
  for (const id of objects.keys()) last = Math.max(last, id);
  return last >= FIRST_EXTENDED ? EXTENDED : last > LAST_BASIC ? REGULAR : BASIC;
}

/** As the handlers of respond.ts: the length of the reply at `out[at]`, or an exception as a negative code. */
export function identify(
  objects: DeviceObjects,
  request: Uint8Array,
  from: number,
  length: number,
  out: Uint8Array,
  at: number,
): number {
  if (length > 1 && request[from + 1] !== DEVICE_IDENTIFICATION) return -EXCEPTION.illegalFunction;
  const code = request[from + 2] as number;
  if (length !== 4 || code < BASIC || code > ONE_OBJECT) return -EXCEPTION.illegalDataValue;
  const asked = request[from + 3] as number;
  if (code === ONE_OBJECT && !objects.has(asked)) return -EXCEPTION.illegalDataAddress;
  const ids = code === ONE_OBJECT ? [asked] : streamOf(objects, code, asked);
  out[at] = ENCAPSULATED;
  out[at + 1] = DEVICE_IDENTIFICATION;
  out[at + 2] = code;
  out[at + 3] = INDIVIDUAL | conformityOf(objects);
  return putObjects(objects, ids, out, at);
}

/** The ids of a category from `first` on; from the start where the category has no such object. */
function streamOf(objects: DeviceObjects, category: number, first: number): number[] {
  const last = lastOf(category);
  const ids = [...objects.keys()].filter((id) => id <= last).sort((a, b) => a - b);
  return ids.includes(first) ? ids.filter((id) => id >= first) : ids;
}

function putObjects(objects: DeviceObjects, ids: readonly number[], out: Uint8Array, at: number): number {
  let end = HEADER;
  let count = 0;
  for (; count < ids.length; count++) {
    const id = ids[count] as number;
    const value = objects.get(id) as Uint8Array;
    if (end + 2 + value.length > MAX_PDU) break;
    out[at + end] = id;
    out[at + end + 1] = value.length;
    out.set(value, at + end + 2);
    end += 2 + value.length;
  }
  out[at + 4] = count < ids.length ? MORE : 0;
  out[at + 5] = count < ids.length ? (ids[count] as number) : 0;
  out[at + 6] = count;
  return end;
}

/** One page of a device's identification. */
export interface IdentificationPage {
  readonly conformity: number;
  /** The object that the next page starts with; undefined on the last. */
  readonly next: number | undefined;
  readonly objects: DeviceObjects;
}

/** Reads the data of a 2B/0E reply: code, conformity and on, as a client gets them. */
export function parseIdentification(data: Uint8Array): Result<IdentificationPage, string> {
  if (data.length < HEADER - 2) return failure(`${data.length} bytes of identification where ${HEADER - 2} come first`);
  const objects = new Map<number, Uint8Array>();
  let at = HEADER - 2;
  for (let left = data[4] as number; left > 0; left--) {
    const end = at + 2 + (data[at + 1] ?? 0);
    if (at + 2 > data.length || end > data.length) return failure("an object is cut off");
    objects.set(data[at] as number, data.slice(at + 2, end));
    at = end;
  }
  if (at !== data.length) return failure(`${data.length - at} bytes behind the last object`);
  return success({ conformity: data[1] as number, next: data[2] === MORE ? (data[3] as number) : undefined, objects });
}

/**
 * Follows the pages of a stream. Submit {@link request}, give its data to {@link take}, until `request` is undefined.
 * A device whose next page does not go on is not asked for ever.
 */
export class IdentificationReader {
  readonly #objects = new Map<number, Uint8Array>();
  readonly #code: 1 | 2 | 3;
  #next: number | undefined = 0;

  constructor(code: 1 | 2 | 3 = EXTENDED) {
    this.#code = code;
  }

  get request(): ModbusRequest | undefined {
    return this.#next === undefined ? undefined : { function: ENCAPSULATED, code: this.#code, object: this.#next };
  }

  get objects(): DeviceObjects {
    return this.#objects;
  }

  take(data: Uint8Array): Result<undefined, string> {
    const page = parseIdentification(data);
    const asked = this.#next;
    this.#next = undefined;
    if (!page.ok) return page;
    const { next, objects } = page.value;
    for (const [id, value] of objects) this.#objects.set(id, value);
    // Ids rise from page to page, so there are at most 256 pages.
    if (next !== undefined && asked !== undefined && next > asked) this.#next = next;
    else if (next !== undefined) return failure(`the device goes on with object ${next} behind ${asked}`);
    return success(undefined);
  }
}
