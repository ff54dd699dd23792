/**
 * What a serial port is to send, and the rates it is to go to, in the order in which they were asked for. A change of rate waits
 * until the last character has left: changing earlier spoils it, and the driver throws away what it holds.
 */
/** Above this the line is dead: 32 KiB are half a minute of sending at 9600 baud. */
const MOST_UNSENT = 32 * 1024;
/**
 * Adapters that don't tell when their own buffer is empty are given the time the characters need, and this much more for
 * their way there; so is a pseudo terminal, whose far end gets the bytes by way of the kernel's work queue. Below the 20 ms
 * after which the fastest meters answer at the new rate.
 */
const ADAPTER_MS = 5;

/** What it needs of a serial port. */
export interface DrainablePort {
  readonly isOpen: boolean;
  /** Bytes that the driver has not taken yet. */
  readonly writableLength: number;
  write(bytes: Uint8Array): unknown;
  /** Calls back when everything written has left, as far as the driver knows. */
  drain(callback: (error: Error | null) => void): void;
  update(options: { baudRate: number }, callback: (error: Error | null) => void): void;
}

interface Format {
  readonly baudRate: number;
  readonly parity: string;
  readonly dataBits: number;
  readonly stopBits: number;
}

export class PortQueue {
  readonly #port: DrainablePort;
  readonly #bitsPerCharacter: number;
  readonly #timed: boolean;
  readonly #failed: (reason: string) => void;
  #rate: number;
  /** When the last character will have left by the line's own pace, ms of the monotonic clock. */
  #leaves = 0;
  #waiting: (Uint8Array | number)[] = [];
  #unsent = 0;
  #changing: Promise<void> | undefined;

  /**
   * @param timed false where bytes take no time, as on pseudo terminals
   * @param failed told the reason when the port can't go to a rate
   */
  constructor(port: DrainablePort, format: Format, timed: boolean, failed: (reason: string) => void) {
    this.#port = port;
    this.#rate = format.baudRate;
    this.#bitsPerCharacter = 1 + format.dataBits + (format.parity === "none" ? 0 : 1) + format.stopBits;
    this.#timed = timed;
    this.#failed = failed;
  }

  /** Dropped where the line is dead: it takes nothing any more. */
  send(bytes: Uint8Array): void {
    if (this.#unsent + this.#port.writableLength >= MOST_UNSENT) return;
    if (this.#changing === undefined) this.#write(bytes);
    else {
      this.#waiting.push(bytes);
      this.#unsent += bytes.length;
    }
  }

  setBaud(rate: number): void {
    if (this.#changing === undefined) {
      if (rate !== this.#rate) this.#change(rate);
      return;
    }
    // With nothing to send in between only the last rate counts.
    if (typeof this.#waiting.at(-1) === "number") this.#waiting.pop();
    this.#waiting.push(rate);
  }

  /** When everything has left the line, or after so many milliseconds. */
  async emptied(withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    const empty = async () => {
      while (this.#changing !== undefined) await this.#changing;
      if (this.#port.isOpen && this.#leaves > 0) await this.#left();
    };
    await Promise.race([empty(), enough]);
    clearTimeout(timer);
  }

  #write(bytes: Uint8Array): void {
    if (!this.#port.isOpen) return;
    this.#port.write(bytes);
    const onWire = this.#timed ? (bytes.length * this.#bitsPerCharacter * 1000) / this.#rate : 0;
    this.#leaves = Math.max(this.#leaves, performance.now()) + onWire;
  }

  #change(rate: number): void {
    this.#changing = this.#carryOut(rate).then(
      () => this.#goOn(),
      (error: Error) => {
        this.#waiting = [];
        this.#goOn();
        this.#failed(`the port can't go to ${rate} baud: ${error.message}`);
      },
    );
  }

  async #carryOut(rate: number): Promise<void> {
    await this.#left();
    if (!this.#port.isOpen) return;
    await new Promise<void>((resolve, reject) => {
      this.#port.update({ baudRate: rate }, (error) => (error ? reject(error) : resolve()));
    });
    this.#rate = rate;
  }

  /** What came in while the rate was changed. */
  #goOn(): void {
    this.#changing = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#unsent = 0;
    for (const next of waiting) {
      if (typeof next === "number") this.setBaud(next);
      else this.send(next);
    }
  }

  async #left(): Promise<void> {
    await new Promise<void>((resolve) => this.#port.drain(() => resolve()));
    const left = this.#leaves + ADAPTER_MS - performance.now();
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, Math.ceil(left)));
  }
}
