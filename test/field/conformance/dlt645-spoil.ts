/** Ways to spoil what a sound DL/T 645 meter hears and says. */
import { encodeFrame, parseFrame } from "../../../protocols/dlt645/frame.ts";
import type { Defect } from "./bench.ts";

/** What is wrong with the meter, and the check that must say so. */
export type Mutation = readonly [defect: string, caughtBy: string, spoil: Defect];

export interface Parts {
  address: string;
  control: number;
  data: number[];
  preamble: number;
}

export const ADDRESS = "000000000007";
export const MS = 1_000;

/** A frame taken apart, changed and put together with a right sum; what is no frame stays as it is. */
export function reframed(bytes: Uint8Array, change: (parts: Parts) => void): Uint8Array {
  const parsed = parseFrame(bytes);
  if (!parsed.ok) return bytes;
  const { address, control, data } = parsed.value;
  const parts = { address, control, data: [...data], preamble: bytes.findIndex((byte) => byte !== 0xfe) };
  change(parts);
  return encodeFrame({ ...parts, data: Uint8Array.from(parts.data) }, parts.preamble);
}

export const partsOf = (bytes: Uint8Array): Parts | undefined => {
  let found: Parts | undefined;
  reframed(bytes, (parts) => {
    found = { ...parts };
  });
  return found;
};

export const replies = (change: (parts: Parts) => void): Defect => ({
  says: (bytes) => [[0, reframed(bytes, change)]],
});
export const requests = (change: (parts: Parts) => void): Defect => ({ hears: (bytes) => [reframed(bytes, change)] });
export const spoiling = (change: (bytes: Uint8Array) => Uint8Array): Defect => ({
  says: (bytes) => [[0, change(bytes.slice())]],
});
/** One byte of each reply: by its place behind the first 68, or from the end where negative. */
export const byteOf = (place: number, change: (byte: number) => number): Defect =>
  spoiling((bytes) => {
    const at = place < 0 ? bytes.length + place : indexOfStart(bytes) + place;
    bytes[at] = change(bytes[at] as number);
    return bytes;
  });
/** Only on replies to a function, and to one identifier where it is named (DI0 first). */
export const to =
  (control: number, identifier: string | undefined, change: (parts: Parts) => void) =>
  (parts: Parts): void => {
    const told = parts.data.slice(0, 4).map((byte) => byte.toString(16).padStart(2, "0"));
    if (parts.control === control && (identifier === undefined || told.join("") === identifier)) change(parts);
  };
export const data = (identifier: string, at: number, value: number) =>
  replies(
    to(0x91, identifier, (parts) => {
      parts.data[4 + at] = value;
    }),
  );
export const errTo = (control: number, err: number) =>
  replies(
    to(control, undefined, (parts) => {
      parts.data[0] = err;
    }),
  );
/** Done although it was refused: to every request, or to those of one kind. */
export const accepts = (refusal: number, kind: (asked: Parts) => boolean = () => true): Defect => ({
  says: (bytes, asked) => {
    const request = partsOf(asked);
    const done = to(refusal, undefined, (parts) => {
      parts.control = refusal & ~0x40;
      parts.data = [];
    });
    return [[0, request !== undefined && kind(request) ? reframed(bytes, done) : bytes]];
  },
});
export const indexOfStart = (bytes: Uint8Array) => bytes.indexOf(0x68);
/** Heals a frame before the meter sees it: the meter does not look there. */
export const blind = (heal: (bytes: Uint8Array, start: number) => unknown): Defect => ({
  hears: (bytes) => {
    const copy = bytes.slice();
    if (copy.length > 12 && copy.includes(0x68)) heal(copy, indexOfStart(copy));
    return [copy];
  },
});
export const sum = (bytes: Uint8Array, start: number) => {
  bytes[bytes.length - 2] = bytes.subarray(start, -2).reduce((all, byte) => (all + byte) & 0xff, 0);
};
/** An answer with data to something that a meter must keep silent to. */
export const answersTo = (control: number, address?: string): Defect => ({
  blurts: (asked) => {
    const parts = partsOf(asked);
    if (parts?.control !== control || parts.address !== (address ?? parts.address)) return [];
    const reply = { address: ADDRESS, control: control | 0x80, data: Uint8Array.of(0x11, 0xb6, 0, 0, 0, 0) };
    return [[30 * MS, encodeFrame(reply, 4)]];
  },
});
export const later = (micros: number): Defect => ({ says: (bytes) => [[micros, bytes]] });
/** A defect that counts: 1, 2, 3 … at each call. */
export const counting = (make: (next: () => number) => Defect): Defect => {
  let count = 0;
  return make(() => {
    count += 1;
    return count;
  });
};
/** A defect that keeps bytes from one lump to the next. */
export const keeping = (make: (memory: { held: Uint8Array }) => Defect): Defect => make({ held: new Uint8Array(0) });
