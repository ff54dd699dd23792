/** `conformance dlt645`: the line, the map and the checklist of DL/T 645-2007. */
import { ANY_METER } from "../../protocols/dlt645/frame.ts";
import { MICROS_PER_MS } from "../core/time.ts";
import type { CheckResult } from "../field/conformance/check.ts";
import { readOf } from "../field/conformance/dlt645/frames.ts";
import { DLT645_CHECKS } from "../field/conformance/dlt645/index.ts";
import { type Dlt645Map, NO_MAP, parseDlt645Map } from "../field/conformance/dlt645/map.ts";
import { ask, type Dlt645Context, ownAddress, revive } from "../field/conformance/dlt645/talk.ts";
import { isPaced } from "../field/conformance/pace.ts";
import { runChecks } from "../field/conformance/runner.ts";
import type { Probe } from "../field/probe.ts";
import { type Conformance, type ConformanceFlags, formatOf, isChosen, mapOf, type OnResult } from "./conformance.ts";
import { dlt645Line, readAddress } from "./dlt645-options.ts";

/** Longer than a pause inside a frame as a host hands it over. */
const DRAIN = 100 * MICROS_PER_MS;

export const DLT645_CONFORMANCE: Conformance = {
  checks: () => DLT645_CHECKS,
  judge({ wire }, flags, text, onResult) {
    const map = text === undefined ? NO_MAP : mapOf(parseDlt645Map(text), flags);
    const format = formatOf(dlt645Line(flags));
    const asked = flags.address === undefined ? undefined : readAddress(flags.address);
    const address = asked ?? map.address ?? ANY_METER;
    const context = { address, map, format: wire.kind === "tcp" ? undefined : format };
    return {
      ...{ device: map.device, address: `address ${address}`, format },
      phases: [{ connections: 1, probe: run(context, map, flags, onResult) }],
    };
  },
};

function* run(
  context: Dlt645Context,
  declarations: Dlt645Map,
  flags: ConformanceFlags,
  onResult: OnResult,
): Probe<CheckResult[] | undefined> {
  // One request may be lost, two are not there.
  const address = (yield* ownAddress(context.address)) ?? (yield* ownAddress(context.address));
  if (address === undefined) return undefined;
  const send = readOf(address);
  const { heard } = yield* ask(send);
  if (heard.bytes.length === 0) return undefined;
  const paced = context.format !== undefined && isPaced(heard, send.length, context.format);
  const format = paced ? context.format : undefined;
  const checks = DLT645_CHECKS.filter((check) => isChosen(check, flags));
  const meter = { ...context, address, format };
  const recover = () => revive(meter);
  return yield* runChecks(checks, meter, { declarations, drain: DRAIN, recover, onResult });
}
