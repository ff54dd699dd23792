/**
 * The ways in which a server can misbehave, each as what becomes of one good reply. A head-end must take none of them for a
 * value, must not hang, and must read on as soon as the server behaves.
 */
import { ABNORMAL, FROM_METER } from "../../protocols/dlt645/functions.ts";
import { NAK } from "../../protocols/iec62056-21/frame.ts";
import { EXCEPTION_BIT } from "../../protocols/modbus/functions.ts";
import { joinBytes } from "../../src/core/bytes.ts";
import type { Random } from "../../src/core/random.ts";
import { MICROS_PER_MS } from "../../src/core/time.ts";
import {
  asPartialBlock,
  type ModbusAdu,
  openDlt645,
  openModbus,
  type Spoken,
  sealDlt645,
  sealModbus,
  spoilCheck,
} from "./dialect.ts";

/** What goes out in the place of a reply; µs after the reply was due. */
export interface Said {
  readonly after: number;
  readonly bytes: Uint8Array;
}

export interface Situation {
  readonly spoken: Spoken;
  /** The bytes that asked for it, as far as they are known. */
  readonly request: Uint8Array;
  /** The reply before this one on the same link; empty at first. */
  readonly former: Uint8Array;
  readonly random: Random;
}

export interface Misbehaviour {
  /** For people. */
  readonly does: string;
  readonly spoken: readonly Spoken[];
  /** What is said instead; undefined where this reply can't be treated so and goes out as it is. "close" hangs up. */
  readonly act: (reply: Uint8Array, situation: Situation) => readonly Said[] | "close" | undefined;
}

const SERIAL = ["modbus-rtu", "modbus-ascii"] as const;
const MODBUS = [...SERIAL, "modbus-tcp"] as const;
const ALL = [...MODBUS, "dlt645", "iec62056-21"] as const;
/** Longer than any silence within a frame, shorter than any timeout. */
const PAUSE = 30 * MICROS_PER_MS;
/** Within the timeout of most masters, which is a second. */
const SLOW = 400 * MICROS_PER_MS;
/** Beyond it: the reply comes when the master has given up, perhaps into its next request. */
const LATE = 1_500 * MICROS_PER_MS;

const at = (after: number, bytes: Uint8Array): readonly Said[] => [{ after, bytes }];
const now = (bytes: Uint8Array): readonly Said[] => at(0, bytes);

/** Random bytes that no framing takes for a beginning by design; by chance they may be one, which is the point. */
function garbage(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.between(3, 40) }, () => random.below(256));
}

/** The Modbus reply with something changed and a good check. */
function changed(change: (adu: ModbusAdu, situation: Situation) => ModbusAdu | undefined): Misbehaviour["act"] {
  return (reply, situation) => {
    const adu = openModbus(situation.spoken, reply);
    const other = adu && change(adu, situation);
    return other && now(sealModbus(situation.spoken, other));
  };
}

/** A read's reply with so many bytes more or less of data, and a count that agrees with them. */
function resized(change: number): Misbehaviour["act"] {
  return changed(({ pdu, ...rest }) => {
    const [code, count] = [pdu[0] as number, pdu[1] as number];
    const size = count + change;
    if (!(code >= 1 && code <= 4) || count !== pdu.length - 2 || size < 1 || size > 250) return undefined;
    const data = new Uint8Array(size);
    data.set(pdu.subarray(2, 2 + Math.min(count, size)));
    return { ...rest, pdu: Uint8Array.of(code, size, ...data) };
  });
}

