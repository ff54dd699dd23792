/** A TCP proxy that stops at a chosen message: what it holds has left its sender and has not reached anybody. */
import { connect, createServer, type Server, type Socket } from "node:net";

export type Direction = "to-meter" | "from-meter";
/** Looks at what passes; true holds it, and all that comes after it. */
export type Stop = (bytes: Buffer, direction: Direction) => boolean;

export class HoldingProxy {
  readonly #server: Server;
  readonly #upstream: number;
  readonly #meterDials: boolean;
  readonly #sockets = new Set<Socket>();
  #stop: Stop = () => false;
  #held = false;

  private constructor(upstream: number, meterDials: boolean) {
    this.#upstream = upstream;
    this.#meterDials = meterDials;
    this.#server = createServer((client) => this.#join(client));
  }

  /** @param meterDials the meter is the client (MQTT); else it is the server (Modbus) */
  static async listen(upstream: number, meterDials: boolean): Promise<HoldingProxy> {
    const proxy = new HoldingProxy(upstream, meterDials);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get held(): boolean {
    return this.#held;
  }

  stopAt(stop: Stop): void {
    this.#stop = stop;
  }

  /** What was held is lost with its connections; new ones pass. */
  release(): void {
    this.#stop = () => false;
    this.#held = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.release();
    this.#server.close();
  }

  #join(client: Socket): void {
    const server = connect(this.#upstream, "127.0.0.1");
    this.#pipe(client, server, this.#meterDials ? "from-meter" : "to-meter");
    this.#pipe(server, client, this.#meterDials ? "to-meter" : "from-meter");
  }

  #pipe(from: Socket, to: Socket, direction: Direction): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on("data", (bytes) => {
      this.#held ||= this.#stop(bytes, direction);
      if (!this.#held) to.write(bytes);
    });
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
