/**
 * One frozen meter behind Modbus RTU, Modbus TCP, DL/T 645, IEC 62056-21 and MQTT at once: each shows the same value of the
 * same measure, to the last digit of its format. Requests and replies are read here by hand from the protocols' documents;
 * only where a Modbus register sits is taken from the model file.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Iec62056Face } from "../../../firmware-sim/faces/iec62056-21.ts";
import { ModbusSerialFace } from "../../../firmware-sim/faces/modbus-serial.ts";
import { ModbusTcpFace } from "../../../firmware-sim/faces/modbus-tcp.ts";
import { MqttFace } from "../../../firmware-sim/faces/mqtt.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import type { ChipReadings, MeteringChip } from "../../../firmware-sim/metrology/chip.ts";
import { EnergyRegisters } from "../../../firmware-sim/metrology/energy.ts";
import { Checkpoint } from "../../../firmware-sim/nvram/checkpoint.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { encodeState } from "../../../firmware-sim/nvram/state.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { MODELS } from "../../../protocols/models/index.ts";
import { type MeterModel, type RegisterEntry, registerCount } from "../../../protocols/models/model.ts";
import { linkId } from "../../../src/core/actor.ts";
import { MEASURES, type MeasureKey, measure } from "../../../src/core/measures.ts";
import { civil, mono, NEVER, type Now } from "../../../src/core/time.ts";
import { simVerify } from "../../../src/simulation/cipher.ts";
import { faceOf } from "./dlt645-support.ts";
import { anyState, type State } from "./frozen-state.ts";

const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil(1_767_225_600e6 + seconds * 1e6) });
const LINK = linkId("wire");
const ADDRESS = "000000000007";

/** Shows what it was given, and counts nothing more. */
class FrozenChip implements MeteringChip {
  readonly #readings: ChipReadings;

  constructor(readings: ChipReadings) {
    this.#readings = readings;
  }
  advance(): void {}
  readings(): ChipReadings {
    return this.#readings;
  }
  nextWake() {
    return NEVER;
  }
  setRelay(): void {}
}

function meterOf({ model, chip, used }: State): Meter {
  const energy = new EnergyRegisters(model.phases, model.polyphaseTotal);
  for (const { windows, active, reactive } of used) {
    const phase = { active, reactive, apparent: Math.abs(active) + Math.abs(reactive) };
    const window = Array.from({ length: model.phases }, () => phase);
    for (let i = 0; i < windows; i++) energy.add(window);
  }
  const nvram = new MemoryNvram();
  const parts = new Map([["energy", energy.snapshot()] as const]);
  new Checkpoint(nvram, "meter").write(encodeState({ sequence: 0, savedAt: at(0).civil, parts }));
  const config = { id: "frozen", model, nvram, password: 1, checkpointEvery: 1e12, chip: () => new FrozenChip(chip) };
  const meter = Meter.powerOn(config, at(0));
  if (!meter.ok) throw new Error(meter.error);
  return meter.value;
}

/** The measure's integer cut to so many decimals of a unit that is 10^power base units. */
function cut(value: number, key: MeasureKey, power: number, decimals: number): bigint {
  const digits = measure(key).decimals + power - decimals;
  return digits >= 0 ? BigInt(value) / 10n ** BigInt(digits) : BigInt(value) * 10n ** BigInt(-digits);
}

/** "-12.345" as an integer of its last digit. */
function integerOf(text: string): { readonly value: bigint; readonly decimals: number; readonly whole: number } {
  const [, sign = "", whole = "", fraction = ""] =
    /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? expect.fail(`"${text}" is no number`);
  const value = BigInt(whole + fraction);
  return { value: sign === "" ? value : -value, decimals: fraction.length, whole: whole.length };
}

/* ---- Modbus ---- */

function crc(bytes: readonly number[]): number {
  let sum = 0xffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let i = 0; i < 8; i++) sum = sum & 1 ? (sum >>> 1) ^ 0xa001 : sum >>> 1;
  }
  return sum;
}

type Read = (entry: RegisterEntry) => Uint8Array;
const requestOf = ({ table, address, encoding }: RegisterEntry) => [
  ...[1, table === "holding" ? 3 : 4, address >> 8, address & 255, 0, registerCount(encoding)],
];

