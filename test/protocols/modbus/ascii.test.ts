import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AsciiFramer, asciiFrame, LF, lrc, MAX_ASCII_ADU } from "../../../protocols/modbus/ascii.ts";
import { ModbusClient } from "../../../protocols/modbus/client.ts";
import { ModbusSerialServer } from "../../../protocols/modbus/server.ts";
import { hex, MemoryDevice } from "./support.ts";

const SECOND = 1_000_000;
const text = (frame: string): Uint8Array => Uint8Array.from(frame, (c) => c.charCodeAt(0));
const shown = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : String.fromCharCode(...bytes);

/** The frame by the words of the guide: sum without carry, negated, all as two digits. */
function oracle(body: string): string {
  const bytes = [...hex(body)];
  const sum = bytes.reduce((a, b) => a + b, 0);
  const all = [...bytes, (256 - (sum % 256)) % 256];
  return `:${all.map((b) => b.toString(16).padStart(2, "0").toUpperCase()).join("")}\r\n`;
}

class Bench {
  readonly device = new MemoryDevice();
  readonly server = new ModbusSerialServer(0x11, this.device, { framing: "ascii", timing: { baud: 9600 } });
  readonly replies: (string | undefined)[] = [];
  now = 10 * SECOND;

  send(frame: string, pause = 0): this {
    this.now += pause;
    this.server.receive(text(frame), this.now);
    while (this.server.nextWake() <= this.now) {
      const reply = this.server.wake(this.now);
      if (reply !== undefined) this.replies.push(shown(reply));
    }
    return this;
  }
}

describe("29, 30: frames", () => {
  // Published example of the protocol: read 3 registers from 40108 of slave 17, LRC 7E.
  test("a known frame", () => {
    expect(shown(asciiFrame(hex("11 03 006b 0003"), 6, LF))).toBe(":1103006B00037E\r\n");
    expect(lrc(hex("11 03 006b 0003"), 0, 6)).toBe(0x7e);
  });

  test("any body is framed as the guide says, in upper case, within 513 characters (property)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 254 }), (body) => {
        const frame = asciiFrame(body, body.length, LF);
        expect(shown(frame)).toBe(oracle(Array.from(body, (b) => b.toString(16).padStart(2, "0")).join("")));
        expect(frame.length).toBeLessThanOrEqual(513);
        const found: number[][] = [];
        const framer = new AsciiFramer(
          {
            frame: (bytes, at, length) => found.push([...bytes.subarray(at, at + length)]),
            damaged: () => expect.unreachable(),
            lengthAt: () => 0,
            concerns: () => true,
          },
          { character: LF },
        );
        framer.receive(frame, 0);
        expect(found).toEqual([[...body]]);
      }),
    );
    expect(MAX_ASCII_ADU).toBe(513);
  });
});

