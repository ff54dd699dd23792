/** A sound Modbus device in memory with every function we serve, its map, and lines to it on which a defect can be seeded. */
import { crc16, putCrc, putMbap, uint16At } from "../../../protocols/modbus/frame.ts";
import {
  type ModbusDataModel,
  ModbusSerialServer,
  ModbusTcpServerSession,
  type SerialFraming,
} from "../../../protocols/modbus/server.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { type LineFormat, wireTime } from "../../../src/core/line-format.ts";
import { mono } from "../../../src/core/time.ts";
import type { CheckResult } from "../../../src/field/conformance/check.ts";
import { connectionChecklist, lineChecklist } from "../../../src/field/conformance/modbus/checklist.ts";
import { type ModbusMap, parseModbusMap } from "../../../src/field/conformance/modbus/map.ts";
import type { ModbusTarget } from "../../../src/field/conformance/modbus/target.ts";
import { runChecks } from "../../../src/field/conformance/runner.ts";
import type { Ended, Heard, Probe, ProbeStep } from "../../../src/field/probe.ts";

export const UNIT = 17;
const REGISTERS = 130;
const WRITABLE_FROM = 100;
const BITS = 2016;
const COILS_FROM = 2000;
const ILLEGAL_ADDRESS = 2;

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Registers that hold their own address at first; bits whose state follows their address. */
export function soundModel(): ModbusDataModel {
  const registers = { holding: new Uint8Array(2 * REGISTERS), input: new Uint8Array(2 * REGISTERS) };
  for (const table of Object.values(registers)) for (let i = 0; i < 2 * REGISTERS; i++) table[i] = i % 251;
  const bits = { coil: new Uint8Array(BITS), discrete: new Uint8Array(BITS) };
  for (const table of Object.values(bits)) for (let i = 0; i < BITS; i++) table[i] = i % 3 === 0 ? 1 : 0;
  const outside = (address: number, quantity: number, from: number, size: number) =>
    address < from || address + quantity > size;
  return {
    readRegisters(table, address, quantity, out, at) {
      if (outside(address, quantity, 0, REGISTERS)) return ILLEGAL_ADDRESS;
      out.set(registers[table].subarray(2 * address, 2 * (address + quantity)), at);
      return 0;
    },
    writeRegisters(address, quantity, bytes, at) {
      if (outside(address, quantity, WRITABLE_FROM, REGISTERS)) return ILLEGAL_ADDRESS;
      registers.holding.set(bytes.subarray(at, at + 2 * quantity), 2 * address);
      return 0;
    },
    readBits(table, address, quantity, out, at) {
      if (outside(address, quantity, 0, BITS)) return ILLEGAL_ADDRESS;
      for (let i = 0; i < quantity; i++)
        out[at + (i >> 3)] = (out[at + (i >> 3)] as number) | ((bits[table][address + i] as number) << (i & 7));
      return 0;
    },
    writeBits(address, quantity, bytes, at) {
      if (outside(address, quantity, COILS_FROM, BITS)) return ILLEGAL_ADDRESS;
      for (let i = 0; i < quantity; i++) bits.coil[address + i] = ((bytes[at + (i >> 3)] as number) >> (i & 7)) & 1;
      return 0;
    },
    exceptionStatus: () => 0x5a,
    serverId: Uint8Array.of(0x41, 0xff, 1, 2, 3),
    objects: new Map([
      [0, ascii("Vendor")],
      [1, ascii("Product")],
      [2, ascii("1.0")],
      [3, ascii("x".repeat(200))],
      [4, ascii("y".repeat(200))],
      [0x80, ascii("own")],
    ]),
  };
}

const COMMON = {
  protocol: "modbus",
  device: "sound device",
  read: {
    coil: [{ address: 0, count: BITS }],
    discrete: [{ address: 0, count: BITS }],
    holding: [{ address: 0, count: REGISTERS }],
    input: [{ address: 0, count: REGISTERS }],
  },
  write: {
    coil: [{ address: COILS_FROM, count: BITS - COILS_FROM }],
    holding: [{ address: WRITABLE_FROM, count: REGISTERS - WRITABLE_FROM }],
  },
  absent: {
    coil: [{ address: BITS, count: 100 }],
    discrete: [{ address: BITS, count: 100 }],
    holding: [{ address: REGISTERS, count: 100 }],
    input: [{ address: REGISTERS, count: 100 }],
  },
  readOnly: [{ address: 0, count: WRITABLE_FROM }],
  notSupported: { "14": "a meter keeps no files", "15": "a meter keeps no files", "18": "a meter has no queues" },
};
const ANYWHERE = "01 02 03 04 05 06 0F 10 11 16 17 2B".split(" ");
const SERIAL = ["07", "0B", "0C", ..."00 01 02 04 0A 0B 0C 0D 0E 0F 10 11 12 14".split(" ").map((sub) => `08/${sub}`)];

