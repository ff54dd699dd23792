/** `meterworks replay`: a recording, or a capture of others, frame by frame. */
import type { Command } from "commander";
import type { Explanation } from "../../../protocols/explain.ts";
import { printable } from "../../../protocols/json.ts";
import { toHex } from "../../core/bytes.ts";
import { civil, toIso } from "../../core/time.ts";
import { explainFrame, framesOf, type ReplayedFrame } from "../../field/recording/frames.ts";
import { linesOf } from "../../field/recording/lines-of-capture.ts";
import { ModelReadings } from "../../field/recording/model-readings.ts";
import { readCapture } from "../../field/recording/read-capture.ts";
import { type LineProtocol, PROTOCOLS_ON_LINES } from "../../field/recording/split.ts";
import { readWholeFile } from "../captured-bytes.ts";
import { failed } from "../errors.ts";
import { loadModel } from "../models.ts";
import { print } from "../output.ts";
import { choice, integer } from "../values.ts";

interface Flags {
  readonly protocol?: LineProtocol;
  readonly model?: string;
  readonly port: number;
  readonly bytes?: true;
  readonly json?: true;
}

const MODBUS_PORT = 502;

const HELP = `
The file is a recording (--record FILE of any command that talks to a line), or what Wireshark or tcpdump captured.

Examples:
  meterworks read --model eastron-sdm630 --serial /dev/ttyUSB0 --record line.pcapng
  meterworks replay line.pcapng
  meterworks replay line.pcapng --model eastron-sdm630 --json
  tcpdump -i eth0 -w capture.pcap tcp port 1502; meterworks replay capture.pcap --port 1502`;

export function addReplay(program: Command): void {
  program
    .command("replay")
    .description("decodes a recording: every frame with its time, direction and content")
    .argument("<file>", "a recording, pcapng or pcap")
    .option("--protocol <P>", "default: as recorded, else what fits", choice("--protocol", PROTOCOLS_ON_LINES))
    .option("--model <ID|FILE>", "Modbus: names and scales registers as this model's map does")
    .option("--port <N>", "TCP port of the meter, in captures of others", integer("--port", 1, 65_535), MODBUS_PORT)
    .option("--bytes", "the bytes of every frame, not only of broken ones")
    .option(
      "--json",
      "{ok, error?, frames: [{time, line, direction, protocol, bytes, setting?, ok, error?, fields, readings}]}",
    )
    .addHelpText("after", HELP)
    .action(run);
}

async function run(file: string, flags: Flags): Promise<void> {
  const model = flags.model === undefined ? undefined : new ModelReadings(loadModel(flags.model).modbus);
  const { packets, error } = readCapture(readWholeFile(file));
  const { lines, passedOver } = linesOf(packets, [flags.port]);
  const frames = lines.flatMap((line) => framesOf(line, flags.protocol)).sort((a, b) => a.time - b.time);
  const told = (frame: ReplayedFrame) => {
    const explanation = explainFrame(frame);
    return model?.named(frame, explanation) ?? explanation;
  };
  const broken = flags.json === true ? showJson(frames, told, error) : show(frames, told, flags.bytes === true);
  if (error !== undefined)
    throw failed(`${file}: ${error}`, frames.length > 0 ? "what stands before that is shown" : "is it a recording?");
  if (frames.length === 0)
    throw failed(
      `${file}: ${packets.length} packet(s), none of a line that is known here`,
      passedOver > 0 ? "name the meter's TCP port with --port" : "nothing was said while it was recorded",
    );
  const others = passedOver === 0 ? "" : `, ${passedOver} packet(s) of other traffic passed over`;
  process.stderr.write(`${frames.length} frame(s) on ${lines.length} line(s), ${broken} broken${others}\n`);
}

type Told = (frame: ReplayedFrame) => Explanation;

/** One document, written frame by frame: whole it may be larger than a text can be. Returns how many frames are broken. */
function showJson(frames: readonly ReplayedFrame[], told: Told, error: string | undefined): number {
  let broken = 0;
  print(`${JSON.stringify({ ok: error === undefined, error }).slice(0, -1)},"frames":[`);
  for (const [i, frame] of frames.entries()) {
    const { time, bytes, ...where } = frame;
    const explanation = told(frame);
    if (!explanation.ok) broken += 1;
    const view = { time: toIso(civil(time)), ...where, bytes: toHex(bytes), ...explanation };
    print(`${JSON.stringify(view)}${i < frames.length - 1 ? "," : ""}`);
  }
  print("]}");
  return broken;
}

const ARROW = { request: "→", reply: "←", echo: "↩" } as const;
const BYTES_PER_ROW = 32;

function show(frames: readonly ReplayedFrame[], told: Told, allBytes: boolean): number {
  let shown = "";
  let broken = 0;
  for (const frame of frames) {
    const { time, line, direction, protocol, bytes } = frame;
    const explanation = told(frame);
    if (!explanation.ok) broken += 1;
    const day = toIso(civil(time)).slice(0, 10);
    const heading = `${day}  ${printable(line, 100)}  ${protocol}`;
    if (heading !== shown) print(`${shown === "" ? "" : "\n"}${heading}`);
    shown = heading;
    if (frame.setting !== undefined) print(`${" ".repeat(16)}line set to ${printable(frame.setting, 40)}`);
    const what = explanation.ok ? summaryOf(direction, explanation) : `✗ ${printable(explanation.error ?? "", 200)}`;
    print(`${clockOf(time)} ${ARROW[direction]} ${String(bytes.length).padStart(4)} B  ${what}`);
    if (allBytes || !explanation.ok) showBytes(bytes);
  }
  return broken;
}

function showBytes(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += BYTES_PER_ROW)
    print(`${" ".repeat(24)}${toHex(bytes.subarray(at, at + BYTES_PER_ROW), " ")}`);
}

/** Of the day, to the microsecond. */
function clockOf(time: number): string {
  const [, clock = "", fraction = ""] = /T([\d:]+)(?:\.(\d+))?Z/.exec(toIso(civil(time))) ?? [];
  return `${clock}.${fraction.padEnd(6, "0")}`;
}

/** What every frame has, and what stands as a reading behind it. */
const DULL =
  /^(start|second start|end|preamble|protocol|length|transaction|CRC|LRC|checksum|byte count|register [+].*|.*check.*)$/i;
const FIELDS_SHOWN = 6;
const READINGS_SHOWN = 4;

function summaryOf(direction: ReplayedFrame["direction"], { fields, readings }: Explanation): string {
  const telling = fields.filter(({ name }) => !DULL.test(name)).slice(0, readings.length > 0 ? 2 : FIELDS_SHOWN);
  const said = telling.map(({ name, value }) =>
    name === "function" ? printable(value, 60) : `${name} ${printable(value, 60)}`,
  );
  const values = readings.slice(0, READINGS_SHOWN).map(({ id, value, unit }) => {
    const text = value === null ? "no value" : `${printable(value, 30)}${unit === "1" ? "" : ` ${unit}`}`;
    return `${printable(id, 30)} ${text}`;
  });
  const more = readings.length > READINGS_SHOWN ? [`and ${readings.length - READINGS_SHOWN} more`] : [];
  return [...(direction === "echo" ? ["echo"] : []), ...said, ...values, ...more].join(", ");
}
