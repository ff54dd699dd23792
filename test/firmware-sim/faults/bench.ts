/** A sound Modbus server behind a misbehaving face, and the head-end's line session before it, in virtual time. */
import type { Spoken } from "../../../firmware-sim/faults/dialect.ts";
import { MisbehavingFace } from "../../../firmware-sim/faults/misbehaving-face.ts";
import type { Misbehaviour } from "../../../firmware-sim/faults/misbehaviour.ts";
import { LineSession } from "../../../headend/sessions/line-session.ts";
import type { SessionOutput } from "../../../headend/sessions/line-task.ts";
import { type ModbusDataModel, ModbusSerialServer, ModbusTcpServerSession } from "../../../protocols/modbus/server.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { type Actor, type LinkEffect, linkId } from "../../../src/core/actor.ts";
import type { MeasureValues } from "../../../src/core/measures.ts";
import { Random } from "../../../src/core/random.ts";
import { civil, mono, NEVER, type Now, wakeAtMono } from "../../../src/core/time.ts";
import { meterId } from "../../headend/fakes.ts";

export const SECOND = 1_000_000;
const LINK = linkId("line");
const UNIT = 1;
/** Floats at even addresses: the measure there is another number at each address, and never changes. */
const MODEL = findModel("eastron-sdm630") as MeterModel;
/** Read in many blocks of one length: in RTU and ASCII their replies can't be told from each other. */
const ALIKE: MeterModel = { ...MODEL, modbus: { ...MODEL.modbus, readLimit: 6 } };
const BYTE_TIME = { "modbus-rtu": 1_042, "modbus-ascii": 1_042, "modbus-tcp": 0 } as const;
const TRAVEL = 500;

export type ModbusSpoken = keyof typeof BYTE_TIME;

const REGISTERS: ModbusDataModel = {
  readRegisters(_table, address, quantity, out, at) {
    const view = new DataView(out.buffer, out.byteOffset + at);
    for (let i = 0; i < quantity; i++) {
      const register = address + i;
      view.setUint16(2 * i, register % 2 === 0 ? 0x4200 + ((register >> 1) & 0x7f) : (register * 31) & 0xffff);
    }
    return 0;
  },
};

function server(spoken: ModbusSpoken): Actor {
  if (spoken === "modbus-tcp") {
    let session = new ModbusTcpServerSession(() => REGISTERS);
    return {
      handle(event) {
        if (event.kind === "opened") session = new ModbusTcpServerSession(() => REGISTERS);
        if (event.kind !== "bytes") return [];
        const { reply, close } = session.receive(event.bytes);
        const effects: LinkEffect[] = reply === undefined ? [] : [{ kind: "send", link: LINK, bytes: reply.slice() }];
        return close === undefined ? effects : [...effects, { kind: "close", link: LINK, reason: close }];
      },
      wake: () => [],
      nextWake: () => NEVER,
    };
  }
  const serial = new ModbusSerialServer(
    UNIT,
    REGISTERS,
    spoken === "modbus-rtu"
      ? { framing: "rtu", timing: rtuTiming(9600, { bitsPerChar: 10 }) }
      : { framing: "ascii", timing: { baud: 9600, bitsPerChar: 10 } },
  );
  return {
    handle(event, now) {
      if (event.kind === "bytes") serial.receive(event.bytes, now.mono);
      return [];
    },
    wake(now) {
      const reply = serial.wake(now.mono);
      return reply === undefined ? [] : [{ kind: "send", link: LINK, bytes: reply.slice() }];
    },
    nextWake: () => wakeAtMono(serial.nextWake()),
  };
}

export class FaultBench {
  /** Share of replies that go wrong; may be changed while it runs. */
  rate = 0;
  readonly polled: MeasureValues[] = [];
  readonly failures: string[] = [];
  readonly #face: MisbehavingFace;
  readonly #session: LineSession;
  readonly #byteTime: number;
  #queue: { readonly at: number; readonly run: (now: Now) => void }[] = [];
  #mono = 0;
  #generation = 0;
  /** When each direction of the line is free again. */
  readonly #free = { up: 0, down: 0 };

