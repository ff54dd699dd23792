/**
 * Two days of a load known to the second, with a power cut of two hours and three quarters: what the load profile says over
 * Modbus and MQTT is compared with plain sums of big integers. Requests and replies are made and read by hand.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { ModbusTcpFace } from "../../../firmware-sim/faces/modbus-tcp.ts";
import { MqttFace } from "../../../firmware-sim/faces/mqtt.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { DirectChip, type SecondOfPhase } from "../../../firmware-sim/metrology/direct-chip.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { checkSettings } from "../../../firmware-sim/settings.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { simVerify } from "../../../src/simulation/cipher.ts";
import { active, MILLI, reactive } from "./known-load.ts";

/** 2026-01-01T00:00:00Z. */
const START = 1_767_225_600;
const HOUR = 3_600;
const END = 48 * HOUR + 10;
const CUT = { from: 20 * HOUR + 100, to: 22 * HOUR + 2_800 };
const LINK = linkId("wire");
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil((START + seconds) * 1e6) });
const isOff = (second: number) => second >= CUT.from && second < CUT.to;

/** +A, −A, +R and −R by second of the day, µJ; +R is quadrants I and II. */
const totals: readonly (readonly bigint[])[] = (() => {
  const sums = [0n, 0n, 0n, 0n];
  const rows: bigint[][] = [];
  for (let s = 0; s <= END; s++) {
    rows.push([...sums]);
    if (isOff(s)) continue;
    const [p, q] = [active(s), reactive(s)];
    for (const [place, value] of [
      [p >= 0 ? 0 : 1, p],
      [q >= 0 ? 2 : 3, q],
    ] as const)
      sums[place] = (sums[place] as bigint) + BigInt(Math.abs(value)) * 1_000n;
  }
  return rows;
})();
const energies = (second: number) => (totals[second] as readonly bigint[]).map((sum) => sum / MILLI);
/** Ends of intervals at which the meter was there. */
const ends = (step: number, from: number, to: number) => {
  const found: number[] = [];
  for (let s = Math.max(from, step); s <= to; s += step) if (!isOff(s)) found.push(s);
  return found;
};

let meter: Meter;

beforeAll(() => {
  const model = findModel("meterworks-1p") as MeterModel;
  const settings = checkSettings({ clock: { zoneMinutes: 330 } }, model);
  if (!settings.ok) throw new Error(settings.error);
  const load = {
    fill: (second: number, [phase]: readonly SecondOfPhase[]) => {
      const [p, q] = [active(second - START), reactive(second - START)];
      Object.assign(phase as object, {
        ...{ voltage: 230_000, current: 4_000_000, active: p, reactive: q },
        apparent: Math.abs(p) + Math.abs(q),
      });
    },
  };
  const nvram = new MemoryNvram();
  const powerOn = (seconds: number): Meter => {
    const chip = (start: Now["civil"]) => new DirectChip({ phases: 1, load, start });
    const options = { id: "flat-7", model, nvram, password: 1, checkpointEvery: 1e15, settings: settings.value, chip };
    const made = Meter.powerOn(options, at(seconds));
    if (!made.ok) throw new Error(made.error);
    return made.value;
  };
  const before = powerOn(0);
  before.refresh(at(CUT.from));
  before.powerFail(at(CUT.from));
  meter = powerOn(CUT.to);
  meter.refresh(at(END));
});

interface Record {
  readonly second: number;
  readonly status: number;
  readonly values: readonly bigint[];
}

