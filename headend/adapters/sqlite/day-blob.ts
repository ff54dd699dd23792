/**
 * The bytes of a compacted day as they lie in the file: format version, flags, CRC-32 (little endian) over both and all that
 * follows, then the rows; deflated, behind their length, where that is smaller.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { crc32 } from "../../../src/core/crc32.ts";
import { failure, type Result } from "../../../src/core/result.ts";
import { type DayRows, decodeDay, encodeDay } from "../../compact/day-codec.ts";

const VERSION = 1;
const DEFLATED = 1;
const HEADER = 6;
const LENGTH = 4;
const WAY_OUT = "take it from a backup";

export function packDay(rows: DayRows): Uint8Array {
  const plain = encodeDay(rows);
  const squeezed = deflateRawSync(plain, { level: 9 });
  const isSmaller = squeezed.length + LENGTH < plain.length;
  const blob = new Uint8Array(HEADER + (isSmaller ? LENGTH + squeezed.length : plain.length));
  const view = new DataView(blob.buffer);
  blob[0] = VERSION;
  if (isSmaller) {
    blob[1] = DEFLATED;
    view.setUint32(HEADER, plain.length, true);
    blob.set(squeezed, HEADER + LENGTH);
  } else blob.set(plain, HEADER);
  view.setUint32(2, checksum(blob), true);
  return blob;
}

/** Refuses damage, and formats of later versions, with a sentence. */
export function unpackDay(blob: Uint8Array): Result<DayRows, string> {
  if (blob.length < HEADER) return failure(`it is cut (${blob.length} bytes): ${WAY_OUT}`);
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  if (blob[0] !== VERSION) return failure(`it has format ${blob[0]}, this version knows ${VERSION}: update meterworks`);
  if (view.getUint32(2, true) !== checksum(blob)) return failure(`its checksum is wrong, it is damaged: ${WAY_OUT}`);
  const plain = blob[1] === DEFLATED ? inflated(blob, view) : blob.subarray(HEADER);
  const rows: Result<DayRows, string> = plain === undefined ? failure("it cannot be inflated") : decodeDay(plain);
  return rows.ok ? rows : failure(`${rows.error}: ${WAY_OUT}`);
}

function inflated(blob: Uint8Array, view: DataView): Uint8Array | undefined {
  if (blob.length < HEADER + LENGTH) return undefined;
  const length = view.getUint32(HEADER, true);
  try {
    const plain = inflateRawSync(blob.subarray(HEADER + LENGTH), { maxOutputLength: length });
    return plain.length === length ? plain : undefined;
  } catch {
    return undefined;
  }
}

/** Of everything but its own four bytes. */
function checksum(blob: Uint8Array): number {
  const checked = new Uint8Array(blob.length - 4);
  checked.set(blob.subarray(0, 2));
  checked.set(blob.subarray(HEADER), 2);
  return crc32(checked);
}