  /** @param blocks `few` as a head-end reads this model, or `alike`: many of one length */
  constructor(spoken: ModbusSpoken, misbehaviour: Misbehaviour, seed: number, blocks: "few" | "alike") {
    const bench = this;
    const share = {
      misbehaviour,
      get rate() {
        return bench.rate;
      },
    };
    this.#face = new MisbehavingFace(server(spoken), spoken satisfies Spoken, [share], new Random(seed));
    this.#byteTime = BYTE_TIME[spoken];
    this.#session = new LineSession({
      link: LINK,
      framing: spoken === "modbus-tcp" ? "tcp" : spoken === "modbus-rtu" ? "rtu" : "ascii",
      baud: 9600,
      ...(spoken === "modbus-rtu" ? { bitsPerChar: 10 } : {}),
      responseTimeout: SECOND,
      pollEvery: SECOND,
      meters: [{ id: meterId("m"), unit: UNIT, model: blocks === "few" ? MODEL : ALIKE }],
    });
    this.#open();
  }

  run(duration: number): void {
    const end = this.#mono + duration;
    for (let turns = 0; turns < 2_000_000; turns++) {
      const first = this.#queue[0]?.at ?? Number.POSITIVE_INFINITY;
      const session = this.#session.nextWake();
      const face = this.#face.nextWake();
      const next = Math.max(this.#mono, Math.min(first, session.mono, session.civil, face.mono));
      if (next > end) break;
      this.#mono = next;
      const now = this.#now;
      if (first <= next) this.#queue.shift()?.run(now);
      else if (Math.min(session.mono, session.civil) <= next) this.#fromSession(this.#session.wake(now));
      else this.#fromFace(this.#face.wake(now));
    }
    this.#mono = end;
  }

  get #now(): Now {
    return { mono: mono(this.#mono), civil: civil(this.#mono) };
  }

  #open(): void {
    this.#face.handle({ kind: "opened", link: LINK }, this.#now);
    this.#fromSession(this.#session.opened(this.#now));
  }

  #close(reason: string): void {
    this.#generation += 1;
    this.#face.handle({ kind: "closed", link: LINK, reason }, this.#now);
    this.#fromSession(this.#session.closed(this.#now));
    this.#at(this.#mono + SECOND, () => this.#open());
  }

  #at(at: number, run: (now: Now) => void): void {
    this.#queue.push({ at, run });
    this.#queue.sort((a, b) => a.at - b.at);
  }

  /** One lump, when its last byte has arrived; what is on its way when the connection ends is lost. */
  #carry(direction: "up" | "down", bytes: Uint8Array, take: (bytes: Uint8Array, now: Now) => void): void {
    const begins = Math.max(this.#mono + TRAVEL, this.#free[direction]);
    this.#free[direction] = begins + bytes.length * this.#byteTime;
    const generation = this.#generation;
    const sent = bytes.slice();
    this.#at(this.#free[direction], (now) => {
      if (generation === this.#generation) take(sent, now);
    });
  }

  #fromFace(effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "close") this.#close(effect.reason);
      if (effect.kind === "send")
        this.#carry("up", effect.bytes, (bytes, now) => this.#fromSession(this.#session.receive(bytes, now)));
    }
  }

  #fromSession(outputs: readonly SessionOutput[]): void {
    for (const output of outputs) {
      if (output.kind === "polled") this.polled.push(output.values);
      else if (output.kind === "pollFailed") this.failures.push(output.reason);
      else if (output.kind === "close") this.#close(output.reason);
      else if (output.kind === "send")
        this.#carry("down", output.bytes, (bytes, now) =>
          this.#fromFace(this.#face.handle({ kind: "bytes", link: LINK, bytes }, now)),
        );
    }
  }
}
