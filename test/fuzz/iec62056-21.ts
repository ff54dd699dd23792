/** Seeded junk against every IEC 62056-21 parser: no throw, no growth, no write that nobody sent, nobody deaf afterwards. */
import { Iec62056Reader, type ReaderEffect, type ReaderJob } from "../../protocols/iec62056-21/client.ts";
import { parseDataSets } from "../../protocols/iec62056-21/dataset.ts";
import { explainIec62056 } from "../../protocols/iec62056-21/explain.ts";
import { parseTelegram, TELEGRAM_LIMIT, TelegramStream } from "../../protocols/iec62056-21/p1.ts";
import { measuresOf, readingsOf } from "../../protocols/iec62056-21/readings.ts";
import { Scanner } from "../../protocols/iec62056-21/scanner.ts";
import { Iec62056Server, type Iec62056ServerEffect } from "../../protocols/iec62056-21/server.ts";
import { Random } from "../../src/core/random.ts";

const PASSWORD = "31415926";
const REQUEST = "/?!\r\n";
const DATA = "F.F(00)\r\n1.8.0(001846.0*kWh)\r\n!\r\n";
const LIMIT = 512;

function fail(what: string, seed: number, input: number): never {
  throw new Error(`iec62056-21 fuzz: ${what} (seed ${seed}, input ${input})`);
}

function block(command: string, data: string): string {
  const body = command === "" ? `${data}\x03` : `${command}\x02${data}\x03`;
  let check = 0;
  for (let i = 0; i < body.length; i++) check ^= body.charCodeAt(i);
  return `${command === "" ? "\x02" : "\x01"}${body}${String.fromCharCode(check)}`;
}

/** What the line may carry, none of which knows the password. */
const PIECES = [
  ...[
    REQUEST,
    "/?123!\r\n",
    "/LGZ52ZMD\r\n",
    "/ACE0\\3k260\r\n",
    "/ABCE1\r\n",
    "/ABC-1\r\n",
    "\x06050\r\n",
    "\x06051\r\n",
  ],
  ...["\x06", "\x15", "\x01B0\x03q", block("P0", "()"), block("P1", "(0)"), block("R1", "1.8.0()"), block("", DATA)],
  ...[
    block("W1", "0.9.1(123456)"),
    block("", "(ER01)"),
    DATA,
    "1-3:0.2.8(50)\r\n",
    "!4715\r\n",
    "(",
    ")",
    "*",
    "\x04A",
  ],
];

function burst(random: Random): Uint8Array {
  const bytes: number[] = [];
  for (let part = random.between(1, 6); part > 0; part--) {
    const piece = [...random.pick(PIECES)].map((character) => character.charCodeAt(0));
    if (random.chance(1, 4)) piece[random.below(piece.length)] = random.below(256);
    if (random.chance(1, 6)) piece.splice(random.below(piece.length), random.between(1, 4));
    if (random.chance(1, 6)) piece.push(...Array.from({ length: random.below(40) }, () => random.below(256)));
    bytes.push(...piece);
  }
  return Uint8Array.from(bytes);
}

function chunks(random: Random, bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + (random.chance(1, 2) ? bytes.length : random.between(1, 12)));
    parts.push(bytes.subarray(from, to));
    from = to;
  }
  return parts;
}