export function soundMap(framing: ModbusTarget["framing"], more: readonly string[] = []): ModbusMap {
  const functions = [
    ...ANYWHERE,
    ...(framing === "tcp" ? [] : SERIAL),
    ...(framing === "ascii" ? ["08/03"] : []),
    ...more,
  ];
  const notSupported = Object.fromEntries(Object.entries(COMMON.notSupported).filter(([code]) => !more.includes(code)));
  const map = parseModbusMap(JSON.stringify({ ...COMMON, functions, notSupported }));
  if (!map.ok) throw new Error(map.error);
  return map.value;
}

/** What is wrong with a device. All hooks see whole frames of the framing, or PDUs where they are named so. */
export interface Seeded {
  readonly model?: (sound: ModbusDataModel) => ModbusDataModel;
  /** What the server hears instead of what was sent. */
  readonly request?: (frame: Uint8Array) => readonly Uint8Array[];
  /** What is sent instead of the reply (undefined: there was none); the request is the frame before its hook. */
  readonly reply?: (reply: Uint8Array | undefined, request: Uint8Array) => Uint8Array | undefined;
  /** The same for PDUs, inside a frame that is then right again. */
  readonly pdu?: (reply: Uint8Array, request: Uint8Array) => Uint8Array;
  /** TCP: the connection never closes by the server's will. */
  readonly keepsOpen?: true;
  /** TCP: only the first connection is served. */
  readonly single?: true;
  /** TCP: all connections, also later ones, are one to it. */
  readonly shared?: true;
  /** Serial: replies begin before the request has ended. */
  readonly early?: true;
}

export const SOUND: Seeded = {};

const FORMAT: LineFormat = { baud: 9_600, dataBits: 8, parity: "even", stopBits: 1 };
const PATIENCE = 300_000;
const QUIET = 20_000;

export function rtuFrame(unit: number, pdu: Uint8Array): Uint8Array {
  const out = new Uint8Array(pdu.length + 3);
  out[0] = unit;
  out.set(pdu, 1);
  putCrc(out, 0, pdu.length + 1);
  return out;
}

/** A frame whose CRC is right again. */
export function mended(frame: Uint8Array): Uint8Array {
  return rtuFrame(frame[0] as number, frame.slice(1, -2));
}

export function crcGood(frame: Uint8Array): boolean {
  return frame.length >= 4 && crc16(frame, 0, frame.length) === 0;
}

export function tcpFrame(transaction: number, unit: number, pdu: Uint8Array): Uint8Array {
  const out = new Uint8Array(7 + pdu.length);
  putMbap(out, 0, transaction, unit, pdu.length);
  out.set(pdu, 7);
  return out;
}

/** Runs the checklist against a device in memory, in a time of its own. */
export function judge(
  framing: ModbusTarget["framing"],
  seeded: Seeded = SOUND,
  map: ModbusMap = soundMap(framing),
  only?: string,
): CheckResult[] {
  const target: ModbusTarget = {
    framing,
    unit: UNIT,
    map,
    patience: PATIENCE,
    quiet: QUIET,
    transactions: { next: 0 },
  };
  const checks = [...lineChecklist(framing), ...connectionChecklist(framing)].filter(
    ({ id }) => only === undefined || id === only,
  );
  const probe = runChecks(checks, target, { declarations: map, drain: QUIET });
  const model = seeded.model?.(soundModel()) ?? soundModel();
  return framing === "tcp" ? overTcp(probe, model, seeded) : overSerial(probe, model, seeded, framing);
}

function heardOf(bytes: Uint8Array, from: number, left: number, at: number, ended: Ended): Heard {
  const chunks = bytes.length === 0 ? [] : [{ at: mono(at), bytes }];
  return { bytes, chunks, sentAt: mono(from), leftAt: mono(left), endedAt: mono(at), ended };
}

