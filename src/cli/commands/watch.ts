/** `meterworks watch`: a meter read again and again, live in the terminal or as lines for programs. */
import type { Command } from "commander";
import { MICROS_PER_SECOND } from "../../core/time.ts";
import { failed, usage } from "../errors.ts";
import { openLine, showWire } from "../line.ts";
import { addReaderFlags, meterReader, type ReaderFlags } from "../meter-reader.ts";
import { CommandProcess } from "../process.ts";
import { number } from "../values.ts";
import { FullScreen } from "../watch/full-screen.ts";
import { RepeatedReads } from "../watch/repeated-reads.ts";
import { csvReport, jsonReport, linesReport, type Report } from "../watch/report.ts";
import { screen } from "../watch/screen.ts";
import { Watched } from "../watch/watched.ts";
import { type Spoken, wireOf } from "../wires.ts";

interface Flags extends ReaderFlags {
  readonly every: number;
  readonly seconds?: number;
  readonly json?: true;
  readonly csv?: true;
}

const HELP = `
In a terminal: q or Ctrl-C ends, space pauses. An adapter that is unplugged and plugged in again goes on by itself.

Examples:
  meterworks watch --model eastron-sdm630 --serial /dev/ttyUSB0
  meterworks watch --model eastron-sdm630 --tcp 192.168.1.50:502 --every 5
  meterworks watch --model eastron-sdm630 --serial /dev/ttyUSB0 --csv --seconds 3600 > hour.csv
  meterworks watch --protocol dlt645 --serial /dev/ttyUSB0 --every 10 --json`;

export function addWatch(program: Command): void {
  addReaderFlags(program.command("watch").description("a meter live: phasors, phases, energy, quality, and the line"))
    .option("--every <S>", "seconds from one reading to the next", number("--every", 0.1, 86_400), 1)
    .option("--seconds <N>", "end after this long", number("--seconds", 0.1, 1e9))
    .option("--json", "a line per reading: {time, ok, values} or {time, ok, reason}, and {time, line, reason?}")
    .option("--csv", "a row per reading, a column per measure")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  if (flags.json === true && flags.csv === true) throw usage("--json and --csv are two forms", "give one");
  const spoken = wireOf(flags, "--serial or --tcp");
  await CommandProcess.run(1, (proc) => watch(proc, spoken, flags), { onlyWarnings: true });
}

async function watch(proc: CommandProcess, spoken: Spoken, flags: Flags): Promise<void> {
  const reader = meterReader(proc, spoken, flags);
  const { wire } = spoken;
  const link = await openLine(proc, wire, { serial: reader.serial });
  const watched = new Watched();
  const report = reportFor(flags);
  const reads = new RepeatedReads(
    reader,
    link.id,
    Math.round(flags.every * MICROS_PER_SECOND),
    watched.statistics,
    (event) => {
      // What its own end does to the line is no news.
      if (proc.ending) return;
      watched.take(event);
      report?.(event);
      page?.draw();
    },
  );
  const { quit, ended } = endOf(proc, flags.seconds);
  const view = {
    subject: reader.subject,
    place: showWire(wire),
    every: flags.every,
    colours: !process.env["NO_COLOR"],
  };
  const page =
    report !== undefined
      ? undefined
      : new FullScreen({
          draw: (columns, rows) => screen(watched, { ...view, columns, rows, now: proc.clock.now().civil }),
          key: (key) => {
            if (key === "q") quit();
            if (key !== " ") return;
            watched.paused = !watched.paused;
            reads.pause(watched.paused);
            // Any event makes the host ask again when the next reading is due.
            host.post({ kind: "published", link: link.id, token: 0 });
            page?.draw();
          },
        });
  const host = proc.runtime.host(reads, undefined, { name: "watch", precise: reader.precise });
  proc.cleanup(() => page?.end());
  page?.begin();
  host.attach(link);
  await ended;
  page?.end();
  if (watched.readings > 0) return;
  const { reason, hint } = watched.failure ?? {};
  throw failed(
    reason ?? `${showWire(wire)}: ${watched.lineLost?.reason ?? "no reading"}`,
    hint ?? "check the place, and that a meter answers there",
  );
}

/** Undefined where a person looks: then it is the screen. */
function reportFor({ json, csv }: Flags): Report | undefined {
  if (json === true) return jsonReport;
  if (csv === true) return csvReport();
  return process.stdout.isTTY === true ? undefined : linesReport;
}

function endOf(proc: CommandProcess, seconds: number | undefined) {
  let quit: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    quit = resolve;
    void proc.stopped.then(resolve);
    if (seconds !== undefined) setTimeout(resolve, seconds * 1_000).unref();
  });
  return { quit, ended };
}
