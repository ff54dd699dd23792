/** Modbus on the wire without the product's codec: an oracle has to be independent of what it judges. */
import { connect, createServer, type Socket } from "node:net";

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** CRC-16 of MODBUS over Serial Line V1.02, bit by bit. */
function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

/** Unit, PDU and CRC (low byte first). */
export function rtuFrame(unit: number, pdu: Uint8Array): Buffer {
  const body = Buffer.concat([Uint8Array.of(unit), pdu]);
  const crc = crc16(body);
  return Buffer.concat([body, Uint8Array.of(crc & 0xff, crc >> 8)]);
}

/** A read request PDU (FC 01-04). */
export function readPdu(code: number, address: number, quantity: number): Buffer {
  const pdu = Buffer.alloc(5);
  pdu.writeUInt8(code, 0);
  pdu.writeUInt16BE(address, 1);
  pdu.writeUInt16BE(quantity, 3);
  return pdu;
}

/** Words of a float32, high word first. */
export function floatWords(value: number): readonly [number, number] {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
}

export function floatFromWords(words: readonly number[], at = 0): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(words[at] ?? 0, 0);
  bytes.writeUInt16BE(words[at + 1] ?? 0, 2);
  return bytes.readFloatBE(0);
}

/** Modbus TCP by hand: one connection, one request at a time. */
export class TcpAsker {
  #transaction = 0;
  #received = Buffer.alloc(0);
  #wake: () => void = () => {};
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    socket.on("close", () => this.#wake());
    socket.on("error", () => socket.destroy());
  }

  static open(port: number): Promise<TcpAsker> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new TcpAsker(socket)));
    });
  }

  /** The PDU of the reply to this PDU; fails on a wrong header, a lost connection, or silence of two seconds. */
  async ask(unit: number, pdu: Uint8Array): Promise<Buffer> {
    this.#transaction = (this.#transaction + 1) & 0xffff;
    const header = Buffer.alloc(7);
    header.writeUInt16BE(this.#transaction, 0);
    header.writeUInt16BE(pdu.length + 1, 4);
    header.writeUInt8(unit, 6);
    this.#socket.write(Buffer.concat([header, pdu]));
    const deadline = performance.now() + 2_000;
    while (this.#received.length < 6 || this.#received.length < 6 + this.#received.readUInt16BE(4)) {
      const left = deadline - performance.now();
      if (left <= 0 || this.#socket.destroyed) throw new Error(`no reply to ${hex(pdu)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const reply = this.#received;
    this.#received = Buffer.alloc(0);
    if (hex(reply.subarray(0, 4)) !== hex(header.subarray(0, 4)) || reply[6] !== unit)
      throw new Error(`reply ${hex(reply)} does not belong to request ${hex(header)}`);
    return reply.subarray(7);
  }

  async readFloat(unit: number, address: number): Promise<number> {
    const reply = await this.ask(unit, readPdu(4, address, 2));
    if (reply[0] !== 4 || reply[1] !== 4) throw new Error(`not a float: ${hex(reply)}`);
    return reply.readFloatBE(2);
  }

  close(): void {
    this.#socket.destroy();
  }
}

export interface Chunk {
  readonly from: "client" | "server";
  readonly bytes: Uint8Array;
}

export interface Recorder {
  readonly port: number;
  readonly chunks: readonly Chunk[];
  close(): void;
}

/** A TCP relay in front of a server that keeps what passed, in order. It needs no rights, as a capture device does. */
export function recordTcp(serverPort: number): Promise<Recorder> {
  const chunks: Chunk[] = [];
  const sockets = new Set<Socket>();
  const relay = createServer({ noDelay: true }, (client) => {
    const server = connect({ host: "127.0.0.1", port: serverPort, noDelay: true });
    const pairs = [
      [client, server, "client"],
      [server, client, "server"],
    ] as const;
    for (const [here, there, from] of pairs) {
      sockets.add(here);
      here.on("data", (bytes: Buffer) => {
        chunks.push({ from, bytes });
        there.write(bytes);
      });
      here.on("error", () => there.destroy());
      here.on("close", () => there.destroy());
    }
  });
  return new Promise((resolve) => {
    relay.listen(0, "127.0.0.1", () => {
      const address = relay.address();
      if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
      const close = (): void => {
        relay.close();
        for (const socket of sockets) socket.destroy();
      };
      resolve({ port: address.port, chunks, close });
    });
  });
}
