/** Our reader before a meter written by hand, and, last, before our own. */
import { describe, expect, test } from "vitest";
import {
  Iec62056Reader,
  type ReaderEffect,
  type ReaderJob,
  type ReaderOptions,
  type ReaderResult,
} from "../../../protocols/iec62056-21/client.ts";
import { failureText } from "../../../protocols/iec62056-21/errors.ts";
import { Iec62056Server } from "../../../protocols/iec62056-21/server.ts";
import { ACE0, ACE0_IDENT, ascii, BREAK, block, DSMR5, EHZ, latin, ZMD120, ZMD120_IDENT } from "./vectors.ts";

const REQUEST = "/?!\r\n";
const NAK = "\x15";
const ACK = "\x06";
const READOUT: ReaderJob = { kind: "readout" };
const P0 = block("(1234567)", "P0");

class Bench {
  readonly reader: Iec62056Reader;
  sent: string[] = [];
  result: ReaderResult | undefined;
  now = 0;

  constructor(job: ReaderJob, options: ReaderOptions = {}) {
    this.reader = new Iec62056Reader(options);
    this.reader.linkUp();
    this.note(this.reader.submit(7, job, 0));
  }

  note(effects: readonly ReaderEffect[]): void {
    for (const e of effects) {
      if (e.kind === "done") {
        expect(e.ticket).toBe(7);
        expect(this.result).toBeUndefined();
        this.result = e.result;
      } else this.sent.push(e.kind === "send" ? latin(e.bytes) : `baud ${e.rate}`);
    }
  }

  pass(ms: number): this {
    const until = this.now + ms * 1000;
    while (this.reader.nextWake() <= until) {
      this.now = Math.max(this.now, this.reader.nextWake());
      this.note(this.reader.wake(this.now));
    }
    this.now = until;
    return this;
  }

  /** What the meter says, after the 250 ms in which the reader waits and sends. */
  hear(text: string): this {
    this.pass(250);
    this.note(this.reader.receive(ascii(text), this.now));
    return this;
  }

  /** What was sent since the last call. */
  take(): string[] {
    return this.sent.splice(0);
  }

  get reason(): string {
    if (this.result === undefined) return "not done";
    return this.result.ok ? "good" : failureText(this.result.error);
  }
}

