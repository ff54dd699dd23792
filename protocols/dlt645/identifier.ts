/** Data identifiers: 32 bits, written as 8 hex digits with DI3 first; on the wire DI0 comes first. */

export type Identifier = number & { readonly __id: "dlt645" };

export function identifier(value: number): Identifier {
  return (value >>> 0) as Identifier;
}

/** From 8 hex digits; undefined where it is something else. */
export function parseIdentifier(text: string): Identifier | undefined {
  return /^[0-9a-f]{8}$/i.test(text) ? identifier(Number.parseInt(text, 16)) : undefined;
}

/** `0201FF00`. */
export function showIdentifier(id: Identifier): string {
  return id.toString(16).padStart(8, "0").toUpperCase();
}

/** The identifier whose DI0 is at `at`; there are four bytes. */
export function identifierAt(data: Uint8Array, at: number): Identifier {
  return identifier(
    (data[at] as number) |
      ((data[at + 1] as number) << 8) |
      ((data[at + 2] as number) << 16) |
      ((data[at + 3] as number) << 24),
  );
}

export function identifierBytes(id: Identifier): readonly number[] {
  return [id & 0xff, (id >>> 8) & 0xff, (id >>> 16) & 0xff, id >>> 24];
}

/** `id` with the byte DI`index` replaced. */
export function withByte(id: Identifier, index: number, value: number): Identifier {
  const shift = 8 * index;
  return identifier((id & ~(0xff << shift)) | (value << shift));
}

export function byteOf(id: Identifier, index: number): number {
  return (id >>> (8 * index)) & 0xff;
}
