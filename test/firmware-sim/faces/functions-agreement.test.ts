/**
 * Two days and a half of a load known to the second: rates, maximum demands, a settlement and credit, calculated here with big
 * integers, are what Modbus, IEC 62056-21 and MQTT show. Requests and replies are made and read by hand.
 */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { EVENT_KINDS, PHASE_KINDS } from "../../../firmware-sim/events/kinds.ts";
import { Iec62056Face } from "../../../firmware-sim/faces/iec62056-21.ts";
import { ModbusTcpFace } from "../../../firmware-sim/faces/modbus-tcp.ts";
import { MqttFace } from "../../../firmware-sim/faces/mqtt.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { DirectChip, type SecondOfPhase } from "../../../firmware-sim/metrology/direct-chip.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { checkSettings } from "../../../firmware-sim/settings.ts";
import { EVENT_KIND_NAMES, PHASE_EVENT_KINDS } from "../../../protocols/models/event-kinds.ts";
import { FUNCTION_BLOCKS } from "../../../protocols/models/function-blocks.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { simVerify } from "../../../src/simulation/cipher.ts";
import { block } from "../../protocols/iec62056-21/vectors.ts";
import { active, MILLI, type Period, period, RATE_BY_HOUR, reactive } from "./known-load.ts";

const START = 1_767_225_600;
const DAY = 86_400;
/** 2026-01-03, 13:07:00. */
const END = 2 * DAY + 13 * 3_600 + 7 * 60;
const SETTLED = 2 * DAY;
const PASSWORD = 42;
const LINK = linkId("wire");
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil((START + seconds) * 1e6) });

/* ---- what follows from the load ---- */

const PRICES = [90_000_000n, 75_000_000n, 50_000_000n, 30_000_000n];
const OPENING = 50_000;

const all = period(0, END);
const settled = period(0, SETTLED);
const since = period(SETTLED, END);
const quanta = (p: Period, place: number, rate: number) => (p.energies[place]?.[rate] as bigint) / MILLI;
/** +R and −R are sums of quadrants, cut as a sum. */
const sumOf = (p: Period, places: readonly number[], rate: number) =>
  places.reduce((sum, place) => sum + (p.energies[place]?.[rate] as bigint), 0n) / MILLI;
const spent = PRICES.reduce((sum, price, i) => sum + price * (all.energies[0]?.[i + 1] as bigint), 0n);
const FINE = 3_600_000_000_000n * 1_000_000n;
const credit = (BigInt(OPENING) * FINE - spent) / FINE;

/** "001234.567" of mWh. */
const kilo = (milli: bigint) => `${milli / 1_000_000n}.${String((milli % 1_000_000n) / 1_000n).padStart(3, "0")}`;
const energyText = (milli: bigint) => `(${kilo(milli).padStart(10, "0")}*kWh)`;
const stamp = (second: number) => new Date((START + second) * 1_000).toISOString().replace(/\D/g, "").slice(2, 12);
const demandText = (p: Period) => `(${kilo(p.maximum).padStart(7, "0")}*kW)(${stamp(p.maximumAt)})`;

/* ---- the meter ---- */

let meter: Meter;

beforeAll(() => {
  const model = findModel("meterworks-1p") as MeterModel;
  const slots = [0, 6, 8, 12, 18, 22].map((hour) => ({ hour, minute: 0, rate: RATE_BY_HOUR[hour] }));
  const both = (table: unknown) => ({ first: table, second: table, runs: 1 });
  const settings = checkSettings(
    {
      tariff: {
        tables: {
          ...{ rates: 4, holidays: [], workdays: 0x7f, weekendTable: 1 },
          zones: both([{ month: 1, day: 1, table: 1 }]),
          days: both([slots]),
        },
        prices: both(PRICES.map(Number)),
        steps: both({ steps: [], yearly: [] }),
        settlementDays: [{ day: 3, hour: 0 }],
      },
      demand: { mode: "block" },
      credit: { opening: OPENING, alarm1: OPENING, alarm2: null },
      events: { neutralAbnormal: { trigger: 0 } },
    },
    model,
  );
  if (!settings.ok) throw new Error(settings.error);
  const load = {
    fill: (second: number, [phase]: readonly SecondOfPhase[]) => {
      const [p, q] = [active(second - START), reactive(second - START)];
      const apparent = Math.abs(p) + Math.abs(q);
      Object.assign(phase as object, { voltage: 230_000, current: 4_000_000, active: p, reactive: q, apparent });
    },
  };
  const made = Meter.powerOn(
    {
      ...{ id: "flat-7", model, nvram: new MemoryNvram(), password: PASSWORD, checkpointEvery: 1e15 },
      settings: settings.value,
      chip: (start) => new DirectChip({ phases: 1, load, start }),
    },
    at(0),
  );
  if (!made.ok) throw new Error(made.error);
  meter = made.value;
  meter.refresh(at(END));
});

