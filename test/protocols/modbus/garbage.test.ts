/**
 * A burst of 1,000 bytes of garbage before, between and after frames costs the frames it touches and no other: RTU with byte
 * times and in lumps, ASCII, both sides of each; and Modbus TCP, where it costs the connection.
 */
import { describe, expect, test } from "vitest";
import { type ClientEffect, ModbusClient } from "../../../protocols/modbus/client.ts";
import { ModbusSerialServer, ModbusTcpServerSession, type SerialFraming } from "../../../protocols/modbus/server.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { Random } from "../../../src/core/random.ts";
import { hex, join, MemoryDevice, rtu, show } from "./support.ts";

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);
const GARBAGE = 1_000;
/** Silence after which a host has handed over all it had. */
const SILENCE = 50_000;
const TIMEOUT = 500_000;
/** The longest lump of a USB adapter, and the time between two. */
const LUMP = 62;
const LUMP_EVERY = 16_000;

const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

interface Line {
  readonly framing: SerialFraming;
  /** Bytes that come at once, and the µs until the next. */
  readonly lump: number;
  readonly every: number;
  /** Unit 5 reads two registers from 1. */
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
  /** What frames of this line are made of, so that garbage looks like them. */
  readonly alphabet: readonly number[];
}

const RTU = { request: rtu("05 03 0001 0002"), reply: rtu("05 03 04 0001 0002"), alphabet: [5, 3, 0, 1, 2, 4, 8, 16] };
const LINES: readonly (readonly [string, Line])[] = [
  [
    "RTU with byte times",
    { ...RTU, framing: { framing: "rtu", timing: rtuTiming(9600, { byteTimes: true }) }, lump: 1, every: 1_146 },
  ],
  ["RTU in lumps", { ...RTU, framing: { framing: "rtu", timing: rtuTiming(9600) }, lump: LUMP, every: LUMP_EVERY }],
  [
    "ASCII",
    {
      ...{ framing: { framing: "ascii", timing: { baud: 9600 } }, lump: LUMP, every: LUMP_EVERY },
      ...{ request: ascii(":050300010002F5\r\n"), reply: ascii(":05030400010002F1\r\n") },
      alphabet: [...ascii(":050300012FF\r\n:")],
    },
  ],
];

/** Any bytes on even seeds, bytes of frames on odd ones. */
function garbage(random: Random, seed: number, { alphabet }: Line, length = GARBAGE): Uint8Array {
  return Uint8Array.from({ length }, () => (seed % 2 === 0 ? random.below(256) : random.pick(alphabet)));
}

/** Time, and bytes that come in it as the line gives them; `woken` is what wakes do. */
abstract class Clock {
  now = 1_000_000;
  readonly line: Line;

  constructor(line: Line) {
    this.line = line;
  }

  abstract take(bytes: Uint8Array): void;
  abstract nextWake(): number;
  abstract wake(): void;

  pass(micros: number): this {
    const until = this.now + micros;
    while (this.nextWake() <= until) {
      this.now = Math.max(this.now, this.nextWake());
      this.wake();
    }
    this.now = until;
    return this;
  }

  hear(bytes: Uint8Array): this {
    const { lump, every } = this.line;
    for (let from = 0; from < bytes.length; from += lump) this.pass(every).take(bytes.subarray(from, from + lump));
    return this;
  }
}

class ServerBench extends Clock {
  readonly device = new MemoryDevice();
  readonly #server: ModbusSerialServer;
  readonly #replies: string[] = [];

  constructor(line: Line) {
    super(line);
    this.#server = new ModbusSerialServer(5, this.device, line.framing);
  }

  take(bytes: Uint8Array): void {
    this.#server.receive(bytes, this.now);
  }
  nextWake(): number {
    return this.#server.nextWake();
  }
  wake(): void {
    const reply = this.#server.wake(this.now);
    if (reply !== undefined) this.#replies.push(show(reply) ?? "");
  }

  /** What was said since the last call. */
  said(): string[] {
    return this.#replies.splice(0);
  }
}

class ClientBench extends Clock {
  readonly #client: ModbusClient;
  readonly #ends: string[] = [];
  sent = 0;

  constructor(line: Line) {
    super(line);
    this.#client = new ModbusClient({ ...line.framing, responseTimeout: TIMEOUT });
    this.#note(this.#client.linkUp(this.now));
    this.pass(SILENCE);
  }

  #note(effects: readonly ClientEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") this.sent += 1;
      else this.#ends.push(effect.result.ok ? (show(effect.result.value.data) ?? "") : effect.result.error.kind);
    }
  }

  take(bytes: Uint8Array): void {
    this.#note(this.#client.receive(bytes, this.now));
  }
  nextWake(): number {
    return this.#client.nextWake();
  }
  wake(): void {
    this.#note(this.#client.wake(this.now));
  }

  queue(): void {
    this.#note(this.#client.submit(1, 5, { function: 3, address: 1, quantity: 2 }, this.now));
  }

  /** Asks, and waits until the request has left. */
  ask(): this {
    const before = this.sent;
    this.queue();
    for (let guard = 0; this.sent === before; guard++) {
      expect(guard).toBeLessThan(1_000);
      this.pass(1_000);
    }
    return this.pass(20_000);
  }

  /** How requests ended since the last call. */
  ended(): string[] {
    return this.#ends.splice(0);
  }
}

