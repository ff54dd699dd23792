/** What a DL/T 645 meter must not forget, asked for at byte level before and after the power was gone. */
import { describe, expect, test } from "vitest";
import { Dlt645Face } from "../../../firmware-sim/faces/dlt645.ts";
import { Dlt645Memory } from "../../../firmware-sim/faces/dlt645-memory.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { ClosedFormChip } from "../../../firmware-sim/metrology/closed-form-chip.ts";
import { constantLoad, mainsOf } from "../../../firmware-sim/metrology/mains.ts";
import { encodeRecord } from "../../../firmware-sim/nvram/checkpoint.ts";
import { MemoryNvram, type Nvram } from "../../../firmware-sim/nvram/nvram.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { DyingNvram } from "../nvram/dying-nvram.ts";
import { at, frame, LINK } from "./dlt645-support.ts";

const OLD = "000000000007";
const NEW = "000000000123";
const ANY = "AAAAAAAAAAAA";
const PASSWORDS = new Map([
  [2, "123456"],
  [4, "123456"],
]);
const SET_TIME = (digits: string) => `02010004 04 ${digits} 00000000 302010`;

class Device {
  readonly face: Dlt645Face;
  readonly meter: Meter;
  readonly memory: Dlt645Memory;
  #seconds: number;

  /** Powers on at `seconds`, meter and face on one memory. */
  constructor(nvram: Nvram, seconds = 0, address = OLD) {
    const model = findModel("meterworks-1p") as MeterModel;
    const load = constantLoad(mainsOf({ phases: 1, voltage: 230, current: 5, angle: 0 }));
    const meter = Meter.powerOn(
      {
        ...{ id: "m", model, nvram, password: 0, checkpointEvery: 1e7 },
        chip: (start) => new ClosedFormChip({ plate: model.plate, phases: 1, load, start, seed: 1 }),
      },
      at(seconds),
    );
    if (!meter.ok) throw new Error(meter.error);
    const memory = Dlt645Memory.powerOn({ address, passwords: PASSWORDS, programmingKey: true }, nvram);
    if (!memory.ok) throw new Error(memory.error);
    this.meter = meter.value;
    this.memory = memory.value;
    this.face = new Dlt645Face(meter.value, memory.value, {}, at(seconds));
    this.#seconds = seconds;
  }

