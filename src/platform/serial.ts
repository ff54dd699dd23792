/** Serial ports: opened, opened again after an unplugged adapter returns, and errors that say what to do. */
import { realpath, stat } from "node:fs/promises";
import { SerialPort } from "serialport";
import { linkId } from "../core/actor.ts";
import type { LineFormat } from "../core/line-format.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { errorText, PlatformError, systemCode } from "./errors.ts";
import { LineSplitter } from "./line-splitter.ts";
import { Link, plainBytes } from "./link.ts";
import { PortQueue } from "./port-queue.ts";
import { openRfc2217, rfc2217At } from "./rfc2217.ts";

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
    const { path, baudRate: baud, parity, dataBits, stopBits, backoff } = options;
    const format = { baud, parity, dataBits, stopBits };
    return openRfc2217({ ...far, format, name: `serial:${path}`, ...(backoff === undefined ? {} : { backoff }) });
  }
  const link = new SerialLink(options);
  try {
    await link.openPort();
  } catch (error) {
    throw await serialError(options.path, errorText(error));
  }
  return link;
}

export interface SerialPortName {
  readonly path: string;
  /** What the system knows about the adapter; empty for a bare port. */
  readonly description: string;
}

/** The ports this machine has. @throws PlatformError where the system has no means to tell. */
export async function listSerialPorts(): Promise<readonly SerialPortName[]> {
  const ports = await SerialPort.list().catch((error: unknown) => {
    // On Linux they are asked of udev's program, which small systems and containers do not have.
    if (systemCode(error) === "ENOENT")
      throw new PlatformError(
        "missing-program",
        "serial ports can't be listed without udevadm",
        "install the package udev, or look at /dev/ttyUSB*, /dev/ttyACM* and /dev/ttyS*",
      );
    throw new PlatformError("failed", `serial ports can't be listed: ${errorText(error)}`, "look at /dev/tty*");
  });
  return ports.map(({ path, manufacturer, serialNumber }) => ({
    path,
    description: [manufacturer, serialNumber].filter((text) => text !== undefined).join(" "),
  }));
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
    super(linkId(`serial:${options.path}`));
    this.#options = options;
    const { baudRate: baud, parity, dataBits, stopBits } = options;
    this.#format = { baud, parity, dataBits, stopBits };
    this.#backoff = new Backoff({ longestMs: 5000, ...options.backoff });
  }

  async openPort(): Promise<void> {
    const { path } = this.#options;
    const format = this.#format;
    // Modem lines are neither set nor read: pseudo terminals and some adapters have none. The lock keeps others of us out.
    const port = new SerialPort({ path, ...portFormat(format), lock: true, autoOpen: false });
    await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
    const [device, timed] = await Promise.all([deviceOf(path), hasBitTiming(path)]);
    const settingsHold = this.#format === format;
    if (settingsHold && !this.#ended) this.#take(port, device, timed);
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

  #take(port: SerialPort, device: string | undefined, timed: boolean): void {
    this.#port = port;
    this.#queue = new PortQueue(port, portFormat(this.#format), timed, (reason) => this.#lost(port, reason));
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

/** The driver's errors carry no code, only the system's sentence. */
async function serialError(path: string, text: string): Promise<PlatformError> {
  if (/no such (file|device)/i.test(text)) {
    const ports = (await listSerialPorts().catch(() => [])).map((port) => port.path).join(", ");
    return new PlatformError(
      "not-found",
      `there is no serial port ${path}`,
      ports === "" ? "no port was found on this machine: is the adapter plugged in?" : `ports here: ${ports}`,
    );
  }
  if (/permission denied|not permitted/i.test(text))
    return new PlatformError(
      "permission",
      `not allowed to open ${path}`,
      "join the group that owns it and log in again: sudo usermod -aG dialout $USER",
    );
  if (/cannot lock|resource busy|temporarily unavailable/i.test(text))
    return new PlatformError("in-use", `${path} is in use by another program`, `find it with: fuser ${path}`);
  if (/inappropriate ioctl|not a typewriter/i.test(text))
    return new PlatformError("not-found", `${path} is no serial port`, "name a port such as /dev/ttyUSB0");
  return new PlatformError("failed", `cannot open ${path}: ${text}`, "check the path and the serial settings");
}
