/** Oracles of this folder's tests: no code of the product. */

/** CRC-16 of Modbus bit by bit (the serial line guide's appendix B describes this loop). */
export function bitwiseCrc(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

/** An RTU frame without its CRC; throws when the CRC is wrong. */
export function unframed(hex: string): Uint8Array {
  const bytes = Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
  const body = bytes.subarray(0, -2);
  const sent = (bytes.at(-2) ?? 0) | ((bytes.at(-1) ?? 0) << 8);
  if (bitwiseCrc(body) !== sent) throw new Error(`wrong CRC in ${hex}: should be ${bitwiseCrc(body).toString(16)}`);
  return body;
}
