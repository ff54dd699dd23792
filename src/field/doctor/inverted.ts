/**
 * A question for a meter whose wires are swapped: sent ten times as fast, each character stands for one bit of the question
 * with its level turned round. What a swapped meter samples in the middle of its bits is then the question as it should be,
 * and a meter that is wired well hears garbage.
 */
import { bitsPerCharacter, type LineFormat, levelsOf } from "../../core/line-format.ts";

/** Bits of a character without parity: so many fit into one bit of the meter. */
export const INVERTED_SPEED = 10;
/** The characters that stand for a bit each. */
export const INVERTED = { dataBits: 8, parity: "none", stopBits: 1 } as const;

/** The characters to send at {@link INVERTED_SPEED} times the speed of `format`, 8N1, for `bytes` in that format. */
export function bridge(bytes: Uint8Array, format: LineFormat): Uint8Array {
  const perByte = bitsPerCharacter(format);
  const out = new Uint8Array(bytes.length * perByte);
  for (const [i, byte] of bytes.entries()) {
    const levels = levelsOf(byte, format);
    for (let bit = 0; bit < perByte; bit++) out[i * perByte + bit] = ((levels >> bit) & 1) === 1 ? 0x00 : 0xff;
  }
  return out;
}
