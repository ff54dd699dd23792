/** Serial ports: opened, opened again after an unplugged adapter returns, and errors that say what to do. */
import { realpath, stat } from "node:fs/promises";
import { SerialPort } from "serialport";
import { linkId } from "../core/actor.ts";
import { bitsPerCharacter, type LineFormat } from "../core/line-format.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { errorText, PlatformError } from "./errors.ts";
import { LineSplitter } from "./line-splitter.ts";
import { Link, plainBytes } from "./link.ts";
import { type DrainablePort, PortQueue } from "./port-queue.ts";
import { openRfc2217, rfc2217At } from "./rfc2217.ts";
import { RtsDirection, type RtsUse } from "./rts-direction.ts";
import { listSerialPorts, portPath, portProblem } from "./serial-ports.ts";

export interface SerialOptions {
  readonly path: string;
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly dataBits: 7 | 8;
  readonly stopBits: 1 | 2;
  /**
   * Hands over what is received line by line, cut behind each LF, instead of in the system's lumps; a line of more bytes
   * than this comes in pieces. For meters that send readouts unasked.
   */
  readonly longestLine?: number;
  /** For RS-485 adapters that leave the direction to the program; see rts-direction.ts for its limits. */
  readonly rts?: RtsUse;
  /** The link's name; `serial:PATH` by default. */
  readonly name?: string;
  /** How to wait for an adapter that was unplugged. */
  readonly backoff?: BackoffOptions;
}

/** How often to see whether the device is still there: a port that hung up may read as silent for ever. */
const PRESENCE_MS = 1000;
/** A line that keeps our last bytes for longer is dead; the port is closed without them. */
const LAST_BYTES_MS = 1000;

/**
 * Opens the port for us alone. The first opening must succeed, since a port that never was is a mistake in the command;
 * later losses are `closed` and `opened` events. `rfc2217://HOST:PORT` is a port of another machine. @throws PlatformError `not-found`, `permission`, `in-use` or `failed`.
 */
export async function openSerial(options: SerialOptions): Promise<Link> {
  const far = rfc2217At(options.path);
  if (far !== undefined) {
    if (options.rts !== undefined)
      throw new PlatformError(
        "failed",
        "the direction of a line can't be kept by RTS over a network",
        "leave --rts out: the far port turns by itself",
      );
    const { path, baudRate: baud, parity, dataBits, stopBits, backoff, name = `serial:${path}` } = options;
    const format = { baud, parity, dataBits, stopBits };
    return openRfc2217({ ...far, format, name, ...(backoff === undefined ? {} : { backoff }) });
  }
  const link = new SerialLink(options);
  try {
    await link.openPort();
  } catch (error) {
    const known = (await listSerialPorts().catch(() => [])).map((port) => port.path);
    throw portProblem(options.path, errorText(error), process.platform, known);
  }
  return link;
}