function overRtu(meter: Meter): Read {
  const face = new ModbusSerialFace(meter, 1, LINK, { framing: "rtu", timing: rtuTiming(9600) }, at(1));
  return (entry) => {
    const body = requestOf(entry);
    const sum = crc(body);
    face.handle({ kind: "bytes", link: LINK, bytes: Uint8Array.of(...body, sum & 255, sum >> 8) }, at(1));
    const sent = face.wake(at(1.5)).flatMap((e) => (e.kind === "send" ? [...e.bytes] : []));
    expect(crc(sent), "CRC of the reply with its CRC").toBe(0);
    return Uint8Array.from(sent.slice(3, -2));
  };
}

function overTcp(meter: Meter): Read {
  const face = new ModbusTcpFace([{ unit: 1, meter }], at(1));
  return (entry) => {
    const bytes = Uint8Array.of(0, 1, 0, 0, 0, 6, ...requestOf(entry));
    const sent = face
      .handle({ kind: "bytes", link: LINK, bytes }, at(1))
      .flatMap((e) => (e.kind === "send" ? [...e.bytes] : []));
    return Uint8Array.from(sent.slice(9));
  };
}

const POWER: Readonly<Record<string, number>> = { k: 3, m: -3 };
const powerOf = (unit: string): number =>
  unit.length > 1 && unit !== "Hz" && unit !== "deg" ? (POWER[unit[0] as string] ?? 0) : 0;

function expectRegister(entry: RegisterEntry, model: MeterModel, bytes: Uint8Array, value: number | null): void {
  const what = `${model.id} ${entry.measure}`;
  const words = Array.from({ length: bytes.length / 2 }, (_, i) => [
    bytes[2 * i] as number,
    bytes[2 * i + 1] as number,
  ]);
  if (model.modbus.wordOrder === "low-first") words.reverse();
  const ordered = Uint8Array.from(words.flat());
  const view = new DataView(ordered.buffer);
  const bits = 8 * ordered.length;
  const raw = ordered.reduce((all, byte) => (all << 8n) | BigInt(byte), 0n);
  const power = powerOf(entry.unit) + (entry.scale ?? 0);
  if (value === null) {
    // A map without a code for it can only say 0.
    expect(raw, what).toBe(entry.noValue === undefined ? 0n : BigInt(`0x${entry.noValue}`));
    return;
  }
  if (entry.encoding === "float32") {
    expectNearestFloat(view, value, measure(entry.measure).decimals + power, what);
    return;
  }
  expect(entry.encoding, "an encoding that this test reads").toMatch(/^u?int/);
  const full = cut(value, entry.measure, power, 0);
  const got = entry.encoding.startsWith("u") ? raw : BigInt.asIntN(bits, raw);
  const width = 2n ** BigInt(entry.encoding.startsWith("u") ? bits : bits - 1);
  const rollover = entry.digits === undefined ? width : 10n ** BigInt(entry.digits);
  const isEnergy = measure(entry.measure).kind === "energy";
  // What no register of this width can say is another test's (test/protocols/models).
  if (!isEnergy && (full >= width || full < -width)) return;
  expect(got, what).toBe(isEnergy ? full % rollover : full);
}

/** No float32 is nearer to value × 10^-digits than the one on the wire. */
function expectNearestFloat(view: DataView, value: number, digits: number, what: string): void {
  const exact = (float: number) => BigInt(float * 2 ** 149) * 10n ** BigInt(Math.max(digits, 0));
  const wanted = BigInt(value) * 2n ** 149n * 10n ** BigInt(Math.max(-digits, 0));
  const distance = (float: number) => {
    const d = exact(float) - wanted;
    return d < 0n ? -d : d;
  };
  const bits = view.getUint32(0);
  const neighbour = new DataView(new ArrayBuffer(4));
  for (const step of [-1, 1]) {
    if ((bits & 0x7fff_ffff) === 0 && step < 0) continue;
    neighbour.setUint32(0, bits + step);
    expect(
      distance(view.getFloat32(0)) <= distance(neighbour.getFloat32(0)),
      `${what}: ${value} as ${view.getFloat32(0)}`,
    ).toBe(true);
  }
}

