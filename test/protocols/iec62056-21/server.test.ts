/** Our meter before a reader written by hand: every byte it sends and hears is spelled out here. */
import { describe, expect, test } from "vitest";
import type { DataSet } from "../../../protocols/iec62056-21/dataset.ts";
import {
  Iec62056Server,
  type Iec62056ServerEffect,
  type Iec62056ServerOptions,
  type MeterData,
} from "../../../protocols/iec62056-21/server.ts";
import { ascii, BREAK, block, latin } from "./vectors.ts";

const DATA = "1.8.0(001846.0*kWh)\r\n!\r\n";
const REQUEST = "/?!\r\n";
const NAK = "\x15";
const ACK = "\x06";

class Meter implements MeterData {
  admit = (password: string) => (password === "00000001" ? undefined : ("wrong-password" as const));
  clock = "";
  readout(): readonly DataSet[] {
    return [{ address: "1.8.0", groups: [{ value: "001846.0", unit: "kWh" }] }];
  }
  read(address: string): DataSet | undefined {
    return address === "1.8.0" ? this.readout()[0] : undefined;
  }
  write(address: string, value: string) {
    if (address !== "0.9.1") return "unknown-register";
    this.clock = value;
    return undefined;
  }
}

/** Sends and baud changes as text with the time in milliseconds: `200 send …`. */
class Bench {
  readonly meter = new Meter();
  readonly server: Iec62056Server;
  log: string[] = [];
  now = 0;

  constructor(options: Partial<Iec62056ServerOptions> = {}) {
    const all = { mode: "C", baud: 9600, manufacturer: "MWK", ident: "test", address: "1234", ...options } as const;
    this.server = new Iec62056Server(all, this.meter);
  }

  #note(effects: readonly Iec62056ServerEffect[]): void {
    for (const e of effects)
      this.log.push(e.kind === "send" ? `${this.now / 1000} ${latin(e.bytes)}` : `${this.now / 1000} baud ${e.rate}`);
  }

  pass(ms: number): this {
    const until = this.now + ms * 1000;
    while (this.server.nextWake() <= until) {
      this.now = Math.max(this.now, this.server.nextWake());
      this.#note(this.server.wake(this.now));
    }
    this.now = until;
    return this;
  }

  say(text: string): this {
    this.#note(this.server.receive(ascii(text), this.now));
    return this;
  }

  /** What was said and changed since the last call. */
  take(): string[] {
    return this.log.splice(0);
  }

  /** Signed on in programming mode; the clock of the bench stands at 1 s. */
  programming(): this {
    this.say(REQUEST).pass(500).say(`${ACK}051\r\n`).pass(500).take();
    return this;
  }

  /** The answer to a command 200 ms later. */
  ask(text: string): string | undefined {
    this.say(text).pass(199);
    expect(this.take()).toEqual([]);
    this.pass(1);
    const [answer, ...more] = this.take().map((line) => line.slice(line.indexOf(" ") + 1));
    expect(more).toEqual([]);
    return answer;
  }
}

