/**
 * A serial port of another machine: the client's side of Telnet's COM-PORT-OPTION (RFC 2217). Rate, parity, character length
 * and stop bits are set at the far end, and each must be confirmed; data are as on a port of our own.
 */
import { connect, type Socket } from "node:net";
import { linkId } from "../core/actor.ts";
import type { LineFormat } from "../core/line-format.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { errorText, PlatformError } from "./errors.ts";
import { Link } from "./link.ts";
import { type DrainablePort, PortQueue } from "./port-queue.ts";
import { SocketPipe } from "./tcp-link.ts";
import { escapeData, optionCommand, subnegotiation, TELNET, type TelnetEvent, TelnetReader } from "./telnet.ts";

const BINARY = 0;
const SUPPRESS_GO_AHEAD = 3;
const COM_PORT = 44;
/** Client's commands; the server confirms each with its number + 100. */
const SET = { baud: 1, dataBits: 2, parity: 3, stopBits: 4, control: 5, purge: 12 } as const;
const CONFIRMED = 100;
const PARITIES = { none: 1, odd: 2, even: 3 } as const;
const NO_FLOW_CONTROL = 1;
const PURGE_BOTH = 3;
const PATIENCE_MS = 3000;
const LAST_BYTES_MS = 1000;

export interface Rfc2217Options {
  readonly host: string;
  readonly port: number;
  readonly format: LineFormat;
  /** The link's name. */
  readonly name: string;
  readonly backoff?: BackoffOptions;
}

/** `rfc2217://HOST:PORT` in the place of a device's path; undefined for any other path. @throws PlatformError for a bad one */
export function rfc2217At(path: string): { readonly host: string; readonly port: number } | undefined {
  if (!/^rfc2217:/i.test(path)) return undefined;
  const m = /^rfc2217:\/\/(?:\[([0-9a-f:]+)\]|([A-Za-z0-9_.-]+)):(\d{1,5})\/?$/i.exec(path);
  const port = Number(m?.[3]);
  if (m !== null && port >= 1 && port <= 65_535) return { host: (m[1] ?? m[2]) as string, port };
  throw new PlatformError("bad-address", `"${path}" is no rfc2217://HOST:PORT`, "for example rfc2217://10.0.0.5:2217");
}

/** The first connection must succeed, settings included. @throws PlatformError when it does not */
export async function openRfc2217(options: Rfc2217Options): Promise<Link> {
  const link = new Rfc2217Link(options);
  try {
    await link.dial();
    return link;
  } catch (error) {
    await link.end();
    throw error instanceof PlatformError
      ? error
      : new PlatformError(
          "not-found",
          `${options.name}: ${errorText(error)}`,
          "check the address, and that it listens",
        );
  }
}

/** The far port, as far as its settings and its connection are concerned. */
class FarPort implements DrainablePort {
  readonly #socket: Socket;
  readonly #pipe: SocketPipe;
  readonly #reader = new TelnetReader();
  readonly #name: string;
  readonly #onData: (bytes: Uint8Array) => void;
  readonly #confirmed = new Map<number, (value: Uint8Array) => void>();
  #agreed: ((yes: boolean) => void) | undefined;
  isOpen = true;

  constructor(socket: Socket, name: string, onData: (bytes: Uint8Array) => void, onGone: (reason: string) => void) {
    this.#socket = socket;
    this.#name = name;
    this.#onData = onData;
    this.#pipe = new SocketPipe(socket, {
      onBytes: (bytes) => {
        for (const event of this.#reader.read(bytes)) this.#take(event);
      },
      onGone: (reason) => {
        this.isOpen = false;
        onGone(reason);
      },
    });
  }

  get writableLength(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    this.#pipe.send(escapeData(bytes));
  }

  /** RFC 2217 does not tell when the far line is empty; the queue waits for as long as the characters take. */
  drain(callback: (error: Error | null) => void): void {
    setImmediate(callback, null);
  }

  update({ baudRate }: { baudRate: number }, callback: (error: Error | null) => void): void {
    this.#set(SET.baud, uint32(baudRate)).then(
      () => callback(null),
      (error: Error) => callback(error),
    );
  }

  /** Options and settings, before any data. @throws PlatformError when the far end is no such server, or takes no setting */
  async begin(format: LineFormat): Promise<void> {
    const agreed = new Promise<boolean>((resolve) => {
      this.#agreed = resolve;
    });
    this.#pipe.send(optionCommand(TELNET.will, COM_PORT));
    for (const option of [BINARY, SUPPRESS_GO_AHEAD])
      for (const command of [TELNET.will, TELNET.do]) this.#pipe.send(optionCommand(command, option));
    if ((await within(agreed)) !== true)
      throw new PlatformError(
        "failed",
        `${this.#name} is no RFC 2217 server: it does not agree to the COM-PORT-OPTION`,
        "a raw port is --tcp HOST:PORT with --protocol modbus-rtu, dlt645 or iec62056-21",
      );
    await this.configure(format);
    this.#pipe.send(subnegotiation(COM_PORT, Uint8Array.of(SET.control, NO_FLOW_CONTROL)));
    this.#pipe.send(subnegotiation(COM_PORT, Uint8Array.of(SET.purge, PURGE_BOTH)));
  }

  async configure({ baud, dataBits, parity, stopBits }: LineFormat): Promise<void> {
    await this.#set(SET.baud, uint32(baud));
    await this.#set(SET.dataBits, Uint8Array.of(dataBits));
    await this.#set(SET.parity, Uint8Array.of(PARITIES[parity]));
    await this.#set(SET.stopBits, Uint8Array.of(stopBits));
  }

  hangUp(reason: string): void {
    this.#pipe.close(reason);
  }

  async #set(command: number, value: Uint8Array): Promise<void> {
    const answer = new Promise<Uint8Array>((resolve) => this.#confirmed.set(command + CONFIRMED, resolve));
    this.#pipe.send(subnegotiation(COM_PORT, Uint8Array.of(command, ...value)));
    const got = await within(answer);
    this.#confirmed.delete(command + CONFIRMED);
    const name = Object.entries(SET).find(([, code]) => code === command)?.[0];
    if (got === undefined)
      throw new PlatformError("failed", `${this.#name} does not confirm ${name}`, "is it an RFC 2217 server?");
    // Some servers send a rate on more bytes than the four of the standard.
    if (value.every((byte, i) => byte === got[i])) return;
    throw new PlatformError(
      "failed",
      `${this.#name} has ${name} ${[...got].reduce((n, b) => n * 256 + b, 0)} instead of what was asked for`,
      "give settings that its port can do",
    );
  }

  #take(event: TelnetEvent): void {
    if (event.kind === "data") this.#onData(event.bytes);
    else if (event.kind === "option") this.#option(event.command, event.option);
    else if (event.option === COM_PORT) this.#confirmed.get(event.data[0] as number)?.(event.data.slice(1));
  }

  /** What we asked for is agreed to; what else the server offers or wants is refused, once (RFC 854). */
  #option(command: number, option: number): void {
    const known = [BINARY, SUPPRESS_GO_AHEAD, COM_PORT].includes(option);
    // Servers that speak first want of us what we say by ourselves; one that offers the option of its own accord has it too.
    if (option === COM_PORT) this.#agreed?.(command === TELNET.do || command === TELNET.will);
    else if (!known && command === TELNET.will) this.#pipe.send(optionCommand(TELNET.dont, option));
    else if (!known && command === TELNET.do) this.#pipe.send(optionCommand(TELNET.wont, option));
  }
}