describe("Modbus", () => {
  const word = (value: number) => [value >> 8, value & 255];
  const long = (value: number) => [...word(Math.floor(value / 65_536)), ...word(value % 65_536)];
  const face = () => new ModbusTcpFace([{ unit: 1, meter }], at(END));
  const send = (to: ModbusTcpFace, pdu: readonly number[]): DataView => {
    const bytes = Uint8Array.of(0, 1, 0, 0, 0, pdu.length + 1, 1, ...pdu);
    const sent = to
      .handle({ kind: "bytes", link: LINK, bytes }, at(END))
      .flatMap((e) => (e.kind === "send" ? [...e.bytes] : []));
    return new DataView(Uint8Array.from(sent.slice(7)).buffer);
  };
  const selector = (c: number, channels: number, step: number, how: number, start: number) => [
    ...[c, channels, step, how].flatMap(word),
    ...long(start),
  ];
  /** Function 17: writes the selector, reads `count` registers of the window. */
  const ask = (selected: readonly number[], address: number, count: number, to = face()): DataView => {
    const pdu = [0x17, ...word(address), ...word(count), ...word(0x1200), ...word(6), 12, ...selected];
    return send(to, pdu);
  };
  const records = (reply: DataView): Record[] => {
    const view = new DataView(reply.buffer, 2);
    const [count, width] = [view.getUint16(0), view.getUint16(2)];
    const held = Math.min(count, Math.floor((view.byteLength / 2 - 2) / width));
    return Array.from({ length: held }, (_, i) => {
      const from = 4 + 2 * width * i;
      const values = Array.from({ length: (width - 3) / 4 }, (_, j) => view.getBigInt64(from + 6 + 8 * j));
      return { second: view.getUint32(from) - START, status: view.getUint16(from + 4), values };
    });
  };

  test("every quarter of an hour of both days, six records a request, in UTC whatever the meter's zone", () => {
    const to = face();
    const found: Record[] = [];
    for (let start = START; ; ) {
      const part = records(ask(selector(4, 0, 15, 1, start), 0x1218, 116, to));
      if (part.length === 0) break;
      found.push(...part);
      start = START + (part.at(-1)?.second as number) + 1;
    }
    expect(found.map(({ second }) => second)).toEqual(ends(900, 0, END));
    for (const { second, values } of found) expect(values, `at ${second}`).toEqual(energies(second));
    const flagged = found.filter(({ status }) => status !== 0);
    // The first five-minute record behind the cut has the flag; the quarter of an hour ends with it or later.
    expect(flagged.every(({ second, status }) => second >= CUT.to && second < CUT.to + 900 && status === 1)).toBe(true);
  });

  test("by age, chosen values only", () => {
    const [newest] = records(ask(selector(4, 0b0101, 0, 0, 0), 0x1218, 13));
    expect(newest).toEqual({
      second: 48 * HOUR,
      status: 0,
      values: [energies(48 * HOUR)[0], energies(48 * HOUR)[2]],
    });
    const older = records(ask(selector(4, 1, 0, 0, 9), 0x1218, 72));
    expect(older.map(({ second }) => second)).toEqual(
      Array.from({ length: 10 }, (_, i) => 48 * HOUR - 2_700 + 300 * i),
    );
  });

  test("the class says what it captures", () => {
    const view = new DataView(ask(selector(4, 0, 0, 0, 0), 0x1208, 12).buffer, 2);
    const codes = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i));
    expect([view.getUint16(0), view.getUint32(2), view.getUint16(6)]).toEqual([5, ends(300, 0, END).length, 4]);
    expect(codes).toEqual([0x0108, 0x0208, 0x0308, 0x0408, 0, 0, 0, 0]);
  });

  test.each([
    ["class 0", selector(0, 0, 0, 0, 0)],
    ["class 7", selector(7, 0, 0, 0, 0)],
    ["a ninth value", selector(4, 0x100, 0, 0, 0)],
    ["a step of more than a day", selector(4, 0, 1_441, 0, 0)],
    ["neither age nor time", selector(4, 0, 0, 2, 0)],
  ])("%s is refused and changes nothing", (_, selected) => {
    const to = face();
    ask(selector(4, 1, 30, 1, START + 77), 0x1218, 1, to);
    const refused = ask(selected, 0x1218, 1, to);
    expect([refused.getUint8(0), refused.getUint8(1)]).toEqual([0x97, 3]);
    const kept = send(to, [3, ...word(0x1200), ...word(6)]);
    expect([...new Uint8Array(kept.buffer, 2)]).toEqual(selector(4, 1, 30, 1, START + 77));
  });
});

