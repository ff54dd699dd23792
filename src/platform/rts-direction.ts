/**
 * The direction of an RS-485 driver by RTS, for adapters that leave it to the program: RTS says "sending" from before the
 * first character until after the last has left, and then "receiving".
 *
 * A program is late by a millisecond or two, more on a busy machine, and a USB adapter adds its own. A meter that answers
 * sooner than that loses the beginning of its reply: good up to about 9600 baud in RTU, whose silence is 4 ms there, and for
 * DL/T 645 and IEC 62056-21, whose meters wait 20 ms. Adapters that turn by themselves are better at any rate.
 */
import type { DrainablePort } from "./port-queue.ts";

/** When RTS is on: while sending, or (adapters with an inverter) while receiving. */
export const RTS_USES = ["send", "receive"] as const;
export type RtsUse = (typeof RTS_USES)[number];

export interface RtsPort extends DrainablePort {
  set(options: { rts: boolean }, callback: (error: Error | null) => void): void;
}

interface LineCharacters {
  readonly baudRate: number;
  readonly bitsPerCharacter: number;
}

export class RtsDirection implements DrainablePort {
  readonly #port: RtsPort;
  readonly #sending: boolean;
  readonly #bits: number;
  readonly #failed: (reason: string) => void;
  #rate: number;
  #queued: Uint8Array[] = [];
  #unsent = 0;
  #busy: Promise<void> | undefined;

  /** @param failed told when the port has no RTS to set */
  constructor(port: RtsPort, use: RtsUse, line: LineCharacters, failed: (reason: string) => void) {
    this.#port = port;
    this.#sending = use === "send";
    this.#bits = line.bitsPerCharacter;
    this.#rate = line.baudRate;
    this.#failed = failed;
  }

  /** To receiving: how it begins. */
  listen(): Promise<void> {
    return this.#set(!this.#sending);
  }

  get isOpen(): boolean {
    return this.#port.isOpen;
  }

  get writableLength(): number {
    return this.#port.writableLength + this.#unsent;
  }

  write(bytes: Uint8Array): void {
    this.#queued.push(bytes);
    this.#unsent += bytes.length;
    this.#busy ??= this.#sendAll().finally(() => {
      this.#busy = undefined;
    });
  }

  drain(callback: (error: Error | null) => void): void {
    const done = () => callback(null);
    (this.#busy ?? Promise.resolve()).then(done, done);
  }

  update(options: { baudRate: number }, callback: (error: Error | null) => void): void {
    this.#port.update(options, (error) => {
      if (error === null || error === undefined) this.#rate = options.baudRate;
      callback(error);
    });
  }

  async #sendAll(): Promise<void> {
    try {
      await this.#set(this.#sending);
      while (this.#queued.length > 0 && this.#port.isOpen) await this.#send(this.#queued.splice(0));
      await this.#set(!this.#sending);
    } catch (error) {
      this.#queued = [];
      this.#failed(`RTS can't be set: ${(error as Error).message}`);
    }
    this.#unsent = 0;
  }

  /** Adapters that say too early that all has left are given the time that the characters take. */
  async #send(pieces: readonly Uint8Array[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const leaves = performance.now() + (length * this.#bits * 1000) / this.#rate;
    for (const piece of pieces) this.#port.write(piece);
    await new Promise<void>((resolve) => this.#port.drain(() => resolve()));
    const left = leaves - performance.now();
    // A timer may fire up to a millisecond early, which would cut the last character off.
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, Math.ceil(left) + 1));
    this.#unsent -= length;
  }

  #set(rts: boolean): Promise<void> {
    if (!this.#port.isOpen) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#port.set({ rts }, (error) => (error ? reject(error) : resolve()));
    });
  }
}
