/** Seeded junk against the DL/T 645 codec: it must not throw, grow, hang, execute what nobody sent, or stay deaf afterwards. */
import { Dlt645Client } from "../../protocols/dlt645/client.ts";
import { explainDlt645 } from "../../protocols/dlt645/explain.ts";
import { encodeFrame, MAX_FRAME } from "../../protocols/dlt645/frame.ts";
import { identifier } from "../../protocols/dlt645/identifier.ts";
import type { Dlt645Model } from "../../protocols/dlt645/respond.ts";
import { Dlt645Server } from "../../protocols/dlt645/server.ts";
import { Dlt645Station } from "../../protocols/dlt645/station.ts";
import { Random } from "../../src/core/random.ts";

const ADDRESS = "000000000161";
const PASSWORDS = new Map([
  [0x02, "918273"],
  [0x04, "645645"],
]);
const READ = identifier(0x00010000);
const PROBE = encodeFrame({ address: ADDRESS, control: 0x11, data: Uint8Array.of(0, 0, 1, 0) }, 4);
const PREAMBLE = 4;

function fail(what: string, seed: number, input: number): never {
  throw new Error(`dlt645 fuzz: ${what} (seed ${seed}, input ${input})`);
}

/** Mostly things that look like frames: mutated, cut, glued, with good and bad sums. No one knows the passwords. */
function burst(random: Random): Uint8Array {
  const bytes: number[] = [];
  for (let part = random.between(1, 4); part > 0; part--) {
    const length = random.chance(1, 8) ? random.below(201) : random.below(20);
    const frame = encodeFrame(
      {
        address: random.pick([ADDRESS, ADDRESS, "AAAAAAAAAAAA", "AAAAAAAA0161", "999999999999", "000000000002"]),
        control: random.pick([
          0x11,
          0x12,
          0x13,
          0x14,
          0x16,
          0x17,
          0x18,
          0x1c,
          0x08,
          0x91,
          0xb1,
          0xd1,
          random.below(256),
        ]),
        data: Uint8Array.from({ length }, () => (random.chance(1, 2) ? random.below(4) : random.below(256))),
      },
      random.below(6),
    );
    const damaged = [...frame];
    if (random.chance(1, 3)) damaged.splice(random.below(damaged.length), random.between(1, 3));
    if (random.chance(1, 3)) damaged[random.below(damaged.length)] = random.pick([0x68, 0x16, 0xfe, random.below(256)]);
    if (random.chance(1, 6)) damaged.splice(0, 0, 0x68, ...new Array<number>(6).fill(0), 0x68, 0x91, 0xc8);
    for (const byte of damaged) bytes.push(byte);
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

function fuzzServer(random: Random, bytes: Uint8Array, seed: number, input: number): void {
  const forbidden = () => fail("a password was guessed", seed, input);
  const model: Dlt645Model = {
    read: () => new Uint8Array(random.below(600)),
    write: forbidden,
    control: forbidden,
    clear: forbidden,
    freeze: () => 0,
    changeBaud: () => 8,
  };
  const server = new Dlt645Server(new Dlt645Station({ address: ADDRESS, passwords: PASSWORDS }), model);
  let now = 0;
  const settle = () => {
    let last: Uint8Array | undefined;
    for (let guard = 0; server.nextWake() !== Number.POSITIVE_INFINITY; guard++) {
      if (guard > 10) fail("the server wants to be woken for ever", seed, input);
      now = server.nextWake();
      last = server.wake(now) ?? last;
      if (last !== undefined && last.length > PREAMBLE + MAX_FRAME) fail("a reply is too long", seed, input);
    }
    return last;
  };
  for (const part of chunks(random, bytes)) {
    now += random.between(0, 100_000);
    if (now >= server.nextWake()) server.wake(now);
    server.receive(part, now);
  }
  settle();
  now += 1_000_000;
  server.receive(PROBE, now);
  if (((settle()?.[PREAMBLE + 8] ?? 0) & 0x9f) !== 0x91) fail("the server is deaf after junk", seed, input);
}

/** Whatever came, every request ends. */
function fuzzClient(random: Random, bytes: Uint8Array, seed: number, input: number): void {
  const client = new Dlt645Client({ responseTimeout: 600_000, ...(random.chance(1, 2) ? { baud: 2400 } : {}) });
  client.linkUp(0);
  for (let ticket = 0; ticket < 3; ticket++)
    client.submit(ticket, random.pick([ADDRESS, "AAAAAAAAAAAA"]), { kind: "read", identifier: READ }, 0);
  let now = 20_000;
  for (const part of chunks(random, bytes)) {
    now += random.between(0, 200_000);
    if (now >= client.nextWake()) client.wake(now);
    client.receive(part, now);
  }
  for (let guard = 0; client.outstanding > 0; guard++) {
    if (guard > 50) fail("a request never ends", seed, input);
    client.wake(client.nextWake());
  }
}

function fuzzExplain(bytes: Uint8Array, seed: number, input: number): void {
  const { fields, ok, error } = explainDlt645(bytes);
  if (ok !== (error === undefined)) fail("refused without a reason", seed, input);
  if (fields.some(({ offset, length }) => offset + length > bytes.length))
    fail("a field beyond the bytes", seed, input);
}

/** Runs `inputs` cases; throws with the seed and the input on the first that fails. */
export function fuzzDlt645(seed: number, inputs: number): void {
  for (let input = 0; input < inputs; input++) {
    const random = new Random(seed).fork(`dlt645 ${input}`);
    const bytes = burst(random);
    fuzzServer(random, bytes, seed, input);
    fuzzClient(random, bytes, seed, input);
    fuzzExplain(bytes, seed, input);
  }
}
