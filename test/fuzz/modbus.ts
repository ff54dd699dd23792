/** Seeded junk against every Modbus parser: it must not throw, grow, execute what nobody sent, or stay deaf afterwards. */
import { asciiFrame, LF, MAX_ASCII_ADU } from "../../protocols/modbus/ascii.ts";
import { ModbusClient } from "../../protocols/modbus/client.ts";
import { MAX_RTU_ADU, putCrc } from "../../protocols/modbus/frame.ts";
import type { ModbusRequest } from "../../protocols/modbus/message.ts";
import {
  type ModbusDataModel,
  ModbusSerialServer,
  ModbusTcpServerSession,
  type SerialFraming,
} from "../../protocols/modbus/server.ts";
import { rtuTiming } from "../../protocols/modbus/timing.ts";
import { Random } from "../../src/core/random.ts";

const UNIT = 5;
const READ = [UNIT, 3, 0, 1, 0, 1];
const RESTART = [UNIT, 8, 0, 1, 0, 0];
const REQUESTS: readonly ModbusRequest[] = [
  { function: 3, address: 0, quantity: 2 },
  { function: 17 },
  { function: 43, code: 3, object: 0 },
  { function: 12 },
];

function withCrc(body: readonly number[]): Uint8Array {
  const frame = Uint8Array.of(...body, 0, 0);
  putCrc(frame, 0, body.length);
  return frame;
}

function fail(what: string, seed: number, input: number): never {
  throw new Error(`modbus fuzz: ${what} (seed ${seed}, input ${input})`);
}

/** Mostly things that look like frames: mutated, cut, glued, with good and bad CRCs. */
function burst(random: Random): Uint8Array {
  const bytes: number[] = [];
  for (let part = random.between(1, 4); part > 0; part--) {
    const body = [
      random.pick([0, UNIT, UNIT, 3, 200]),
      random.pick([1, 2, 3, 4, 5, 6, 7, 8, 0x0b, 0x0c, 15, 16, 0x11, 0x16, 0x17, 0x2b, 0x83, random.below(256)]),
    ];
    const length = random.chance(1, 10) ? random.below(600) : random.below(14);
    for (let i = 0; i < length; i++) body.push(random.chance(1, 2) ? random.below(4) : random.below(256));
    const frame = random.chance(2, 3) ? [...withCrc(body)] : body;
    if (random.chance(1, 4)) frame.splice(random.below(frame.length), random.between(1, 3));
    if (random.chance(1, 4)) frame[random.below(frame.length)] = random.below(256);
    bytes.push(...frame);
  }
  return Uint8Array.from(bytes);
}

function chunks(random: Random, bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + (random.chance(1, 3) ? bytes.length : random.between(1, 20)));
    parts.push(bytes.subarray(from, to));
    from = to;
  }
  return parts;
}

/** As {@link burst}, as ASCII: good and bad LRCs, foreign characters, second colons, cut and missing ends. */
function asciiBurst(random: Random): Uint8Array {
  const characters: number[] = [];
  for (let part = random.between(1, 4); part > 0; part--) {
    const body = [...burst(random)].slice(0, 256);
    const frame = [...asciiFrame(Uint8Array.from(body), body.length, LF)];
    if (random.chance(1, 4)) frame.splice(random.below(frame.length), random.between(1, 3));
    if (random.chance(1, 4)) frame[random.below(frame.length)] = random.pick([0x3a, 0x0d, 0x0a, random.below(256)]);
    characters.push(...frame);
  }
  return Uint8Array.from(characters);
}

class CheckedModel implements ModbusDataModel {
  readonly serverId = Uint8Array.of(1, 0xff, 0x41);
  readonly objects = new Map([0, 1, 2, 4, 0x80, 0xff].map((id) => [id, new Uint8Array(1 + 40 * (id & 7)).fill(id)]));
  exceptionStatus(): number {
    return 0x55;
  }
  readRegisters(_table: unknown, address: number, quantity: number, out: Uint8Array, at: number): number {
    return this.check(address, quantity, 125, out, at, 2 * quantity);
  }
  readBits(_table: unknown, address: number, quantity: number, out: Uint8Array, at: number): number {
    return this.check(address, quantity, 2000, out, at, (quantity + 7) >> 3);
  }
  writeRegisters(address: number, quantity: number, bytes: Uint8Array, at: number): number {
    return this.check(address, quantity, 123, bytes, at, 2 * quantity);
  }
  writeBits(address: number, quantity: number, bytes: Uint8Array, at: number): number {
    return this.check(address, quantity, 1968, bytes, at, (quantity + 7) >> 3);
  }
  check(address: number, quantity: number, limit: number, bytes: Uint8Array, at: number, length: number): number {
    if (quantity < 1 || quantity > limit || address + quantity > 65_536 || at + length > bytes.length)
      throw new Error(`the model was asked for ${quantity} at ${address}`);
    return address > 0x300 ? 2 : 0;
  }
}

