/** A multi-drop bus within the process, for machines without socat: what one port sends, every other port hears. */
import { linkId } from "../core/actor.ts";
import { Link } from "./link.ts";

export class MemoryBus {
  readonly #name: string;
  readonly #ports = new Set<BusPort>();
  #serial = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** A place on the bus; its link hears everyone but itself. */
  port(): Link {
    this.#serial += 1;
    const port: BusPort = new BusPort(
      `bus:${this.#name}#${this.#serial}`,
      (bytes) => this.#carry(port, bytes),
      () => this.#ports.delete(port),
    );
    this.#ports.add(port);
    return port;
  }

  #carry(from: BusPort, bytes: Uint8Array): void {
    const frame = bytes.slice();
    // In the next turn of the loop: two actors answering each other must not keep everything else waiting.
    setImmediate(() => {
      for (const port of this.#ports) if (port !== from) port.hear(frame);
    });
  }
}

class BusPort extends Link {
  readonly #carry: (bytes: Uint8Array) => void;
  readonly #leave: () => void;

  constructor(id: string, carry: (bytes: Uint8Array) => void, leave: () => void) {
    super(linkId(id));
    this.#carry = carry;
    this.#leave = leave;
    this.markOpen();
  }

  hear(bytes: Uint8Array): void {
    this.emit({ kind: "bytes", link: this.id, bytes });
  }

  override send(bytes: Uint8Array): void {
    if (this.open) this.#carry(bytes);
  }

  /** A bus cannot be hung up. */
  close(_reason: string): void {}

  async end(): Promise<void> {
    this.#leave();
    this.markClosed("ended", true);
  }
}
