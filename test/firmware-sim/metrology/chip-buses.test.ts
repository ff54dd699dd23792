/** Any bytes on a chip's bus: nothing throws, what is kept is bounded, and the next proper request is answered. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Ade9000 } from "../../../firmware-sim/metrology/ade9000.ts";
import { Ade9000Spi } from "../../../firmware-sim/metrology/ade9000-spi.ts";
import { Rn8209c } from "../../../firmware-sim/metrology/rn8209c.ts";
import { Rn8209cUart } from "../../../firmware-sim/metrology/rn8209c-uart.ts";

const BURST = fc.uint8Array({ maxLength: 64 });
const LOAD = {
  voltage: 230,
  current: 5,
  active: 1150,
  reactive: 0,
  apparent: 1150,
  angle: 0,
  fundamentalVoltage: 230,
  fundamentalCurrent: 5,
  fundamentalActive: 1150,
};
const WINDOW = { phases: [LOAD, LOAD, LOAD], neutralCurrent: 0, frequency: 50, seconds: 0.2 };

/** Registers that show anything but an unsigned integer of their width. */
function misfits(last: number, read: (a: number) => number | undefined, width: (a: number) => number): number[] {
  return Array.from({ length: last + 1 }, (_, a) => a).filter((a) => {
    const value = read(a) ?? 0;
    return !(Number.isInteger(value) && value >= 0 && value < 256 ** width(a));
  });
}

test("RN8209C: after a second of silence the identity is answered, whatever came before", () => {
  fc.assert(
    fc.property(fc.array(BURST, { maxLength: 8 }), (bursts) => {
      const chip = new Rn8209c();
      const uart = new Rn8209cUart(chip);
      chip.write(0xea, 0xe5);
      for (const burst of bursts) {
        expect(uart.receive(burst, 1).length).toBeLessThanOrEqual(5 * burst.length);
        chip.update(WINDOW);
      }
      expect([...uart.receive(Uint8Array.of(0x7f), 2_000_000)]).toEqual([0x82, 0x09, 0x00, 0xf5]);
    }),
    { numRuns: 300 },
  );
});

test("RN8209C: any settings leave every register within its width", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 0x45 }), fc.nat(0xffff)), { maxLength: 30 }), (writes) => {
      const chip = new Rn8209c();
      chip.write(0xea, 0xe5);
      for (const [address, value] of writes) chip.write(address, value);
      chip.update(WINDOW);
      expect(
        misfits(
          0x7f,
          (a) => chip.read(a),
          (a) => chip.widthOf(a) ?? 1,
        ),
      ).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test("ADE9000: as many MISO bytes as MOSI bytes, and any settings leave every register within its width", () => {
  const transfer = fc.uint8Array({ maxLength: 24 });
  fc.assert(
    fc.property(fc.array(transfer, { maxLength: 20 }), (transfers) => {
      const chip = new Ade9000();
      const spi = new Ade9000Spi(chip);
      chip.write(0x480, 1);
      for (const mosi of transfers)
        expect(spi.receive(Uint8Array.of(0, mosi.length, ...mosi)).length).toBe(mosi.length);
      chip.update(WINDOW);
      const width = (address: number) => (address >= 0x480 && address <= 0x4fe ? 2 : 4);
      expect(misfits(0x6ff, (a) => chip.read(a), width)).toEqual([]);
    }),
    { numRuns: 100 },
  );
});
