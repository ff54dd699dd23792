/** A simulated line with meters of ours on it, each with a format of its own; keeps everything that a scan sends. */
import { Dlt645Face } from "../../../firmware-sim/faces/dlt645.ts";
import { Dlt645Memory } from "../../../firmware-sim/faces/dlt645-memory.ts";
import { Iec62056Face } from "../../../firmware-sim/faces/iec62056-21.ts";
import { ModbusSerialFace } from "../../../firmware-sim/faces/modbus-serial.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { type Actor, type LinkEffect, linkId } from "../../../src/core/actor.ts";
import { bitsPerCharacter, type LineFormat, showLineFormat } from "../../../src/core/line-format.ts";
import { Random } from "../../../src/core/random.ts";
import { civil, mono } from "../../../src/core/time.ts";
import { ProbeRunner } from "../../../src/field/probe-runner.ts";
import type { FoundMeter, ScanOptions, ScanProgress, ScanReport } from "../../../src/field/scan/found.ts";
import { scan } from "../../../src/field/scan/scan.ts";
import { type CopperFaults, CopperLine, type PartyOptions, SOUND_COPPER } from "../../../src/simulation/copper.ts";
import { SimHost, type SimLink, World } from "../../../src/simulation/world.ts";

/** 2026-01-01T00:00:00Z. */
const START = 1_767_225_600_000_000;
const SECOND = 1_000_000;

export function format(text: string): LineFormat {
  const m = /^(\d+) ([78])([NEO])([12])$/.exec(text);
  if (m === null) throw new Error(text);
  const parity = ({ N: "none", E: "even", O: "odd" } as const)[m[3] as "N" | "E" | "O"];
  return { baud: Number(m[1]), dataBits: Number(m[2]) as 7 | 8, parity, stopBits: Number(m[4]) as 1 | 2 };
}

/** What `meterworks scan --serial` asks for when nothing else is said. */
export const DEFAULTS: ScanOptions = {
  line: "serial",
  protocols: ["modbus-rtu", "dlt645", "iec62056-21"],
  units: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  patience: 400_000,
};

export interface Scanned {
  readonly report: ScanReport;
  readonly found: readonly { readonly meter: FoundMeter; readonly seconds: number }[];
  readonly progress: readonly ScanProgress[];
  readonly sent: readonly Uint8Array[];
  /** Of bus time, to the end of the scan. */
  readonly seconds: number;
}

export class ScanBench {
  readonly world = new World(civil(START));
  readonly line: CopperLine;
  /** Setting of the scan's port. */
  #scanAt = "";

  constructor(faults: Partial<CopperFaults> = {}, options: Partial<PartyOptions> = {}, seed = 7) {
    const defaults = { format: format("9600 8N1"), lumps: false, echo: false, keepsBad: true, ...options };
    this.line = new CopperLine(this.world, linkId("line"), defaults, { ...SOUND_COPPER, ...faults }, new Random(seed));
  }

  meter(modelId: string, voltage: number | readonly number[] = 230): Meter {
    const model = findModel(modelId) as MeterModel;
    const load = constantLoad(mainsOf({ phases: model.phases, voltage, current: 5 }));
    const meter = Meter.powerOn(
      {
        ...{ id: `${modelId}-7`, model, nvram: new MemoryNvram(), password: 42, checkpointEvery: 1e15 },
        chip: (start) => new ClosedFormChip({ plate: model.plate, phases: model.phases, load, start, seed: 1 }),
      },
      this.world.now(),
    );
    if (!meter.ok) throw new Error(meter.error);
    return meter.value;
  }

  /** @param delay µs by which every answer comes later than the meter would give it */
  modbus(modelId: string, unit: number, at: LineFormat, delay = 0, voltage?: number | readonly number[]): this {
    const timing = rtuTiming(at.baud, { bitsPerChar: bitsPerCharacter(at) });
    const line = at.dataBits === 7 ? ({ framing: "ascii", timing } as const) : ({ framing: "rtu", timing } as const);
    return this.join(
      new ModbusSerialFace(this.meter(modelId, voltage), unit, this.line.id, line, this.world.now()),
      at,
      delay,
    );
  }

