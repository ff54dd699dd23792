/** The bare chips on TCP, asked with bytes written by hand; expected values by the makers' formulas and the `ready` line. */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Program, runCli, startCli } from "../programs.ts";

const LOAD = ["--tcp", "127.0.0.1:0", "--mains", "230", "--current", "5", "--pf", "0.5L", "--seed", "1"];

/** A chip on a free port, and one connection to it. */
class Wire {
  readonly ready: string;
  readonly #program: Program;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);

  private constructor(program: Program, socket: Socket) {
    this.ready = program.ready;
    this.#program = program;
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
  }

  static async to(chip: string): Promise<Wire> {
    const program = await startCli(["chip", chip, ...LOAD], { timeoutMs: 30_000 });
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(program.ready)?.[1]);
    return new Wire(program, connect(port, "127.0.0.1"));
  }

  /** Sends hex, waits for `count` bytes, gives them as hex. */
  async ask(hex: string, count: number): Promise<string> {
    this.#received = Buffer.alloc(0);
    this.#socket.write(Buffer.from(hex.replaceAll(" ", ""), "hex"));
    for (let i = 0; i < 500 && this.#received.length < count; i++) await new Promise((r) => setTimeout(r, 10));
    return this.#received.toString("hex");
  }

  /** Asks until two windows of the core are through: the first begins inside a cycle. */
  async settled(ask: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 100 && !(await ask()); i++) await new Promise((r) => setTimeout(r, 50));
  }

  async end(): Promise<number | null> {
    this.#socket.destroy();
    return this.#program.stop();
  }
}

describe("rn8209c", () => {
  let wire: Wire;
  beforeAll(async () => {
    wire = await Wire.to("rn8209c");
  });
  afterAll(async () => {
    expect(await wire.end()).toBe(0);
  });

  test("the ready line has volts and amperes at full scale", () => {
    expect(wire.ready).toMatch(/^ready 127\.0\.0\.1:\d+ full scale 530\.330 V 88\.388 A rms$/);
  });

  test("set up as the maker's driver does it, it shows U, P and Q of 230 V, 5 A, 0.5L", async () => {
    expect(await wire.ask("7f", 4)).toBe("820900f5");
    expect(await wire.ask("eae53043", 2)).toBe("10ac");
    expect(await wire.ask("80000f7000", 3)).toBe("000ff0"); // SYSCON 000F, read back
    await wire.settled(async () => {
      const u = Number.parseInt((await wire.ask("24", 4)).slice(0, 6), 16);
      return Math.abs(u - 2_572_506) < 100;
    });
    await new Promise((r) => setTimeout(r, 450));
    const p = Number.parseInt((await wire.ask("26", 5)).slice(0, 8), 16);
    const q = Number.parseInt((await wire.ask("28", 5)).slice(0, 8), 16);
    expect(Math.abs(p - 13_171_233)).toBeLessThan(500);
    expect(Math.abs(q - 22_813_245)).toBeLessThan(500);
  });
});

describe("ade9000", () => {
  let wire: Wire;
  beforeAll(async () => {
    wire = await Wire.to("ade9000");
  });
  afterAll(async () => {
    expect(await wire.end()).toBe(0);
  });

  test("the ready line has volts and amperes at full scale", () => {
    expect(wire.ready).toMatch(/^ready 127\.0\.0\.1:\d+ full scale 566\.393 V 212\.132 A rms$/);
  });

  test("length-prefixed transfers: RUN, then voltage and power of phase A", async () => {
    expect(await wire.ask("0004 4a48 0000", 4)).toBe("00000063");
    expect(await wire.ask("0004 4800 0001", 4)).toBe("00000000");
    await wire.settled(async () => {
      const v = Number.parseInt((await wire.ask("0006 20d8 00000000", 6)).slice(4), 16);
      return Math.abs(v - 21_401_202) < 1_000;
    });
    await new Promise((r) => setTimeout(r, 450));
    const watt = Number.parseInt((await wire.ask("0006 2108 00000000", 6)).slice(4), 16);
    const reactive = Number.parseInt((await wire.ask("0006 2118 00000000", 6)).slice(4), 16);
    expect(Math.abs(watt - 99_035)).toBeLessThan(10);
    expect(Math.abs(reactive - 171_534)).toBeLessThan(10);
  });
});

test.each([
  ["rn8209c", "meterworks-1p", 575],
  ["ade9000", "meterworks-3p", 1725],
])("a meter reads its measures from the %s: %s at 0.5L", async (chip, model, expected) => {
  const load = ["--mains", "230", "--current", "5", "--pf", "0.5L", "--seed", "1"];
  const on = ["--chip", chip, "--tcp", "127.0.0.1:0"];
  const meter = await startCli(["meter", "--model", model, ...on, ...load], { timeoutMs: 30_000 });
  try {
    const where = /127\.0\.0\.1:\d+/.exec(meter.ready)?.[0] ?? "";
    let watts = 0;
    for (let i = 0; i < 20 && Math.abs(watts - expected) > 0.1; i++) {
      const { stdout } = await runCli(["read", "--model", model, "--tcp", where, "--json"]);
      const rows = JSON.parse(stdout) as { obis: string; value: string }[];
      watts = Number(rows.find(({ obis }) => obis === "1-0:16.7.0")?.value);
    }
    expect(Math.abs(watts - expected)).toBeLessThan(0.1);
  } finally {
    await meter.stop();
  }
});

test("a meter says in one line where a chip can't be in it", async () => {
  const meter = (chip: string, ...args: readonly string[]) =>
    runCli(["meter", "--chip", chip, "--tcp", "127.0.0.1:0", ...args]);
  const three = await meter("rn8209c", "--model", "meterworks-3p");
  expect(three).toMatchObject({ code: 2 });
  expect(three.stderr).toMatch(/one phase, meterworks-3p has three; use --model meterworks-1p/);
  const one = await meter("ade9000", "--model", "meterworks-1p");
  expect(one).toMatchObject({ code: 2 });
  expect(one.stderr).toMatch(/three phases, meterworks-1p has one; use --model meterworks-3p/);
  const fast = await meter("rn8209c", "--model", "meterworks-1p", "--speed", "60");
  expect(fast).toMatchObject({ code: 2 });
  expect(fast.stderr).toMatch(/measures samples/);
  const late = await meter("ade9000", "--model", "meterworks-3p", "--speed", "60", "--fidelity", "sample");
  expect(late).toMatchObject({ code: 2 });
  expect(late.stderr).toMatch(/can't keep up at speed 60: 20 is the most; use a lower --speed/);
});

test("wrong usage is one line and exit 2", async () => {
  const noPlace = await runCli(["chip", "rn8209c"]);
  expect(noPlace).toMatchObject({ code: 2 });
  expect(noPlace.stderr).toMatch(/--tcp is missing; .*127\.0\.0\.1:8209/);
  const unknown = await runCli(["chip", "ade7953", "--tcp", "127.0.0.1:0"]);
  expect(unknown).toMatchObject({ code: 2 });
  expect(unknown.stderr).toMatch(/rn8209c, ade9000/);
});
