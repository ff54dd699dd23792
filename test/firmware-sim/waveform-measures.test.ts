/** What a meter says of the waveform, as measures and on every face, against values worked out by hand. */
import { describe, expect, test } from "vitest";
import { Iec62056Face } from "../../firmware-sim/faces/iec62056-21.ts";
import { ModbusTcpFace } from "../../firmware-sim/faces/modbus-tcp.ts";
import { MqttFace } from "../../firmware-sim/faces/mqtt.ts";
import { quadrant } from "../../firmware-sim/measures.ts";
import { Meter } from "../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, type Mains, mainsOf } from "../../firmware-sim/metrology/mains.ts";
import { Rn8209cChip } from "../../firmware-sim/metrology/rn8209c-chip.ts";
import { MemoryNvram } from "../../firmware-sim/nvram/nvram.ts";
import { findModel } from "../../protocols/models/index.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import { encodeCommand } from "../../protocols/mqtt/message.ts";
import { linkId } from "../../src/core/actor.ts";
import { civil, mono, type Now } from "../../src/core/time.ts";
import { simVerify } from "../../src/simulation/cipher.ts";
import { Bench as DltBench } from "./faces/dlt645-support.ts";

const START = 1_795_536_000;
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil((START + seconds) * 1e6) });
const LINK = linkId("test");

/** 3 % of third and 4 % of fifth harmonic are 5 % of distortion; 30 % of the third in the current is all it has. */
const DISTORTED = {
  voltage: 230,
  current: 5,
  angle: 60,
  voltageHarmonics: [
    { order: 3, ratio: 0.03, angle: 10 },
    { order: 5, ratio: 0.04, angle: 20 },
  ],
  currentHarmonics: [{ order: 3, ratio: 0.3, angle: 0 }],
};

function meterOf(
  mains: Mains,
  id = "meterworks-3p",
  Chip: typeof ClosedFormChip | typeof Rn8209cChip = ClosedFormChip,
) {
  const model = findModel(id) as MeterModel;
  const { plate, phases } = model;
  const meter = Meter.powerOn(
    {
      ...{ id: "wave", model, nvram: new MemoryNvram(), password: 1, checkpointEvery: 1e15 },
      chip: (start) => new Chip({ plate, phases, load: constantLoad(mains), start, seed: 1, errors: { noise: 0 } }),
    },
    at(0),
  );
  if (!meter.ok) throw new Error(meter.error);
  return meter.value;
}

const usual = (more: object = {}) => mainsOf({ phases: 3, ...DISTORTED, ...more });
const turned = (mains: Mains, ...angles: number[]): Mains => ({
  ...mains,
  phases: mains.phases.map((p, i) => ({ ...p, voltageAngle: angles[i] as number })),
});