/* ---- DL/T 645-2007 ---- */

/** Identifier, bytes, decimals, power of the unit, signed on the highest bit. */
type DltRow = readonly [MeasureKey, string, number, number, number, boolean];
const perPhase = (rows: (p: 1 | 2 | 3) => DltRow[]) => ([1, 2, 3] as const).flatMap(rows);
const DLT: readonly DltRow[] = [
  ["activeEnergyImport", "00010000", 4, 2, 3, false],
  ["activeEnergyExport", "00020000", 4, 2, 3, false],
  ["reactiveEnergyQ1", "00050000", 4, 2, 3, false],
  ["reactiveEnergyQ2", "00060000", 4, 2, 3, false],
  ["reactiveEnergyQ3", "00070000", 4, 2, 3, false],
  ["reactiveEnergyQ4", "00080000", 4, 2, 3, false],
  ["activePower", "02030000", 3, 4, 3, true],
  ["reactivePower", "02040000", 3, 4, 3, true],
  ["apparentPower", "02050000", 3, 4, 3, false],
  ["powerFactor", "02060000", 2, 3, 0, true],
  ["frequency", "02800002", 2, 2, 0, false],
  ...perPhase((p) => [
    [`voltageL${p}`, `02010${p}00`, 2, 1, 0, false],
    [`currentL${p}`, `02020${p}00`, 3, 3, 0, true],
    [`activePowerL${p}`, `02030${p}00`, 3, 4, 3, true],
    [`reactivePowerL${p}`, `02040${p}00`, 3, 4, 3, true],
    [`apparentPowerL${p}`, `02050${p}00`, 3, 4, 3, false],
    [`powerFactorL${p}`, `02060${p}00`, 2, 3, 0, true],
    [`phaseAngleL${p}`, `02070${p}00`, 2, 1, 0, false],
    [`voltageThdL${p}`, `02080${p}00`, 2, 2, 0, false],
    [`currentThdL${p}`, `02090${p}00`, 2, 2, 0, false],
    [`voltageHarmonic3L${p}`, `020a0${p}03`, 2, 2, 0, false],
    [`currentHarmonic21L${p}`, `020b0${p}15`, 2, 2, 0, false],
  ]),
];

function expectDlt(meter: Meter): void {
  const face = faceOf(meter, { address: ADDRESS, baud: 2400 }, at(1));
  const address = [7, 0, 0, 0, 0, 0];
  const seconds = 1;
  for (const [key, di, bytes, decimals, power, signed] of DLT) {
    if ((measure(key).phase ?? 1) > meter.model.phases) continue;
    const id = (di.match(/../g) ?? []).reverse().map((byte) => (Number.parseInt(byte, 16) + 0x33) & 255);
    const body = [0x68, ...address, 0x68, 0x11, 4, ...id];
    const request = Uint8Array.of(...body, body.reduce((sum, byte) => sum + byte, 0) & 255, 0x16);
    face.handle({ kind: "bytes", link: LINK, bytes: request }, at(seconds));
    const sent = face.wake(at(seconds + 0.4)).flatMap((e) => (e.kind === "send" ? [...e.bytes] : []));
    const start = sent.indexOf(0x68);
    expect(sent[start + 8], `${key}: control of the reply`).toBe(0x91);
    const field = sent
      .slice(start + 14, start + 14 + bytes)
      .map((byte) => (byte - 0x33) & 255)
      .reverse();
    const value = meter.value(key);
    const text = field.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (value === null) {
      expect(text, key).toBe("f".repeat(2 * bytes));
      continue;
    }
    const negative = signed && (field[0] as number) >= 0x80;
    const magnitude = BigInt(negative ? `${Number(`0x${text[0]}`) - 8}${text.slice(1)}` : text);
    expect(negative ? -magnitude : magnitude, key).toBe(cut(value, key, power, decimals) % 10n ** BigInt(2 * bytes));
  }
}

/* ---- IEC 62056-21 ---- */

