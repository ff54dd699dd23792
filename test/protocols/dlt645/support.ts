/** A DL/T 645 model in memory, and servers and clients with their line in front of them. */
import { Dlt645Client, type Dlt645ClientEffect, type Dlt645ClientOptions } from "../../../protocols/dlt645/client.ts";
import { ERR } from "../../../protocols/dlt645/errors.ts";
import { encodeFrame, parseFrame } from "../../../protocols/dlt645/frame.ts";
import type { Dlt645Request } from "../../../protocols/dlt645/message.ts";
import type { Dlt645Model } from "../../../protocols/dlt645/respond.ts";
import { Dlt645Server, type Dlt645ServerOptions } from "../../../protocols/dlt645/server.ts";
import { Dlt645Station, type Dlt645StationOptions } from "../../../protocols/dlt645/station.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { bytes } from "./vectors.ts";

export const MS = 1_000;

/** Remembers what it was told; answers reads out of a table. */
export class MemoryModel implements Dlt645Model {
  readonly data = new Map<number, Uint8Array>();
  readonly done: string[] = [];
  refusal = 0;

  read(request: Extract<Dlt645Request, { kind: "read" }>): Uint8Array | number {
    return this.data.get(request.identifier) ?? ERR.noSuchData;
  }
  write(id: number, data: Uint8Array): number {
    return this.#note(`write ${id.toString(16)} ${toHex(data)}`);
  }
  setTime(time: object): void {
    this.#note(`time ${Object.values(time).join(" ")}`);
  }
  freeze(moment: object): number {
    return this.#note(`freeze ${Object.values(moment).join(" ")}`);
  }
  control(order: Extract<Dlt645Request, { kind: "control" }>): number {
    return this.#note(`control ${order.operation.toString(16)} until ${Object.values(order.until).join(" ")}`);
  }
  clear(what: string, id?: number): number {
    return this.#note(`clear ${what}${id === undefined ? "" : ` ${id.toString(16)}`}`);
  }
  changeBaud(baud: number): number {
    return this.#note(`baud ${baud}`);
  }
  #note(what: string): number {
    if (this.refusal === 0) this.done.push(what);
    return this.refusal;
  }
}

export const ADDRESS = "000000000161";

export class ServerBench {
  readonly model: MemoryModel;
  readonly server: Dlt645Server;
  readonly replies: { hex: string; at: number }[] = [];
  now = 1_000_000;

  constructor(
    options: Partial<Dlt645StationOptions> & Dlt645ServerOptions = {},
    model: Dlt645Model = new MemoryModel(),
  ) {
    this.model = model as MemoryModel;
    const passwords = new Map([
      [0x02, "123456"],
      [0x04, "444444"],
    ]);
    this.server = new Dlt645Server(new Dlt645Station({ address: ADDRESS, passwords, ...options }), model, options);
  }

  pass(micros: number): this {
    const until = this.now + micros;
    while (this.server.nextWake() <= until) {
      this.now = this.server.nextWake();
      const reply = this.server.wake(this.now);
      if (reply !== undefined) this.replies.push({ hex: toHex(reply).toUpperCase(), at: this.now });
    }
    this.now = until;
    return this;
  }

  send(data: Uint8Array): this {
    this.server.receive(data, this.now);
    return this;
  }

  /** Sends hex and waits; the replies without their preamble. */
  ask(hex: string): string[] {
    const before = this.replies.length;
    this.send(bytes(hex)).pass(1_000 * MS);
    return this.replies.slice(before).map((reply) => reply.hex.replace(/^(FE)*/, ""));
  }

  /** Control byte and data of the one reply to a request; undefined for silence. */
  request(control: number, data: string, address = ADDRESS): string | undefined {
    const [reply] = this.ask(toHex(encodeFrame({ address, control, data: bytes(data) }, 4)));
    if (reply === undefined) return undefined;
    const frame = parseFrame(bytes(reply));
    if (!frame.ok) throw new Error(frame.error);
    return `${toHex(Uint8Array.of(frame.value.control))} ${toHex(frame.value.data)}`.trim();
  }
}

/** Control byte and data as a frame of a meter, in hex. */
export function frameHex(address: string, control: number, data: string): string {
  return toHex(encodeFrame({ address, control, data: bytes(data) }, 0)).toUpperCase();
}

export class ClientBench {
  readonly client: Dlt645Client;
  readonly sent: { hex: string; at: number }[] = [];
  readonly done: Extract<Dlt645ClientEffect, { kind: "done" }>[] = [];
  now = 1_000_000;

  constructor(options: Partial<Dlt645ClientOptions> = {}) {
    this.client = new Dlt645Client({ responseTimeout: 1_000 * MS, preamble: 0, ...options });
    this.keep(this.client.linkUp(this.now));
  }

  keep(effects: readonly Dlt645ClientEffect[]): this {
    for (const effect of effects) {
      if (effect.kind === "send") this.sent.push({ hex: toHex(effect.bytes).toUpperCase(), at: this.now });
      else this.done.push(effect);
    }
    return this;
  }

  pass(micros: number): this {
    const until = this.now + micros;
    while (this.client.nextWake() <= until) {
      this.now = Math.max(this.now, this.client.nextWake());
      this.keep(this.client.wake(this.now));
    }
    this.now = until;
    return this;
  }

  submit(ticket: number, address: string, request: Dlt645Request): this {
    return this.keep(this.client.submit(ticket, address, request, this.now));
  }

  hear(hex: string): this {
    return this.keep(this.client.receive(bytes(hex), this.now));
  }
}