  /** Control and data of the reply, in hex; undefined for silence. Each request comes a minute after the one before. */
  ask(control: string, data: string, address: string, face = this.face): string | undefined {
    this.#seconds += 60;
    face.handle({ kind: "bytes", link: LINK, bytes: frame(control, data, address) }, at(this.#seconds));
    const sent = face.wake(at(this.#seconds + 1)).flatMap((e) => (e.kind === "send" ? [e.bytes.subarray(4)] : []));
    const reply = sent[0];
    if (reply === undefined) return undefined;
    return `${toHex(reply.subarray(8, 9))} ${toHex(reply.subarray(10, -2).map((byte) => byte - 0x33))}`.trim();
  }

  get address(): string {
    const reply = this.ask("13", "", ANY)?.slice(3) ?? "";
    return (reply.match(/../g) ?? []).reverse().join("");
  }

  /** Whether the meter lets this password write its clock. */
  takes(digits: string): boolean {
    return this.ask("14", SET_TIME(digits), this.address) === "94";
  }

  /** The n-th last freeze: its time and its forward energy, or the refusal. */
  frozen(n: number): string {
    const parts = ["00", "01"].map((item) => this.ask("11", `0${n} ${item} 01 05`, this.address));
    return parts.map((part) => part?.replace(/^91 ......../, "")).join(" ");
  }
}

const move = (device: Device) => device.ask("15", "23 01 00 00 00 00", ANY);
const changePassword = (device: Device) => device.ask("18", "030C0004 02 563412 04 111111", device.address);
const freeze = (device: Device) => device.ask("16", "99999999", device.address);

describe("after a power cut", () => {
  test("a written address, a written password and the freezes are there", () => {
    const nvram = new MemoryNvram();
    const before = new Device(nvram);
    expect([move(before), changePassword(before), freeze(before), freeze(before)]).toEqual([
      "95",
      "98 04111111",
      "96",
      "96",
    ]);
    const kept = [1, 2].map((n) => before.frozen(n));
    expect(kept[0]).toMatch(/^0[0-9]0001012[6] /);
    expect(kept[0]).not.toBe(kept[1]);

    const after = new Device(nvram, 86_400);
    expect(after.address).toBe(NEW);
    expect([1, 2, 3].map((n) => after.frozen(n))).toEqual([...kept, "d1 02 d1 02"]);
    expect([after.takes("563412"), after.takes("111111")]).toEqual([false, true]);
    // Level 02 was not touched.
    expect(after.ask("19", "02 563412 00000000", NEW)).toBe("99");
  });

  test("alarm and kept power last; what was never written follows the options", () => {
    const nvram = new MemoryNvram();
    const before = new Device(nvram);
    for (const operation of ["2A", "3A"])
      expect(before.ask("1C", `02 563412 00000000 ${operation} 00 000023010126`, OLD)).toBe("9c");
    const after = new Device(nvram, 3_600, NEW);
    expect(after.address).toBe(NEW);
    expect(after.ask("11", "03050004", NEW)).toBe("91 030500048010");
    expect(after.ask("1C", "02 563412 00000000 1A 00 000023010126", NEW)).toBe("dc 01");
    expect(after.ask("1C", "02 563412 00000000 3B 00 000023010126", NEW)).toBe("9c");
    expect(new Device(nvram, 7_200).ask("11", "03050004", OLD)).toBe("91 030500048000");
  });

  test("cut at any write and any byte of it: what was answered holds, the rest is whole, old or new", () => {
    for (let dieAt = 1; dieAt <= 40; dieAt++) {
      for (const keep of [0, 1, 13, 20, 10_000]) {
        const nvram = new DyingNvram(dieAt, keep);
        let [moved, changed, taken]: (string | undefined)[] = [];
        try {
          const device = new Device(nvram);
          moved = move(device);
          changed = changePassword(device);
          for (let i = 0; i < 5; i++) taken = freeze(device) ?? taken;
        } catch (error) {
          expect((error as Error).message).toBe("power");
        }
        const again = new Device(nvram.survivor(), 86_400);
        const where = `cut at write ${dieAt}, byte ${keep}`;
        expect(moved === "95" ? [NEW] : [OLD, NEW], where).toContain(again.address);
        const [old, fresh] = [again.takes("563412"), again.takes("111111")];
        expect([old, fresh], where).toContain(true);
        expect(old, where).not.toBe(fresh);
        if (changed !== undefined) expect(fresh, where).toBe(true);
        if (taken !== undefined) expect(again.frozen(1), where).toMatch(/^[0-9]{10} [0-9]{16}$/);
        expect(move(again), where).toBe("95");
      }
    }
  });

  test("a memory that is lost, or of another layout, is refused by name and not written over", () => {
    const options = { address: OLD, passwords: PASSWORDS };
    const lost = new MemoryNvram();
    move(new Device(lost));
    for (const slot of ["a", "b"]) lost.write(`dlt645.${slot}`, Uint8Array.of(1, 2, 3));
    expect(Dlt645Memory.powerOn(options, lost)).toMatchObject({ ok: false, error: expect.stringContaining("lost") });
    for (const [payload, reason] of [
      [[9], "layout 9"],
      [[1, 0, 0, 0], "layout 1"],
      [[2, 0, 0, 0], "DL/T 645 memory"],
      [[2, 0, 1, 4], "DL/T 645 memory"],
    ] as const) {
      const other = new MemoryNvram();
      other.write("dlt645.a", encodeRecord(1, Uint8Array.from(payload)));
      expect(Dlt645Memory.powerOn(options, other)).toMatchObject({
        ok: false,
        error: expect.stringContaining(reason),
      });
    }
  });

  test("two faces of one meter are one device", () => {
    const first = new Device(new MemoryNvram());
    const second = new Dlt645Face(first.meter, first.memory, {}, at(0));
    expect(move(first)).toBe("95");
    expect(first.ask("13", "", OLD, second)).toBeUndefined();
    expect(first.ask("13", "", NEW, second)).toBe("93 230100000000");
    expect(first.ask("16", "99999999", NEW, second)).toBe("96");
    expect(first.frozen(1)).toMatch(/^[0-9]{10} [0-9]{16}$/);
  });
});