function expectIec(meter: Meter): void {
  const face = new Iec62056Face(meter, at(1));
  const say = (text: string): string => {
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    let effects = face.handle({ kind: "bytes", link: LINK, bytes }, at(1));
    if (!effects.some(({ kind }) => kind === "send"))
      effects = face.wake({ ...at(1), mono: mono(face.nextWake().mono) });
    return effects
      .flatMap((e) => (e.kind === "send" ? [...e.bytes] : []))
      .map((c) => String.fromCharCode(c & 0x7f))
      .join("");
  };
  expect(say("/?!\r\n")).toMatch(/^\/[A-Z]{3}5/);
  const sets = new Map(
    [
      ...say("\x06050\r\n")
        .replace("\x02", "")
        .matchAll(/^([^(\r\n]+)\(([^)*]*)(?:\*(\w+))?\)\r$/gm),
    ].map((m) => [m[1] as string, m]),
  );
  let seen = 0;
  for (const { key, obis, kind } of MEASURES) {
    const found = sets.get(obis) ?? sets.get(obis.slice(obis.indexOf(":") + 1));
    if (found === undefined || kind === "status") continue;
    const [, , text = "", unit = ""] = found;
    const value = meter.value(key);
    seen++;
    if (value === null) {
      expect(text, key).toBe("");
      continue;
    }
    const { value: shown, decimals, whole } = integerOf(text);
    const full = cut(value, key, powerOf(unit), decimals);
    expect(shown, `${key} ${text}`).toBe(kind === "energy" ? full % 10n ** BigInt(whole + decimals) : full);
  }
  expect(seen).toBeGreaterThan(20);
}

/* ---- MQTT ---- */

function expectMqtt(meter: Meter): void {
  const face = new MqttFace(meter, { link: LINK, interval: 60e6, verify: simVerify }, at(1));
  const effects = face.handle({ kind: "opened", link: LINK }, at(1));
  const published = effects.flatMap((e) =>
    e.kind === "publish" && e.topic.endsWith("/telemetry") ? [JSON.parse(new TextDecoder().decode(e.payload))] : [],
  );
  expect(published).toHaveLength(1);
  const values: Readonly<Record<string, string | null>> = published[0].values;
  for (const { key, obis, decimals, kind } of MEASURES) {
    const text = values[obis];
    if (text === undefined) continue;
    const value = meter.value(key);
    if (text === null || value === null) {
      expect([text, value], key).toEqual([null, null]);
      continue;
    }
    // All digits of the meter's own integer, so this one is exact.
    const shown = integerOf(text);
    const full = decimals + (kind === "energy" ? 3 : 0);
    expect(shown.value * 10n ** BigInt(full - shown.decimals), key).toBe(BigInt(value));
  }
}

/* ---- the property ---- */

test("five faces of one frozen meter agree to each format's last digit, for every model", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(anyState, (frozen) => {
      const meter = meterOf(frozen);
      meter.refresh(at(1));
      const { registers } = frozen.model.modbus;
      const [rtu, tcp] = [overRtu(meter), overTcp(meter)];
      for (const entry of registers) {
        const bytes = rtu(entry);
        expect(bytes.length, entry.measure).toBe(2 * registerCount(entry.encoding));
        expect(tcp(entry), entry.measure).toEqual(bytes);
        const value = entry.measure === "clock" ? 1_767_225_601 : meter.value(entry.measure);
        expectRegister(entry, frozen.model, bytes, value);
      }
      expectDlt(meter);
      expectIec(meter);
      expectMqtt(meter);
    }),
    { numRuns: 150 },
  );
});

test("the sum of these windows does pass the rollovers: 999999.99 kWh of DL/T 645 among them", () => {
  const model = MODELS.find(({ id }) => id === "meterworks-3p") as MeterModel;
  const chip = {
    voltage: [0, 0, 0],
    current: [0, 0, 0],
    active: [0, 0, 0],
    reactive: [0, 0, 0],
    apparent: [0, 0, 0],
    angle: [0, 0, 0],
    lineVoltage: [0, 0, 0],
    neutralCurrent: 0,
    frequency: 0,
    fundamentalActive: [0, 0, 0],
    harmonics: null,
  };
  const meter = meterOf({ model, chip, used: [{ windows: 3_000, active: 2 ** 49, reactive: 0 }] });
  expect(meter.value("activeEnergyImport")).toBeGreaterThan(1e12);
  expectDlt(meter);
  expectIec(meter);
});
