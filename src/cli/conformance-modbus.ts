/** `conformance modbus`: the line, the map and the checklist of Modbus RTU, ASCII and TCP. */
import { BUSY_HOST_GAP, rtuTiming } from "../../protocols/modbus/timing.ts";
import type { LineFormat } from "../core/line-format.ts";
import { MICROS_PER_MS } from "../core/time.ts";
import { connectionChecklist, lineChecklist } from "../field/conformance/modbus/checklist.ts";
import { discoverMap, NO_MAP } from "../field/conformance/modbus/discover.ts";
import { type ModbusMap, parseModbusMap } from "../field/conformance/modbus/map.ts";
import { type ModbusCheck, type ModbusTarget, revive } from "../field/conformance/modbus/target.ts";
import { runChecks } from "../field/conformance/runner.ts";
import { type Conformance, type ConformanceFlags, isChosen, mapOf, type OnResult, type Phase } from "./conformance.ts";
import type { Spoken } from "./wires.ts";

const TCP_DRAIN = 2 * MICROS_PER_MS;
const DEFAULT_UNIT = 1;

export const MODBUS_CONFORMANCE: Conformance = {
  checks: (spoken) => [...lineChecklist(framingOf(spoken)), ...connectionChecklist(framingOf(spoken))],
  judge(spoken, flags, text, onResult) {
    const framing = framingOf(spoken);
    const map = text === undefined ? undefined : mapOf(parseModbusMap(text), flags);
    const format = formatOf(flags, framing);
    const target: ModbusTarget = {
      framing,
      unit: flags.unit ?? DEFAULT_UNIT,
      map: map ?? NO_MAP,
      patience: flags.timeout * MICROS_PER_MS,
      quiet: framing === "tcp" ? TCP_DRAIN : BUSY_HOST_GAP + rtuTiming(format.baud).t35,
      transactions: { next: 0 },
    };
    return {
      device: map?.device,
      address: `unit ${target.unit}`,
      format,
      phases: phasesOf(target, map, flags, onResult),
    };
  },
};

function framingOf({ protocol }: Spoken): ModbusTarget["framing"] {
  return protocol === "modbus-tcp" ? "tcp" : protocol === "modbus-ascii" ? "ascii" : "rtu";
}

/** 9600 8N1, in ASCII 9600 7E1, where the flags say nothing else. */
function formatOf(flags: ConformanceFlags, framing: ModbusTarget["framing"]): LineFormat {
  const parity = flags.parity ?? (framing === "ascii" ? "even" : "none");
  const dataBits = framing === "ascii" ? 7 : 8;
  const stopBits = framing === "ascii" && parity === "none" ? 2 : 1;
  return { baud: flags.baud ?? 9_600, parity, dataBits, stopBits };
}

/** First all that one connection can show, then what takes two. */
function phasesOf(
  bare: ModbusTarget,
  given: ModbusMap | undefined,
  flags: ConformanceFlags,
  onResult: OnResult,
): readonly Phase[] {
  const onLine = lineChecklist(bare.framing).filter((check) => isChosen(check, flags));
  const onTwo = connectionChecklist(bare.framing).filter((check) => isChosen(check, flags));
  const total = onLine.length + onTwo.length;
  // What the device showed of itself in the first phase holds for the second.
  let target = bare;
  const run = (checks: readonly ModbusCheck[], before: number) =>
    runChecks(checks, target, {
      declarations: target.map,
      drain: target.quiet,
      recover: () => revive(target),
      onResult: (result, done) => onResult(result, before + done, total),
    });
  const line = function* (): Phase["probe"] {
    const map = given ?? (yield* discoverMap(bare));
    if (map === undefined) return undefined;
    target = { ...bare, map };
    if (!(yield* revive(target))) return undefined;
    return yield* run(onLine, 0);
  };
  const two = function* (): Phase["probe"] {
    return yield* run(onTwo, onLine.length);
  };
  return [{ connections: 1, probe: line() }, ...(onTwo.length === 0 ? [] : [{ connections: 2, probe: two() }])];
}