const BYTES: Readonly<Record<string, Misbehaviour>> = {
  silent: { does: "does not answer", spoken: ALL, act: () => [] },
  late: { does: "answers 1.5 s later, when masters have given up", spoken: ALL, act: (reply) => at(LATE, reply) },
  slow: { does: "answers 0.4 s later, within the time of most masters", spoken: ALL, act: (reply) => at(SLOW, reply) },
  split: {
    does: "sends the reply in two parts, 30 ms apart; in RTU such a gap spoils the frame",
    spoken: ALL,
    act: (reply, { random }) => {
      if (reply.length < 2) return undefined;
      const cut = random.between(1, reply.length - 1);
      return [
        { after: 0, bytes: reply.slice(0, cut) },
        { after: PAUSE, bytes: reply.slice(cut) },
      ];
    },
  },
  dribble: {
    does: "sends the reply byte by byte, 2 ms apart",
    spoken: ALL,
    act: (reply) => [...reply].map((byte, i) => ({ after: 2 * i * MICROS_PER_MS, bytes: Uint8Array.of(byte) })),
  },
  short: {
    does: "leaves the end of the reply out",
    spoken: ALL,
    act: (reply, { random }) =>
      reply.length < 2 ? undefined : now(reply.slice(0, random.between(1, reply.length - 1))),
  },
  garbage: { does: "sends random bytes instead", spoken: ALL, act: (_, { random }) => now(garbage(random)) },
  noise: {
    does: "sends random bytes before the reply",
    spoken: ALL,
    act: (reply, { random }) => now(joinBytes([garbage(random), reply])),
  },
  "extra-bytes": {
    does: "sends random bytes behind the reply",
    spoken: ALL,
    act: (reply, { random }) => now(joinBytes([reply, garbage(random)])),
  },
  "echo-request": {
    does: "sends the request back instead of a reply",
    spoken: ALL,
    act: (_, { request }) => (request.length === 0 ? undefined : now(request)),
  },
  "echo-first": {
    does: "sends the request back before the reply, as an adapter that hears itself does",
    spoken: ["modbus-rtu", "modbus-ascii", "dlt645", "iec62056-21"],
    act: (reply, { request }) => now(joinBytes([request, reply])),
  },
  duplicate: {
    does: "sends the reply twice",
    spoken: ALL,
    act: (reply) => now(joinBytes([reply, reply])),
  },
  former: {
    does: "sends the reply before this one again; on a serial Modbus line nothing in it tells that it is another's",
    spoken: ["modbus-tcp", "dlt645"],
    act: (_, { former }) => (former.length === 0 ? undefined : now(former)),
  },
  "hang-up": { does: "closes the connection instead of an answer (TCP)", spoken: ALL, act: () => "close" },
  "bad-crc": {
    does: "spoils the check: CRC, LRC, checksum, block check character",
    spoken: ["modbus-rtu", "modbus-ascii", "dlt645", "iec62056-21"],
    act: (reply, { spoken }) => {
      const spoilt = spoilCheck(spoken, reply);
      return spoilt && now(spoilt);
    },
  },
  "flip-bit": {
    does: "turns one bit of the reply round",
    spoken: [...SERIAL, "dlt645", "iec62056-21"],
    act: (reply, { random }) => {
      const out = reply.slice();
      const where = random.below(out.length);
      out[where] = (out[where] as number) ^ (1 << random.below(8));
      return now(out);
    },
  },
};

const MODBUS_REPLIES: Readonly<Record<string, Misbehaviour>> = {
  "wrong-unit": {
    does: "answers as the next unit",
    spoken: MODBUS,
    act: changed((adu) => ({ ...adu, unit: (adu.unit + 1) & 0xff })),
  },
  "wrong-function": {
    does: "answers with another function code",
    spoken: MODBUS,
    act: changed(({ pdu, ...rest }) => ({ ...rest, pdu: Uint8Array.of((pdu[0] as number) ^ 0x07, ...pdu.slice(1)) })),
  },
  "wrong-count": {
    does: "gives a byte count that is one too high",
    spoken: MODBUS,
    act: changed(({ pdu, ...rest }) => {
      if (!((pdu[0] as number) >= 1 && (pdu[0] as number) <= 4)) return undefined;
      return { ...rest, pdu: Uint8Array.of(pdu[0] as number, (pdu[1] as number) + 1, ...pdu.slice(2)) };
    }),
  },
  "fewer-registers": { does: "gives one register less than was asked for", spoken: MODBUS, act: resized(-2) },
  "more-registers": { does: "gives one register more than was asked for", spoken: MODBUS, act: resized(2) },
  "odd-count": { does: "gives half a register more than was asked for", spoken: MODBUS, act: resized(1) },
  empty: {
    does: "answers with no registers at all",
    spoken: MODBUS,
    act: changed(({ pdu, ...rest }) => ({ ...rest, pdu: Uint8Array.of(pdu[0] as number, 0) })),
  },
  "wrong-tid": {
    does: "answers under the next transaction id",
    spoken: ["modbus-tcp"],
    act: changed((adu) => ({ ...adu, transaction: (adu.transaction + 1) & 0xffff })),
  },
  "wrong-protocol": { does: "has protocol id 1 in its header", spoken: ["modbus-tcp"], act: header(3, 1) },
  "long-length": { does: "claims one byte more than it sends", spoken: ["modbus-tcp"], act: header(5, 1) },
  "short-length": { does: "claims one byte less than it sends", spoken: ["modbus-tcp"], act: header(5, -1) },
};

