/** A captured line as frames. What they say is told one by one, by {@link explainFrame}: of a long recording it fills the memory. */
import { explainDlt645 } from "../../../protocols/dlt645/explain.ts";
import type { Explanation } from "../../../protocols/explain.ts";
import { explainIec62056 } from "../../../protocols/iec62056-21/explain.ts";
import { explainModbusAscii, explainModbusRtu, explainModbusTcp } from "../../../protocols/modbus/explain.ts";
import { joinBytes } from "../../core/bytes.ts";
import type { CapturedLine, Utterance } from "./lines-of-capture.ts";
import { LUMP_GAP } from "./recorder.ts";
import { type LineProtocol, PROTOCOLS_ON_LINES, splitFrames, splitTcp } from "./split.ts";

export interface ReplayedFrame {
  /** When its first byte was seen, µs since 1970. */
  readonly time: number;
  readonly line: string;
  /** `echo`: the request again, heard by an adapter that listens to itself. */
  readonly direction: "request" | "reply" | "echo";
  readonly protocol: LineProtocol;
  readonly bytes: Uint8Array;
  /** What a serial line was set to before this frame, where that changed. */
  readonly setting?: string;
}

/** @param protocol what is spoken; undefined: what the recording says, else what fits */
export function framesOf(line: CapturedLine, protocol: LineProtocol | undefined): readonly ReplayedFrame[] {
  const declared = protocol ?? declaredOf(line);
  const candidates = protocol === undefined ? candidatesOf(line, declared) : [protocol];
  return new LineReplay(line, candidates).run();
}

function declaredOf(line: CapturedLine): LineProtocol {
  const found = PROTOCOLS_ON_LINES.find((name) => name === line.protocol);
  return found ?? (line.kind === "tcp" ? "modbus-tcp" : "modbus-rtu");
}

/** A scan speaks several protocols on one line: where the declared one does not fit, another may. */
function candidatesOf(line: CapturedLine, declared: LineProtocol): readonly LineProtocol[] {
  const others = PROTOCOLS_ON_LINES.filter(
    (name) => name !== declared && (line.kind === "tcp" || name !== "modbus-tcp"),
  );
  return [declared, ...others];
}

/** Slow meters pause within a message; no answer comes this fast after another one, µs. */
const TEXT_GAP = 500_000;

class LineReplay {
  readonly #line: CapturedLine;
  readonly #candidates: readonly LineProtocol[];
  readonly #frames: ReplayedFrame[] = [];
  #request: Uint8Array | undefined;
  #setting: string | undefined;

  constructor(line: CapturedLine, candidates: readonly LineProtocol[]) {
    this.#line = line;
    this.#candidates = candidates;
  }

  run(): readonly ReplayedFrame[] {
    const joined = this.#candidates[0] === "modbus-tcp" ? joinSegments : joinLumps;
    const gap = this.#candidates[0]?.startsWith("modbus") ? LUMP_GAP : TEXT_GAP;
    for (const said of joined(this.#line.utterances, gap)) this.#take(said);
    return this.#frames;
  }

  #take({ time, direction, bytes, setting }: Utterance): void {
    this.#setting = setting;
    if (direction === "out") {
      this.#push(time, "request", bytes);
      this.#request = bytes;
      return;
    }
    const request = this.#request;
    this.#request = undefined;
    const echo = this.#line.kind === "serial" && request !== undefined ? echoLength(bytes, request) : 0;
    if (echo > 0) this.#push(time, "echo", bytes.subarray(0, echo));
    if (echo < bytes.length) this.#push(time, "reply", bytes.subarray(echo));
  }

  #push(time: number, direction: ReplayedFrame["direction"], bytes: Uint8Array): void {
    const fits = (protocol: LineProtocol) =>
      splitFrames(bytes, protocol).every((piece) => explainFrame({ bytes: piece, protocol, direction }).ok);
    const protocol = this.#candidates.find(fits) ?? (this.#candidates[0] as LineProtocol);
    for (const piece of splitFrames(bytes, protocol)) {
      const setting = this.#setting === undefined ? {} : { setting: this.#setting };
      this.#frames.push({ time, line: this.#line.name, direction, protocol, bytes: piece, ...setting });
      this.#setting = undefined;
    }
  }
}

/** What a frame says, field by field. */
export function explainFrame(frame: Pick<ReplayedFrame, "bytes" | "protocol" | "direction">): Explanation {
  const { bytes, protocol } = frame;
  // An echo is the request.
  const direction = frame.direction === "reply" ? "reply" : "request";
  switch (protocol) {
    case "modbus-rtu":
      return explainModbusRtu(bytes, direction);
    case "modbus-ascii":
      return explainModbusAscii(bytes, direction);
    case "modbus-tcp":
      return explainModbusTcp(bytes, direction);
    case "dlt645":
      return explainDlt645(bytes);
    case "iec62056-21":
      return explainIec62056(bytes);
  }
}

/** Functions whose good reply is the request again: alone it is no echo. */
const ANSWERED_BY_ITSELF: ReadonlySet<number | undefined> = new Set([0x05, 0x06, 0x08]);

function echoLength(heard: Uint8Array, sent: Uint8Array): number {
  if (heard.length < sent.length || !sent.every((byte, i) => byte === heard[i])) return 0;
  return heard.length === sent.length && ANSWERED_BY_ITSELF.has(sent[1]) ? 0 : sent.length;
}

/** What one side says without a longer silence belongs together. */
function joinLumps(utterances: readonly Utterance[], gap: number): readonly Utterance[] {
  const runs: { first: Utterance; last: number; parts: Uint8Array[] }[] = [];
  for (const said of utterances) {
    const run = runs.at(-1);
    const bothIn = said.direction === "in" && run?.first.direction === "in";
    const goesOn = run !== undefined && bothIn && !said.afterLoss && said.setting === undefined;
    if (goesOn && said.time - run.last < gap) {
      run.parts.push(said.bytes);
      run.last = said.time;
    } else runs.push({ first: said, last: said.time, parts: [said.bytes] });
  }
  return runs.map(({ first, parts }) => ({ ...first, bytes: parts.length === 1 ? first.bytes : joinBytes(parts) }));
}

/** TCP has no pauses: a frame ends where its header says. What was begun waits for the rest, in each direction. */
function joinSegments(utterances: readonly Utterance[]): readonly Utterance[] {
  const out: Utterance[] = [];
  const begun: Record<Utterance["direction"], Utterance | undefined> = { out: undefined, in: undefined };
  for (const said of utterances) {
    const before = begun[said.direction];
    if (before !== undefined && said.afterLoss) out.push(before);
    const from = said.afterLoss || before === undefined ? said : before;
    const bytes = from === said ? said.bytes : joinBytes([from.bytes, said.bytes]);
    const { pieces, rest } = splitTcp(bytes);
    for (const piece of pieces) out.push({ ...from, bytes: piece });
    begun[said.direction] = rest.length === 0 ? undefined : { ...(pieces.length === 0 ? from : said), bytes: rest };
  }
  for (const left of [begun.out, begun.in]) if (left !== undefined) out.push(left);
  return out;
}