class Rfc2217Link extends Link {
  readonly #options: Rfc2217Options;
  readonly #backoff: Backoff;
  #format: LineFormat;
  #port: FarPort | undefined;
  #queue: PortQueue | undefined;
  #retry: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: Rfc2217Options) {
    super(linkId(options.name));
    this.#options = options;
    this.#format = options.format;
    this.#backoff = new Backoff({ longestMs: 5000, ...options.backoff });
  }

  async dial(): Promise<void> {
    const { host, port: tcpPort, name } = this.#options;
    const socket = connect({ host, port: tcpPort, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
    let port: FarPort | undefined;
    const gone = new Promise<never>((_, reject) => {
      port = new FarPort(
        socket,
        name,
        (bytes) => {
          if (this.#port === port) this.emit({ kind: "bytes", link: this.id, bytes });
        },
        (reason) => {
          reject(new Error(reason));
          this.#lost(port, reason);
        },
      );
    });
    gone.catch(() => {});
    const far = port as unknown as FarPort;
    const connected = new Promise<boolean>((resolve) => socket.once("connect", () => resolve(true)));
    try {
      if ((await within(Promise.race([connected, gone]))) !== true)
        throw new Error(`no connection within ${PATIENCE_MS} ms`);
      const format = this.#format;
      await Promise.race([far.begin(format), gone]);
      this.#port = far;
      this.#queue = this.#queueFor(far, format);
    } catch (error) {
      far.hangUp("no RFC 2217 server");
      throw error;
    }
    if (this.#ended) return far.hangUp("ended");
    this.#backoff.reset();
    this.markOpen();
  }

  override send(bytes: Uint8Array): void {
    if (this.open) this.#queue?.send(bytes);
  }

  override setBaud(rate: number): void {
    this.#format = { ...this.#format, baud: rate };
    this.#queue?.setBaud(rate);
  }

  override setFormat(format: LineFormat): void {
    const [port, queue] = [this.#port, this.#queue];
    this.#format = format;
    if (port === undefined || queue === undefined) return;
    this.#queue = undefined;
    this.markClosed("other settings", false);
    queue
      .emptied(LAST_BYTES_MS)
      .then(() => port.configure(format))
      .then(
        () => {
          if (this.#port !== port) return;
          this.#queue = this.#queueFor(port, format);
          this.markOpen();
        },
        (error) => port.hangUp(errorText(error)),
      );
  }

  close(reason: string): void {
    this.#port?.hangUp(reason);
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#retry);
    const [port, queue] = [this.#port, this.#queue];
    this.#port = undefined;
    this.markClosed("ended", true);
    await queue?.emptied(LAST_BYTES_MS);
    port?.hangUp("ended");
  }

  #queueFor(port: FarPort, { baud: baudRate, parity, dataBits, stopBits }: LineFormat): PortQueue {
    const format = { baudRate, parity, dataBits, stopBits };
    return new PortQueue(port, format, true, (reason) => port.hangUp(reason));
  }

  #lost(port: FarPort | undefined, reason: string): void {
    if (port === undefined || port !== this.#port || this.#ended) return;
    this.#port = undefined;
    this.#queue = undefined;
    this.markClosed(reason, false);
    this.#redialLater();
  }

  #redialLater(): void {
    if (this.#ended) return;
    this.#retry = setTimeout(() => {
      this.dial().catch((error) => {
        this.markClosed(errorText(error), false);
        this.#redialLater();
      });
    }, this.#backoff.nextMs());
  }
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** Undefined when it takes too long. */
async function within<T>(promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
    timer.unref();
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