describe("the meter's measures", () => {
  test("distortion, harmonics, fundamental power, angles, sequence, quadrant", () => {
    const meter = meterOf(usual());
    expect(meter.value("voltageThdL1")).toBe(5_000);
    expect(meter.value("voltageHarmonic3L2")).toBe(3_000);
    expect(meter.value("voltageHarmonic5L3")).toBe(4_000);
    expect(meter.value("voltageHarmonic4L3")).toBe(0);
    expect(meter.value("currentThdL3")).toBe(30_000);
    expect(meter.value("currentHarmonic21L1")).toBe(0);
    // 230 V × 5 A × cos 60°; the harmonics' power is in the total only.
    expect(meter.value("fundamentalActivePowerL1")).toBe(575_000);
    expect(meter.value("fundamentalActivePower")).toBe(1_725_000);
    const third = 230 * 0.03 * 5 * 0.3 * Math.cos(((10 + 3 * 60) * Math.PI) / 180);
    expect(meter.value("activePowerL1")).toBe(Math.round((575 + third) * 1e3));
    expect(meter.value("voltageAngleL2")).toBe(120_000);
    expect(meter.value("voltageAngleL3")).toBe(240_000);
    expect(meter.value("phaseSequence")).toBe(1);
    expect(meter.value("quadrant")).toBe(1);
    expect(meter.value("quadrantL2")).toBe(1);
  });

  test("the sequence is told right from reversed, and from what is neither", () => {
    const sequence = (mains: Mains) => meterOf(mains).value("phaseSequence");
    expect(sequence(turned(usual(), 0, 120, -120))).toBe(2);
    expect(sequence(turned(usual(), 50, -70, 170))).toBe(1);
    expect(sequence(turned(usual(), 0, 0, 0))).toBe(0);
    expect(sequence(turned(usual(), 0, -120, 60))).toBe(0);
    expect(sequence(usual({ voltage: [230, 230, 0] }))).toBe(0);
  });

  test("quadrants follow the signs; without power there is none", () => {
    expect([quadrant(1, 1), quadrant(-1, 1), quadrant(-1, -1), quadrant(1, -1)]).toEqual([1, 2, 3, 4]);
    expect([quadrant(1, 0), quadrant(0, 1), quadrant(-1, 0), quadrant(0, -1), quadrant(0, 0)]).toEqual([
      1,
      1,
      2,
      4,
      null,
    ]);
    const meter = meterOf(mainsOf({ phases: 3, voltage: 230, current: [5, 5, 0], angle: [330, 210, 0] }));
    expect([1, 2, 3].map((p) => meter.value(`quadrantL${p as 1 | 2 | 3}`))).toEqual([4, 3, null]);
  });

  test("the power factor of each phase and of all is P by S, with the harmonics in both", () => {
    const meter = meterOf(usual());
    const third = 230 * 0.03 * 5 * 0.3 * Math.cos(((10 + 3 * 60) * Math.PI) / 180);
    const s = 230 * Math.sqrt(1.0025) * 5 * Math.sqrt(1.09);
    const expected = Math.round(((575 + third) / s) * 1e6);
    for (const key of ["powerFactor", "powerFactorL1", "powerFactorL3"] as const)
      expect(Math.abs((meter.value(key) as number) - expected)).toBeLessThanOrEqual(1);
  });

  test("the neutral carries what the phases do not cancel: the third harmonic threefold, an unbalance", () => {
    const third = meterOf(usual());
    expect(third.value("currentNeutral")).toBe(Math.round(3 * 5 * 0.3 * 1e6));
    const one = meterOf(mainsOf({ phases: 3, voltage: 230, current: [5, 0, 0] }));
    expect(one.value("currentNeutral")).toBe(5_000_000);
    // 10 A against two of 5 A, 120° apart each.
    const two = meterOf(mainsOf({ phases: 3, voltage: 230, current: [10, 5, 5] }));
    expect(two.value("currentNeutral")).toBe(5_000_000);
  });

  test("what is not there is null, not 0", () => {
    const dead = meterOf(usual({ voltage: [230, 0, 230], current: [5, 5, 0] }));
    expect(dead.value("voltageThdL2")).toBeNull();
    expect(dead.value("voltageHarmonic3L2")).toBeNull();
    expect(dead.value("voltageAngleL2")).toBeNull();
    expect(dead.value("currentThdL3")).toBeNull();
    const single = meterOf(mainsOf({ phases: 1, ...DISTORTED }), "meterworks-1p");
    expect(single.value("voltageThdL1")).toBe(5_000);
    for (const key of ["voltageThdL2", "voltageAngleL2", "phaseSequence", "fundamentalActivePowerL3"] as const)
      expect([key, single.value(key)]).toEqual([key, null]);
    const chip = meterOf(mainsOf({ phases: 1, ...DISTORTED }), "meterworks-1p", Rn8209cChip);
    expect(chip.value("voltageL1")).toBeGreaterThan(229_000);
    for (const key of ["voltageThdL1", "currentHarmonic3L1", "fundamentalActivePower"] as const)
      expect([key, chip.value(key)]).toEqual([key, null]);
  });
});

