/** A client on an adapter that hears itself: its own request comes first, and only that is taken away. */
import { describe, expect, test } from "vitest";
import { type ClientEffect, ModbusClient } from "../../../protocols/modbus/client.ts";
import type { ModbusRequest } from "../../../protocols/modbus/message.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { join, rtu, show } from "./support.ts";

const READ: ModbusRequest = { function: 3, address: 0, quantity: 2 };
const REQUEST = rtu("01 03 0000 0002");
const REPLY = rtu("01 03 04 03e8 03e9");
const VALUES = "03 e8 03 e9";
/** One character of 11 bits at 9600, rounded up. */
const CHARACTER = 1_146;

const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

class Bench {
  now = 0;
  readonly client: ModbusClient;
  readonly log: ClientEffect[] = [];

  constructor(framing: "lumps" | "timed" | "ascii" = "lumps", echo = true) {
    const line =
      framing === "ascii"
        ? ({ framing, timing: { baud: 9600 } } as const)
        : ({ framing: "rtu", timing: rtuTiming(9600, { byteTimes: framing === "timed" }) } as const);
    this.client = new ModbusClient({ ...line, responseTimeout: 500_000, echo });
    this.log.push(...this.client.linkUp(0));
    this.pass(100_000);
  }

  ask(request = READ, unit = 1): this {
    this.log.push(...this.client.submit(1, unit, request, this.now));
    return this;
  }

  receive(...lumps: Uint8Array[]): this {
    for (const lump of lumps) this.log.push(...this.client.receive(lump, this.now));
    return this;
  }

  /** Each byte at its time on the wire. */
  singly(bytes: Uint8Array): this {
    for (const byte of bytes) this.pass(CHARACTER).receive(Uint8Array.of(byte));
    return this;
  }

  pass(micros: number): this {
    const until = this.now + micros;
    while (this.client.nextWake() <= until) {
      this.now = Math.max(this.now, this.client.nextWake());
      this.log.push(...this.client.wake(this.now));
    }
    this.now = until;
    return this;
  }

  get ends() {
    return this.log.flatMap((e) =>
      e.kind === "done" ? [e.result.ok ? show(e.result.value.data) : e.result.error.kind] : [],
    );
  }
}

describe("the echo is taken away, the reply is heard", () => {
  test("in lumps of their own, and in one", () => {
    expect(new Bench().ask().receive(REQUEST).pass(30_000).receive(REPLY).pass(30_000).ends).toEqual([VALUES]);
    expect(new Bench().ask().receive(join(REQUEST, REPLY)).pass(30_000).ends).toEqual([VALUES]);
  });

  test("wherever the border of a lump is", () => {
    const all = join(REQUEST, REPLY);
    for (let cut = 1; cut < all.length; cut++) {
      const b = new Bench().ask().receive(all.subarray(0, cut)).pass(10_000).receive(all.subarray(cut)).pass(30_000);
      expect([cut, b.ends]).toEqual([cut, [VALUES]]);
    }
  });

  test.each(["lumps", "timed"] as const)("byte by byte (%s)", (framing) => {
    const b = new Bench(framing).ask().singly(REQUEST).pass(20_000).singly(REPLY).pass(30_000);
    expect(b.ends).toEqual([VALUES]);
  });

  test("in ASCII", () => {
    const b = new Bench("ascii").ask().receive(ascii(":010300000002FA\r\n"), ascii(":010304000A000BE3\r\n"));
    expect(b.pass(30_000).ends).toEqual(["00 0a 00 0b"]);
  });

  test("for each request again, whether the one before was answered or not", () => {
    const b = new Bench();
    for (const answered of [true, true, false, true]) {
      b.ask().receive(REQUEST).pass(20_000);
      if (answered) b.receive(REPLY);
      b.pass(700_000);
    }
    expect(b.ends).toEqual([VALUES, VALUES, "timeout", VALUES]);
  });

  test("a broadcast's echo ends nothing", () => {
    const b = new Bench().ask({ function: 6, address: 7, value: 1 }, 0).receive(rtu("00 06 0007 0001"));
    expect(b.ends).toEqual([]);
    expect(b.pass(200_000).ends).toEqual([""]);
  });
});

describe("a write of one value, whose reply is equal to its request", () => {
  const write: ModbusRequest = { function: 6, address: 7, value: 1 };
  const bytes = rtu("01 06 0007 0001");

  test("is confirmed by the second of two, not by its echo", () => {
    expect(new Bench().ask(write).receive(bytes).pass(700_000).ends).toEqual(["timeout"]);
    expect(new Bench().ask(write).receive(bytes, bytes).pass(30_000).ends).toEqual([""]);
    expect(new Bench().ask(write).receive(join(bytes, bytes)).pass(30_000).ends).toEqual([""]);
  });

  test("without the setting the echo passes for the meter's word: why it must be set", () => {
    expect(new Bench("lumps", false).ask(write).receive(bytes).pass(30_000).ends).toEqual([""]);
  });
});

describe("what is not the whole echo is heard as it always was", () => {
  test("a reply without an echo, though it begins like one", () => {
    expect(new Bench().ask().receive(REPLY).pass(30_000).ends).toEqual([VALUES]);
    expect(new Bench("timed").ask().pass(20_000).singly(REPLY).pass(30_000).ends).toEqual([VALUES]);
  });

  test.each(["lumps", "timed"] as const)("an echo that came back damaged ends like a damaged reply (%s)", (framing) => {
    for (let at = 0; at < REQUEST.length; at++) {
      const damaged = REQUEST.slice();
      damaged[at] = (damaged[at] as number) ^ 0x10;
      const heard = (echo: boolean) => {
        const b = new Bench(framing, echo).ask().singly(damaged).pass(20_000).singly(REPLY).pass(700_000);
        return b.ends;
      };
      expect([at, heard(true)]).toEqual([at, heard(false)]);
    }
  });

  test.each(["lumps", "timed"] as const)(
    "an echo that lost its end does not spoil the reply's time (%s)",
    (framing) => {
      // The reply is judged by itself: t3.5 passed between the two on the wire.
      for (const echo of [true, false]) {
        const b = new Bench(framing, echo).ask({ function: 3, address: 0x0304, quantity: 2 });
        b.singly(rtu("01 03 0304 0002").subarray(0, 1));
        expect(b.pass(30_000).singly(REPLY).pass(30_000).ends).toEqual([VALUES]);
      }
    },
  );

  test("noise before the echo costs the request, not the next one", () => {
    const b = new Bench()
      .ask()
      .receive(join(Uint8Array.of(0), REQUEST))
      .pass(20_000);
    b.pass(700_000).ask().receive(REQUEST, REPLY).pass(30_000);
    expect(b.ends).toHaveLength(2);
    expect(b.ends[1]).toBe(VALUES);
  });
});
