/**
 * `make bench`: our Modbus TCP server and client, our RTU master on a paced line, MQTT ingest, the metering chip and the meter's CPU,
 * beside their peers, interleaved in one run so that other load, heat and cache drift hit all alike. A missed target is reported, not an error; a wrong answer is one.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { FIRMWARE_ROWS, type MeasuredFirmware, measureFirmware } from "./firmware-rows.ts";
import { measureIngest } from "./ingest.ts";
import { ingestLabel, type MeasuredIngest, noIngest } from "./ingest-rows.ts";
import { buildTools, choosePin, describeMachine, type Machine, SetupError } from "./machine.ts";
import { measure, type Sample } from "./measure.ts";
import { METROLOGY_SIDES, type MeasuredMetrology, measureMetrology, metrologyLabel } from "./metrology-rows.ts";
import { type MeasuredPostgres, noPostgres, PostgresBench } from "./postgres-rows.ts";
import { jsonReport, type MeasuredRow, textReport } from "./report.ts";
import { allRows, rowLabel } from "./rows.ts";
import { LINE_MASTERS, LINE_SPEEDS, type LineSample, measureLine } from "./rtu-line.ts";
import { lineLabel, type MeasuredLine } from "./rtu-report.ts";
import { type MeasuredStore, measureStoreRows, noStore } from "./store-rows.ts";
import { median } from "./table.ts";

const USAGE = `usage: node dist/test/bench/main.js [--quick] [--repetitions N] [--only TEXT] [--json FILE]
  --quick          two repetitions of 0.4 s: a check that everything runs, not a measurement
  --repetitions N  rounds over all rows (default 5)
  --only TEXT      only rows whose label contains TEXT, such as "server" or "client raw, 50 connections"
  --json FILE      every sample as JSON
through make: make bench ARGS="--quick"
`;

interface Options {
  readonly repetitions: number;
  readonly quick: boolean;
  readonly only: string;
  readonly json: string | undefined;
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        repetitions: { type: "string" },
        only: { type: "string", default: "" },
        json: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    const repetitions = Number(values.repetitions ?? (values.quick ? 2 : 5));
    if (!Number.isInteger(repetitions) || repetitions < 1) throw new SetupError("--repetitions takes a number from 1");
    return { repetitions, quick: values.quick, only: values.only, json: values.json };
  } catch (error) {
    throw new SetupError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

async function runBench(options: Options): Promise<void> {
  const tools = await buildTools();
  const { pin, note } = await choosePin();
  const machine = describeMachine(tools, note);
  const durations = options.quick ? { warmMs: 200, measureMs: 400 } : { warmMs: 1_000, measureMs: 2_000 };
  const rows = allRows(tools, durations).filter((row) => rowLabel(row).includes(options.only));
  const lines = LINE_SPEEDS.flatMap((speed) => LINE_MASTERS.map((master) => ({ master, speed })))
    .filter(({ master, speed }) => lineLabel(master, speed).includes(options.only))
    .map(({ master, speed }) => ({
      master,
      speed: options.quick ? { ...speed, polls: 8 } : speed,
      samples: [] as LineSample[],
    }));
  const metrology = METROLOGY_SIDES.filter((side) => metrologyLabel(side).includes(options.only)).map(
    (side): MeasuredMetrology => ({ side, samples: [] }),
  );
  const firmware = FIRMWARE_ROWS.filter(({ name }) => name.includes(options.only)).map(
    (row): MeasuredFirmware => ({ row, samples: [] }),
  );
  const ingest = noIngest(options.only);
  const store = noStore(options.only);
  const size = options.quick ? { warm: 2_000, messages: 6_000 } : { warm: 20_000, messages: 100_000 };
  const postgresRows = noPostgres(options.only);
  const parts = [rows, lines, metrology, firmware, ingest, store.sides, store.sizes, postgresRows];
  if (parts.every((part) => part.length === 0)) throw new SetupError(`no row contains "${options.only}"`);
  const postgres = postgresRows.length === 0 ? undefined : await PostgresBench.start(options.quick);
  const measured = rows.map((row) => ({ row, samples: [] as Sample[] }));
  try {
    for (let round = 1; round <= options.repetitions; round++) {
      for (const { row, samples } of measured) {
        const sample = await measure(row.server, row.client, pin);
        samples.push(sample);
        const rate = Math.round(sample.requestsPerSecond);
        progress(round, options, `${rowLabel(row)}: ${rate}/s`);
      }
      for (const { master, speed, samples } of lines) {
        const sample = await measureLine(master, speed, tools, pin);
        samples.push(sample);
        progress(round, options, `${lineLabel(master, speed)}: ${(median(sample.cycles) / 1_000).toFixed(2)} ms`);
      }
      for (const { side, samples } of ingest) {
        const sample = await measureIngest(side, size);
        samples.push(sample);
        progress(round, options, `${ingestLabel(side)}: ${Math.round(sample.messagesPerSecond)}/s`);
      }
      await measureStoreRows(store, options.quick, (text) => progress(round, options, text));
      for (const { row, samples } of postgresRows) {
        await postgres?.measure({ row, samples }, round);
        const newest = samples.at(-1) as (typeof samples)[number];
        progress(round, options, `${row.name}: ${newest.meterworks.toFixed(2)} ${row.unit}`);
      }
      for (const { side, samples } of metrology) {
        const sample = await measureMetrology(side, durations.measureMs, tools, pin);
        samples.push(sample);
        progress(round, options, `${metrologyLabel(side)}: ${(sample.chip / 1e6).toFixed(1)} M/s`);
      }
      for (const { row, samples } of firmware) {
        const sample = await measureFirmware(row, pin);
        samples.push(sample);
        progress(round, options, `${row.name}: ${(sample.speed / 1e6).toFixed(2)} M/s`);
      }
    }
  } finally {
    await postgres?.stop();
  }
  publish(machine, { measured, lines, metrology, firmware, ingest, store, postgres: postgresRows }, options.json);
}

function progress(round: number, { repetitions }: Options, what: string): void {
  process.stderr.write(`round ${round}/${repetitions}  ${what}\n`);
}

interface Measured {
  readonly measured: readonly MeasuredRow[];
  readonly lines: readonly MeasuredLine[];
  readonly metrology: readonly MeasuredMetrology[];
  readonly firmware: readonly MeasuredFirmware[];
  readonly ingest: readonly MeasuredIngest[];
  readonly store: MeasuredStore;
  readonly postgres: readonly MeasuredPostgres[];
}

function publish(machine: Machine, all: Measured, json: string | undefined): void {
  const { measured, lines, metrology, firmware, ingest, store, postgres } = all;
  process.stdout.write(`${textReport(machine, measured, lines, metrology, firmware, ingest, store, postgres)}\n`);
  if (json === undefined) return;
  const report = jsonReport(machine, measured, lines, metrology, firmware, ingest, store, postgres);
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
}

try {
  await runBench(readOptions());
} catch (error) {
  const expected = error instanceof SetupError;
  process.stderr.write(`bench: ${error instanceof Error ? (expected ? error.message : error.stack) : error}\n`);
  process.exitCode = expected ? 2 : 1;
}
