/** The reading of one IEC 62056-21 meter on a clock of the test's own. */
import { expect, test } from "vitest";
import { ReadoutOnce, type ReadoutOutcome, type ReadoutPlan } from "../../src/cli/read-iec62056.ts";
import { type LinkEffect, linkId } from "../../src/core/actor.ts";
import type { Now } from "../../src/core/time.ts";
import { ascii, block, DSMR5, EHZ, latin, ZMD120, ZMD120_IDENT } from "../protocols/iec62056-21/vectors.ts";

const LINK = linkId("test");
const PLAN: ReadoutPlan = {
  begin: "sign-on",
  thenListen: true,
  listenBaud: 300,
  patience: 12_000_000,
  linkPatience: 3_000_000,
  reader: {},
};

class Bench {
  readonly outcomes: ReadoutOutcome[] = [];
  readonly effects: LinkEffect[] = [];
  readonly reader: ReadoutOnce;
  micros = 0;

  constructor(plan: Partial<ReadoutPlan> = {}) {
    this.reader = new ReadoutOnce(LINK, { ...PLAN, ...plan }, (outcome) => this.outcomes.push(outcome));
  }

  get now(): Now {
    return { mono: this.micros, civil: this.micros } as Now;
  }

  open(): this {
    this.effects.push(...this.reader.handle({ kind: "opened", link: LINK }, this.now));
    return this;
  }

  hear(text: string): this {
    this.effects.push(...this.reader.handle({ kind: "bytes", link: LINK, bytes: ascii(text) }, this.now));
    return this;
  }

  pass(ms: number): this {
    const until = this.micros + ms * 1000;
    while (this.outcomes.length === 0 && this.reader.nextWake().mono <= until) {
      this.micros = Math.max(this.micros, this.reader.nextWake().mono);
      this.effects.push(...this.reader.wake(this.now));
    }
    this.micros = until;
    return this;
  }

  /** What the first outcome says. */
  get said(): unknown {
    const [outcome] = this.outcomes;
    return outcome?.ok ? outcome.values.activeEnergyImport : outcome?.reason;
  }

  sent(): string[] {
    return this.effects.flatMap((e) => (e.kind === "send" ? latin(e.bytes) : e.kind === "baud" ? `${e.rate}` : []));
  }
}

test("a sign-on is answered, and the rates are asked of the link", () => {
  const b = new Bench().open().pass(500).hear(ZMD120_IDENT).pass(500).hear(block(ZMD120));
  expect(b.said).toBe(1_846_000_000);
  expect(b.sent()).toEqual(["300", "/?!\r\n", "\x06050\r\n", "9600", "300"]);
});

test("a telegram pushed while we ask is taken at once, however it comes", () => {
  const b = new Bench().open().pass(100).hear(DSMR5);
  expect(b.said).toBe(773_454_000);
  const single = new Bench().open().pass(100);
  for (const character of DSMR5) single.hear(character);
  expect(single.said).toBe(773_454_000);
});

test("where nobody answers, a meter that pushes every ten seconds is heard; or the wait is told", () => {
  const b = new Bench().open().pass(11_000);
  expect(b.said).toBeUndefined();
  expect(b.hear(DSMR5).said).toBe(773_454_000);
  expect(new Bench().open().pass(40_000).said).toBe(
    "nobody answered the sign-on, and no telegram was pushed within 12 s",
  );
  const silent = new Bench({ thenListen: false }).open().pass(40_000);
  expect(silent.said).toBe("no reply in time: nobody answered the sign-on");
});

test("data of mode A, which looks like a telegram without its blank line, is waited for to the end", () => {
  const b = new Bench().open().pass(300).hear("/ABC-1\r\n").hear(ZMD120);
  expect(b.said).toBeUndefined();
  expect(b.pass(2_000).said).toBe(1_846_000_000);
});

test("listening asks nobody; a damaged telegram is the reason at the end", () => {
  const plan = { begin: "listen", listenBaud: 115_200 } as const;
  expect(new Bench(plan).open().hear(DSMR5).sent()).toEqual(["115200"]);
  expect(new Bench(plan).open().pass(13_000).said).toBe("no telegram was pushed within 12 s");
  expect(new Bench(plan).open().hear(DSMR5.replace("230.0", "231.0")).pass(13_000).said).toMatch(/the CRC is 4715/);
});

test("a meter that leaves its units out has sent nothing that may be guessed at, and it is shown", () => {
  const b = new Bench({ begin: "listen", listenBaud: 2400 }).open().hear(EHZ);
  expect(b.said).toBe(
    "the meter sent no known measure with its unit, only 1-0:0.0.0*255(331200-5009810) 1-0:1.8.1*255(032942.0231) " +
      "1-0:96.5.5*255(80) 0-0:96.1.255*255(0000680476)",
  );
});

test("a link that can't be had, or is lost, says why", () => {
  const lost = new Bench().open();
  lost.reader.handle({ kind: "closed", link: LINK, reason: "unplugged" }, lost.now);
  const effects = lost.reader.wake(lost.now);
  expect(effects).toEqual([]);
  expect(lost.said).toBe("the link is down: unplugged");
  expect(new Bench().pass(5_000).said).toBe("no connection");
});
