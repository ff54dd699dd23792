/** `meterworks demo`: the whole chain in one process, to look at. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { DeviceFace } from "../../../firmware-sim/faces/device.ts";
import { openSqliteStore } from "../../../headend/adapters/sqlite/store.ts";
import { LiveTable } from "../../../headend/console/live-table.ts";
import type { MeterId, MeterReading, Notice, Store } from "../../../headend/ports.ts";
import { MICROS_PER_SECOND } from "../../core/time.ts";
import { temporarySigner } from "../../platform/ed25519.ts";
import { randomToken } from "../../platform/entropy.ts";
import { MILLIS_PER_SECOND } from "../api-client.ts";
import { type DemoMeter, demoMeters } from "../demo/fleet.ts";
import { Screen } from "../demo/screen.ts";
import { PrepaidStory, prepaidConfig } from "../demo/story.ts";
import { compareEnergy, type DemoSummary, DemoTally } from "../demo/summary.ts";
import { connectMeters, demoBroker, rtuLines, tcpLines } from "../demo/wires.ts";
import { usage } from "../errors.ts";
import { startHeadend } from "../headend-process.ts";
import { FIDELITIES, type Fidelity } from "../meter-options.ts";
import { print, printJson } from "../output.ts";
import { CommandProcess } from "../process.ts";
import { choice, type HostPort, hostPort, integer, number } from "../values.ts";
import { requireKeepsUp } from "../virtual-meter.ts";

interface Flags {
  readonly seconds?: number;
  readonly meters: number;
  readonly speed: number;
  readonly fidelity: Fidelity;
  readonly db?: string;
  readonly http: HostPort;
  readonly json?: true;
}

const HELP = `
Meters on a virtual RS-485 bus, on Modbus TCP and on MQTT are read, stored and shown. The customer of demo-prepaid
runs out of credit, is warned, cut off, tops up and is on again. Ctrl-C ends it with a summary.

Examples:
  meterworks demo
  meterworks demo --seconds 20 --json
  meterworks demo --fidelity cycle --speed 60`;

/** A reading of each meter twice a second of wall time. */
const READINGS_PER_SECOND = 2;

export function addDemo(program: Command): void {
  program
    .command("demo")
    .description("the main job in one process: meters, wires, head-end, store, a prepaid cut-off and top-up")
    .option("--seconds <N>", "end by itself after so long", number("--seconds", 1, 1e6))
    .option("--meters <N>", "how many meters, 3..200", integer("--meters", 3, 200), 6)
    .option("--speed <X>", "seconds of meter time per second", number("--speed", 1, 100_000), 600)
    .option(
      "--fidelity <F>",
      "how the meters measure: sample (waveforms), cycle (phasors, cycle by cycle) or second (closed form)",
      choice("--fidelity", FIDELITIES),
      "second",
    )
    .option("--db <FILE>", "keep the readings in this SQLite file (default: a temporary one)")
    .option("--http <HOST:PORT>", "where the API listens; port 0 takes a free one", hostPort("--http"), {
      host: "127.0.0.1",
      port: 0,
    })
    .option("--json", "only the summary, as JSON on stdout")
    .addHelpText("after", HELP)
    .action(run);
}

function run(flags: Flags): Promise<void> {
  requireKeepsUp(flags.fidelity, flags.speed, flags.meters);
  return CommandProcess.run(flags.speed, (proc) => play(proc, flags), { onlyWarnings: true });
}

