/** Seeded lines against the recorder and the reader of captures: what was recorded comes back, and damage is never a crash. */
import { joinBytes, toHex } from "../../src/core/bytes.ts";
import { Random } from "../../src/core/random.ts";
import { framesOf } from "../../src/field/recording/frames.ts";
import { linesOf } from "../../src/field/recording/lines-of-capture.ts";
import { readCapture } from "../../src/field/recording/read-capture.ts";
import { LineRecorder, lineHead, recordingHead } from "../../src/field/recording/recorder.ts";

const SERVER_PORT = 1502;
const NAMES = ["modbus-rtu", "modbus-ascii", "modbus-tcp", "dlt645", "iec62056-21", "something else"];

function fail(what: string, seed: number, input: number): never {
  throw new Error(`capture fuzz: ${what} (seed ${seed}, input ${input})`);
}

function junk(random: Random): Uint8Array {
  const length = random.chance(1, 20) ? random.between(1_000, 4_000) : random.between(1, 40);
  const start = random.pick([[], [0x68], [0x3a], [0x2f], [1, 3], [0, 1, 0, 0, 0, 6, 1, 3]]);
  return Uint8Array.from({ length }, (_, i) => start[i] ?? random.below(256));
}

/** The file, and what was said each way. */
function recording(random: Random) {
  const tcp = random.chance(1, 2) ? { tcp: { host: "192.168.1.9", port: SERVER_PORT } } : {};
  const line = { name: "line", description: `${random.pick(NAMES)} 9600 8N1`, ...tcp };
  const recorder = new LineRecorder(0, line);
  let time = 1_790_000_000_000_000;
  const parts = [recordingHead("fuzz"), lineHead(line), recorder.opened(time)];
  const said = { in: [] as Uint8Array[], out: [] as Uint8Array[] };
  for (let i = random.below(8); i >= 0; i--) {
    const direction = random.pick(["in", "out"] as const);
    const bytes = junk(random);
    time += random.below(100_000);
    said[direction].push(bytes);
    parts.push(recorder.carried(time, direction, bytes));
    if (random.chance(1, 6)) parts.push(recorder.changed("2400 8E1"));
  }
  parts.push(recorder.closed(time));
  return { file: joinBytes(parts), said };
}

function replay(file: Uint8Array, ports: readonly number[]) {
  const { lines } = linesOf(readCapture(file).packets, ports);
  return lines.flatMap((line) => framesOf(line, undefined));
}

function damaged(random: Random, file: Uint8Array): Uint8Array {
  const copy = file.slice(0, random.chance(1, 3) ? random.below(file.length + 1) : file.length);
  for (let i = random.below(6); i > 0 && copy.length > 0; i--) copy[random.below(copy.length)] = random.below(256);
  return copy;
}

/** Runs `inputs` cases; throws with the seed and the input on the first that fails. */
export function fuzzCaptures(seed: number, inputs: number): void {
  for (let input = 0; input < inputs; input++) {
    const random = new Random(seed).fork(`capture ${input}`);
    const { file, said } = recording(random);
    const frames = replay(file, [SERVER_PORT]);
    for (const direction of ["in", "out"] as const) {
      const back = frames.filter((frame) => (frame.direction === "request") === (direction === "out"));
      if (toHex(joinBytes(back.map((frame) => frame.bytes))) !== toHex(joinBytes(said[direction])))
        fail(`not what was said, ${direction}`, seed, input);
    }
    const broken = damaged(random, file);
    const total = replay(broken, [SERVER_PORT, 502]).reduce((sum, frame) => sum + frame.bytes.length, 0);
    if (total > broken.length) fail("more bytes than the file has", seed, input);
  }
}