describe("readout", () => {
  test("mode C as vzlogger does it: request, option 050 at 9600, eight data sets with their check", () => {
    const b = new Bench(READOUT);
    expect(b.take()).toEqual(["baud 300", REQUEST]);
    b.hear(ZMD120_IDENT);
    expect(b.take()).toEqual([]);
    b.pass(200);
    expect(b.take()).toEqual(["\x06050\r\n", "baud 9600"]);
    b.hear(block(ZMD120));
    expect(b.take()).toEqual(["baud 300"]);
    expect(b.result).toMatchObject({ ok: true, value: { checked: true, replies: [] } });
    if (b.result?.ok) expect(b.result.value.sets).toHaveLength(8);
  });

  test("the meter of smartmeter-obis stays at 300: option 000", () => {
    const b = new Bench(READOUT).hear(ACE0_IDENT).pass(200);
    expect(b.take()).toEqual(["baud 300", REQUEST, "\x06000\r\n"]);
    b.hear(block(ACE0));
    expect(b.result).toMatchObject({ ok: true, value: { identification: { enhanced: "3", ident: "k260V01.18" } } });
  });

  test("a lower-case third letter lets it answer after 20 ms", () => {
    const b = new Bench(READOUT).hear("/HAg5eHZ010C_EHZ1vA02\r\n").pass(19);
    expect(b.take()).toHaveLength(2);
    b.pass(1);
    expect(b.take()[0]).toBe("\x06050\r\n");
  });

  test("a reader that can do 4800 keeps a faster meter at 300", () => {
    const b = new Bench(READOUT, { maxBaud: 4800 }).hear(ZMD120_IDENT).pass(200);
    expect(b.take().slice(2)).toEqual(["\x06000\r\n"]);
  });

  test("the optical head's echo of each message is no answer", () => {
    const b = new Bench(READOUT).hear(`\x7f${REQUEST}${ZMD120_IDENT}`).hear(`\x06050\r\n${block(ZMD120)}`);
    expect(b.reason).toBe("good");
    // Without an echo the identification begins with the same "/" as the request.
    expect(new Bench(READOUT).hear("/").hear(ZMD120_IDENT.slice(1)).hear(block(ZMD120)).reason).toBe("good");
  });

  test("single characters with pauses below 1.5 s make the same readout", () => {
    const b = new Bench(READOUT).hear(ZMD120_IDENT).pass(250);
    for (const character of block("1.8.0(1*kWh)\r\n!\r\n"))
      b.note(b.pass(1400).reader.receive(ascii(character), b.now));
    expect(b.reason).toBe("good");
  });

  test("mode B changes the rate without an option", () => {
    const b = new Bench(READOUT).hear("/ABCE12345\r\n");
    expect(b.take()).toEqual(["baud 300", REQUEST, "baud 9600"]);
    b.hear(block(ACE0));
    expect(b.reason).toBe("good");
  });

  test("mode A: data without check character, done when no more comes", () => {
    const b = new Bench(READOUT).hear("/ABC-12345\r\n").hear(ACE0);
    expect(b.reason).toBe("not done");
    b.pass(1500);
    expect(b.result).toMatchObject({ ok: true, value: { checked: false, identification: { mode: "A" } } });
    if (b.result?.ok) expect(b.result.value.sets).toHaveLength(5);
  });

  test("mode A: an ETX behind the data says that their STX was lost, so the check counts", () => {
    const b = new Bench(READOUT, { retries: 0 }).hear("/ABC-12345\r\n").hear(`${ACE0}\x03\x1b`);
    expect(b.reason).toBe("unusable reply: a readout whose STX was lost");
  });

  test("modes B and C: data without STX and check are refused", () => {
    const b = new Bench(READOUT, { retries: 0 }).hear(ZMD120_IDENT).hear(ZMD120).pass(3000);
    expect(b.reason).toBe("unusable reply: data without its check character");
  });

  test("a wrong check character gets NAK; three in a row fail with the reason", () => {
    const wrong = `${block(ZMD120).slice(0, -1)}+`;
    const b = new Bench(READOUT).hear(ZMD120_IDENT).pass(250);
    b.take();
    expect(b.hear(wrong).pass(200).take()).toEqual([NAK]);
    expect(b.hear(wrong).pass(200).take()).toEqual([NAK]);
    b.hear(wrong);
    expect(b.reason).toBe("unusable reply: the check character is 2b, the block's is 2a");
    const saved = new Bench(READOUT).hear(ZMD120_IDENT).hear(wrong).hear(block(ZMD120));
    expect(saved.reason).toBe("good");
  });

  test("partial blocks are acknowledged and joined", () => {
    const part = "\x021.8.0(1*kWh)\r\n2.8.0(\x04";
    const check = String.fromCharCode([...ascii(part.slice(1))].reduce((sum, byte) => sum ^ byte, 0));
    const b = new Bench(READOUT)
      .hear(ZMD120_IDENT)
      .hear(part + check)
      .pass(200);
    expect(b.take().at(-1)).toBe(ACK);
    b.hear(block("2*kWh)\r\n!\r\n"));
    expect(b.result).toMatchObject({ ok: true, value: { sets: [{ address: "1.8.0" }, { address: "2.8.0" }] } });
  });

  test("nobody there: three sign-ons, the meter's timeouts between them, then a timeout", () => {
    const b = new Bench(READOUT).pass(60_000);
    expect(b.take()).toEqual(["baud 300", REQUEST, REQUEST, REQUEST]);
    expect(b.reason).toBe("no reply in time: nobody answered the sign-on");
  });

  test("an answer that stops half-way begins anew at 300", () => {
    const b = new Bench(READOUT).hear(ZMD120_IDENT).hear(block(ZMD120).slice(0, 40)).pass(3500);
    expect(b.take()).toEqual(["baud 300", REQUEST, "\x06050\r\n", "baud 9600", "baud 300", REQUEST]);
    b.hear(ZMD120_IDENT).hear(block(ZMD120));
    expect(b.reason).toBe("good");
  });

  test.each([
    ["data that can't be read", block("1.8.0(12\r\n!\r\n"), "byte 8: a value ends without )"],
    ["a block without data, STX ETX 03", "\x02\x03\x03", "a readout without data"],
  ])("%s is asked for again though its check is good, and refused when it stays so", (_what, bad, reason) => {
    const b = new Bench(READOUT).hear(ZMD120_IDENT).hear(bad).hear(block(ZMD120));
    expect(b.reason).toBe("good");
    expect(b.take().filter((sent) => sent === "\x15")).toHaveLength(1);
    const again = new Bench(READOUT, { retries: 1 }).hear(ZMD120_IDENT).hear(bad).hear(bad);
    expect(again.reason).toBe(`unusable reply: ${reason}`);
  });

  test("R3 as its source has it, without ETX and check, is no readout", () => {
    const b = new Bench(READOUT, { retries: 0 }).hear(ACE0_IDENT).pass(200).hear(`\x02${ACE0}`).pass(5_000);
    expect(b.reason).toBe("no reply in time: no data came after the identification");
  });

  test("a sign-on at another rate than 300 is where the port returns to", () => {
    const b = new Bench(READOUT, { signOnBaud: 2400 }).hear(ZMD120_IDENT).pass(200).hear(block(ZMD120));
    expect(b.take().filter((text) => text.startsWith("baud"))).toEqual(["baud 2400", "baud 9600", "baud 2400"]);
  });

  test("noise for ever ends as a timeout", () => {
    const b = new Bench(READOUT);
    for (let i = 0; i < 2000 && b.result === undefined; i++) {
      b.pass(100);
      b.note(b.reader.receive(ascii("/x\x02(\xff/"), b.now));
    }
    expect(b.reason).toMatch(/no reply in time/);
  });

  test("a battery meter is woken up with NULs first", () => {
    const b = new Bench(READOUT, { wakeCharacters: 40 });
    expect(b.take()).toEqual(["baud 300", "\0".repeat(40)]);
    // 40 characters at 300 baud, and the pause.
    b.pass(1333 + 1599);
    expect(b.take()).toEqual([]);
    expect(b.pass(2).take()).toEqual([REQUEST]);
  });

  test("on a port set to 8N1 the parity bit is added and taken off", () => {
    const b = new Bench(READOUT, { parity: "even" });
    expect(b.take()[1]).toBe("\xaf\x3f\x21\x8d\x0a");
  });
});