test("the period is one worth reading: every rate and quadrant has energy, two different maxima", () => {
  for (const row of [...all.energies, ...settled.energies, ...since.energies])
    expect(row.every((energy) => energy > 0n)).toBe(true);
  expect(settled.maximumAt).not.toBe(since.maximumAt);
});

describe("IEC 62056-21", () => {
  /** Data sets by address, as text. */
  function readout(): Map<string, string> {
    const text = say(["/?!\r\n", "\x06050\r\n"]);
    return new Map(
      [...text.replace("\x02", "").matchAll(/^([^(\r\n]+)(\(.*\))\r$/gm)].map((m) => [m[1] as string, m[2] as string]),
    );
  }

  /** Says something half a second after the other; the meter's time stands still, that of the wire can be let pass. */
  function talker() {
    const face = new Iec62056Face(meter, at(END));
    let seconds = END;
    const ask = (text: string): string => {
      const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
      const effects = [...face.handle({ kind: "bytes", link: LINK, bytes }, { ...at(END), mono: mono(seconds * 1e6) })];
      seconds += 0.5;
      effects.push(...face.wake({ ...at(END), mono: mono(seconds * 1e6) }));
      return effects.map((e) => (e.kind === "send" ? String.fromCharCode(...e.bytes) : "")).join("");
    };
    const pass = (more: number) => {
      seconds += more;
    };
    return { ask, pass };
  }

  function say(texts: readonly string[]): string {
    const { ask } = talker();
    return texts.map(ask).at(-1) as string;
  }

  test("readout: rates, maxima with their time, the settlement, credit and what the meter is up to", () => {
    const sets = readout();
    for (let rate = 0; rate <= 4; rate++) {
      for (const [c, place] of [
        ["1", 0],
        ["2", 1],
      ] as const) {
        expect(sets.get(`${c}.8.${rate}`), `${c}.8.${rate}`).toBe(energyText(quanta(all, place, rate)));
        expect(sets.get(`${c}.8.${rate}*01`), `${c}.8.${rate}*01`).toBe(energyText(quanta(settled, place, rate)));
      }
      const inductive = energyText(sumOf(all, [2, 3], rate)).replace("kWh", "kvarh");
      expect(sets.get(`3.8.${rate}`)).toBe(inductive);
      expect(sets.get(`7.8.${rate}`)).toBe(energyText(quanta(all, 4, rate)).replace("kWh", "kvarh"));
    }
    expect(sets.get("0.1.0")).toBe("(01)");
    expect(sets.get("0.1.2*01")).toBe("(2601030000)");
    expect(sets.get("1.6.0")).toBe(demandText(since));
    expect(sets.get("1.6.0*01")).toBe(demandText(settled));
    expect(sets.get("0-0:96.14.0")).toBe("(0001)");
    expect(sets.get("0-0:19.10.0")).toBe(`(${credit})`);
    // Credit is below alarm 1, which is what it began with.
    expect(sets.get("0-0:96.60.1")).toBe("(00000010)");
    expect(sets.get("0-0:96.60.2")).toBe("(closed)(none)");
    expect(sets.get("0-0:96.60.3")).toBe("(money)");
    expect(sets.get("F.F")).toBe("(00000000)");
    expect([...sets.keys()].length).toBe(new Set(sets.keys()).size);
  });

  test("R1 reads each of them by its code, full or short, and those of the settlement that the readout leaves out", () => {
    const read = (address: string) => say(["/?!\r\n", "\x06051\r\n", block(`${address}()`, "R1")]);
    expect(read("1-0:1.8.2")).toBe(block(`1.8.2${energyText(quanta(all, 0, 2))}`));
    expect(read("7.8.3*01")).toBe(block(`7.8.3*01${energyText(quanta(settled, 4, 3)).replace("kWh", "kvarh")}`));
    for (const none of ["1.8.0*02", "1.8.0*00", "1.8.5", "10.8.0", "1.7.1", "1.4.1"])
      expect(read(none), none).toBe(block("(ER01)"));
  });

  test("load profile: P.06 has the demand of +A in the running window at its instants, P.04 the energies", () => {
    const read = (data: string) => say(["/?!\r\n", "\x06051\r\n", block(data, "R5")]);
    const until = (second: number) => {
      let sum = 0n;
      for (let s = 0; s < second; s++) sum += BigInt(Math.max(0, active(s))) * 1_000n;
      return kilo(sum / MILLI).padStart(10, "0");
    };
    const from = 2 * DAY + 3_600;
    const values = [0, 300, 600].map((later) => {
      const text = read(`P.04(${stamp(from + later)};${stamp(from + later)})`);
      return /\(1\.8\.0\)\(kWh\)\(2\.8\.0\)\(kWh\)\(3\.8\.0\)\(kvarh\)\(4\.8\.0\)\(kvarh\)\(([\d.]+)\)/.exec(text)?.[1];
    });
    expect(values).toEqual([until(from), until(from + 300), until(from + 600)]);
    const several = read(`P.04(${stamp(from)};${stamp(from + 600)})`);
    expect(several.match(/P\.04\(2601030100\)\(00\)\(05\)\(4\)/g)).toHaveLength(1);
    expect(several.match(/\(\d{6}\.\d{3}\)/g)).toHaveLength(12);
    expect(several).toContain(`(${until(from + 600)})`);
    // Windows of 15 minutes end at a quarter: the running one is empty there.
    expect(read(`P.06(${stamp(from)};${stamp(from)})`)).toContain("(2)(1.4.0)(kW)(3.4.0)(kvar)(000.000)(000.000)");
    expect(read("P.04()").match(/\(\d{6}\.\d{3}\)/g)).toHaveLength(4 * 96);
    expect(read("P.04(3001010000;)")).toBe(
      block("P.04()(00)(05)(4)(1.8.0)(kWh)(2.8.0)(kWh)(3.8.0)(kvarh)(4.8.0)(kvarh)"),
    );
    expect(read("P.04(2602300000;)")).toBe(block("(ER02)"));
    expect(read("P.04(x)")).toBe(block("(ER02)"));
    expect(read("P.07()")).toBe(block("(ER01)"));
  });

  test("faults of the meter are its error register", () => {
    meter.perform((functions, now) => functions.input("batteryLow", true, now), at(END));
    expect(readout().get("F.F")).toBe("(00000002)");
    expect(readout().get("0-0:96.60.1")).toBe("(00000012)");
    meter.perform((functions, now) => functions.input("batteryLow", false, now), at(END));
    const sets = readout();
    expect(sets.get("F.F")).toBe("(00000000)");
    // Its place among the kinds of events: 9 of a phase, 10 of the meter, and the sixth of those that are told.
    expect(sets.get("0-0:96.15.24")).toBe("(00001)");
  });

  test("five wrong passwords lock the optical head, the right one too, until half an hour has passed", () => {
    const { ask, pass } = talker();
    const sign = () => [ask("/?!\r\n"), ask("\x06051\r\n")];
    for (let i = 0; i < 5; i++) {
      if (i % 2 === 0) sign();
      expect(ask(block("(00000043)", "P1"))).toBe(block("(ER05)"));
    }
    sign();
    expect(ask(block("(00000042)", "P1"))).toBe(block("(ER07)"));
    pass(1_795);
    sign();
    expect(ask(block("(00000042)", "P1"))).toBe(block("(ER07)"));
    pass(10);
    sign();
    expect(ask(block("(00000042)", "P1"))).toBe("\x06");
  });
});

test("MQTT", () => {
  const face = new MqttFace(meter, { link: LINK, interval: 60e6, verify: simVerify }, at(END));
  const effects = [...face.handle({ kind: "opened", link: LINK }, at(END))];
  // Events of these days go first, sixteen at a time.
  for (const effect of effects)
    if (effect.kind === "publish")
      effects.push(...face.handle({ kind: "published", link: LINK, token: effect.token as number }, at(END)));
  const telemetry = effects.flatMap((e) => (e.kind === "publish" && e.topic.endsWith("telemetry") ? [e.payload] : []));
  const { values } = JSON.parse(new TextDecoder().decode(telemetry[0]));
  const micro = (text: string) => {
    const [whole = "", fraction = ""] = text.split(".");
    return BigInt(whole + fraction.padEnd(6, "0"));
  };
  for (let rate = 0; rate <= 4; rate++) {
    expect(micro(values[`1-0:1.8.${rate}`])).toBe(quanta(all, 0, rate));
    expect(micro(values[`1-0:2.8.${rate}`])).toBe(quanta(all, 1, rate));
  }
  // W with three decimals.
  expect(micro(values["1-0:1.6.0"])).toBe(since.maximum * 1_000n);
  expect(values["0-0:19.10.0"]).toBe(String(credit));
});

describe("Modbus", () => {
  const face = () => new ModbusTcpFace([{ unit: 1, meter }], at(END));
  const send = (to: ModbusTcpFace, pdu: readonly number[], seconds = END): DataView => {
    const bytes = Uint8Array.of(0, 1, 0, 0, 0, pdu.length + 1, 1, ...pdu);
    const now = { ...at(END), mono: mono(seconds * 1e6) };
    const sent = to
      .handle({ kind: "bytes", link: LINK, bytes }, now)
      .flatMap((e) => (e.kind === "send" ? [...e.bytes] : []));
    return new DataView(Uint8Array.from(sent.slice(7)).buffer);
  };
  const word = (value: number) => [value >> 8, value & 255];
  /** The registers of a read, big endian. */
  const read = (to: ModbusTcpFace, address: number, count: number): DataView => {
    const reply = send(to, [3, ...word(address), ...word(count)]);
    expect([reply.getUint8(0), reply.byteLength]).toEqual([3, 2 + 2 * count]);
    return new DataView(reply.buffer, 2);
  };
  const write = (to: ModbusTcpFace, address: number, values: readonly number[], seconds = END) => {
    const pdu = [16, ...word(address), ...word(values.length), 2 * values.length, ...values.flatMap(word)];
    return send(to, pdu, seconds);
  };
  const PLACES: readonly (readonly number[])[] = [[0], [1], [2, 3], [4, 5], [2], [3], [4], [5]];

  test("the page numbers the kinds of events as the registers do", () => {
    const page = readFileSync(new URL("../../../docs/modbus.md", import.meta.url), "utf8").replaceAll("\n", " ");
    const listed = /Kinds of events, from 0 on: ([^.]*)\./.exec(page)?.[1]?.replace(" (these by phase);", ",");
    expect(listed?.split(/, /)).toEqual(EVENT_KINDS);
    expect(EVENT_KIND_NAMES).toEqual(EVENT_KINDS);
    expect(PHASE_EVENT_KINDS).toBe(PHASE_KINDS.length);
    expect(FUNCTION_BLOCKS.counts.count).toBe(EVENT_KINDS.length);
  });

  test("measures: rates, maximum and credit at 0100", () => {
    const view = read(face(), 0x0100, 38);
    for (let rate = 1; rate <= 4; rate++) {
      expect(view.getBigUint64(8 * (rate - 1))).toBe(quanta(all, 0, rate));
      expect(view.getBigUint64(32 + 8 * (rate - 1))).toBe(quanta(all, 1, rate));
    }
    expect(BigInt(view.getUint32(64))).toBe(since.maximum);
    expect(view.getBigInt64(68)).toBe(credit);
  });

  test("state at 1030: alarms, relay, rate, price, credit", () => {
    const view = read(face(), 0x1030, 21);
    expect(view.getUint32(0)).toBe(0x10);
    expect([view.getUint16(4), view.getUint16(6), view.getUint16(8), view.getUint16(10)]).toEqual([1, 0, 1, 0]);
    expect(view.getBigUint64(12)).toBe(PRICES[0]);
    expect(view.getBigUint64(20)).toBe(credit);
    expect(view.getBigUint64(28)).toBe(0n);
    expect([view.getUint16(36), view.getUint32(38)]).toEqual([1, 1]);
  });

  test.each([
    ["now", 0, all, since],
    ["the settlement", 1, settled, settled],
  ] as const)("registers of %s at 1100, a row of 28 for each", (_, age, energy, demand) => {
    const to = face();
    expect(write(to, 0x1050, [age]).getUint8(0)).toBe(16);
    const note = read(to, 0x10fc, 4);
    expect([note.getUint16(0), note.getUint16(2), note.getUint32(4)]).toEqual(
      age === 0 ? [0, 0, 0] : [1, 1, START + SETTLED],
    );
    for (const [row, places] of PLACES.entries()) {
      const view = read(to, 0x1100 + 28 * row, 28);
      for (let rate = 0; rate <= 4; rate++) expect(view.getBigUint64(8 * rate)).toBe(sumOf(energy, places, rate));
      if (row > 0) continue;
      expect(BigInt(view.getUint32(40))).toBe(demand.maximum);
      expect(view.getUint32(44)).toBe(START + demand.maximumAt);
    }
  });

  test("event counts at 1060 and the selected record at 1090", () => {
    const to = face();
    meter.perform((functions, now) => functions.input("coverOpen", true, now), at(END));
    expect(read(to, 0x1060, 36).getUint16(2 * 19)).toBe(1);
    expect(read(to, 0x1030, 2).getUint32(0)).toBe(0x110);
    // Kind 19, the meter as a whole, the newest.
    expect(write(to, 0x1051, [19, 0, 0]).getUint8(0)).toBe(16);
    const open = read(to, 0x1090, 37);
    expect([open.getUint16(0), open.getUint32(2), open.getUint32(6)]).toEqual([2, START + END, 0]);
    expect(open.getBigUint64(10)).toBe(quanta(all, 0, 0));
    meter.perform((functions, now) => functions.input("coverOpen", false, now), at(END));
    const ended = read(to, 0x1090, 37);
    expect([ended.getUint16(0), ended.getUint32(6)]).toEqual([1, START + END]);
    expect(ended.getBigUint64(42)).toBe(quanta(all, 0, 0));
    // No such kind, phase or age; other places of the blocks take no write.
    for (const values of [[36], [0, 4], [0, 0, 11]]) expect(write(to, 0x1051, values).getUint16(0)).toBe(0x9003);
    expect(write(to, 0x1050, [13]).getUint16(0)).toBe(0x9003);
    expect(write(to, 0x1030, [1]).getUint16(0)).toBe(0x9002);
  });

  test("the mailbox takes credit once; the order window locks after five wrong passwords, and the lock ends", () => {
    const to = face();
    const order = (id: number, code: number, amount: number) => [0, 0, 0, id, code, 0, 0, 0, amount];
    const outcome = () => {
      const view = read(to, 0x1020, 6);
      return [Number(view.getBigUint64(0)), view.getUint16(8)];
    };
    write(to, 0x1000, [0, PASSWORD]);
    for (const _ of ["first", "repeated"]) {
      write(to, 0x1010, order(7, 4, 500));
      expect(outcome()).toEqual([7, 1]);
    }
    expect(read(to, 0x1030, 21).getBigUint64(20)).toBe(credit + 500n);
    write(to, 0x1010, order(8, 5, 500));
    expect(outcome()).toEqual([8, 1]);
    expect(read(to, 0x1030, 21).getBigUint64(20)).toBe(credit);
    write(to, 0x1010, order(9, 4, 0));
    expect(outcome()).toEqual([9, 4]);
    for (let i = 0; i < 5; i++) expect(write(to, 0x1000, [0, 43]).getUint16(0)).toBe(0x9003);
    expect(write(to, 0x1000, [0, PASSWORD]).getUint16(0)).toBe(0x9004);
    expect(write(to, 0x1000, [0, PASSWORD], END + 1_799).getUint16(0)).toBe(0x9004);
    expect(write(to, 0x1000, [0, PASSWORD], END + 1_801).getUint8(0)).toBe(16);
  });
});
