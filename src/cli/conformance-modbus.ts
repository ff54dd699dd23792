/** `conformance modbus`: the line, the map and the checklist of Modbus RTU, ASCII and TCP. */
import { BUSY_HOST_GAP, rtuTiming } from "../../protocols/modbus/timing.ts";
import type { LineFormat } from "../core/line-format.ts";
import { MICROS_PER_MS } from "../core/time.ts";
import type { CheckResult } from "../field/conformance/check.ts";
import { modbusChecklist } from "../field/conformance/modbus/checklist.ts";
import { discoverMap, NO_MAP } from "../field/conformance/modbus/discover.ts";
import { type ModbusMap, parseModbusMap } from "../field/conformance/modbus/map.ts";
import { ask, type ModbusTarget, sampleRequest } from "../field/conformance/modbus/target.ts";
import { runChecks } from "../field/conformance/runner.ts";
import type { Probe } from "../field/probe.ts";
import { type Conformance, type ConformanceFlags, isChosen, type OnResult } from "./conformance.ts";
import { usage } from "./errors.ts";
import type { Spoken } from "./wires.ts";

/** Enough for two masters at once. */
const CONNECTIONS = 2;
const TCP_DRAIN = 2 * MICROS_PER_MS;
const DEFAULT_UNIT = 1;

export const MODBUS_CONFORMANCE: Conformance = {
  checks: (spoken) => modbusChecklist(framingOf(spoken)),
  judge(spoken, flags, text, onResult) {
    const framing = framingOf(spoken);
    const map = text === undefined ? undefined : parsed(text, flags);
    const format = formatOf(flags, framing);
    const target: ModbusTarget = {
      framing,
      unit: flags.unit ?? DEFAULT_UNIT,
      map: map ?? NO_MAP,
      patience: flags.timeout * MICROS_PER_MS,
      quiet: framing === "tcp" ? TCP_DRAIN : BUSY_HOST_GAP + rtuTiming(format.baud).t35,
      connections: framing === "tcp" ? CONNECTIONS : 1,
      transactions: { next: 0 },
    };
    return {
      device: map?.device,
      address: `unit ${target.unit}`,
      format,
      connections: target.connections,
      probe: run(target, map, flags, onResult),
    };
  },
};

function framingOf({ protocol }: Spoken): ModbusTarget["framing"] {
  return protocol === "modbus-tcp" ? "tcp" : protocol === "modbus-ascii" ? "ascii" : "rtu";
}

function parsed(text: string, flags: ConformanceFlags): ModbusMap {
  const map = parseModbusMap(text);
  if (map.ok) return map.value;
  throw usage(`map file ${flags.map}: ${map.error}`, "docs/conformance.md shows the form");
}

/** 9600 8N1, in ASCII 9600 7E1, where the flags say nothing else. */
function formatOf(flags: ConformanceFlags, framing: ModbusTarget["framing"]): LineFormat {
  const parity = flags.parity ?? (framing === "ascii" ? "even" : "none");
  const dataBits = framing === "ascii" ? 7 : 8;
  const stopBits = framing === "ascii" && parity === "none" ? 2 : 1;
  return { baud: flags.baud ?? 9_600, parity, dataBits, stopBits };
}

function* run(
  bare: ModbusTarget,
  given: ModbusMap | undefined,
  flags: ConformanceFlags,
  onResult: OnResult,
): Probe<CheckResult[] | undefined> {
  const map = given ?? (yield* discoverMap(bare));
  if (map === undefined) return undefined;
  const target = { ...bare, map };
  const first = yield* ask(target, sampleRequest(map));
  // One request may be lost, two are not there.
  if (first.kind === "silence" || first.kind === "closed") {
    const second = yield* ask(target, sampleRequest(map));
    if (second.kind === "silence" || second.kind === "closed") return undefined;
  }
  const checks = modbusChecklist(target.framing).filter((check) => isChosen(check, flags));
  return yield* runChecks(checks, target, { declarations: map, drain: target.quiet, onResult });
}