/** The low byte at `where` of the MBAP header, changed. */
function header(where: number, change: number): Misbehaviour["act"] {
  return (reply) => {
    const out = reply.slice();
    out[where] = ((out[where] as number) + change) & 0xff;
    return now(out);
  };
}

const DLT645_REPLIES: Readonly<Record<string, Misbehaviour>> = {
  "wrong-address": {
    does: "answers under another meter's address",
    spoken: ["dlt645"],
    act: (reply) => {
      const frame = openDlt645(reply);
      const digit = String((Number(frame?.address.at(-1)) + 1) % 10);
      return frame && now(sealDlt645({ ...frame, address: frame.address.slice(0, -1) + digit }));
    },
  },
  "wrong-control": {
    does: "answers with the control code of another function",
    spoken: ["dlt645"],
    act: (reply) => {
      const frame = openDlt645(reply);
      return frame && now(sealDlt645({ ...frame, control: FROM_METER | ((frame.control & 0x1f) ^ 0x05) }));
    },
  },
  "wrong-identifier": {
    does: "answers with the data of another identifier",
    spoken: ["dlt645"],
    act: (reply) => {
      const frame = openDlt645(reply);
      if (frame === undefined || frame.data.length < 5) return undefined;
      return now(sealDlt645({ ...frame, data: Uint8Array.of((frame.data[0] as number) ^ 1, ...frame.data.slice(1)) }));
    },
  },
  "no-preamble": {
    does: "leaves the FE before the reply out, which is allowed",
    spoken: ["dlt645"],
    act: (reply) => now(reply.slice(reply.findIndex((byte) => byte !== 0xfe))),
  },
  refused: {
    does: "refuses every request: ERR, no such data",
    spoken: ["dlt645"],
    act: (reply) => {
      const frame = openDlt645(reply);
      return frame && now(sealDlt645({ ...frame, control: frame.control | ABNORMAL, data: Uint8Array.of(0x02) }));
    },
  },
};

const IEC_REPLIES: Readonly<Record<string, Misbehaviour>> = {
  nak: {
    does: "answers NAK, as if it had not understood",
    spoken: ["iec62056-21"],
    act: () => now(Uint8Array.of(NAK)),
  },
  "no-more": {
    does: "ends a block as if more of it followed, and sends none",
    spoken: ["iec62056-21"],
    act: (reply) => {
      const partial = asPartialBlock(reply);
      return partial && now(partial);
    },
  },
  "no-end": {
    does: "leaves ETX and block check character out",
    spoken: ["iec62056-21"],
    act: (reply, { spoken }) => (spoilCheck(spoken, reply) === undefined ? undefined : now(reply.slice(0, -2))),
  },
};

const NAMED: Readonly<Record<string, Misbehaviour>> = {
  ...BYTES,
  ...MODBUS_REPLIES,
  ...DLT645_REPLIES,
  ...IEC_REPLIES,
};

const EXCEPTION_NAME = /^exception-([0-9a-f]{2})$/;

function exception(code: number): Misbehaviour {
  return {
    does: `answers with exception ${code.toString(16).padStart(2, "0")}`,
    spoken: MODBUS,
    act: changed(({ pdu, ...rest }) => ({ ...rest, pdu: Uint8Array.of((pdu[0] as number) | EXCEPTION_BIT, code) })),
  };
}

/** `exception-01` to `exception-ff` by their number, the others by name; undefined for what is none. */
export function findMisbehaviour(name: string): Misbehaviour | undefined {
  const code = Number.parseInt(EXCEPTION_NAME.exec(name)?.[1] ?? "00", 16);
  if (code > 0) return exception(code);
  return Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
}

/** Names with what they do, for `--help` and errors; exceptions stand for all of them. */
export function misbehaviours(): readonly (readonly [name: string, Misbehaviour])[] {
  return [...Object.entries(NAMED), ["exception-06", exception(0x06)]];
}
