/**
 * What the meters' processes write down for themselves, independent of the head-end: what was published, what was
 * acknowledged, what was served to a poll. One line each, appended; the judge reads along.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";

/** Of the telemetry's measures those that are compared: OBIS code to the store's column and its decimals. */
export const COMPARED: readonly (readonly [obis: string, column: string, decimals: number])[] = [
  ["1-0:1.8.0", "activeEnergyImport", 6],
  ["1-0:2.8.0", "activeEnergyExport", 6],
  ["1-0:3.8.0", "reactiveEnergyImport", 6],
  ["1-0:32.7.0", "voltageL1", 3],
  ["1-0:31.7.0", "currentL1", 6],
  ["1-0:16.7.0", "activePower", 3],
  ["1-0:131.7.0", "reactivePower", 3],
  ["1-0:9.7.0", "apparentPower", 3],
  ["1-0:13.7.0", "powerFactor", 6],
  ["1-0:14.7.0", "frequency", 3],
];

export type WitnessLine =
  /** `at` ms when it was given to the network, `time` as the payload says, `values` in the order of {@link COMPARED}. */
  | ["published", meter: string, sequence: number, at: number, time: string, values: readonly string[]]
  | ["acknowledged", meter: string, sequence: number, at: number]
  /** What +A (mWh) stood in the registers when a poll was answered. */
  | ["served", meter: string, at: number, energy: number];

const FLUSH_MS = 20;

/** Appends lines; the file never holds half of one for longer than a write takes. */
export class WitnessWriter {
  readonly #file: number;
  #lines = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  add(line: WitnessLine): void {
    this.#lines += `${JSON.stringify(line)}\n`;
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines !== "") writeSync(this.#file, this.#lines);
    this.#lines = "";
  }
}

/** Reads on from where it was, whole lines only. */
export class WitnessReader {
  readonly #file: number;
  readonly #chunk = Buffer.alloc(1 << 20);
  readonly #decoder = new StringDecoder("utf8");
  #partial = "";

  /** @throws the system's error where there is no such file. */
  constructor(path: string) {
    this.#file = openSync(path, "r");
  }

  *read(): Generator<WitnessLine> {
    for (;;) {
      const length = readSync(this.#file, this.#chunk);
      if (length === 0) return;
      const lines = (this.#partial + this.#decoder.write(this.#chunk.subarray(0, length))).split("\n");
      this.#partial = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line) as WitnessLine;
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