describe("MQTT", () => {
  const iso = (seconds: number) => new Date((START + seconds) * 1_000).toISOString().replace(".000Z", "Z");
  const micro = (text: string) => {
    const [whole = "", fraction = ""] = text.split(".");
    return BigInt(whole + fraction.padEnd(6, "0"));
  };
  /** Replies and logs to one command. */
  const ask = (command: object) => {
    const face = new MqttFace(meter, { link: LINK, interval: 60e6, verify: simVerify }, at(END));
    const payload = new TextEncoder().encode(JSON.stringify({ version: 1, ...command }));
    const effects = face.handle(
      { kind: "message", link: LINK, topic: "meters/flat-7/cmd", payload, token: undefined },
      at(END),
    );
    const sent = effects.flatMap((e) => (e.kind === "publish" ? [e] : []));
    return {
      topics: new Set(sent.map(({ topic }) => topic)),
      sizes: sent.map((e) => e.payload.length),
      parts: sent.map((e) => JSON.parse(new TextDecoder().decode(e.payload))),
      logs: effects.flatMap((e) => (e.kind === "log" ? [e] : [])),
    };
  };
  const query = { kind: "profile", id: 31 };

  test("both days in parts of at most 32, the last one marked", () => {
    const { parts, topics, sizes } = ask({ ...query, from: iso(0), to: iso(END), step: 15 });
    const wanted = ends(900, 0, END);
    expect([...topics]).toEqual(["meters/flat-7/resp"]);
    expect(parts.map(({ part, last, records }) => [part, last, records.length])).toEqual(
      Array.from({ length: Math.ceil(wanted.length / 32) }, (_, i, of = Math.ceil(wanted.length / 32)) => [
        i + 1,
        i + 1 === of,
        i + 1 === of ? wanted.length - 32 * i : 32,
      ]),
    );
    expect(Math.max(...sizes)).toBeLessThan(8_192);
    expect(
      parts.every(({ query: id, interval, meter: name }) => id === 31 && interval === 5 && name === "flat-7"),
    ).toBe(true);
    const records = parts.flatMap((part) => part.records);
    expect(records.map(({ time }) => time)).toEqual(wanted.map(iso));
    for (const [i, { values }] of records.entries())
      expect(["1", "2", "3", "4"].map((c) => micro(values[`1-0:${c}.8.0`]))).toEqual(energies(wanted[i] as number));
  });

  test("the cut leaves no record, and a mark at the first one behind it", () => {
    const [part] = ask({ ...query, from: iso(CUT.from), to: iso(CUT.to + 600) }).parts;
    expect(part.records.map(({ time, marks }: { time: string; marks: string[] }) => [time, marks])).toEqual([
      [iso(CUT.to + 200), ["power-cut"]],
      [iso(CUT.to + 500), []],
    ]);
  });

  test("a span without records is one empty last part", () => {
    const { parts } = ask({ ...query, from: iso(CUT.from), to: iso(CUT.to) });
    expect(parts).toMatchObject([{ part: 1, last: true, records: [] }]);
  });

  test.each([
    ["from behind to", { from: iso(10), to: iso(0) }, /to: it is before/],
    ["more than 31 days", { from: "2025-11-01T00:00:00Z", to: iso(0) }, /31 days at most/],
    ["no time", { from: "yesterday", to: iso(0) }, /ISO 8601/],
    ["a step of 0", { from: iso(0), to: iso(1), step: 0 }, /step/],
    ["a step of two days", { from: iso(0), to: iso(1), step: 2_880 }, /1 to 1440 minutes/],
  ])("%s is refused with the reason", (_, span, reason) => {
    const { parts, logs } = ask({ ...query, ...span });
    expect(parts).toEqual([]);
    expect(logs).toMatchObject([{ level: "warn", event: "mqtt.command-refused" }]);
    expect(String(logs[0]?.fields?.["reason"])).toMatch(reason);
  });
});