  dlt645(address: string, at: LineFormat, replyDelay?: number): this {
    const memory = Dlt645Memory.powerOn({ address, passwords: new Map() });
    if (!memory.ok) throw new Error(memory.error);
    const options = { baud: at.baud, ...(replyDelay === undefined ? {} : { replyDelay }) };
    return this.join(new Dlt645Face(this.meter("meterworks-1p"), memory.value, options, this.world.now()), at);
  }

  iec(baud = 9_600, at = format("300 7E1"), mode: "A" | "C" = "C"): this {
    return this.join(new Iec62056Face(this.meter("meterworks-1p"), this.world.now(), { baud, mode }), at);
  }

  join(actor: Actor, at: LineFormat, delay = 0): this {
    let link: SimLink | undefined;
    const host = new SimHost(this.world, actor, (effect: LinkEffect) => {
      if (effect.kind === "log") return;
      if (delay === 0 || effect.kind !== "send") link?.perform(effect);
      else this.world.after(delay, () => link?.perform(effect));
    });
    link = this.line.join(actor, (event) => host.post(event), {
      format: at,
      keepsBad: false,
      echo: false,
      lumps: false,
    });
    return this;
  }

  /** Sends the same again and again without being asked. */
  talker(bytes: Uint8Array, every: number, at: LineFormat): this {
    const link = this.line.join({}, () => {}, { format: at });
    const talk = () => {
      link.perform({ kind: "send", link: this.line.id, bytes });
      this.world.after(every, talk);
    };
    talk();
    return this;
  }

  /** Answers whatever it can't make out, at its own setting, as some modems do. */
  answerer(bytes: Uint8Array, at: LineFormat): this {
    let answering = false;
    const answer = () => {
      link.perform({ kind: "send", link: this.line.id, bytes });
      this.world.after(100_000, () => {
        answering = false;
      });
    };
    const link = this.line.join(
      {},
      (event) => {
        if (event.kind !== "bytes" || answering || this.#scanAt === showLineFormat(at)) return;
        answering = true;
        this.world.after(30_000, answer);
      },
      { format: at },
    );
    return this;
  }

  scan(options: Partial<ScanOptions> = {}): Scanned {
    const found: { meter: FoundMeter; seconds: number }[] = [];
    const progress: ScanProgress[] = [];
    const sent: Uint8Array[] = [];
    let report: ScanReport | undefined;
    let ended = 0;
    const watch = {
      found: (meter: FoundMeter) => found.push({ meter, seconds: this.world.now().mono / SECOND }),
      progress: (told: ScanProgress) => progress.push(told),
    };
    const runner = new ProbeRunner(
      scan({ ...DEFAULTS, ...options }, watch),
      { links: [this.line.id], format: format("9600 8N1"), linkPatience: SECOND },
      (told) => {
        report = told;
        ended = this.world.now().mono / SECOND;
      },
    );
    const host = new SimHost(this.world, runner, (effect) => {
      if (effect.kind === "log") return;
      if (effect.kind === "format") this.#scanAt = showLineFormat(effect.format);
      if (effect.kind === "send") sent.push(effect.bytes);
      link.perform(effect);
    });
    const link = this.line.join(runner, (event) => host.post(event));
    for (let second = 10; report === undefined && second < 1_000; second += 10) this.world.run(mono(second * SECOND));
    if (report === undefined) throw new Error("the scan does not end");
    return { report, found, progress, sent, seconds: ended };
  }
}

/** Why a frame that was sent is not one that only reads; undefined for a good one. */
export function writes(bytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...bytes);
  // A sign-on, and the acknowledgement that asks for the readout (Y = 0).
  if (text === "/?!\r\n" || /^0[0-6]0\r\n$/.test(text.replace("\u0006", ""))) return undefined;
  const start = bytes.findIndex((byte) => byte !== 0xfe);
  if (start > 0 && bytes[start] === 0x68) {
    const control = bytes[start + 8] as number;
    return control === 0x11 || control === 0x13 ? undefined : `DL/T 645 control ${control}`;
  }
  const code = bytes[1] as number;
  return [1, 2, 3, 4, 7, 0x0b, 0x11, 0x2b].includes(code) ? undefined : `Modbus function ${code}`;
}
