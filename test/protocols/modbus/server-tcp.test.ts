import fc from "fast-check";
import { expect, test } from "vitest";
import { ModbusTcpServerSession } from "../../../protocols/modbus/server.ts";
import { hex, join, MemoryDevice, show } from "./support.ts";

function session(options = {}): ModbusTcpServerSession {
  const device = new MemoryDevice();
  return new ModbusTcpServerSession((unit) => (unit === 1 || unit === 0 ? device : undefined), options);
}
const read = (id: string, unit = "01") => hex(`${id} 0000 0006 ${unit} 03 0001 0002`);

test("91: transaction, protocol, length and unit of the reply", () => {
  expect(session().receive(hex("beef 0000 0006 01 03 0001 0002"))).toEqual({
    reply: hex("beef 0000 0007 01 03 04 0001 0002"),
    close: undefined,
  });
});

test("91: the longest reply has 259 bytes, the longest request 259 too", () => {
  expect(session().receive(hex("0001 0000 0006 01 03 0000 007d")).reply).toHaveLength(259);
  const write = hex(`0001 0000 00fd 01 10 0000 007b f6 ${"00".repeat(246)}`);
  expect(show(session().receive(write).reply)).toBe("00 01 00 00 00 06 01 10 00 00 00 7b");
});

test("92: a protocol id other than 0 is dropped, and the next frame is served", () => {
  const odd = hex("0001 1234 0006 01 03 0001 0002");
  expect(session().receive(odd)).toEqual({ reply: undefined, close: undefined });
  expect(show(session().receive(join(odd, read("0002"))).reply)?.slice(0, 5)).toBe("00 02");
});

test("93: a length that cannot be closes the connection, after the replies before it", () => {
  for (const length of ["0000", "0001", "00ff", "ffff"]) {
    const served = session().receive(join(read("0001"), hex(`0002 0000 ${length} 01 03`), new Uint8Array(400)));
    expect(show(served.reply)?.slice(0, 5)).toBe("00 01");
    expect(served.close).toContain(`length ${Number.parseInt(length, 16)}`);
  }
  const split = session();
  expect(split.receive(hex("0002 0000 00")).close).toBeUndefined();
  expect(split.receive(hex("00")).close).toBeDefined();
  expect(split.receive(read("0003"))).toMatchObject({ reply: undefined, close: expect.any(String) });
});

test("94: pipelined requests are answered in order with their ids, however many", () => {
  const ids = Array.from({ length: 700 }, (_, i) => (i + 1).toString(16).padStart(4, "0"));
  const reply = session().receive(join(...ids.map((id) => read(id)))).reply as Uint8Array;
  expect(reply).toHaveLength(700 * 13);
  for (let i = 0; i < 700; i++) expect((reply[13 * i] as number) * 256 + (reply[13 * i + 1] as number)).toBe(i + 1);
});

test("94: replies that were given stay as they are", () => {
  const one = session();
  const first = one.receive(read("0001")).reply as Uint8Array;
  const before = show(first);
  for (let i = 0; i < 5000; i++) one.receive(read("0002"));
  expect(show(first)).toBe(before);
});

test("94: any split gives the same replies as the whole (property)", () => {
  const whole = join(
    read("0001"),
    hex("0002 1234 0004 01 03 00 00"),
    hex("0003 0000 0002 01 64"),
    hex(`0004 0000 00fd 01 10 0000 007b f6 ${"11".repeat(246)}`),
    read("0005", "07"),
    hex("0006 0000 0006 ff 04 0000 007d"),
  );
  const expected = session().receive(whole).reply;
  expect(expected).toHaveLength(13 + 9 + 12 + 259);
  fc.assert(
    fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
      const one = session();
      const replies: Uint8Array[] = [];
      let from = 0;
      for (const cut of [...cuts.sort((a, b) => a - b), whole.length]) {
        const { reply, close } = one.receive(whole.subarray(from, cut));
        expect(close).toBeUndefined();
        if (reply !== undefined) replies.push(reply);
        from = cut;
      }
      expect(show(join(...replies))).toBe(show(expected));
    }),
  );
  const bytewise = session();
  expect(show(join(...[...whole].map((b) => bytewise.receive(Uint8Array.of(b)).reply ?? new Uint8Array(0))))).toBe(
    show(expected),
  );
});

test("95: FF and 0 are the device itself, with the unit as asked; others silence or 0B", () => {
  expect(show(session().receive(read("0001", "ff")).reply)).toBe("00 01 00 00 00 07 ff 03 04 00 01 00 02");
  expect(show(session().receive(read("0001", "00")).reply)?.slice(18, 20)).toBe("00");
  expect(session().receive(read("0001", "02")).reply).toBeUndefined();
  expect(show(session({ unknownUnit: "exception" }).receive(read("0001", "02")).reply)).toBe(
    "00 01 00 00 00 03 02 83 0b",
  );
});

test("97: serial-line functions are 01, also with a PDU of one byte", () => {
  expect(show(session().receive(hex("0001 0000 0002 01 07")).reply)).toBe("00 01 00 00 00 03 01 87 01");
  expect(show(session().receive(hex("0001 0000 0002 01 11")).reply)).toBe("00 01 00 00 00 03 01 91 01");
});
