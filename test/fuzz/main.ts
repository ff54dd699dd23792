/** `make fuzz`: many seeded inputs per codec. Prints the seed it failed with; `--inputs N` and `--seed N` change the campaign. */
import { parseArgs } from "node:util";
import { fuzzCaptures } from "./captures.ts";
import { fuzzDlt645 } from "./dlt645.ts";
import { fuzzIec62056 } from "./iec62056-21.ts";
import { fuzzModbus } from "./modbus.ts";
import { fuzzMqtt } from "./mqtt.ts";

/** Every codec with its fuzzer: feeds `inputs` seeded inputs and throws on a crash, a hang or growth beyond the frame limit. */
const CODECS: Readonly<Record<string, (seed: number, inputs: number) => void>> = {
  modbus: fuzzModbus,
  dlt645: fuzzDlt645,
  "iec62056-21": fuzzIec62056,
  mqtt: fuzzMqtt,
  captures: fuzzCaptures,
};

const DEFAULT_INPUTS = 1_000_000;
/** Inputs of one seed: short enough that a failure is quick to repeat. */
const PER_SEED = 10_000;

const USAGE = `usage: make fuzz ARGS="[--codec ${Object.keys(CODECS).join("|")}] [--inputs N] [--seed N]"`;

function flags() {
  try {
    const { values } = parseArgs({
      options: {
        inputs: { type: "string", default: String(DEFAULT_INPUTS) },
        seed: { type: "string", default: "1" },
        codec: { type: "string" },
        help: { type: "boolean" },
      },
    });
    return values;
  } catch (error) {
    process.stderr.write(`fuzz: ${error instanceof Error ? error.message : error}\n${USAGE}\n`);
    process.exit(2);
  }
}

const values = flags();
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}

function campaign(name: string, fuzz: (seed: number, inputs: number) => void, inputs: number, first: number): boolean {
  const began = performance.now();
  for (let done = 0, seed = first; done < inputs; done += PER_SEED, seed++) {
    try {
      fuzz(seed, Math.min(PER_SEED, inputs - done));
    } catch (error) {
      process.stdout.write(`\n${name}: ${error instanceof Error ? error.stack : error}\n`);
      process.stdout.write(`repeat it with: make fuzz ARGS="--codec ${name} --seed ${seed} --inputs ${PER_SEED}"\n`);
      return false;
    }
    const seconds = (performance.now() - began) / 1_000;
    const left = Math.ceil((seconds / (done + PER_SEED)) * (inputs - done - PER_SEED));
    if (process.stdout.isTTY)
      process.stdout.write(`\r${name}: ${done + PER_SEED} of ${inputs}, ${Math.max(0, left)} s left   `);
  }
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  process.stdout.write(
    `${process.stdout.isTTY ? "\r" : ""}${name}: ${inputs} inputs, nothing found (${seconds} s)      \n`,
  );
  return true;
}

const inputs = Number(values.inputs);
const seed = Number(values.seed);
if (!Number.isSafeInteger(inputs) || inputs < 1 || !Number.isSafeInteger(seed) || seed < 0) {
  process.stderr.write("fuzz: --inputs and --seed are whole numbers\n");
  process.exit(2);
}
const chosen = Object.entries(CODECS).filter(([name]) => values.codec === undefined || name === values.codec);
if (chosen.length === 0) {
  process.stderr.write(`fuzz: --codec is one of ${Object.keys(CODECS).join(", ")}\n`);
  process.exit(2);
}
process.exit(chosen.map(([name, fuzz]) => campaign(name, fuzz, inputs, seed)).every(Boolean) ? 0 : 1);
