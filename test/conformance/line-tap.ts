import { SerialPort } from "serialport";

/** A serial port whose input is cut into frames by silence, as a line analyser does it. */
export class LineTap {
  readonly #port: SerialPort;
  #received = Buffer.alloc(0);
  #lastByteAt = 0;

  private constructor(port: SerialPort) {
    this.#port = port;
    port.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#lastByteAt = performance.now();
    });
  }

  static open(path: string): Promise<LineTap> {
    return new Promise((resolve, reject) => {
      const port = new SerialPort({ path, baudRate: 9600 }, (error) => {
        if (error === null) resolve(new LineTap(port));
        else reject(error);
      });
    });
  }

  /** The next frame, ended by 60 ms of silence; empty when none comes within the patience. */
  async frame(patienceMs: number): Promise<Buffer> {
    const SILENCE_MS = 60;
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      if (this.#received.length > 0 && performance.now() - this.#lastByteAt >= SILENCE_MS) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const frame = this.#received;
    this.#received = Buffer.alloc(0);
    return frame;
  }

  send(bytes: Uint8Array): void {
    this.#port.write(Buffer.from(bytes));
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#port.close(() => resolve()));
  }
}