describe("on the wire", () => {
  test("Modbus: THD at 00C2h, harmonics from 0200h on, no value as FFFFFFFF", () => {
    const face = new ModbusTcpFace([{ unit: 1, meter: meterOf(usual({ current: [5, 0, 5] })) }], at(0));
    const read = (address: number, quantity: number): string => {
      const request = Uint8Array.of(0, 1, 0, 0, 0, 6, 1, 3, address >> 8, address & 255, 0, quantity);
      const sent = face
        .handle({ kind: "bytes", link: LINK, bytes: request }, at(0))
        .flatMap((e) => (e.kind === "send" ? [...e.bytes] : []));
      return sent
        .slice(9)
        .map((b) => b.toString(16).padStart(2, "0"))
        .join("");
    };
    // Fundamental power of all (1150 W: L2 has no current), quadrant; L1: power, quadrant, THD of voltage and current.
    expect(read(0x00bc, 10)).toBe("00118c30" + "0001" + "0008c618" + "0001" + "00001388" + "00007530");
    // L2: no current, so no quadrant and no distortion of it.
    expect(read(0x00c6, 7)).toBe("00000000" + "ffff" + "00001388" + "ffffffff");
    // L2 behind L1 120°, L3 240°; right.
    expect(read(0x00d4, 5)).toBe("0001d4c0" + "0003a980" + "0001");
    // Voltage L1, orders 2 to 5; current of L3, order 3.
    expect(read(0x0200, 8)).toBe("00000000" + "00000bb8" + "00000000" + "00000fa0");
    expect(read(0x02c0 + 0x28 + 2, 2)).toBe("00007530");
    expect(read(0x0260 + 0x28 + 2, 2)).toBe("ffffffff");
  });

  test("IEC 62056-21: distortion in the readout, single harmonics by their register", () => {
    const face = new Iec62056Face(meterOf(usual()), at(0));
    let seconds = 0;
    const ask = (text: string): string => {
      const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
      const effects = [...face.handle({ kind: "bytes", link: LINK, bytes }, at(seconds))];
      seconds += 0.5;
      effects.push(...face.wake(at(seconds)));
      return effects
        .flatMap((e) => (e.kind === "send" ? [...e.bytes] : []))
        .map((c) => String.fromCharCode(c))
        .join("");
    };
    ask("/?!\r\n");
    const text = ask("\x06050\r\n");
    expect(text).toContain("\r\n32.7.124(005.000*%)\r\n");
    expect(text).toContain("\r\n0-0:96.50.0(1)\r\n");
    expect(text).toContain("\r\n81.7.2(240.0*deg)\r\n");
    expect(text).toContain("\r\n16.7.1(001.725*kW)\r\n");
    expect(text).not.toContain("32.7.3(");
    ask("/?!\r\n");
    ask("\x06051\r\n");
    const body = "R5\x0232.7.3()\x03";
    const check = [...body].reduce((sum, c) => sum ^ c.charCodeAt(0), 0) ^ 0;
    expect(ask(`\x01${body}${String.fromCharCode(check)}`)).toContain("(003.000*%)");
  });

  test("DL/T 645: distortion, and the harmonics of a phase as one block; the fundamental has no content", () => {
    const bench = new DltBench("meterworks-3p", {}, DISTORTED);
    expect(bench.read("02080100", 1)).toBe("0500");
    expect(bench.read("0209FF00", 2)).toBe("300030003000");
    expect(bench.read("020A0105", 3)).toBe("0400");
    const block = bench.read("020A01FF", 4) as string;
    // Read high byte first, so the first order is the last.
    expect(block.match(/.{4}/g)?.reverse().slice(0, 6)).toEqual(["ffff", "0000", "0300", "0000", "0400", "0000"]);
    expect(block).toHaveLength(21 * 4);
  });

  test("MQTT: telemetry has the distortion, an answer to a query every harmonic", () => {
    const face = new MqttFace(meterOf(usual()), { link: LINK, interval: 60e6, verify: simVerify }, at(0));
    const sent = (effects: ReturnType<typeof face.handle>) =>
      effects.flatMap((e) => (e.kind === "publish" ? [JSON.parse(new TextDecoder().decode(e.payload)).values] : []));
    const [telemetry] = sent(face.handle({ kind: "opened", link: LINK }, at(0)));
    expect(telemetry["1-0:32.7.124"]).toBe("5");
    expect(telemetry["0-0:96.50.0"]).toBe("1");
    expect(telemetry["1-0:32.7.3"]).toBeUndefined();
    const query = {
      kind: "message",
      token: undefined,
      link: LINK,
      topic: "meters/wave/cmd",
      payload: encodeCommand({ kind: "query", id: 1 }),
    } as const;
    const [state] = sent(face.handle(query, at(0)));
    expect(state["1-0:32.7.3"]).toBe("3");
    expect(state["1-0:71.7.21"]).toBe("0");
  });
});
