import fc from "fast-check";
import { expect, test } from "vitest";
import { ModbusSerialServer, respond } from "../../../protocols/modbus/server.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { fuzzModbus } from "../../fuzz/modbus.ts";
import { join, MemoryDevice, rtu, show } from "./support.ts";

test("seeded junk against servers and clients", () => {
  fuzzModbus(20_261_101, 2_000);
});

test("any PDU gets a reply of 2 .. 253 bytes (property)", () => {
  const device = new MemoryDevice();
  fc.assert(
    fc.property(fc.nat(20), fc.uint8Array({ maxLength: 252 }), (code, rest) => {
      const out = new Uint8Array(260);
      const length = respond(device, Uint8Array.of(code, ...rest), 0, 1 + rest.length, out, 0);
      expect(length).toBeGreaterThanOrEqual(2);
      expect(length).toBeLessThanOrEqual(253);
      expect(out.subarray(length).every((byte) => byte === 0)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("cut anywhere, with pauses a host may make, a conversation is served as the whole (property)", () => {
  const whole = join(
    rtu("03 04 0000 0002"),
    rtu("03 04 04 4366 3333"),
    rtu("00 06 0003 1234"),
    rtu("05 10 0010 0002 04 0001 0002"),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 6 }),
      fc.nat(16_000),
      (cuts, pause) => {
        const device = new MemoryDevice();
        const server = new ModbusSerialServer(5, device, { framing: "rtu", timing: rtuTiming(9600) });
        const replies: (string | undefined)[] = [];
        let now = 0;
        let from = 0;
        const until = (end: number) => {
          while (server.nextWake() <= end) replies.push(show(server.wake(server.nextWake())));
          now = end;
        };
        for (const cut of [...cuts.sort((a, b) => a - b), whole.length]) {
          server.receive(whole.subarray(from, cut), now);
          until(now + pause);
          from = cut;
        }
        until(now + 100_000);
        expect(replies.filter((reply) => reply !== undefined)).toEqual([show(rtu("05 10 0010 0002"))]);
        expect(device.writes).toBe(2);
        expect(server.counters).toMatchObject({ busMessages: 4, crcErrors: 0 });
      },
    ),
  );
});
