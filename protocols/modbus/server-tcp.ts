/** The server's side of one Modbus TCP connection. */
import { ByteArena } from "./arena.ts";
import { EXCEPTION } from "./errors.ts";
import { MAX_TCP_ADU, MBAP_LENGTH, putMbap, uint16At } from "./frame.ts";
import { MbapReader } from "./mbap.ts";
import { type ModbusDataModel, putException, respond } from "./respond.ts";

export interface TcpServerOptions {
  /** What a request to a unit that is not here gets: silence (default), or exception 0B as from a gateway. */
  readonly unknownUnit?: "silence" | "exception";
}

export interface TcpServed {
  /** Replies to send, all in one; undefined when there are none. */
  readonly reply: Uint8Array | undefined;
  /** Why the connection must be closed after the reply; undefined while it is good. */
  readonly close: string | undefined;
}

/** FF and 0 both address the device at the other end of the connection itself. */
const DEVICE_UNIT = 0xff;

/** One for all sessions: `receive` runs to its end before another starts. */
const ARENA = new ByteArena();

const NOTHING: TcpServed = { reply: undefined, close: undefined };

/**
 * One connection. Requests may come split over segments or several in one; each is answered with its own transaction
 * id, in order. A length that cannot be closes the connection.
 */
export class ModbusTcpServerSession {
  readonly #models: (unit: number) => ModbusDataModel | undefined;
  readonly #unknownUnit: "silence" | "exception";
  readonly #reader = new MbapReader();

  /** `models` names the device of a unit 1 .. 254, or the device itself as 0 (0 and FF on the wire). */
  constructor(models: (unit: number) => ModbusDataModel | undefined, options: TcpServerOptions = {}) {
    this.#models = models;
    this.#unknownUnit = options.unknownUnit ?? "silence";
  }

  receive(bytes: Uint8Array): TcpServed {
    const reader = this.#reader;
    reader.offer(bytes);
    while (reader.next()) this.#answer(reader.bytes, reader.at, reader.pduLength);
    if (ARENA.end > ARENA.start) return { reply: ARENA.take(), close: reader.fault };
    return reader.fault === undefined ? NOTHING : { reply: undefined, close: reader.fault };
  }

  #answer(bytes: Uint8Array, at: number, length: number): void {
    const unit = bytes[at + 6] as number;
    const model = this.#models(unit === DEVICE_UNIT ? 0 : unit);
    if (model === undefined && this.#unknownUnit === "silence") return;
    ARENA.reserve(MAX_TCP_ADU);
    const out = ARENA.bytes;
    const header = ARENA.end;
    const pdu = header + MBAP_LENGTH;
    const from = at + MBAP_LENGTH;
    const size =
      model === undefined
        ? putException(bytes[from] as number, EXCEPTION.gatewayTarget, out, pdu)
        : respond(model, bytes, from, length, out, pdu);
    putMbap(out, header, uint16At(bytes, at), unit, size);
    ARENA.end = pdu + size;
  }
}