describe("the server", () => {
  test("7: answers at once, with its own unit and function", () => {
    const bench = new Bench().send(oracle("11 03 0001 0002"));
    expect(bench.replies).toEqual([oracle("11 03 04 0001 0002")]);
    expect(bench.server.nextWake()).toBe(Number.POSITIVE_INFINITY);
  });

  test("the longest reply has 513 characters at most", () => {
    expect(new Bench().send(oracle("11 03 0000 007d")).replies[0]).toHaveLength(1 + 2 * (1 + 2 + 250 + 1) + 2);
  });

  test.each([
    ["wrong LRC", ":110300010002E8\r\n"],
    ["lower case", ":1103006b00037E\r\n"],
    ["no hex digit", ":11030G010002E7\r\n"],
    ["half a byte", ":110300010002E\r\n"],
    ["too short", ":11EF\r\n"],
    ["nothing", ":\r\n"],
    ["LF missing", ":110300010002E9\rX"],
    ["CR missing", ":110300010002E9\n"],
    ["eighth bit", ":11030001000\xb2E9\r\n"],
    ["another unit", oracle("12 03 0001 0002")],
  ])("31: silence on %s, and the next good frame is answered", (_what, frame) => {
    const bench = new Bench().send(frame);
    expect(bench.replies).toEqual([]);
    bench.send(oracle("11 06 0007 beef"));
    expect(bench.replies).toEqual([oracle("11 06 0007 beef")]);
    expect(bench.server.counters.crcErrors).toBe(frame.startsWith(":12") ? 0 : 1);
  });

  test("the frames of the table above are good but for their fault", () => {
    expect(oracle("11 03 0001 0002")).toBe(":110300010002E9\r\n");
    expect(new Bench().send(":1103006B00037E\r\n").replies).toHaveLength(1);
  });

  test("32: a character may come a second late, not later", () => {
    const [head, tail] = [":11030001", "0002E9\r\n"];
    expect(new Bench().send(head).send(tail, SECOND).replies).toHaveLength(1);
    const late = new Bench().send(head).send(tail, SECOND + 1);
    expect(late.replies).toEqual([]);
    expect(late.server.counters.crcErrors).toBe(1);
    const waited = new Bench().send(head);
    waited.server.wake(waited.server.nextWake());
    expect(waited.server.nextWake()).toBe(Number.POSITIVE_INFINITY);
  });

  test("33: a colon in mid-frame starts again", () => {
    const bench = new Bench().send(`:1106000700${oracle("11 03 0001 0002")}`);
    expect(bench.replies).toEqual([oracle("11 03 04 0001 0002")]);
    expect(bench.device.writes).toBe(0);
  });

  test("more than 513 characters are no frame, and cost nothing but themselves", () => {
    const bench = new Bench().send(`:${"00".repeat(5_000)}\r\n`);
    expect(bench.server.counters).toMatchObject({ busMessages: 0, crcErrors: 1 });
    expect(bench.send(oracle("11 03 0001 0001")).replies).toHaveLength(1);
  });

  test("4, 5: a broadcast write is done in silence, a broadcast read is not", () => {
    const bench = new Bench().send(oracle("00 06 0003 1234")).send(oracle("00 03 0001 0001"));
    expect(bench.replies).toEqual([]);
    expect([bench.device.holding[3], bench.device.reads]).toEqual([0x1234, 0]);
  });

  test("69: 08/03 changes the delimiter behind its reply; what could be mistaken is no delimiter", () => {
    const bench = new Bench().send(oracle("11 08 0003 2100"));
    expect(bench.replies).toEqual([oracle("11 08 0003 2100")]);
    bench.send(oracle("11 03 0001 0001"));
    expect(bench.replies).toHaveLength(1);
    const asked = oracle("11 03 0001 0001").replace("\n", "!");
    expect(bench.send(asked).replies[1]).toBe(oracle("11 03 02 0001").replace("\n", "!"));
    for (const data of ["3a00", "0d00", "3000", "4600", "8000", "2101"])
      expect(new Bench().send(oracle(`11 08 0003 ${data}`)).replies).toEqual([oracle("11 88 03")]);
  });
});

describe("the client", () => {
  const ask = () => {
    const client = new ModbusClient({ framing: "ascii", timing: { baud: 9600 }, responseTimeout: SECOND });
    client.linkUp(0);
    const [sent] = client.submit(1, 0x11, { function: 3, address: 1, quantity: 1 }, 0);
    return { client, sent: sent?.kind === "send" ? shown(sent.bytes) : undefined };
  };
  const results = (effects: ReturnType<ModbusClient["receive"]>) =>
    effects.flatMap((e) => (e.kind === "done" ? [e.result] : []));

  test("asks at once and takes the reply, however it is cut", () => {
    const { client, sent } = ask();
    expect(sent).toBe(oracle("11 03 0001 0001"));
    const reply = text(oracle("11 03 02 03e8"));
    const done = Array.from(reply).flatMap((c, i) => results(client.receive(Uint8Array.of(c), 20_000 + i)));
    expect(done).toEqual([{ ok: true, value: { function: 3, data: hex("03e8") } }]);
  });

  test("26, 12: a damaged reply is no data, another unit's is passed over", () => {
    const { client } = ask();
    expect(results(client.receive(text(oracle("12 03 02 03e8")), 20_000))).toEqual([]);
    const broken = text(oracle("11 03 02 03e8").replace("03E8", "03E9"));
    expect(results(client.receive(broken, 40_000))[0]).toMatchObject({ ok: false, error: { kind: "bad-reply" } });
  });

  test("11: silence is a timeout", () => {
    const { client } = ask();
    expect(results(client.wake(client.nextWake()))).toEqual([{ ok: false, error: { kind: "timeout" } }]);
  });

  test("69: a changed delimiter holds for both directions", () => {
    const { client } = ask();
    client.receive(text(oracle("11 03 02 03e8")), 20_000);
    client.submit(2, 0x11, { function: 8, subfunction: 3, data: hex("2100") }, 30_000);
    expect(results(client.receive(text(oracle("11 08 0003 2100")), 50_000))[0]?.ok).toBe(true);
    const [sent] = client.submit(3, 0x11, { function: 7 }, 60_000);
    expect(sent?.kind === "send" ? shown(sent.bytes) : "").toBe(oracle("11 07").replace("\n", "!"));
    expect(results(client.receive(text(oracle("11 07 05").replace("\n", "!")), 90_000))[0]?.ok).toBe(true);
  });
});