function overTcp<T>(probe: Probe<T>, model: ModbusDataModel, seeded: Seeded): T {
  const open = () => new ModbusTcpServerSession((unit) => (unit === UNIT || unit === 0 ? model : undefined));
  const first = open();
  const sessions = [first, seeded.shared === true ? first : open()];
  let now = 0;
  const answer = (on: number, send: Uint8Array): { bytes: Uint8Array; closed: boolean } => {
    if (seeded.single === true && on > 0) return { bytes: new Uint8Array(0), closed: false };
    let closed = false;
    const parts: number[] = [];
    for (const heard of seeded.request?.(send) ?? [send]) {
      const { reply, close } = (sessions[on] as ModbusTcpServerSession).receive(heard);
      if (close !== undefined && seeded.keepsOpen === undefined) closed = true;
      if (reply !== undefined) parts.push(...reply);
    }
    let bytes: Uint8Array | undefined = parts.length === 0 ? undefined : Uint8Array.from(parts);
    if (seeded.pdu !== undefined && bytes !== undefined && send.length > 7)
      bytes = tcpFrame(uint16At(bytes, 0), bytes[6] as number, seeded.pdu(bytes.slice(7), send.slice(7)));
    bytes = seeded.reply === undefined ? bytes : seeded.reply(bytes, send);
    if (closed) sessions[on] = open();
    return { bytes: bytes ?? new Uint8Array(0), closed };
  };
  return drive(probe, (step) => {
    if (step.kind === "reconnect" && seeded.shared === undefined) sessions[step.on ?? 0] = open();
    if (step.kind !== "exchange") return heardOf(new Uint8Array(0), now, now, now, "silent");
    const from = now;
    const { bytes, closed } =
      step.send.length === 0 ? { bytes: new Uint8Array(0), closed: false } : answer(step.on ?? 0, step.send);
    now += bytes.length === 0 ? step.listen.first : 1_000;
    return heardOf(bytes, from, from, now, closed ? "closed" : bytes.length === 0 ? "silent" : "quiet");
  });
}

function overSerial<T>(probe: Probe<T>, model: ModbusDataModel, seeded: Seeded, framing: "rtu" | "ascii"): T {
  const line: SerialFraming =
    framing === "rtu"
      ? { framing, timing: rtuTiming(FORMAT.baud, { byteTimes: true }) }
      : { framing, timing: { baud: FORMAT.baud } };
  const server = new ModbusSerialServer(UNIT, model, line);
  let now = 0;
  const until = (end: number, replies: number[]): void => {
    while (server.nextWake() <= end) {
      now = Math.max(now, server.nextWake());
      const before = server.nextWake();
      const reply = server.wake(now);
      if (reply !== undefined) replies.push(...reply);
      else if (server.nextWake() === before) now += 1;
    }
    now = Math.max(now, end);
  };
  return drive(probe, (step) => {
    if (step.kind !== "exchange") return heardOf(new Uint8Array(0), now, now, now, "silent");
    const from = now;
    const replies: number[] = [];
    for (const frame of seeded.request?.(step.send) ?? [step.send]) {
      for (const byte of frame) {
        until(now + wireTime(1, FORMAT), replies);
        server.receive(Uint8Array.of(byte), now);
      }
      // A defect that makes two frames of one must not make one run of bytes of them.
      if (seeded.request !== undefined) until(now + 5_000, replies);
    }
    const left = now;
    until(now + (step.listen.quiet > PATIENCE && framing === "rtu" ? step.listen.quiet : step.listen.first), replies);
    let bytes: Uint8Array | undefined = replies.length === 0 ? undefined : Uint8Array.from(replies);
    if (seeded.pdu !== undefined && bytes !== undefined && framing === "rtu" && step.send.length > 3)
      bytes = rtuFrame(bytes[0] as number, seeded.pdu(bytes.slice(1, -2), step.send.slice(1, -2)));
    if (seeded.reply !== undefined) bytes = seeded.reply(bytes, step.send);
    bytes ??= new Uint8Array(0);
    now += wireTime(bytes.length, FORMAT);
    const heard = heardOf(bytes, from, left, now, bytes.length === 0 ? "silent" : "quiet");
    if (seeded.early === undefined) return heard;
    return { ...heard, chunks: heard.chunks.map((chunk) => ({ ...chunk, at: mono(left - 1_000) })) };
  });
}

function drive<T>(probe: Probe<T>, carryOut: (step: ProbeStep) => Heard): T {
  let next = probe.next();
  while (!next.done) next = probe.next(carryOut(next.value));
  return next.value;
}
