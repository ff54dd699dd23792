/** A DL/T 645 face before a meter, with requests written by hand and replies read as digits. */
import { expect } from "vitest";
import { Dlt645Face, type Dlt645FaceOptions, passwordsOf } from "../../../firmware-sim/faces/dlt645.ts";
import { Dlt645Memory } from "../../../firmware-sim/faces/dlt645-memory.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { checkSettings } from "../../../firmware-sim/settings.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { linkId } from "../../../src/core/actor.ts";
import { fromHex, toHex } from "../../../src/core/bytes.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";

/** 2026-01-01T00:00:00Z, a Thursday. */
export const START = 1_767_225_600;
export const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil((START + seconds) * 1e6) });
export const LINK = linkId("test");
export const ADDRESS = "000000000007";

/** @param settings as a file has them */
export function meterOf(
  id: string,
  load: object,
  password = 123_456,
  settings: object = {},
  nvram: Nvram = new MemoryNvram(),
  seconds = 0,
): Meter {
  const model = findModel(id) as MeterModel;
  const mains = mainsOf({ phases: model.phases, voltage: 230, current: 5, angle: 36.8699, ...load });
  const checked = checkSettings(settings, model);
  if (!checked.ok) throw new Error(checked.error);
  const meter = Meter.powerOn(
    {
      ...{ id, model, nvram, password, checkpointEvery: 1e7, settings: checked.value },
      chip: (start) =>
        new ClosedFormChip({ plate: model.plate, phases: model.phases, load: constantLoad(mains), start, seed: 1 }),
    },
    at(seconds),
  );
  if (!meter.ok) throw new Error(meter.error);
  return meter.value;
}

/** A frame by hand: address low byte first, 33h on every data byte, the sum of it all. */
export function frame(control: string, data: string, address = ADDRESS): Uint8Array {
  const reversed = (address.match(/../g) ?? []).reverse().join("");
  const body = fromHex(data);
  const header = fromHex(`68 ${reversed} 68 ${control}`);
  if (!body.ok || !header.ok) throw new Error("hex");
  const bytes = [...header.value, body.value.length, ...body.value.map((byte) => byte + 0x33)];
  return Uint8Array.of(0xfe, 0xfe, ...bytes, bytes.reduce((sum, byte) => sum + byte, 0) & 0xff, 0x16);
}

/** A face of a device that remembers nothing yet. */
export function faceOf(meter: Meter, options: Dlt645FaceOptions & { readonly address?: string }, now: Now): Dlt645Face {
  const memory = Dlt645Memory.powerOn({ address: options.address ?? ADDRESS, passwords: passwordsOf(meter) });
  if (!memory.ok) throw new Error(memory.error);
  return new Dlt645Face(meter, memory.value, options, now);
}

interface BenchOptions extends Dlt645FaceOptions {
  readonly address?: string;
  readonly password?: number;
  readonly settings?: object;
  readonly nvram?: Nvram;
  /** When the power comes. */
  readonly start?: number;
}

const turned = (hex: string): string => (hex.replaceAll(" ", "").match(/../g) ?? []).reverse().join("").toLowerCase();

export class Bench {
  readonly meter: Meter;
  readonly face: Dlt645Face;

  constructor(id = "meterworks-3p", options: BenchOptions = {}, load = {}) {
    this.meter = meterOf(id, load, options.password, options.settings, options.nvram, options.start);
    this.face = faceOf(this.meter, options, at(options.start ?? 0));
  }

  /** Control and data of the reply at `seconds`, the data without its 33h; undefined for silence. */
  ask(control: string, data: string, seconds: number, address = ADDRESS): string | undefined {
    this.face.handle({ kind: "bytes", link: LINK, bytes: frame(control, data, address) }, at(seconds));
    const later = { mono: mono(seconds * 1e6 + 30_000), civil: civil((START + seconds) * 1e6 + 30_000) };
    const sent = this.face.wake(later).flatMap((effect) => (effect.kind === "send" ? [effect.bytes] : []));
    const reply = sent[0]?.subarray(4);
    if (reply === undefined) return undefined;
    expect(reply.subarray(0, -2).reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(reply.at(-2));
    expect(reply[9]).toBe(reply.length - 12);
    const body = reply.subarray(10, -2).map((byte) => byte - 0x33);
    return `${(reply[8] as number).toString(16)} ${toHex(body)}`.trim();
  }

  /** Writes what is given high byte first, as it is read, with the password of level 04. */
  write(id: string, digits: string, seconds: number): string | undefined {
    return this.ask("14", `${turned(id)} 04 563412 78563412 ${turned(digits)}`, seconds);
  }

  /** The data behind an identifier, high byte first as it is read; or the refusal. */
  read(id: string, seconds: number): string | undefined {
    const di = (id.match(/../g) ?? []).reverse().join("").toLowerCase();
    const reply = this.ask("11", di, seconds);
    if (!reply?.startsWith(`91 ${di}`)) return reply;
    return (reply.slice(3 + di.length).match(/../g) ?? []).reverse().join("");
  }
}
