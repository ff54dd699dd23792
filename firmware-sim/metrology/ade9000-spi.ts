/**
 * The ADE9000's SPI over a stream: each transfer is a 16-bit length and that many MOSI bytes, answered by as many MISO bytes.
 * In a transfer: 12 bits of address, the read bit, three zeros, then the data, most significant byte first. A read may go on:
 * in the burst maps with the next registers, in the waveform buffer with the next samples, elsewhere with a CRC-16 of the data (CCITT from FFFF, as recalled).
 */
import { joinBytes } from "../../src/core/bytes.ts";
import type { Ade9000 } from "./ade9000.ts";
import { ade9000Width, inBurst } from "./ade9000-registers.ts";
import { WAVEFORM } from "./ade9000-waveform.ts";

const READ = 0x8;
const HEADER = 2;

export class Ade9000Spi {
  readonly #chip: Ade9000;
  /** The transfer that is still coming: at most its length and 65535 bytes. */
  #pending: Uint8Array = new Uint8Array(0);

  constructor(chip: Ade9000) {
    this.#chip = chip;
  }

  /** @returns what the chip sends back for every transfer that is complete. */
  receive(bytes: Uint8Array): Uint8Array {
    const all = joinBytes([this.#pending, bytes]);
    const answers: Uint8Array[] = [];
    let at = 0;
    while (all.length - at >= 2) {
      const end = at + 2 + (all[at] as number) * 256 + (all[at + 1] as number);
      if (end > all.length) break;
      answers.push(this.transfer(all.subarray(at + 2, end)));
      at = end;
    }
    this.#pending = all.slice(at);
    return joinBytes(answers);
  }

  /** One transfer, from chip select to its end. */
  transfer(mosi: Uint8Array): Uint8Array {
    const miso = new Uint8Array(mosi.length);
    if (mosi.length < HEADER) return miso;
    const command = (mosi[0] as number) * 256 + (mosi[1] as number);
    const address = command >> 4;
    const width = ade9000Width(address);
    if ((command & READ) !== 0) this.#read(address, miso, command);
    else if (mosi.length >= HEADER + width) {
      const value = mosi.slice(HEADER, HEADER + width).reduce((all, b) => all * 256 + b, 0);
      this.#chip.write(address, value);
      this.#chip.remember(command, value, width);
    }
    return miso;
  }

  #read(first: number, miso: Uint8Array, command: number): void {
    const { waveform } = this.#chip;
    if (first >= WAVEFORM.first && waveform.bursts) {
      waveform.burst(first, miso, HEADER);
      return;
    }
    let at = HEADER;
    let address = first;
    do {
      const width = ade9000Width(address);
      if (at + width > miso.length) return;
      const value = this.#chip.read(address) ?? 0;
      for (let k = 0; k < width; k++) miso[at + k] = Math.floor(value / 256 ** (width - 1 - k)) % 256;
      this.#chip.remember(command, value, width);
      at += width;
      address += 1;
    } while (inBurst(first) && inBurst(address));
    if (inBurst(first) || at + 2 > miso.length) return;
    const crc = crc16(miso.subarray(HEADER, at));
    miso[at] = crc >> 8;
    miso[at + 1] = crc & 0xff;
  }
}

function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) !== 0 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1;
  }
  return crc;
}
