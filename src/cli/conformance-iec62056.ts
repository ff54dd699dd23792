/** `conformance iec62056-21`: the line, the map and the checklist of IEC 62056-21. */
import { buildRequest } from "../../protocols/iec62056-21/message.ts";
import { MICROS_PER_MS } from "../core/time.ts";
import type { CheckResult } from "../field/conformance/check.ts";
import type { Iec62056Context } from "../field/conformance/iec62056-21/check.ts";
import { leave, revive, signOn } from "../field/conformance/iec62056-21/head.ts";
import { IEC62056_CHECKS } from "../field/conformance/iec62056-21/index.ts";
import { NO_MAP, parseIec62056Map } from "../field/conformance/iec62056-21/map.ts";
import { isPaced } from "../field/conformance/pace.ts";
import { runChecks } from "../field/conformance/runner.ts";
import type { Probe } from "../field/probe.ts";
import { type Conformance, type ConformanceFlags, formatOf, isChosen, mapOf, type OnResult } from "./conformance.ts";
import { iec62056Port } from "./iec62056-line.ts";

/** Longer than a character at 300 baud as a host hands it over. */
const DRAIN = 100 * MICROS_PER_MS;

export const IEC62056_CONFORMANCE: Conformance = {
  checks: () => IEC62056_CHECKS,
  judge({ wire }, flags, text, onResult) {
    const given = text === undefined ? NO_MAP : mapOf(parseIec62056Map(text), flags);
    const map = flags.address === undefined ? given : { ...given, ...called(given, flags.address) };
    const format = formatOf(iec62056Port(flags, "sign-on"));
    return {
      ...{ device: map.device, address: map.address === undefined ? "any meter" : `address ${map.address}` },
      ...{ format },
      phases: [
        { connections: 1, probe: run({ map, format: wire.kind === "tcp" ? undefined : format }, flags, onResult) },
      ],
    };
  },
};

/** The address of the command line, which declares it as the map's does. */
function called(map: Iec62056Context["map"], address: string): Partial<Iec62056Context["map"]> {
  return { address, declares: (feature) => feature === "address" || map.declares(feature) };
}

function* run(context: Iec62056Context, flags: ConformanceFlags, onResult: OnResult): Probe<CheckResult[] | undefined> {
  const { address } = context.map;
  let asked = yield* signOn(context, address);
  // One request may be lost, two are not there.
  if (asked.heard.bytes.length === 0) asked = yield* signOn(context, address);
  if (asked.heard.bytes.length === 0) return undefined;
  yield* leave(context, asked);
  const { format } = context;
  const paced = format !== undefined && isPaced(asked.heard, buildRequest(address ?? "").length, format);
  const checks = IEC62056_CHECKS.filter((check) => isChosen(check, flags));
  const seen = paced ? context : { ...context, format: undefined };
  const recover = () => revive(seen);
  return yield* runChecks(checks, seen, { declarations: context.map, drain: DRAIN, recover, onResult });
}