describe("programming mode", () => {
  const commands = [
    { operation: "R1", address: "1.8.0", value: "" },
    { operation: "W1", address: "0.9.1", value: "123456" },
    { operation: "R5", address: "0.9.1", value: "" },
  ];
  const session: ReaderJob = { kind: "session", password: "00000001", commands };

  function begun(job: ReaderJob = session, options: ReaderOptions = {}): Bench {
    const b = new Bench(job, options).hear(ZMD120_IDENT).hear(P0).pass(200);
    expect(b.take().slice(2, 4)).toEqual(["\x06051\r\n", "baud 9600"]);
    return b;
  }

  test("password, read, write, read, break", () => {
    const b = new Bench(session).hear(ZMD120_IDENT).hear(P0).pass(200);
    expect(b.take().at(-1)).toBe(block("(00000001)", "P1"));
    expect(b.hear(ACK).pass(200).take()).toEqual([block("1.8.0()", "R1")]);
    expect(b.hear(block("1.8.0(5*kWh)")).pass(200).take()).toEqual([block("0.9.1(123456)", "W1")]);
    expect(b.hear(ACK).pass(200).take()).toEqual([block("0.9.1()", "R5")]);
    expect(b.hear(block("0.9.1(123457)")).take()).toEqual([BREAK, "baud 300"]);
    expect(b.result).toMatchObject({
      ok: true,
      value: { replies: [[{ address: "1.8.0", groups: [{ value: "5", unit: "kWh" }] }], [], [{ address: "0.9.1" }]] },
    });
  });

  test("without a password the commands come at once", () => {
    const b = new Bench({ kind: "session", commands }).hear(ZMD120_IDENT).hear(P0).pass(200);
    expect(b.take().at(-1)).toBe(block("1.8.0()", "R1"));
  });

  test("an error message ends it with the meter's code, and the meter is let go", () => {
    const b = begun().hear(block("(ER05)"));
    expect(b.reason).toBe("the meter refused: ER05");
    expect(b.take().slice(-2)).toEqual([BREAK, "baud 300"]);
  });

  test("NAK repeats the command; the third ends it", () => {
    const b = begun();
    b.take();
    for (let i = 0; i < 2; i++) expect(b.hear(NAK).pass(200).take()).toEqual([block("(00000001)", "P1")]);
    b.hear(NAK);
    expect(b.reason).toBe("the meter did not acknowledge the command");
  });

  test("a read without an answer is repeated, a write is not: it may have been done", () => {
    const read = begun().hear(ACK).pass(200);
    read.take();
    expect(read.pass(2500).take()).toEqual([block("1.8.0()", "R1")]);
    const write = begun().hear(ACK).hear(block("1.8.0(5*kWh)")).pass(200);
    write.take();
    expect(write.pass(5000).take()).toEqual([BREAK, "baud 300"]);
    expect(write.reason).toBe("no reply in time: the command was not answered");
  });

  test("ACK is no answer to a read", () => {
    const b = begun({ kind: "session", commands }).hear(ACK);
    expect(b.reason).toBe("not done");
    b.hear(block("1.8.0(5*kWh)")).pass(200);
    expect(b.take().at(-1)).toBe(block("0.9.1(123456)", "W1"));
  });

  test("the echo of each command, of NAK too, is no answer", () => {
    const b = begun().hear(`${block("(00000001)", "P1")}${ACK}`);
    b.hear(`${block("1.8.0()", "R1")}\x02damaged\x03!`).pass(200);
    b.hear(`${NAK}${block("1.8.0(5*kWh)")}`).pass(200);
    expect(b.take().at(-1)).toBe(block("0.9.1(123456)", "W1"));
  });

  test("the meter's break ends it", () => {
    const b = begun().hear(BREAK);
    expect(b.reason).toBe("the meter ended the session");
    expect(b.take().at(-1)).not.toBe(BREAK);
  });

  test("modes A and B: the readout comes first", () => {
    const b = new Bench(session).hear("/ABCE1\r\n").hear(block(ACE0)).pass(200);
    expect(b.take().at(-1)).toBe(block("(00000001)", "P1"));
    const a = new Bench(session).hear("/ABC-1\r\n").hear(ACE0).pass(1800);
    expect(a.take().at(-1)).toBe(block("(00000001)", "P1"));
  });
});

