/** A copper line with a real server and client of the Modbus code on it, and parties that send what a test tells them. */
import { type ClientEffect, ModbusClient } from "../../../protocols/modbus/client.ts";
import { ModbusSerialServer } from "../../../protocols/modbus/server.ts";
import { type RtuTiming, rtuTiming } from "../../../protocols/modbus/timing.ts";
import { type LinkEvent, linkId } from "../../../src/core/actor.ts";
import type { LineFormat } from "../../../src/core/line-format.ts";
import { Random } from "../../../src/core/random.ts";
import { civil, mono } from "../../../src/core/time.ts";
import { type CopperFaults, CopperLine, type PartyOptions, SOUND_COPPER } from "../../../src/simulation/copper.ts";
import { type SimLink, World } from "../../../src/simulation/world.ts";
import { MemoryDevice } from "../../protocols/modbus/support.ts";

/** The standard's 11-bit character. */
export const EVEN_9600: LineFormat = { baud: 9600, dataBits: 8, parity: "even", stopBits: 1 };
/** µs of it: 11 bits at 9600, not a whole number. */
export const CHARACTER = (11 * 1_000_000) / 9600;

export interface Heard {
  readonly byte: number;
  readonly at: number;
}

/** Sends at any time; keeps every byte and when it came. */
export class Party {
  readonly heard: Heard[] = [];
  readonly lumps: number[] = [];
  readonly #link: SimLink;
  readonly #world: World;

  constructor(world: World, line: CopperLine, options: Partial<PartyOptions> = {}) {
    this.#world = world;
    this.#link = line.join(this, (event) => this.#hear(event), options);
  }

  sendAt(at: number, ...bytes: number[]): this {
    this.#world.at(at, () => this.#link.perform({ kind: "send", link: this.#link.id, bytes: Uint8Array.from(bytes) }));
    return this;
  }

  get bytes(): number[] {
    return this.heard.map(({ byte }) => byte);
  }

  #hear(event: LinkEvent): void {
    if (event.kind !== "bytes") return;
    this.lumps.push(event.bytes.length);
    for (const byte of event.bytes) this.heard.push({ byte, at: this.#world.now().mono });
  }
}

export class Bench {
  readonly world = new World(civil(0));
  readonly line: CopperLine;

  constructor(faults: Partial<CopperFaults> = {}, options: Partial<PartyOptions> = {}, seed = 1) {
    const defaults = { format: EVEN_9600, lumps: false, echo: false, keepsBad: false, ...options };
    this.line = new CopperLine(
      this.world,
      linkId("copper"),
      defaults,
      { ...SOUND_COPPER, ...faults },
      new Random(seed),
    );
  }

  party(options: Partial<PartyOptions> = {}): Party {
    return new Party(this.world, this.line, options);
  }

  /** A meter with the code of the real one; `wake` is called at the very time it asks for. */
  server(unit: number, timing: RtuTiming, options: Partial<PartyOptions> = {}, device = new MemoryDevice()) {
    const server = new ModbusSerialServer(unit, device, { framing: "rtu", timing });
    const wake = () => {
      const reply = server.wake(this.world.now().mono);
      if (reply !== undefined) link.perform({ kind: "send", link: link.id, bytes: reply });
      arm();
    };
    const arm = () => {
      const due = server.nextWake();
      if (due !== Number.POSITIVE_INFINITY) this.world.at(due, () => due === server.nextWake() && wake());
    };
    const link = this.line.join(
      server,
      (event) => {
        if (event.kind !== "bytes") return;
        server.receive(event.bytes, this.world.now().mono);
        arm();
      },
      options,
    );
    return server;
  }

  /** The head-end's client asking unit 5 for two registers `times` over, one after the other, `pause` µs apart; how each ended. */
  poll(times: number, timing: RtuTiming, options: Partial<PartyOptions> = {}, pause = 0): string[] {
    const results: string[] = [];
    const client = new ModbusClient({ framing: "rtu", timing, responseTimeout: 200_000, echo: options.echo ?? false });
    const take = (effects: readonly ClientEffect[]): void => {
      for (const effect of effects) {
        if (effect.kind === "send") link.perform({ kind: "send", link: link.id, bytes: effect.bytes });
        else {
          results.push(effect.result.ok ? Array.from(effect.result.value.data).join(" ") : effect.result.error.kind);
          ask();
        }
      }
      const due = client.nextWake();
      if (due !== Number.POSITIVE_INFINITY)
        this.world.at(due, () => due === client.nextWake() && take(client.wake(this.world.now().mono)));
    };
    const ask = (): void => {
      if (results.length >= times) return;
      const request = { function: 3, address: 1, quantity: 2 } as const;
      this.world.after(pause, () => take(client.submit(results.length, 5, request, this.world.now().mono)));
    };
    const link = this.line.join(
      client,
      (event) => {
        if (event.kind === "opened") {
          take(client.linkUp(this.world.now().mono));
          ask();
        } else if (event.kind === "bytes") take(client.receive(event.bytes, this.world.now().mono));
      },
      options,
    );
    return results;
  }

  run(until: number): void {
    this.world.run(mono(until));
  }
}

export const EXACT = rtuTiming(9600, { byteTimes: true });
export const LUMPS = rtuTiming(9600);
