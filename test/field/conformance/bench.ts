/** A meter's face before a checklist, in virtual time: on connections without bit timing, or on the simulated copper line. */
import { type Actor, type LinkEffect, type LinkEvent, linkId } from "../../../src/core/actor.ts";
import type { LineFormat } from "../../../src/core/line-format.ts";
import { Random } from "../../../src/core/random.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import type { Check, CheckResult, Declarations } from "../../../src/field/conformance/check.ts";
import { runChecks } from "../../../src/field/conformance/runner.ts";
import type { Probe } from "../../../src/field/probe.ts";
import { ProbeRunner } from "../../../src/field/probe-runner.ts";
import { CopperLine, SOUND_COPPER } from "../../../src/simulation/copper.ts";
import { SimHost, type SimLink, World } from "../../../src/simulation/world.ts";

/** 2026-01-01T00:00:00Z, a Thursday. */
const START = civil(1_767_225_600 * 1e6);
const LINE = linkId("line");
/** Far more than a checklist takes on the slowest line. */
const LONGEST = 6 * 3_600 * 1e6;

/** Bytes, and how many µs later than a sound meter's. */
export type Saying = readonly [after: number, bytes: Uint8Array];

/** A defect: what is done to the bytes between the line and a sound meter. */
export interface Defect {
  /** Of what was sent to the meter: what reaches it; `now` in µs. */
  readonly hears?: (bytes: Uint8Array, now: number) => readonly Uint8Array[];
  /** Of what the meter sends: what reaches the line. `asked` is what was sent to it last. */
  readonly says?: (bytes: Uint8Array, asked: Uint8Array) => readonly Saying[];
  /** What is said to what was sent, beside what the meter says itself. */
  readonly blurts?: (asked: Uint8Array) => readonly Saying[];
  /** On copper: the meter keeps its rate. */
  readonly keepsRate?: true;
  /** On copper: the meter takes characters whose parity is wrong. */
  readonly keepsBad?: true;
  /** On copper: the meter sends with odd parity. */
  readonly sendsOdd?: true;
}

interface Bench<C> {
  readonly checks: readonly Check<C>[];
  readonly context: C;
  readonly declarations: Declarations;
  /** As the command has it: after a failure. */
  readonly recover?: () => Probe<boolean>;
  /** Power on. */
  readonly meter: (now: Now) => Actor;
}

/** Runs the checks over a connection that hands every lump over at once. */
export function overConnection<C>(bench: Bench<C>, defect: Defect = {}): readonly CheckResult[] {
  const world = new World(START);
  let asked: Uint8Array = new Uint8Array(0);
  const say = (parts: readonly Saying[]) => {
    for (const [after, bytes] of parts) world.after(after, () => runner.post({ kind: "bytes", link: LINE, bytes }));
  };
  const meter = new SimHost<LinkEvent, LinkEffect>(world, bench.meter(world.now()), (effect) => {
    if (effect.kind === "send") say(defect.says?.(effect.bytes, asked) ?? [[0, effect.bytes]]);
  });
  const { probe, results } = script(bench, undefined);
  const runner = new SimHost<LinkEvent, LinkEffect>(world, probe, (effect) => {
    if (effect.kind === "close") {
      meter.post({ kind: "closed", link: LINE, reason: "hung up" });
      world.after(1_000, () => runner.post({ kind: "opened", link: LINE }));
    }
    if (effect.kind !== "send") return;
    asked = effect.bytes;
    say(defect.blurts?.(asked) ?? []);
    for (const bytes of defect.hears?.(asked, world.now().mono) ?? [asked])
      meter.post({ kind: "bytes", link: LINE, bytes });
  });
  world.at(0, () => runner.post({ kind: "opened", link: LINE }));
  world.run(mono(LONGEST));
  return results();
}

/** Runs the checks on copper, where a wrong rate is garbage and every character takes its time. */
export function onCopper<C>(
  bench: Bench<C>,
  format: LineFormat,
  defect: Defect = {},
  port: { readonly echo?: boolean; readonly lumps?: boolean } = {},
): readonly CheckResult[] {
  const world = new World(START);
  const adapter = { format, lumps: false, echo: false, keepsBad: true };
  const line = new CopperLine(world, LINE, adapter, SOUND_COPPER, new Random(1));
  const actor = bench.meter(world.now());
  const meter = new SimHost<LinkEvent, LinkEffect>(world, actor, (effect) => {
    if (effect.kind === "log" || (effect.kind === "baud" && defect.keepsRate)) return;
    const odd = effect.kind === "send" && defect.sendsOdd;
    if (odd) atMeter.perform({ kind: "format", link: LINE, format: { ...format, parity: "odd" } });
    atMeter.perform(effect);
    if (odd) atMeter.perform({ kind: "format", link: LINE, format });
  });
  const keepsBad = defect.keepsBad ?? false;
  const atMeter: SimLink = line.join(actor, (event) => meter.post(event), { keepsBad });
  const { probe, results } = script(bench, format);
  const runner = new SimHost<LinkEvent, LinkEffect>(world, probe, (effect) => {
    if (effect.kind === "close") world.after(1_000, () => runner.post({ kind: "opened", link: LINE }));
    else if (effect.kind !== "log") atPort.perform(effect);
  });
  const atPort: SimLink = line.join(probe, (event) => runner.post(event), port);
  world.run(mono(LONGEST));
  return results();
}

function script<C>({ checks, context, declarations, recover }: Bench<C>, format: LineFormat | undefined) {
  let found: readonly CheckResult[] | undefined;
  const options = { links: [LINE], linkPatience: 1e6, ...(format === undefined ? {} : { format }) };
  const how = { declarations, drain: 300_000, ...(recover === undefined ? {} : { recover }) };
  const probe = new ProbeRunner(runChecks(checks, context, how), options, (results) => {
    found = results;
  });
  return {
    probe,
    results: () => {
      if (found === undefined) throw new Error("the checks have not come to an end");
      return found;
    },
  };
}

/** Failed checks as one line each, with what was seen. */
export function failures(results: readonly CheckResult[]): readonly string[] {
  return results.flatMap(({ check, verdict }) =>
    verdict.kind === "fail" ? [`${check.id}: ${verdict.why} (seen: ${verdict.seen})`] : [],
  );
}

export function idsOf(results: readonly CheckResult[], kind: "pass" | "fail" | "skip"): readonly string[] {
  return results.filter(({ verdict }) => verdict.kind === kind).map(({ check }) => check.id);
}