describe("sign-on and readout", () => {
  test("mode C: identification after 200 ms at 300, change at the option, data with their check at 9600", () => {
    const b = new Bench().say(REQUEST).pass(1000);
    expect(b.take()).toEqual(["200 /MWK5test\r\n"]);
    b.say(`${ACK}050\r\n`).pass(500);
    expect(b.take()).toEqual(["1000 baud 9600", `1200 ${block(DATA)}`]);
    // 1.5 s after the data have left, the meter is back at 300 for the next reader.
    b.pass(2000);
    expect(b.take()).toEqual([`${1200 + Math.ceil((block(DATA).length * 10_000) / 9.6) / 1000 + 1500} baud 300`]);
    expect(b.server.nextWake()).toBe(Number.POSITIVE_INFINITY);
  });

  test("a meter whose sign-on is at 9600 returns there, and its mode B waits for that rate", () => {
    const b = new Bench({ signOnBaud: 9600, baud: 4800 }).say(REQUEST).pass(500).say(`${ACK}040\r\n`).pass(300);
    b.say(ACK);
    expect(b.take().filter((line) => line.includes("baud"))).toEqual(["500 baud 4800", "800 baud 9600"]);
    const fast = new Bench({ mode: "B", signOnBaud: 9600, baud: 19_200 }).say(REQUEST).pass(500);
    // Eleven characters of ten bits at 9600 and the reaction time.
    expect(fast.take().at(-1)).toMatch(/^411\.4\d* .1\.8\.0/);
  });

  test("a reader may stay at 300", () => {
    const b = new Bench().say(REQUEST).pass(500).say(`${ACK}000\r\n`).pass(200);
    expect(b.take().slice(1)).toEqual(["500 baud 300", `700 ${block(DATA)}`]);
  });

  test("NAK repeats the data, three times at most; ACK lets the meter go", () => {
    const b = new Bench().say(REQUEST).pass(500).say(`${ACK}050\r\n`).pass(300);
    b.take();
    for (let i = 0; i < 3; i++) expect(b.ask(NAK)).toBe(block(DATA));
    b.say(NAK).pass(300);
    expect(b.take()).toEqual([]);
    b.say(ACK).pass(1);
    expect(b.take().map((line) => line.replace(/^\S+ /, ""))).toEqual(["baud 300"]);
  });

  test("without an option in time, or with one that it does not speak, the data come as in mode A at 300", () => {
    const silent = new Bench().say(REQUEST).pass(5000);
    // The identification is 11 characters, the option 6: 17 × 33.3 ms, and 1.5 s.
    expect(silent.take()).toEqual(["200 /MWK5test\r\n", `2266.667 ${DATA}`]);
    for (const option of ["250", "056", "0A0", "060", "080"]) {
      const b = new Bench().say(REQUEST).pass(500).say(`${ACK}${option}\r\n`).pass(5000);
      expect(b.take()).toEqual(["200 /MWK5test\r\n", `700 ${DATA}`]);
    }
  });

  test("mode A: data right behind the identification", () => {
    const b = new Bench({ mode: "A", baud: 300 }).say(REQUEST).pass(3000);
    expect(b.take()).toEqual(["200 /MWK-test\r\n", `200 ${DATA}`]);
  });

  test("mode B: the change without an option, once the identification has left the line", () => {
    const b = new Bench({ mode: "B" }).say(REQUEST).pass(3000);
    // 11 characters at 300 baud, and a reaction time.
    expect(b.take()).toEqual(["200 /MWKEtest\r\n", "200 baud 9600", `766.667 ${block(DATA)}`]);
  });

  test("address: own with leading zeros, another's, none", () => {
    expect(new Bench().ask("/?0001234!\r\n")).toBe("/MWK5test\r\n");
    expect(new Bench().ask("/?1235!\r\n")).toBeUndefined();
    const b = new Bench().say("/?1235!\r\n").pass(100).say(`${ACK}050\r\n`).pass(5000);
    expect(b.take()).toEqual([]);
  });

  test("a wake-up string, noise and a broken request before the request", () => {
    expect(new Bench().say("\0\0\0\x7f/?12\xff/?1/").ask(REQUEST)).toBe("/MWK5test\r\n");
    expect(new Bench().say("/?!\r").pass(1600).ask("\n")).toBeUndefined();
  });

  test("a request in the middle of anything begins anew at 300", () => {
    const b = new Bench().programming().say(REQUEST).pass(300);
    expect(b.take()).toEqual(["1000 baud 300", "1200 /MWK5test\r\n"]);
  });

  test("on a port set to 8N1 the parity bit is handled here", () => {
    const b = new Bench({ parity: "even" });
    // The request, and the identification, with even parity worked out outside; then one with a wrong bit.
    b.say("\xaf\x3f\x21\x8d\x0a").pass(200);
    expect(b.take()).toEqual(["200 \xaf\x4d\xd7\x4b\x35\x74\x65\xf3\x74\x8d\x0a"]);
    b.say("\x2f\x3f\x21\x8d\x0a").pass(1000);
    expect(b.take()).toEqual([]);
  });
});

