/** Modbus replies of a recording as the measures of a model's map: a reply has no address, its request has. */
import type { ExplainedReading, Explanation } from "../../../protocols/explain.ts";
import { MBAP_LENGTH, uint16At } from "../../../protocols/modbus/frame.ts";
import { type ModbusMap, registerCount } from "../../../protocols/models/model.ts";
import { decodeValue } from "../../../protocols/models/registers.ts";
import { measure, shownUnit, showValue } from "../../core/measures.ts";
import type { ReplayedFrame } from "./frames.ts";

interface AskedFor {
  readonly code: number;
  readonly address: number;
  readonly quantity: number;
}

/** Takes the frames in their order, each with what it says. */
export class ModelReadings {
  readonly #map: ModbusMap;
  readonly #asked = new Map<string, AskedFor>();

  constructor(map: ModbusMap) {
    this.#map = map;
  }

  /** The explanation, with the readings of the map in place of bare registers where a reply follows its request. */
  named(frame: ReplayedFrame, explanation: Explanation): Explanation {
    const pdu = explanation.ok ? pduOf(frame) : undefined;
    if (pdu === undefined) return explanation;
    const key = `${frame.line} ${frame.protocol === "modbus-tcp" ? uint16At(frame.bytes, 0) : ""}`;
    if (frame.direction === "request") {
      this.#asked.delete(key);
      if (isRead(pdu[0]) && pdu.length === 5)
        this.#asked.set(key, { code: pdu[0], address: uint16At(pdu, 1), quantity: uint16At(pdu, 3) });
      return explanation;
    }
    const request = this.#asked.get(key);
    if (request === undefined || request.code !== pdu[0] || pdu.length !== 2 + 2 * request.quantity) return explanation;
    return { ...explanation, readings: readingsOf(request, pdu.subarray(2), this.#map) };
  }
}

function isRead(code: number | undefined): code is 3 | 4 {
  return code === 3 || code === 4;
}

/** Undefined for other protocols. */
function pduOf({ protocol, bytes }: ReplayedFrame): Uint8Array | undefined {
  switch (protocol) {
    case "modbus-tcp":
      return bytes.subarray(MBAP_LENGTH);
    case "modbus-rtu":
      return bytes.subarray(1, -2);
    case "modbus-ascii": {
      const digits = String.fromCharCode(...bytes)
        .trim()
        .slice(1);
      const all = Array.from({ length: digits.length / 2 }, (_, i) =>
        Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
      );
      return Uint8Array.from(all.slice(1, -1));
    }
    default:
      return undefined;
  }
}

function readingsOf({ code, address, quantity }: AskedFor, data: Uint8Array, map: ModbusMap): ExplainedReading[] {
  const table = code === 3 ? "holding" : "input";
  const inside = map.registers.filter(
    (entry) =>
      (map.tables === "shared" || entry.table === table) &&
      entry.address >= address &&
      entry.address + registerCount(entry.encoding) <= address + quantity,
  );
  return inside.map((entry) => {
    const m = measure(entry.measure);
    const value = decodeValue(entry, map.wordOrder, data, 2 * (entry.address - address)) ?? null;
    return { id: m.key, obis: m.obis, value: value === null ? null : showValue(m, value), unit: shownUnit(m) };
  });
}