function fuzzServer(random: Random, seed: number, input: number): void {
  const mode = random.pick(["A", "B", "C"] as const);
  const set = { address: "1.8.0", groups: [{ value: "001846.0", unit: "kWh" }] };
  const server = new Iec62056Server(
    { mode, baud: mode === "A" ? 300 : 9600, manufacturer: "MWK", ident: "x", address: "7" },
    {
      admit: (password) => (password === PASSWORD ? undefined : "wrong-password"),
      readout: () => [set],
      read: () => set,
      write: () => fail("a write without its password was done", seed, input),
    },
  );
  let now = 0;
  let sent = 0;
  const note = (effects: readonly Iec62056ServerEffect[]) => {
    for (const effect of effects) if (effect.kind === "send") sent += effect.bytes.length;
  };
  let heard = 0;
  for (const part of chunks(random, burst(random))) {
    now += random.below(random.chance(1, 4) ? 2_000_000 : 300_000);
    note(server.receive(part, now));
    heard += part.length;
  }
  for (let guard = 0; server.nextWake() !== Number.POSITIVE_INFINITY; guard++) {
    if (guard > 20) fail("the meter wants to be woken for ever", seed, input);
    now = Math.max(now, server.nextWake());
    note(server.wake(now));
  }
  if (sent > 100 * (1 + heard)) fail("the meter says far more than it was asked", seed, input);
  sent = 0;
  note(server.receive(Uint8Array.from([...REQUEST].map((c) => c.charCodeAt(0))), now + 2_000_000));
  note(server.wake(now + 2_200_000));
  if (sent === 0) fail("the meter is deaf after junk", seed, input);
}

function fuzzReader(random: Random, seed: number, input: number): void {
  const reader = new Iec62056Reader({ retries: random.below(3) });
  const job = random.pick<ReaderJob>([
    { kind: "readout" },
    { kind: "session", password: "1", commands: [{ operation: "W1", address: "0.9.1", value: "1" }] },
    { kind: "listen", baud: 9600, patience: 5_000_000 },
  ]);
  let done = 0;
  const note = (effects: readonly ReaderEffect[]) => {
    for (const effect of effects) if (effect.kind === "done") done++;
  };
  reader.linkUp();
  note(reader.submit(1, job, 0));
  let now = 0;
  for (const part of chunks(random, burst(random))) {
    now += random.below(400_000);
    if (now >= reader.nextWake()) note(reader.wake(now));
    note(reader.receive(part, now));
  }
  for (let guard = 0; reader.busy; guard++) {
    if (guard > 50) fail("a job never ends", seed, input);
    now = Math.max(now, reader.nextWake());
    note(reader.wake(now));
  }
  if (done !== 1) fail(`a job ended ${done} times`, seed, input);
}

function fuzzParsers(random: Random, seed: number, input: number): void {
  const bytes = burst(random);
  const scanner = new Scanner(LIMIT);
  scanner.expecting = random.pick(["sign-on", "option", "data", "frames"] as const);
  for (const byte of bytes) {
    const token = scanner.feed(byte);
    if (token !== undefined && "text" in token && token.text.length > LIMIT) fail("a message is too long", seed, input);
    if (token?.kind === "block" && token.data.length > LIMIT) fail("a block is too long", seed, input);
  }
  const stream = new TelegramStream();
  for (const byte of bytes) {
    const telegram = stream.feed(byte);
    if (telegram === undefined) continue;
    if (telegram.length > TELEGRAM_LIMIT) fail("a telegram is too long", seed, input);
    parseTelegram(telegram);
  }
  const sets = parseDataSets(String.fromCharCode(...bytes));
  if (sets.ok) {
    if (readingsOf(sets.value).length !== sets.value.length) fail("a data set has no reading", seed, input);
    for (const value of Object.values(measuresOf(sets.value, { clockOffset: 0 })))
      if (value !== null && !Number.isSafeInteger(value)) fail("a measure is no integer", seed, input);
  }
  const { fields, readings, ok } = explainIec62056(bytes);
  for (const { offset, length } of fields)
    if (offset < 0 || length < 0 || offset + length > bytes.length)
      fail("a field lies outside of the bytes", seed, input);
  if (!ok && readings.length > 0) fail("refused bytes have readings", seed, input);
}

/** Runs `inputs` cases; throws with the seed and the input on the first that fails. */
export function fuzzIec62056(seed: number, inputs: number): void {
  for (let input = 0; input < inputs; input++) {
    const random = new Random(seed).fork(`iec62056-21 ${input}`);
    fuzzServer(random, seed, input);
    fuzzReader(random, seed, input);
    fuzzParsers(random, seed, input);
  }
}
