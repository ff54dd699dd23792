/** Billing reads and events of a native meter, from the real face of a meter whose load is known to the second. */
import { expect, test } from "vitest";
import { ModbusTcpFace } from "../../../firmware-sim/faces/modbus-tcp.ts";
import { Meter } from "../../../firmware-sim/meter.ts";
import { DirectChip, type SecondOfPhase } from "../../../firmware-sim/metrology/direct-chip.ts";
import { MemoryNvram } from "../../../firmware-sim/nvram/nvram.ts";
import { checkSettings } from "../../../firmware-sim/settings.ts";
import type { EventsSeen } from "../../../headend/events/records.ts";
import { eventsMaker, TASK_MAKERS } from "../../../headend/schedule/makers.ts";
import { LineSession } from "../../../headend/sessions/line-session.ts";
import type { Polled, SessionOutput, TaskMaker } from "../../../headend/sessions/line-task.ts";
import type { TaskKind } from "../../../headend/sessions/work-kinds.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { meterId } from "../fakes.ts";

/** 2026-01-01T00:00:00Z. */
const START = 1_767_225_600;
const HOUR = 3_600;
const SETTLED = 48 * HOUR;
const LINK = linkId("wire");
const MODEL = findModel("meterworks-1p") as MeterModel;
const at = (seconds: number): Now => ({ mono: mono(seconds * 1e6), civil: civil((START + seconds) * 1e6) });
/** Seconds at which the voltage is too high, from and to. */
const SURGES = [
  [10 * HOUR, 10 * HOUR + 300],
  [70 * HOUR, 70 * HOUR + 600],
  [99 * HOUR, 101 * HOUR],
] as const;

const both = (table: unknown) => ({ first: table, second: table, runs: 1 });

function powered(): Meter {
  const settings = checkSettings(
    {
      tariff: {
        tables: {
          ...{ rates: 4, holidays: [], workdays: 0x7f, weekendTable: 1 },
          zones: both([{ month: 1, day: 1, table: 1 }]),
          days: both([[0, 12].map((hour) => ({ hour, minute: 0, rate: hour === 0 ? 1 : 2 }))]),
        },
        prices: both([1, 1, 1, 1]),
        steps: both({ steps: [], yearly: [] }),
        settlementDays: [{ day: 3, hour: 0 }],
      },
      demand: { mode: "block" },
    },
    MODEL,
  );
  if (!settings.ok) throw new Error(settings.error);
  const load = {
    fill: (second: number, [phase]: readonly SecondOfPhase[]) => {
      const since = second - START;
      const voltage = SURGES.some(([from, to]) => since >= from && since < to) ? 300_000 : 230_000;
      Object.assign(phase as object, { voltage, current: 4_000_000, active: 920_000, reactive: 0, apparent: 920_000 });
    },
  };
  const made = Meter.powerOn(
    {
      ...{ id: "flat-7", model: MODEL, nvram: new MemoryNvram(), password: 0, checkpointEvery: 1e15 },
      settings: settings.value,
      chip: (start) => new DirectChip({ phases: 1, load, start }),
    },
    at(0),
  );
  if (!made.ok) throw new Error(made.error);
  return made.value;
}

/** Lets a session do one piece of work with the meter, whose time stands still meanwhile. */
function work(meter: Meter, seconds: number, kind: TaskKind, make: TaskMaker): readonly SessionOutput[] {
  meter.refresh(at(seconds));
  const face = new ModbusTcpFace([{ unit: 1, meter }], at(seconds));
  const id = meterId("flat-7");
  const line = { link: LINK, framing: "tcp", pollEvery: 1e15, meters: [{ id, unit: 1, model: MODEL }] } as const;
  const session = new LineSession(line);
  session.pausePolls(true);
  let outputs = [...session.opened(at(seconds)), ...session.startTask(id, kind, make, at(seconds))];
  session.pausePolls(false);
  outputs.push(...session.wake(at(seconds)));
  face.handle({ kind: "opened", link: LINK }, at(seconds));
  const all: SessionOutput[] = [];
  for (let i = 0; i < 200 && outputs.length > 0; i++) {
    all.push(...outputs);
    const sent = outputs.filter((output) => output.kind === "send");
    const replies = sent.flatMap(({ bytes }) => face.handle({ kind: "bytes", link: LINK, bytes }, at(seconds)));
    outputs = replies.flatMap((reply) => (reply.kind === "send" ? session.receive(reply.bytes, at(seconds)) : []));
  }
  return all;
}

test("a billing read has the newest settlement as the meter closed it, none before the first", () => {
  const meter = powered();
  const read = (seconds: number) => {
    const outputs = work(meter, seconds, "billing", TASK_MAKERS.billing as TaskMaker);
    return outputs.find((output): output is Polled => output.kind === "polled" && output.purpose === "billing");
  };
  expect(read(40 * HOUR)).toMatchObject({ purpose: "billing" });
  expect(read(41 * HOUR)?.settlement).toBeUndefined();
  const later = read(60 * HOUR);
  expect(later?.values.activeEnergyImport).toBe(60 * 920_000);
  expect(later?.settlement).toMatchObject({ time: START + SETTLED, clockInDoubt: false, late: false });
  const [imported, exported] = later?.settlement?.registers ?? [];
  expect(imported).toMatchObject({ measure: "activeEnergyImport", total: 48 * 920_000, maximumDemand: 920_000 });
  expect(imported?.rates.reduce((sum, rate) => sum + rate)).toBe(48 * 920_000);
  expect(exported).toMatchObject({ measure: "activeEnergyExport", total: 0 });
});

test("events are read once each, one that goes on is read again until it has ended", () => {
  const meter = powered();
  let seen: EventsSeen | undefined;
  const read = (seconds: number) => {
    const outputs = work(meter, seconds, "events", eventsMaker(seen));
    const found = outputs.find((output) => output.kind === "eventsRead");
    if (found?.kind !== "eventsRead") throw new Error("nothing was read");
    seen = found.seen;
    return found.events
      .filter(({ event }) => event === "overVoltage")
      .map(({ state, phase, start, end }) => [state, phase, start - START, end === null ? null : end - START]);
  };
  const first = read(20 * HOUR);
  expect(first.map(([state, phase]) => [state, phase])).toEqual([
    ["begin", 1],
    ["end", 1],
  ]);
  const [start, end] = [first[1]?.[2] as number, first[1]?.[3] as number];
  // Some seconds of delay are the meter's own.
  expect(start - SURGES[0][0]).toBeLessThan(120);
  expect(Math.abs(end - SURGES[0][1])).toBeLessThan(120);
  expect(read(21 * HOUR)).toEqual([]);
  expect(read(71 * HOUR).map(([state]) => state)).toEqual(["begin", "end"]);
  expect(read(100 * HOUR).map(([state]) => state)).toEqual(["begin"]);
  const ended = read(102 * HOUR);
  expect(ended.map(([state]) => state).filter((state) => state === "end")).toHaveLength(1);
  expect(read(103 * HOUR)).toEqual([]);
});
