/** The checklist on the simulated copper line, through bits: a sound device fails nothing there, also behind a USB adapter. */
import { describe, expect, test } from "vitest";
import { ModbusSerialServer, type SerialFraming } from "../../../protocols/modbus/server.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { type Actor, type LinkEffect, linkId, NO_EFFECTS } from "../../../src/core/actor.ts";
import { bitsPerCharacter, type LineFormat } from "../../../src/core/line-format.ts";
import { Random } from "../../../src/core/random.ts";
import { civil, mono, wakeAtMono } from "../../../src/core/time.ts";
import type { CheckResult } from "../../../src/field/conformance/check.ts";
import { lineChecklist } from "../../../src/field/conformance/modbus/checklist.ts";
import type { ModbusTarget } from "../../../src/field/conformance/modbus/target.ts";
import { resultLines } from "../../../src/field/conformance/report-text.ts";
import { runChecks } from "../../../src/field/conformance/runner.ts";
import { ProbeRunner } from "../../../src/field/probe-runner.ts";
import { CopperLine, SOUND_COPPER } from "../../../src/simulation/copper.ts";
import { SimHost, type SimLink, World } from "../../../src/simulation/world.ts";
import { soundMap, soundModel, UNIT } from "./modbus-device.ts";

const LINE = linkId("line");
const SPEAKS = { rtu: 8, ascii: 7 } as const;

function deviceOf(unit: number, framing: SerialFraming): Actor {
  const server = new ModbusSerialServer(unit, soundModel(), framing);
  return {
    handle(event, now) {
      if (event.kind === "bytes") server.receive(event.bytes, now.mono);
      return NO_EFFECTS;
    },
    wake(now) {
      const bytes = server.wake(now.mono);
      return bytes === undefined ? NO_EFFECTS : [{ kind: "send", link: LINE, bytes }];
    },
    nextWake: () => wakeAtMono(server.nextWake()),
  };
}

/** Runs the checklist for one of two devices on the line. */
function judge(framing: "rtu" | "ascii", baud: number, lumps: boolean): readonly CheckResult[] {
  const world = new World(civil(0));
  const format: LineFormat = { baud, dataBits: SPEAKS[framing], parity: "even", stopBits: 1 };
  const line = new CopperLine(world, LINE, { format, lumps, echo: false, keepsBad: true }, SOUND_COPPER, new Random(1));
  const timing = { bitsPerChar: bitsPerCharacter(format), byteTimes: true };
  const spoken: SerialFraming =
    framing === "rtu" ? { framing, timing: rtuTiming(baud, timing) } : { framing, timing: { baud, ...timing } };
  for (const unit of [UNIT, 200]) {
    const device = deviceOf(unit, spoken);
    const host = new SimHost(world, device, (effect: LinkEffect) => {
      if (effect.kind !== "log") at.perform(effect);
    });
    const at: SimLink = line.join(device, (event) => host.post(event), { lumps: false });
  }
  const map = soundMap(framing);
  const times = { patience: 400_000, quiet: 60_000 };
  const target: ModbusTarget = { framing, unit: UNIT, map, ...times, transactions: { next: 0 } };
  let results: readonly CheckResult[] | undefined;
  const probe = runChecks(lineChecklist(framing), target, { declarations: map, drain: times.quiet });
  const runner = new ProbeRunner(probe, { links: [LINE], format, linkPatience: 1_000_000 }, (found) => {
    results = found;
  });
  const host = new SimHost(world, runner, (effect: LinkEffect) => {
    if (effect.kind === "close") world.after(1_000, () => host.post({ kind: "opened", link: LINE }));
    else if (effect.kind !== "log") port.perform(effect);
  });
  const port: SimLink = line.join(runner, (event) => host.post(event));
  world.run(mono(3_600_000_000));
  if (results === undefined) throw new Error("the checks have not come to an end");
  return results;
}

describe("on copper a sound device", () => {
  test.each([
    ["rtu", 9_600, false],
    ["rtu", 19_200, true],
    ["ascii", 9_600, false],
  ] as const)(
    "of %s at %i baud, lumps %s, fails no check",
    (framing, baud, lumps) => {
      const results = judge(framing, baud, lumps);
      expect(results.filter(({ verdict }) => verdict.kind === "fail").flatMap(resultLines)).toEqual([]);
      expect(results.filter(({ verdict }) => verdict.kind === "pass").length).toBeGreaterThan(85);
    },
    60_000,
  );
});