describe("pushed telegrams", () => {
  const listen: ReaderJob = { kind: "listen", baud: 115_200, patience: 15_000_000 };

  test("mode D at 2400", () => {
    const b = new Bench({ ...listen, baud: 2400 }).hear(`80)\r\n!\r\n${EHZ}`);
    expect(b.take()).toEqual(["baud 2400"]);
    expect(b.result).toMatchObject({ ok: true, value: { checked: false, identification: { manufacturer: "EMH" } } });
    if (b.result?.ok) expect(b.result.value.sets).toHaveLength(4);
  });

  test("P1 with its CRC", () => {
    const b = new Bench(listen).hear(DSMR5);
    expect(b.result).toMatchObject({ ok: true, value: { checked: true } });
  });

  test("a damaged telegram is passed over for the next; at the end of patience it is the reason", () => {
    const wrong = DSMR5.replace("000502.689", "000502.688");
    expect(new Bench(listen).hear(wrong).hear(DSMR5).reason).toBe("good");
    expect(new Bench(listen).hear(wrong).pass(15_000).reason).toMatch(/the CRC is 4715, the telegram's is/);
    expect(new Bench(listen).pass(15_000).reason).toBe("no reply in time: no telegram was pushed");
  });
});

describe("what can't be begun", () => {
  test("a busy reader, a dead link, limits of the protocol", () => {
    const b = new Bench(READOUT);
    expect(b.reader.submit(8, READOUT, 0)).toMatchObject([{ ticket: 8, result: { error: { kind: "bad-request" } } }]);
    expect(b.reader.linkDown()).toMatchObject([{ ticket: 7, result: { error: { kind: "link-down" } } }]);
    expect(b.reader.nextWake()).toBe(Number.POSITIVE_INFINITY);
    expect(b.reader.submit(9, READOUT, 0)).toMatchObject([{ ticket: 9, result: { error: { kind: "link-down" } } }]);
  });
  test.each([
    { operation: "B0", address: "", value: "" },
    { operation: "W1", address: "0.9.1", value: "1)\x03" },
    { operation: "W1", address: "0(9", value: "1" },
    { operation: "W1", address: "0.9.1", value: "1".repeat(129) },
  ])("%j", (command) => {
    expect(new Bench({ kind: "session", commands: [command] }).reason).toMatch(/^not sent/);
  });
  test("an address with a !", () => {
    expect(new Bench(READOUT, { address: "1!2" }).reason).toMatch(/^not sent/);
    expect(new Bench(READOUT, { address: "1".repeat(33) }).reason).toMatch(/^not sent/);
  });
});

describe("our reader and our meter", () => {
  test.each(["A", "B", "C"] as const)("mode %s: readout and a write", (mode) => {
    let clock = "";
    const set = { address: "1.8.0", groups: [{ value: "000001.5", unit: "kWh" }] };
    const meter = new Iec62056Server(
      { mode, baud: mode === "A" ? 300 : 9600, manufacturer: "MWK", ident: "x", address: "7" },
      {
        admit: (password) => (password === "12345678" ? undefined : "wrong-password"),
        readout: () => [set],
        read: () => set,
        write: (_, value) => {
          clock = value;
          return undefined;
        },
      },
    );
    const commands = [{ operation: "W1", address: "0.9.1", value: "101112" }];
    const b = new Bench({ kind: "session", password: "12345678", commands }, { address: "07" });
    for (let now = 0; b.result === undefined && now < 60_000_000; now += 1000) {
      b.now = now;
      const out = b.sent.splice(0).filter((text) => !text.startsWith("baud"));
      const heard = out.flatMap((text) => meter.receive(ascii(text), now)).concat(meter.wake(now));
      for (const effect of heard) if (effect.kind === "send") b.note(b.reader.receive(effect.bytes, now));
      if (now >= b.reader.nextWake()) b.note(b.reader.wake(now));
    }
    expect(b.result).toMatchObject({ ok: true, value: { replies: [[]], sets: mode === "C" ? [] : [set] } });
    expect(clock).toBe("101112");
  });
});
