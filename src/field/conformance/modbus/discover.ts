/** Without a map: what the device itself shows when it is read, so that its reads can be judged. Nothing is written. */
import type { Probe } from "../../probe.ts";
import { type ModbusMap, modbusMap, type Range, TABLES, type Table } from "./map.ts";
import { isException } from "./rules.ts";
import { ask, bytes, type ModbusTarget, words } from "./target.ts";

/** A map that declares nothing. */
export const NO_MAP: ModbusMap = modbusMap({
  given: false,
  device: undefined,
  functions: new Set(),
  read: { coil: [], discrete: [], holding: [], input: [] },
  write: { coil: [], holding: [] },
  absent: { coil: [], discrete: [], holding: [], input: [] },
  readOnly: [],
  notSupported: new Map(),
});

const ILLEGAL_FUNCTION = 1;
/** How many are asked for from address 0 on, the most first. */
const QUANTITIES = [40, 10, 2, 1];
/** Functions beside the reads that change nothing. */
const SERVICES: readonly (readonly [string, Uint8Array])[] = [
  ["11", bytes(0x11)],
  ["2B", bytes(0x2b, 0x0e, 1, 0)],
];
const SERIAL_SERVICES: readonly (readonly [string, Uint8Array])[] = [
  ["07", bytes(7)],
  ["0B", bytes(0x0b)],
  ["0C", bytes(0x0c)],
  ...["00", "02", "0B", "0C", "0D", "0E", "0F", "10", "11", "12"].map(
    (sub) => [`08/${sub}`, words(8, Number.parseInt(sub, 16), 0)] as const,
  ),
];

/**
 * A map of what answers: functions that are not refused with 01, and ranges from address 0 on that can be read.
 * Undefined where nothing answers at all.
 */
export function* discoverMap(target: ModbusTarget): Probe<ModbusMap | undefined> {
  const functions = new Set<string>();
  const read: Record<Table, Range[]> = { coil: [], discrete: [], holding: [], input: [] };
  let answered = false;
  for (const [i, table] of TABLES.entries()) {
    for (const quantity of QUANTITIES) {
      const answer = yield* ask(target, words(i + 1, 0, quantity));
      // A device that was silent to two functions is not asked for more of this one.
      if (answer.kind !== "reply" && !answered && i > 1) return undefined;
      answered ||= answer.kind === "reply" || answer.kind === "wrong";
      if (answer.kind !== "reply" || isException(answer, ILLEGAL_FUNCTION)) break;
      functions.add(`0${i + 1}`);
      if (answer.pdu[0] !== i + 1) continue;
      read[table].push({ address: 0, count: quantity });
      break;
    }
  }
  if (!answered) return undefined;
  for (const [feature, pdu] of target.framing === "tcp" ? SERVICES : [...SERVICES, ...SERIAL_SERVICES]) {
    const answer = yield* ask(target, pdu);
    if (answer.kind === "reply" && !isException(answer, ILLEGAL_FUNCTION)) functions.add(feature);
  }
  return modbusMap({ ...NO_MAP, functions, read });
}