class SerialLink extends Link {
  readonly #options: SerialOptions;
  readonly #backoff: Backoff;
  /** What the port is opened with. */
  #format: LineFormat;
  #port: SerialPort | undefined;
  #queue: PortQueue | undefined;
  #retry: NodeJS.Timeout | undefined;
  #presence: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: SerialOptions) {
    super(linkId(options.name ?? `serial:${options.path}`));
    this.#options = options;
    const { baudRate: baud, parity, dataBits, stopBits } = options;
    this.#format = { baud, parity, dataBits, stopBits };
    this.#backoff = new Backoff({ longestMs: 5000, ...options.backoff });
  }

  async openPort(): Promise<void> {
    const { path: named, rts } = this.#options;
    const path = portPath(named, process.platform);
    const format = this.#format;
    // Modem lines are neither set nor read: pseudo terminals and some adapters have none. The lock keeps others of us out.
    const port = new SerialPort({ path, ...portFormat(format), lock: true, autoOpen: false });
    await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
    const direction =
      rts === undefined
        ? undefined
        : new RtsDirection(port, rts, { baudRate: format.baud, bitsPerCharacter: bitsPerCharacter(format) }, (reason) =>
            this.#lost(port, reason),
          );
    await direction?.listen().catch(async (error: Error) => {
      await closed(port);
      throw new Error(`it has no RTS to set: ${error.message}`);
    });
    const [device, timed] = await Promise.all([deviceOf(path), hasBitTiming(path)]);
    const settingsHold = this.#format === format;
    if (settingsHold && !this.#ended) this.#take(port, direction ?? port, device, timed);
    else {
      await closed(port);
      if (!this.#ended) await this.openPort();
    }
  }

  override send(bytes: Uint8Array): void {
    this.#queue?.send(bytes);
  }

  override setBaud(rate: number): void {
    this.#queue?.setBaud(rate);
  }

  /** Another parity or character length needs a port opened anew: the driver can change nothing but the rate. */
  override setFormat(format: LineFormat): void {
    const before = this.#format;
    this.#format = format;
    const { parity, dataBits, stopBits } = format;
    if (parity === before.parity && dataBits === before.dataBits && stopBits === before.stopBits) {
      this.#queue?.setBaud(format.baud);
      return;
    }
    const [port, queue] = [this.#port, this.#queue];
    if (port === undefined) return;
    this.#letGo(port, "other settings");
    const reopen = () => this.#reopen();
    queue
      ?.emptied(LAST_BYTES_MS)
      .then(() => closed(port))
      .then(reopen, reopen);
  }

  /** Closes the port and opens it afresh, which also empties what the driver held. */
  close(reason: string): void {
    this.#lost(this.#port, reason);
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#retry);
    clearInterval(this.#presence);
    const [port, queue] = [this.#port, this.#queue];
    this.#port = undefined;
    this.#queue = undefined;
    this.markClosed("ended", true);
    await queue?.emptied(LAST_BYTES_MS);
    await closed(port);
  }

  #take(port: SerialPort, end: DrainablePort, device: string | undefined, timed: boolean): void {
    this.#port = port;
    this.#queue = new PortQueue(end, portFormat(this.#format), timed, (reason) => this.#lost(port, reason));
    this.#presence = setInterval(async () => {
      // A device plugged in again within the second is another one under the same name.
      const present = await deviceOf(this.#options.path);
      if (present === undefined || present !== device) this.#lost(port, "unplugged");
    }, PRESENCE_MS);
    this.#backoff.reset();
    const heard = (chunk: Uint8Array) => this.emit({ kind: "bytes", link: this.id, bytes: plainBytes(chunk) });
    const { longestLine } = this.#options;
    const splitter = longestLine === undefined ? undefined : new LineSplitter(longestLine, heard);
    port.on("data", (chunk: Buffer) => (splitter === undefined ? heard(chunk) : splitter.push(chunk)));
    port.on("error", (error) => this.#lost(port, error.message));
    port.on("close", () => this.#lost(port, "unplugged"));
    this.markOpen();
  }

  #lost(port: SerialPort | undefined, reason: string): void {
    if (port === undefined || port !== this.#port) return;
    this.#letGo(port, reason);
    closed(port).then(
      () => this.#reopenLater(),
      () => this.#reopenLater(),
    );
  }

  #letGo(port: SerialPort, reason: string): void {
    this.#port = undefined;
    this.#queue = undefined;
    clearInterval(this.#presence);
    port.removeAllListeners("data");
    this.markClosed(reason, false);
  }

  #reopenLater(): void {
    if (this.#ended) return;
    this.#retry = setTimeout(() => this.#reopen(), this.#backoff.nextMs());
  }

  #reopen(): void {
    if (this.#ended) return;
    this.openPort().catch((error) => {
      if (this.#ended) return;
      this.markClosed(errorText(error), false);
      this.#reopenLater();
    });
  }
}

function portFormat({ baud: baudRate, parity, dataBits, stopBits }: LineFormat) {
  return { baudRate, parity, dataBits, stopBits };
}

/** Names what is behind a path, to tell it from a later one; undefined while there is nothing. */
function deviceOf(path: string): Promise<string | undefined> {
  return stat(path).then(
    ({ dev, ino, rdev }) => `${dev}:${ino}:${rdev}`,
    () => undefined,
  );
}

/** False for a pseudo terminal, whose bytes are at the far end as soon as they are written. */
function hasBitTiming(path: string): Promise<boolean> {
  return realpath(path).then(
    (device) => !/^\/dev\/(pts\/|ttys\d)/.test(device),
    () => true,
  );
}

function closed(port: SerialPort | undefined): Promise<void> {
  if (!port?.isOpen) return Promise.resolve();
  return new Promise((resolve) => port.close(() => resolve()));
}