describe("programming mode", () => {
  test("the operand, then commands at the new rate", () => {
    const b = new Bench().say(REQUEST).pass(500).say(`${ACK}051\r\n`).pass(500);
    expect(b.take().slice(1)).toEqual(["500 baud 9600", `700 ${block("()", "P0")}`]);
  });

  test("reads need no password", () => {
    const b = new Bench().programming();
    for (const command of ["R1", "R5"]) expect(b.ask(block("1.8.0()", command))).toBe(block("1.8.0(001846.0*kWh)"));
    expect(b.ask(block("9.9.9()", "R1"))).toBe(block("(ER01)"));
  });

  test("writes need it", () => {
    const b = new Bench().programming();
    expect(b.ask(block("0.9.1(123456)", "W1"))).toBe(block("(ER03)"));
    expect(b.meter.clock).toBe("");
    expect(b.ask(block("(00000001)", "P1"))).toBe(ACK);
    expect(b.ask(block("0.9.1(123456)", "W5"))).toBe(ACK);
    expect(b.meter.clock).toBe("123456");
    expect(b.ask(block("1.8.0(0)", "W1"))).toBe(block("(ER01)"));
  });

  test("P2 opens too: an empty operand leaves the password as it is", () => {
    const b = new Bench().programming();
    expect(b.ask(block("(00000001)", "P2"))).toBe(ACK);
    expect(b.ask(block("0.9.1(123456)", "W1"))).toBe(ACK);
  });

  test("a wrong password closes again, three end the session", () => {
    const b = new Bench().programming();
    b.ask(block("(00000001)", "P1"));
    expect(b.ask(block("(1)", "P1"))).toBe(block("(ER05)"));
    expect(b.ask(block("0.9.1(1)", "W1"))).toBe(block("(ER03)"));
    expect(b.ask(block("(2)", "P1"))).toBe(block("(ER05)"));
    b.say(block("(3)", "P1")).pass(300);
    expect(b.take().map((line) => line.replace(/^\S+ /, ""))).toEqual([BREAK, "baud 300"]);
    expect(b.ask(block("1.8.0()", "R1"))).toBeUndefined();
  });

  test("a wrong check character gets NAK and nothing is done; NAK to us repeats the answer", () => {
    const b = new Bench().programming();
    b.ask(block("(00000001)", "P1"));
    const write = block("0.9.1(123456)", "W1");
    expect(b.ask(`${write.slice(0, -1)}!`)).toBe(NAK);
    expect(b.meter.clock).toBe("");
    b.ask(block("1.8.0()", "R1"));
    expect(b.ask(NAK)).toBe(block("1.8.0(001846.0*kWh)"));
  });

  test.each([
    [block("(1)", "P2"), "(ER05)"],
    [block("1.8.0()", "R2"), "(ER04)"],
    [block("1.8.0(1)", "W2"), "(ER04)"],
    [block("1.8.0()", "E2"), "(ER04)"],
    [block("1.8.0", "R1"), "(ER02)"],
    [block("", "P1"), "(ER02)"],
    [block("1(2)3(4)", "W1"), "(ER02)"],
  ])("%j is refused", (command, error) => {
    expect(new Bench().programming().ask(command)).toBe(block(error));
  });

  test("the break ends it at once and without an answer", () => {
    const b = new Bench().programming().say(BREAK).pass(1000);
    expect(b.take()).toEqual(["1000 baud 300"]);
  });

  test("90 s without a command end it; the password does not outlive it", () => {
    const b = new Bench().programming();
    b.ask(block("(00000001)", "P1"));
    b.pass(90_001).pass(10);
    expect(b.take().map((line) => line.replace(/^\S+ /, ""))).toEqual(["baud 300"]);
    b.programming();
    expect(b.ask(block("0.9.1(1)", "W1"))).toBe(block("(ER03)"));
  });

  test("its own messages, echoed by the optical head, are no commands", () => {
    const b = new Bench().programming();
    for (const echo of [block("()", "P0"), block("1.8.0(1*kWh)"), ACK]) expect(b.ask(echo)).toBeUndefined();
  });

  test("a pause of 1.5 s inside a command forgets its beginning", () => {
    const b = new Bench().programming();
    const read = block("1.8.0()", "R1");
    b.say(read.slice(0, 6)).pass(1500);
    expect(b.ask(read.slice(6))).toBeUndefined();
    expect(b.ask(read)).toBe(block("1.8.0(001846.0*kWh)"));
  });

  test.each(["A", "B"] as const)("mode %s: commands may follow the readout", (mode) => {
    const b = new Bench({ mode, baud: mode === "A" ? 300 : 9600 }).say(REQUEST).pass(3000);
    b.take();
    expect(b.ask(block("(00000001)", "P1"))).toBe(ACK);
    expect(b.ask(block("0.9.1(1)", "W1"))).toBe(ACK);
  });
});
