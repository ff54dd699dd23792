/** Seeded junk against the MQTT profile: payloads and topics must be refused or understood, never throw, and mean what they say. */
import { isDeepStrictEqual } from "node:util";
import { payloadErrorText } from "../../protocols/mqtt/errors.ts";
import {
  decodeCommand,
  decodeResponse,
  decodeTelemetry,
  encodeCommand,
  encodeResponse,
  encodeTelemetry,
} from "../../protocols/mqtt/message.ts";
import { parseTopic, topicFor } from "../../protocols/mqtt/topics.ts";
import { MEASURES } from "../../src/core/measures.ts";
import { Random } from "../../src/core/random.ts";
import type { Result } from "../../src/core/result.ts";
import { type Civil, toIso } from "../../src/core/time.ts";

/** An error goes into a log line: it quotes what was sent, but never at the sender's length. */
const LONGEST_ERROR = 600;

function fail(what: string, seed: number, input: number): never {
  throw new Error(`mqtt fuzz: ${what} (seed ${seed}, input ${input})`);
}

const ODD: readonly unknown[] = [
  ...[
    null,
    true,
    "",
    "0",
    "-1",
    "1e3",
    "0x10",
    " 1",
    "1.",
    ".5",
    "NaN",
    "9".repeat(40),
    "0.1234567890123",
    "x".repeat(300),
  ],
  ...[
    0,
    -1,
    1.5,
    1e21,
    2 ** 53,
    -(2 ** 53),
    [],
    [[[[]]]],
    {},
    { __proto__: 1 },
    "\u0000",
    "\ud800",
    "2026-13-45T99:99:99Z",
  ],
  ...["2026-02-30T00:00:00Z", "2026-01-01T00:00:00+99:00", "9999-12-31T23:59:60.999999Z", "__proto__", "constructor"],
];

function telemetry(random: Random): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { obis } of MEASURES)
    if (random.chance(1, 3))
      values[obis] = random.chance(1, 5) ? null : `${random.between(-5, 400)}.${random.below(1_000)}`;
  return { version: 1, meter: "flat-7", model: "m", sequence: random.below(1_000), time: when(random), values };
}

const when = (random: Random): string => toIso((1_767_225_600e6 + random.below(1e9) * 1_000) as Civil);

function command(random: Random): Record<string, unknown> {
  const kind = random.pick(["order", "query"]);
  const operation = random.pick(["relay-open", "relay-close", "clock-set"]);
  return { version: 1, kind, id: 1 + random.below(1e9), operation, argument: random.below(1e9), expires: when(random) };
}

function response(random: Random): Record<string, unknown> {
  const common = { version: 1, meter: "flat-7", time: when(random), relay: random.pick([0, 1, null]) };
  return random.chance(1, 2)
    ? {
        ...common,
        kind: "outcome",
        id: 1 + random.below(1e9),
        status: random.pick(["done", "refused", "bad-argument"]),
      }
    : { ...common, kind: "state", query: 1 + random.below(1e9), values: telemetry(random)["values"] };
}

/** Members lost, renamed, of another kind; then the text cut, doubled or with bytes changed. */
function payload(random: Random): Uint8Array {
  const document = random.pick([telemetry, command, response])(random);
  for (const name of Object.keys(document)) {
    if (random.chance(1, 10)) delete document[name];
    else if (random.chance(1, 8)) document[name] = random.pick(ODD);
  }
  if (random.chance(1, 20)) document[random.pick(["__proto__x", "extra", "values"])] = random.pick(ODD);
  let text = JSON.stringify(document);
  if (random.chance(1, 20)) text = "[".repeat(random.below(2_000)) + text;
  const bytes = [...new TextEncoder().encode(text)];
  for (let changes = random.chance(1, 3) ? random.between(1, 4) : 0; changes > 0; changes--) {
    const at = random.below(bytes.length);
    if (random.chance(1, 2)) bytes[at] = random.below(256);
    else bytes.splice(at, random.between(1, 10));
    if (bytes.length === 0) break;
  }
  return Uint8Array.from(bytes);
}

/** What was understood means the same when it is said again. */
function check<T>(
  decode: (bytes: Uint8Array) => Result<T, Parameters<typeof payloadErrorText>[0]>,
  encode: (value: T) => Uint8Array,
  bytes: Uint8Array,
): string | undefined {
  const first = decode(bytes);
  if (!first.ok)
    return payloadErrorText(first.error).length > LONGEST_ERROR ? "an error as long as its payload" : undefined;
  const again = decode(encode(first.value));
  if (!again.ok) return "what was understood is refused when it is said again";
  return isDeepStrictEqual(again.value, first.value) ? undefined : "a value changes when it is said again";
}

function topic(random: Random): string {
  const parts = topicFor(
    random.pick(["flat-7", "a", "x".repeat(64)]),
    random.pick(["telemetry", "cmd", "resp", "event"]),
  ).split("/");
  if (random.chance(1, 3))
    parts.splice(random.below(parts.length), 1, random.pick(["+", "#", "", "..", "\u0000", "é", "x".repeat(65)]));
  if (random.chance(1, 5)) parts.push(random.pick(["", "#", "cmd"]));
  return parts.join("/");
}

/** Runs `inputs` cases; throws with the seed and the input on the first that fails. */
export function fuzzMqtt(seed: number, inputs: number): void {
  for (let input = 0; input < inputs; input++) {
    const random = new Random(seed).fork(`mqtt ${input}`);
    const bytes = payload(random);
    const fault =
      check(decodeTelemetry, encodeTelemetry, bytes) ??
      check(decodeCommand, encodeCommand, bytes) ??
      check(decodeResponse, encodeResponse, bytes);
    if (fault !== undefined) fail(fault, seed, input);
    const text = topic(random);
    const parsed = parseTopic(text);
    if (parsed !== undefined && topicFor(parsed.meter, parsed.channel) !== text)
      fail("a topic reads as another", seed, input);
  }
}
