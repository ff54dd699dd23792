/** `--record FILE`: every byte of a command's lines, both ways and with times, in a file that Wireshark opens too. */
import { showLineFormat } from "../core/line-format.ts";
import { LineRecorder, LUMP_GAP, lineHead, type RecordedLine, recordingHead } from "../field/recording/recorder.ts";
import { AppendFile } from "../platform/append-file.ts";
import { PlatformError } from "../platform/errors.ts";
import type { Link } from "../platform/link.ts";
import { TappedLink } from "../platform/tapped-link.ts";
import { LARGEST_RECORDING } from "./captured-bytes.ts";
import type { LineOptions } from "./line.ts";
import type { CommandProcess } from "./process.ts";
import { showHostPort } from "./values.ts";
import { VERSION } from "./version.ts";
import type { Recording, Wire } from "./wires.ts";

const SECTION_MAGIC = Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a);
const MODBUS_PORT = 502;

/** The recordings of a process: a command with several lines has one file for all. */
const begun = new WeakMap<CommandProcess, RecordingFile>();

/**
 * Begins the recording, or goes on with it. It ends after the lines that are opened later.
 * @throws PlatformError where the file can't be written
 */
export function recordingOf(proc: CommandProcess, { file }: Recording): RecordingFile {
  const recording = begun.get(proc) ?? new RecordingFile(proc, file);
  begun.set(proc, recording);
  return recording;
}

/** How a line stands in a recording. */
export function lineOf(wire: Wire, protocol: string, serial: LineOptions["serial"]): RecordedLine {
  if (wire.kind === "tcp") {
    const { host, port } = wire.at;
    // Wireshark knows Modbus by its port; the real one stands in the name.
    const shownPort = protocol === "modbus-tcp" ? MODBUS_PORT : port;
    const name = `tcp:${showHostPort(wire.at)}`;
    return { name, description: protocol, tcp: { host, port: shownPort } };
  }
  const { baudRate: baud, dataBits, parity, stopBits } = serial;
  const format = showLineFormat({ baud, dataBits, parity, stopBits });
  return { name: wire.kind === "mqtt" ? wire.url : wire.path, description: `${protocol} ${format}` };
}

class RecordingFile {
  readonly #proc: CommandProcess;
  readonly #file: AppendFile;
  #lines = 0;

  constructor(proc: CommandProcess, path: string) {
    this.#proc = proc;
    this.#file = new AppendFile(path, SECTION_MAGIC, LARGEST_RECORDING);
    this.#append(recordingHead(VERSION));
    // Cleaned up after the lines, whose last bytes belong into it.
    proc.cleanup(() => this.#file.close());
  }

  add(link: Link, line: RecordedLine): Link {
    const recorder = new LineRecorder(this.#lines, line);
    this.#lines += 1;
    this.#append(lineHead(line));
    const { clock } = this.#proc;
    let due: NodeJS.Timeout | undefined;
    const carried = (direction: "in" | "out", bytes: Uint8Array) => {
      this.#append(recorder.carried(clock.now().civil, direction, bytes));
      clearTimeout(due);
      due = setTimeout(() => this.#append(recorder.flush()), LUMP_GAP / 1000).unref();
    };
    return new TappedLink(link, {
      opened: () => this.#append(recorder.opened(clock.now().civil)),
      closed: () => this.#append(recorder.closed(clock.now().civil)),
      sent: (bytes) => carried("out", bytes),
      received: (bytes) => carried("in", bytes),
      changed: (to) => this.#append(recorder.changed(typeof to === "number" ? `${to} bit/s` : showLineFormat(to))),
    });
  }

  /** A full disk ends the recording, not the work; the command fails at its end, for the recording was asked for. */
  #append(bytes: Uint8Array): void {
    try {
      this.#file.append(bytes);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      const fields = { file: this.#file.path, reason: error.message, hint: error.hint };
      this.#proc.log({ kind: "log", level: "error", event: "record.stopped", fields });
      process.exitCode = 1;
    }
  }
}
