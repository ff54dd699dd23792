/** How long a meter thought about a request, as far as it can be told from outside. */
import type { ModbusFailure } from "../../protocols/modbus/errors.ts";
import type { ModbusReply } from "../../protocols/modbus/message.ts";
import type { SerialLine } from "../../protocols/modbus/serial-line.ts";
import type { Result } from "../../src/core/result.ts";

/** Function and byte count of the reply to a read. */
const READ_REPLY_HEADER = 2;

/**
 * What a reply took beyond its time on a serial wire, µs.
 * @param latency µs from the end of the request to the reply, or to the end of waiting
 */
export function turnaround(
  result: Result<ModbusReply, ModbusFailure>,
  latency: number,
  wire: SerialLine | undefined,
): number {
  const length = result.ok ? READ_REPLY_HEADER + result.value.data.length : 0;
  const onWire = wire?.wireTime(wire.charactersOf(length)) ?? 0;
  return latency > onWire ? latency - onWire : latency;
}
