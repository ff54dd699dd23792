/** A burst of 1,000 characters of garbage before, between and after messages costs those it touches: meter and reader. */
import { describe, expect, test } from "vitest";
import { Iec62056Reader, type ReaderEffect, type ReaderResult } from "../../../protocols/iec62056-21/client.ts";
import type { DataSet } from "../../../protocols/iec62056-21/dataset.ts";
import { Iec62056Server, type Iec62056ServerEffect } from "../../../protocols/iec62056-21/server.ts";
import { Random } from "../../../src/core/random.ts";
import { ascii, block, latin, ZMD120, ZMD120_IDENT } from "./vectors.ts";

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);
const REQUEST = "/?!\r\n";
const IDENT = "/MWK5test\r\n";
const DATA = "1.8.0(001846.0*kWh)\r\n!\r\n";
const ACK = "\x06";
const NAK = "\x15";
const P0 = block("()", "P0");
/**
 * What begins messages, and their digits. No NAK, which in a session is a message of its own ("say it again"); and of the letters only
 * R, since a "/" with three of them is an identification, of mode A, whose data has no check that could be wrong.
 */
const ALPHABET = [..."/?5\r\n()*.0R1\x01\x02\x06"];

/** Any characters but NAK on even seeds, those of messages on odd ones; none that make a whole block. */
function garbage(random: Random, seed: number): string {
  const any = () => String.fromCharCode(random.below(128)).replace(NAK, "\x00");
  for (;;) {
    const text = Array.from({ length: 1_000 }, () => (seed % 2 === 0 ? any() : random.pick(ALPHABET))).join("");
    if (!holdsBlock(text)) return text;
  }
}

/** Whether its check of seven bits lets a block of the text pass, as one in 128 does: then it is no garbage to anybody. */
function holdsBlock(text: string): boolean {
  for (let end = text.indexOf("\x03"); end >= 0; end = text.indexOf("\x03", end + 1)) {
    let check = 0;
    for (let at = end; at >= 0; at--) {
      if (text[at] === "\x01" || text[at] === "\x02") if (check === text.charCodeAt(end + 1)) return true;
      check ^= text.charCodeAt(at);
    }
  }
  return false;
}

class Meter {
  readonly written: string[] = [];
  readonly #said: string[] = [];
  readonly #server: Iec62056Server;
  #now = 0;

  constructor() {
    const registers: readonly DataSet[] = [{ address: "1.8.0", groups: [{ value: "001846.0", unit: "kWh" }] }];
    const options = { mode: "C", baud: 9600, manufacturer: "MWK", ident: "test", address: "1234" } as const;
    this.#server = new Iec62056Server(options, {
      admit: (password) => (password === "00000001" ? undefined : "wrong-password"),
      readout: () => registers,
      read: (address) => (address === "1.8.0" ? registers[0] : undefined),
      write: (address) => {
        this.written.push(address);
        return undefined;
      },
    });
  }

  #note(effects: readonly Iec62056ServerEffect[]): void {
    for (const e of effects) if (e.kind === "send") this.#said.push(latin(e.bytes));
  }

  /** Says it, waits, and tells what the meter said. */
  tell(text: string, seconds: number): string[] {
    this.#note(this.#server.receive(ascii(text), this.#now));
    const until = this.#now + seconds * 1e6;
    while (this.#server.nextWake() <= until) {
      this.#now = Math.max(this.#now, this.#server.nextWake());
      this.#note(this.#server.wake(this.#now));
    }
    this.#now = until;
    return this.#said.splice(0);
  }
}

describe("meter", () => {
  test("garbage before a sign-on costs none, and is never answered", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const meter = new Meter();
      for (let round = 0; round < 3; round++) {
        expect([seed, meter.tell(garbage(random, seed), 2)]).toEqual([seed, []]);
        expect([seed, meter.tell(REQUEST, 0.5)]).toEqual([seed, [IDENT]]);
        // Nobody chooses, and the meter gives its data at 300 without a check.
        expect(meter.tell("", 10)).toEqual([DATA]);
      }
    }
  });

  test("garbage up against a request, over a part of it, or for a choice costs no more than that sign-on", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const meter = new Meter();
      const cut = random.between(1, REQUEST.length - 1);
      const junk = () => garbage(random, seed);
      const touched = [junk() + REQUEST, REQUEST + junk(), REQUEST.slice(0, cut) + junk() + REQUEST.slice(cut)];
      for (const text of touched) {
        meter.tell(text, 30);
        expect([seed, meter.tell(REQUEST, 0.5)]).toEqual([seed, [IDENT]]);
        meter.tell(junk(), 30);
        expect([seed, meter.tell(REQUEST, 0.5)]).toEqual([seed, [IDENT]]);
        meter.tell("", 30);
      }
    }
  });

  test("garbage between the commands of a session costs none, and writes nothing", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const meter = new Meter();
      meter.tell(REQUEST, 0.5);
      expect(meter.tell(`${ACK}051\r\n`, 0.5)).toEqual([P0]);
      expect(meter.tell(block("(00000001)", "P1"), 0.5)).toEqual([ACK]);
      for (let round = 0; round < 3; round++) {
        // What looks like a block with a wrong check is refused, or asked for again.
        const answers = meter.tell(garbage(random, seed), 2);
        for (const answer of answers)
          expect([seed, [NAK, block("(ERR01)")]]).toEqual([seed, expect.arrayContaining([answer])]);
        expect([seed, meter.tell(block("1.8.0()", "R1"), 0.5)]).toEqual([seed, [block("1.8.0(001846.0*kWh)")]]);
      }
      expect(meter.written).toEqual([]);
    }
  });
});

describe("reader", () => {
  /** A readout of a captured meter that repeats itself when asked; garbage comes before and behind its first messages. */
  function readout(seed: number): ReaderResult | undefined {
    const random = new Random(seed);
    const reader = new Iec62056Reader({});
    let result: ReaderResult | undefined;
    let said = "";
    const note = (effects: readonly ReaderEffect[]) => {
      for (const e of effects) {
        if (e.kind === "done") result = e.result;
        else if (e.kind === "send") said = latin(e.bytes);
      }
    };
    const bursts = new Set(["identification", "data"]);
    const junk = (about: string) => (bursts.delete(about) ? garbage(random, seed) : "");
    let now = 0;
    reader.linkUp();
    note(reader.submit(7, { kind: "readout" }, 0));
    for (let step = 0; step < 400 && result === undefined; step++) {
      now += 100_000;
      if (reader.nextWake() <= now) note(reader.wake(now));
      const [asked, about] = [said, said === REQUEST ? "identification" : "data"];
      if (asked === "") continue;
      said = "";
      now += 250_000;
      note(reader.receive(ascii(junk(about)), now));
      now += 50_000;
      note(reader.receive(ascii(asked === REQUEST ? ZMD120_IDENT : block(ZMD120)), now));
    }
    return result;
  }

  test("garbage before the identification and before the data costs repeats at most", () => {
    for (const seed of SEEDS) {
      const result = readout(seed);
      expect([seed, result]).toMatchObject([seed, { ok: true, value: { checked: true } }]);
      if (result?.ok) expect(result.value.sets).toHaveLength(8);
    }
  });
});
