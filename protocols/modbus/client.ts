/** The Modbus client of one link, RTU, ASCII or TCP, behind one face. */
import type { ClientEffect, LinkClient } from "./client-link.ts";
import { SerialClient, type SerialClientOptions } from "./client-serial.ts";
import { TcpClient, type TcpClientOptions } from "./client-tcp.ts";
import type { ModbusRequest } from "./message.ts";

export type { ClientEffect } from "./client-link.ts";

export type ModbusClientOptions = SerialClientOptions | TcpClientOptions;

/**
 * Takes requests, bytes and wakes; gives what to send and, once for each ticket, how it ended. The link is down until
 * {@link linkUp}. Times are monotonic microseconds.
 */
export class ModbusClient {
  readonly #link: LinkClient;

  constructor(options: ModbusClientOptions) {
    this.#link = options.framing === "tcp" ? new TcpClient(options) : new SerialClient(options);
  }

  /** Requests queued and in flight. */
  get outstanding(): number {
    return this.#link.outstanding;
  }

  /**
   * Sends `request` to `unit`, now or when its turn comes. What cannot be sent is done at once, with `bad-request` (a limit
   * of the protocol, a reserved unit, a full queue) or `link-down`. Unit 0 on a serial line is a broadcast: it is done,
   * without data, after the turnaround delay.
   */
  submit(ticket: number, unit: number, request: ModbusRequest, mono: number): readonly ClientEffect[] {
    return this.#link.submit(ticket, unit, request, mono);
  }

  /** Bytes from the link, the last of which came at `mono`. */
  receive(bytes: Uint8Array, mono: number): readonly ClientEffect[] {
    return this.#link.receive(bytes, mono);
  }

  /** To be called at {@link nextWake}; does nothing when nothing is due. */
  wake(mono: number): readonly ClientEffect[] {
    return this.#link.wake(mono);
  }

  nextWake(): number {
    return this.#link.nextWake();
  }

  linkUp(mono: number): readonly ClientEffect[] {
    return this.#link.linkUp(mono);
  }

  /** Everything outstanding is done with `link-down`. */
  linkDown(mono: number): readonly ClientEffect[] {
    return this.#link.linkDown(mono);
  }
}