async function play(proc: CommandProcess, flags: Flags): Promise<void> {
  const began = proc.clock.now().mono;
  const elapsed = () => (proc.clock.now().mono - began) / MICROS_PER_SECOND;
  const every = Math.round((flags.speed * MICROS_PER_SECOND) / READINGS_PER_SECOND);
  const store = await openStore(proc, flags.db);
  const meters = demoMeters(flags.meters, flags.fidelity, proc.clock.now());
  for (const { id, meter } of meters) proc.runtime.host(new DeviceFace(meter), undefined, { name: id });
  const on = (wire: DemoMeter["wire"]) => meters.filter((m) => m.wire === wire);
  const broker = await demoBroker(proc);
  const lines = [...(await rtuLines(proc, on("rtu"), every)), ...(await tcpLines(proc, on("tcp"), every))];

  const table = new LiveTable(shownMeters(meters, lines));
  const screen = new Screen(table, { quiet: flags.json === true });
  const story = new PrepaidStory(elapsed, (text) => screen.happened(text));
  const tally = new DemoTally(meters);
  const last = new Map<string, MeterReading>();
  const notify = (notice: Notice) => {
    tally.take(notice);
    if (notice.kind === "reading" && notice.reading.quality === "good") last.set(notice.reading.meter, notice.reading);
    screen.take(notice);
    story.take(notice);
  };
  const token = randomToken();
  const headend = await startHeadend(proc, {
    config: {
      lines: lines.map(({ config }) => config),
      mqtt: {
        link: broker.id,
        signer: temporarySigner(),
        meters: on("mqtt").map(({ id, model }) => ({ id: id as MeterId, model })),
      },
      prepaid: [prepaidConfig(flags.speed)],
    },
    links: [...lines.map(({ link }) => link), broker],
    ...{ store, http: flags.http, token, sinks: [notify] },
    status: () => ({ lines: lines.map(({ name }) => name), broker: broker.clients }),
  });
  connectMeters(proc, on("mqtt"), broker.port, every);
  story.begin(headend.url, token);
  screen.begin([
    `meterworks demo: ${meters.length} meters at ${flags.speed} times their speed; Ctrl-C ends it with a summary`,
    `wires  ${[...lines.map(({ name }) => name), `mqtt 127.0.0.1:${broker.port}`].join(" · ")}`,
    `API    ${headend.url}/api/v1/meters   Authorization: Bearer ${token}`,
  ]);

  await Promise.race([proc.stopped, sleep(flags.seconds)]);
  story.end();
  screen.end();
  const { delivered, stored } = compareEnergy(meters, last);
  const summary: DemoSummary = {
    seconds: Math.round(elapsed() * 100) / 100,
    meters: meters.length,
    readings: tally.readings,
    polls: tally.polls,
    errors: tally.errors,
    energyDeliveredWh: Math.round(delivered * 1_000) / 1_000,
    energyStoredWh: Math.round(stored * 1_000) / 1_000,
    prepaid: { cutAfterSeconds: story.cutAfterSeconds, restoredAfterSeconds: story.restoredAfterSeconds },
  };
  if (flags.json === true) printJson(summary);
  else showSummary(summary);
}

async function openStore(proc: CommandProcess, db: string | undefined): Promise<Store> {
  let file = db;
  if (file === undefined) {
    const folder = mkdtempSync(join(tmpdir(), "meterworks-demo-"));
    proc.cleanup(() => rmSync(folder, { recursive: true, force: true }));
    file = join(folder, "demo.db");
  }
  const store = await openSqliteStore({ file }).catch((error: Error) => Promise.reject(usage(error.message)));
  proc.cleanup(() => store.close());
  return store;
}

function shownMeters(
  meters: readonly DemoMeter[],
  lines: readonly { readonly config: { meters: readonly { id: string }[] }; readonly name: string }[],
) {
  return meters.map(({ id, wire }) => {
    const line = lines.find(({ config }) => config.meters.some((m) => m.id === id));
    return { id: id as MeterId, via: line === undefined ? wire : (line.name.split(" ")[0] ?? wire) };
  });
}

function sleep(seconds: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (seconds !== undefined) setTimeout(resolve, seconds * MILLIS_PER_SECOND);
  });
}

function showSummary(s: DemoSummary): void {
  const { rtu, tcp, mqtt } = s.readings;
  const difference = s.energyDeliveredWh === 0 ? 0 : (s.energyStoredWh / s.energyDeliveredWh - 1) * 100;
  const after = (seconds: number | null) => (seconds === null ? "not yet" : `after ${seconds.toFixed(1)} s`);
  print(
    `\n${s.meters} meters in ${s.seconds.toFixed(1)} s: ${rtu} readings by RTU, ${tcp} by TCP, ${mqtt} by MQTT; ${s.polls} polls, ${s.errors} errors`,
  );
  print(
    `energy delivered ${s.energyDeliveredWh.toFixed(3)} Wh, stored ${s.energyStoredWh.toFixed(3)} Wh (${difference >= 0 ? "+" : ""}${difference.toFixed(4)} %)`,
  );
  print(`prepaid: cut off ${after(s.prepaid.cutAfterSeconds)}, restored ${after(s.prepaid.restoredAfterSeconds)}`);
}