describe.each(LINES)("%s", (_name, line) => {
  const good = show(line.reply);

  test("server: garbage that touches no request costs none, and is never answered", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const bench = new ServerBench(line);
      const said: string[][] = [];
      for (let round = 0; round < 3; round++) {
        bench.hear(garbage(random, seed, line)).pass(SILENCE);
        said.push(bench.said());
        bench.hear(line.request).pass(SILENCE);
        said.push(bench.said());
      }
      bench.hear(garbage(random, seed, line)).pass(SILENCE);
      said.push(bench.said());
      expect([seed, said]).toEqual([seed, [[], [good], [], [good], [], [good], []]]);
      expect(bench.device.writes).toBe(0);
    }
  });

  test("server: garbage up against a request, or over a part of it, costs that one", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const bench = new ServerBench(line);
      const cut = random.between(1, line.request.length - 1);
      const touched = [
        join(garbage(random, seed, line), line.request),
        join(line.request, garbage(random, seed, line)),
        join(line.request.subarray(0, cut), garbage(random, seed, line), line.request.subarray(cut)),
      ];
      for (const bytes of touched) {
        bench.hear(bytes).pass(SILENCE);
        for (const reply of bench.said()) expect(reply).toBe(good);
        bench.hear(line.request).pass(SILENCE);
        expect([seed, bench.said()]).toEqual([seed, [good]]);
      }
      expect(bench.device.writes).toBe(0);
    }
  });

  test("client: garbage before a request, between it and its reply, and after it costs nothing", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const bench = new ClientBench(line);
      for (let round = 0; round < 3; round++) {
        bench.hear(garbage(random, seed, line)).ask();
        // A tenth of the burst: all of it would take longer than the meter has for its reply.
        bench.hear(garbage(random, seed, line, GARBAGE / 10)).pass(SILENCE);
        bench.hear(line.reply).pass(SILENCE);
        expect([seed, bench.ended()]).toEqual([seed, ["00 01 00 02"]]);
        bench.hear(garbage(random, seed, line)).pass(SILENCE);
        expect([seed, bench.ended()]).toEqual([seed, []]);
      }
    }
  });

  test("client: garbage up against a reply, or over a part of it, costs that one and gives no other value", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const bench = new ClientBench(line);
      const cut = random.between(1, line.reply.length - 1);
      const touched = [
        join(garbage(random, seed, line), line.reply),
        join(line.reply, garbage(random, seed, line)),
        join(line.reply.subarray(0, cut), garbage(random, seed, line), line.reply.subarray(cut)),
      ];
      for (const bytes of touched) {
        bench
          .ask()
          .hear(bytes)
          .pass(2 * TIMEOUT);
        const [end, ...more] = bench.ended();
        expect(more).toEqual([]);
        expect(["00 01 00 02", "bad-reply", "timeout"]).toContain(end);
        bench.ask().hear(line.reply).pass(SILENCE);
        expect([seed, bench.ended()]).toEqual([seed, ["00 01 00 02"]]);
      }
    }
  });
});

test("ASCII client: a reply spoiled in its middle is waited out, the next request is not sent into its rest", () => {
  const line = LINES[2]?.[1] as Line;
  const bench = new ClientBench(line).ask();
  const sent = bench.sent;
  bench.take(ascii(":0503040\x0001"));
  bench.take(ascii("0002"));
  bench.queue();
  for (let i = 0; i < 20; i++) bench.pass(10_000).take(ascii("F1"));
  expect([bench.sent, bench.ended()]).toEqual([sent, []]);
  bench.pass(2 * TIMEOUT);
  expect(bench.sent).toBe(sent + 1);
  expect(bench.ended()[0]).toBe("bad-reply");
});

describe("TCP, which carries no garbage unless a peer is broken", () => {
  const read = hex("0007 0000 0006 01 03 0001 0002");
  const answer = "00 07 00 00 00 07 01 03 04 00 01 00 02";
  const reply = hex("0001 0000 0007 01 03 04 0001 0002");

  test("server: frames before it are answered, behind it the connection is closed and the next one is good", () => {
    const device = new MemoryDevice();
    let closed = 0;
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const junk = Uint8Array.from({ length: GARBAGE }, () => random.below(256));
      const session = new ModbusTcpServerSession(() => device);
      const { reply: said, close } = session.receive(join(read, junk));
      expect([seed, show(said)?.slice(0, answer.length)]).toEqual([seed, answer]);
      if (close !== undefined) closed += 1;
      expect(show(new ModbusTcpServerSession(() => device).receive(read).reply)).toBe(answer);
    }
    // A random length is good in one of 259 cases; behind a good one the next must be good too.
    expect(closed).toBeGreaterThan(SEEDS.length - 3);
    expect(device.writes).toBe(0);
  });

  test("client: it fails what is under way at once, and a new connection works", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const junk = Uint8Array.from({ length: GARBAGE }, () => random.below(256));
      const client = new ModbusClient({ framing: "tcp", responseTimeout: TIMEOUT });
      const ends = (effects: readonly ClientEffect[]) =>
        effects.flatMap((e) =>
          e.kind === "done" ? [e.result.ok ? show(e.result.value.data) : e.result.error.kind] : [],
        );
      const ask = () => client.submit(1, 1, { function: 3, address: 1, quantity: 2 }, 0);
      client.linkUp(0);
      ask();
      const failed = [...ends(client.receive(junk, 10)), ...ends(client.wake(TIMEOUT + 10))];
      expect([seed, failed.length, failed.every((end) => end === "bad-reply" || end === "timeout")]).toEqual([
        ...[seed, 1, true],
      ]);
      client.linkDown(TIMEOUT);
      client.linkUp(TIMEOUT);
      const [sent] = ask();
      const id = sent?.kind === "send" ? sent.bytes.subarray(0, 2) : expect.unreachable();
      expect(ends(client.receive(join(id, reply.subarray(2)), TIMEOUT + 10))).toEqual(["00 01 00 02"]);
    }
  });
});
