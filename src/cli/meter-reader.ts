/** Reading a meter, in whatever protocol it speaks: the flags that say how, and one reading of it on an open line. */
import type { Command } from "commander";
import type { LineConfig } from "../../headend/config.ts";
import type { MeterId } from "../../headend/ports.ts";
import type { MeterModel } from "../../protocols/models/model.ts";
import type { Actor, LinkId } from "../core/actor.ts";
import type { MeasureValues } from "../core/measures.ts";
import { type Civil, MICROS_PER_MS } from "../core/time.ts";
import type { Link } from "../platform/link.ts";
import { checkDlt645Flags, type Dlt645Choices, dlt645Choices, readAddress } from "./dlt645-options.ts";
import { dlt645Reader } from "./dlt645-reading.ts";
import { usage } from "./errors.ts";
import { addIec62056ReadFlags, checkIec62056Flags, type Iec62056ReadFlags } from "./iec62056-line.ts";
import { iec62056Reader } from "./iec62056-reading.ts";
import { type LineOptions, showWire } from "./line.ts";
import { loadModel } from "./models.ts";
import type { CommandProcess } from "./process.ts";
import { ReadOnce } from "./read-meter.ts";
import { integer } from "./values.ts";
import { addWireFlags, framingOf, type Spoken, serialSettings, type Wire, type WireFlags } from "./wires.ts";

export interface ReaderFlags extends WireFlags, Iec62056ReadFlags {
  readonly model?: string;
  readonly unit?: number;
  readonly address?: string;
  readonly dlt645?: Dlt645Choices;
  /** Milliseconds. */
  readonly timeout: number;
  readonly retries: number;
  readonly echo?: true;
  readonly harmonics?: true;
}

export function addReaderFlags(command: Command): Command {
  command.option("--model <ID|FILE>", "Modbus: the meter model, see `meterworks models`, or a model file");
  return addIec62056ReadFlags(addWireFlags(command))
    .option("--unit <N>", "Modbus unit address, 1..247 (default: the model's)", integer("--unit", 1, 247))
    .option(
      "--address <12DIGITS>",
      "DL/T 645 address, AA for high digits not known (default: asks for it)",
      readAddress,
    )
    .option("--dlt645 <KEY=VALUE,...>", "how this meter differs, such as combined=sum,zone=480", dlt645Choices("read"))
    .option("--echo", "Modbus: the serial adapter hears itself, as two-wire ones without echo suppression do")
    .option("--harmonics", "each harmonic of voltage and current too, of meters that have them (Modbus, DL/T 645)")
    .option("--timeout <MS>", "wait this long for each reply", integer("--timeout", 10, 60_000), 1_000)
    .option("--retries <N>", "further attempts of a request without a good reply", integer("--retries", 0, 10), 2);
}

export type ReadingOutcome =
  | { readonly ok: true; readonly time: Civil; readonly values: MeasureValues }
  /** `hint`: what to do about it. */
  | { readonly ok: false; readonly reason: string; readonly hint: string };

/** How to read one meter; {@link MeterReader.once} may be used again and again on the same line. */
export interface MeterReader {
  /** For people: which meter, without the place. */
  readonly subject: string;
  /** How its serial port is opened. */
  readonly serial: LineOptions["serial"];
  /** Serial silences have to be met. */
  readonly precise: boolean;
  once(link: LinkId, done: (outcome: ReadingOutcome) => void): Actor;
}

/** @throws CommandError (exit 2) for flags that do not go together. */
export function meterReader(proc: CommandProcess, { protocol, wire }: Spoken, flags: ReaderFlags): MeterReader {
  checkIec62056Flags(flags, protocol === "iec62056-21", "auto");
  checkDlt645Flags(flags, protocol === "dlt645");
  if (flags.echo === true && (wire.kind !== "serial" || !protocol.startsWith("modbus")))
    throw usage("--echo is for Modbus on --serial", "the other protocols tell an echo by themselves: leave it out");
  if (flags.harmonics === true && protocol === "iec62056-21")
    throw usage("an IEC 62056-21 readout has no single harmonics", "leave --harmonics out");
  switch (protocol) {
    case "dlt645":
      return dlt645Reader(proc, wire, flags);
    case "iec62056-21":
      return iec62056Reader(wire, flags);
    case "modbus-rtu":
    case "modbus-ascii":
    case "modbus-tcp":
      return modbusReader({ protocol, wire }, flags);
    default:
      // A protocol without a reader must never be answered by another one's.
      throw usage(`no meter is read by ${protocol} in this version`);
  }
}

/** One reading on an open line. */
export function readOnce(proc: CommandProcess, reader: MeterReader, link: Link): Promise<ReadingOutcome> {
  return new Promise((resolve) => {
    const host = proc.runtime.host(
      reader.once(link.id, (outcome) => {
        host.close();
        resolve(outcome);
      }),
      undefined,
      { name: "read", precise: reader.precise },
    );
    host.attach(link);
  });
}

/** The Modbus meter that the flags name. @throws CommandError without a model */
export function modbusMeter(flags: ReaderFlags): { readonly model: MeterModel; readonly unit: number } {
  if (flags.model === undefined)
    throw usage("required option '--model <ID|FILE>' not specified", "`meterworks models` lists those it knows");
  const model = loadModel(flags.model);
  return { model, unit: flags.unit ?? model.modbus.defaults.unit };
}

function modbusReader({ protocol, wire }: Spoken, flags: ReaderFlags): MeterReader {
  const { model, unit } = modbusMeter(flags);
  const settings = serialSettings(flags, model, protocol);
  const framing = wire.kind === "tcp" ? "tcp" : framingOf(settings).framing;
  const line: Omit<LineConfig, "link"> = {
    framing,
    baud: settings.baudRate,
    ...(flags.echo === true ? { echo: true } : {}),
    responseTimeout: flags.timeout * MICROS_PER_MS,
    retries: flags.retries,
    // One poll is all it gets to make.
    pollEvery: Number.MAX_SAFE_INTEGER / 4,
    ...(flags.harmonics === true ? { measures: model.modbus.registers.map((r) => r.measure) } : {}),
    meters: [{ id: "meter" as MeterId, unit, model }],
  };
  const patience = Math.max(3_000, 2 * flags.timeout) * MICROS_PER_MS;
  return {
    subject: `${model.id} unit ${unit}`,
    serial: settings,
    precise: framing === "rtu",
    once: (link, done) =>
      new ReadOnce({ ...line, link }, patience, (outcome) => {
        if (outcome.ok) done({ ok: true, time: outcome.reading.time, values: outcome.reading.values });
        else {
          const reason = `unit ${unit} on ${showWire(wire)}: ${outcome.reason}`;
          done({ ok: false, reason, hint: hintFor(outcome.reason, wire) });
        }
      }),
  };
}

function hintFor(reason: string, wire: Wire): string {
  if (/connect E|getaddrinfo|closed by the peer|link is down|no connection/i.test(reason))
    return "check the address, and that something listens there";
  if (!/time/i.test(reason)) return "check that --model is this meter's";
  return wire.kind === "tcp"
    ? "check --unit, or give a longer --timeout"
    : "check --unit, --baud, --parity, --echo and the A/B wires, or give a longer --timeout";
}