/** What differs between the two framings of a serial line. */
interface Line {
  readonly framing: SerialFraming;
  readonly junk: (random: Random) => Uint8Array;
  readonly probe: Uint8Array;
  readonly longest: number;
  /** What a restart of the line's communications looks like: it ends listen-only mode, which junk may have set. */
  readonly restart: Uint8Array;
  readonly answers: (reply: Uint8Array) => boolean;
}

function rtu(random: Random): Line {
  const timing = rtuTiming(random.pick([1200, 9600, 115_200]), { byteTimes: random.chance(1, 4) });
  return {
    framing: { framing: "rtu", timing },
    junk: burst,
    probe: withCrc(READ),
    longest: MAX_RTU_ADU,
    restart: withCrc(RESTART),
    answers: (reply) => reply[1] === 3,
  };
}

function ascii(): Line {
  return {
    framing: { framing: "ascii", timing: { baud: 9600 } },
    junk: asciiBurst,
    probe: asciiFrame(Uint8Array.from(READ), READ.length, LF),
    longest: MAX_ASCII_ADU,
    restart: asciiFrame(Uint8Array.from(RESTART), RESTART.length, LF),
    answers: (reply) => String.fromCharCode(...reply.subarray(3, 5)) === "03",
  };
}

function fuzzSerialServer(line: Line, random: Random, seed: number, input: number): void {
  const server = new ModbusSerialServer(UNIT, new CheckedModel(), line.framing);
  let now = 0;
  const settle = () => {
    let last: Uint8Array | undefined;
    for (let guard = 0; server.nextWake() !== Number.POSITIVE_INFINITY; guard++) {
      if (guard > 10) fail("the server wants to be woken for ever", seed, input);
      now = server.nextWake();
      last = server.wake(now) ?? last;
      if (last !== undefined && last.length > line.longest) fail("a reply is too long", seed, input);
    }
    return last;
  };
  for (const part of chunks(random, line.junk(random))) {
    now += random.between(0, 12_000);
    if (now >= server.nextWake()) server.wake(now);
    server.receive(part, now);
  }
  settle();
  for (const frame of [line.restart, line.probe]) {
    now += 2_000_000;
    server.receive(frame, now);
    const reply = settle();
    if (frame === line.probe && (reply === undefined || !line.answers(reply)))
      fail(`the ${line.framing.framing} server is deaf after junk`, seed, input);
  }
}

function fuzzTcp(random: Random, seed: number, input: number): void {
  const session = new ModbusTcpServerSession(() => new CheckedModel());
  const client = new ModbusClient({ framing: "tcp", responseTimeout: 1_000, maxInFlight: 3 });
  client.linkUp(0);
  for (let ticket = 0; ticket < 5; ticket++) client.submit(ticket, UNIT, { function: 3, address: 0, quantity: 2 }, 0);
  const bytes: number[] = [];
  for (let part = random.between(1, 4); part > 0; part--) {
    const pdu = [...burst(random)].slice(1, 254);
    const count = random.chance(1, 10) ? random.below(65_536) : pdu.length + 1;
    bytes.push(0, random.below(5), 0, random.chance(1, 8) ? 1 : 0, count >> 8, count & 255, UNIT, ...pdu);
  }
  for (const part of chunks(random, Uint8Array.from(bytes))) {
    const served = session.receive(part);
    if ((served.reply?.length ?? 0) > 260 * (1 + part.length)) fail("more replies than requests", seed, input);
    client.receive(part, 1);
  }
  finish(client, seed, input);
}

function fuzzSerialClient(line: Line, random: Random, seed: number, input: number): void {
  const client = new ModbusClient({ ...line.framing, responseTimeout: 50_000 });
  client.linkUp(0);
  for (const [ticket, request] of REQUESTS.entries()) client.submit(ticket, UNIT, request, 40_000);
  let now = 50_000;
  for (const part of chunks(random, line.junk(random))) {
    now += random.between(0, 12_000);
    if (now >= client.nextWake()) client.wake(now);
    client.receive(part, now);
  }
  finish(client, seed, input);
}

/** Whatever came, every request ends. */
function finish(client: ModbusClient, seed: number, input: number): void {
  for (let guard = 0; client.outstanding > 0; guard++) {
    if (guard > 50) fail("a request never ends", seed, input);
    client.wake(client.nextWake());
  }
}

/** Runs `inputs` cases; throws with the seed and the input on the first that fails. */
export function fuzzModbus(seed: number, inputs: number): void {
  for (let input = 0; input < inputs; input++) {
    const random = new Random(seed).fork(`modbus ${input}`);
    for (const line of [rtu(random), ascii()]) {
      fuzzSerialServer(line, random, seed, input);
      fuzzSerialClient(line, random, seed, input);
    }
    fuzzTcp(random, seed, input);
  }
}
