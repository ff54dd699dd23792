/** Finds DL/T 645 meters: all of them answer the wildcard at once, so a garble is taken apart digit by digit. */
import { decodeData } from "../../../protocols/dlt645/decode.ts";
import {
  ANY_METER,
  type Dlt645Frame,
  encodeFrame,
  frameAt,
  frameLength,
  inspect,
  PREAMBLE,
} from "../../../protocols/dlt645/frame.ts";
import { ABNORMAL, FROM_METER, FUNCTION } from "../../../protocols/dlt645/functions.ts";
import { type Identifier, identifier } from "../../../protocols/dlt645/identifier.ts";
import { encodeRequest, FUNCTION_OF } from "../../../protocols/dlt645/message.ts";
import { EMPTY_BYTES } from "../../core/bytes.ts";
import { MICROS_PER_MS } from "../../core/time.ts";
import type { Probe } from "../probe.ts";
import type { FoundMeter } from "./found.ts";
import type { ScanLine } from "./line.ts";

/** Td, the longest until a meter answers, is 500 ms; its first character comes on top. */
const RESPONSE_LIMIT = 600 * MICROS_PER_MS;
const ADDRESS: Identifier = identifier(0x0400_0401);
const ASSET_CODE: Identifier = identifier(0x0400_0403);
const MODEL: Identifier = identifier(0x0400_040b);
/** FE bytes that wake a receiver. */
const WAKE_UP = 4;
/** Characters of a wildcard request. */
export const WILDCARD_LENGTH = WAKE_UP + 12;
/** A garble of fewer bytes beside a good frame is noise of the line. */
const SECOND_METER = 4;
/** 00 to 99. */
const PAIRS = 100;
/** Characters of a request to read one identifier. */
const READ_LENGTH = WILDCARD_LENGTH + 4;
const HOPELESS = 4;
/** Two digits at a time; meters that share more of them than so are not told apart. */
const DEEPEST = 2;

interface Answers {
  readonly frames: readonly Dlt645Frame[];
  /** Bytes of no frame. */
  readonly rest: Uint8Array;
}

export interface Dlt645Finding {
  readonly addresses: readonly string[];
  /** What came and was no frame, where nobody could be told from it. */
  readonly garble: Uint8Array;
  /** Several meters answered at once. */
  readonly collided: boolean;
}

/**
 * Everybody who answers at this setting.
 * @param searching told while a garble is taken apart, with the µs that will take
 */
export function* findDlt645(line: ScanLine, searching: (left: number) => void): Probe<Dlt645Finding> {
  const addresses = new Set<string>();
  let rest: Uint8Array = EMPTY_BYTES;
  for (let attempt = 0; attempt < 2; attempt++) {
    const answers = yield* ask(line, ANY_METER, FUNCTION.readAddress, EMPTY_BYTES);
    for (const { address } of answers.frames) addresses.add(address);
    rest = answers.rest;
    if (rest.length < SECOND_METER) break;
  }
  // Twice garbled is no chance: either meters talk at once, or somebody talks at another setting.
  const several = rest.length >= SECOND_METER && (addresses.size > 0 || hasLookOfFrame(rest));
  const apart = several ? yield* narrow(line, "", searching) : [];
  for (const address of apart) addresses.add(address);
  return {
    addresses: [...addresses],
    garble: addresses.size === 0 ? rest : EMPTY_BYTES,
    collided: apart.length > 0,
  };
}

/** Meters that answer at once agree in most of their bytes: FE, 68 or the 16 are left standing in their sum. */
function hasLookOfFrame(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte === PREAMBLE || byte === 0x68);
}

/** Asks for the addresses that end with two more digits each (shortened addressing; requests that read, only). */
function* narrow(line: ScanLine, ending: string, searching: (left: number) => void): Probe<string[]> {
  const found: string[] = [];
  let garbled = 0;
  for (let pair = 0; pair < PAIRS; pair++) {
    searching((PAIRS - pair) * line.cost(READ_LENGTH, patienceOf(line)));
    const digits = String(pair).padStart(2, "0") + ending;
    const { frames, rest } = yield* read(line, digits.padStart(12, "A"), ADDRESS);
    found.push(...frames.map((frame) => frame.address));
    garbled = frames.length === 0 && rest.length >= SECOND_METER ? garbled + 1 : 0;
    // No meters share so many endings on end: it is somebody else who answers, whatever is asked.
    if (garbled >= HOPELESS) break;
    if (garbled > 0 && digits.length / 2 < DEEPEST) found.push(...(yield* narrow(line, digits, searching)));
  }
  return found;
}

/** Whether this meter answers at the line's present setting. */
export function* answersAt(line: ScanLine, address: string): Probe<boolean> {
  return (yield* read(line, address, ADDRESS)).frames.length > 0;
}

/** What the meter says of itself: asset code and type. */
export function* identifyDlt645(line: ScanLine, address: string): Probe<FoundMeter> {
  const type = yield* textOf(line, address, MODEL);
  const asset = yield* textOf(line, address, ASSET_CODE);
  const told = [type, asset === undefined ? undefined : `asset ${asset}`].filter((text) => text !== undefined);
  return {
    protocol: "dlt645",
    ...(line.format === undefined ? {} : { format: line.format }),
    address,
    alternatives: [],
    ...(told.length === 0 ? {} : { name: told.join(", ") }),
    confidence: 99,
    reason: `a good DL/T 645-2007 frame from this address${told.length === 0 ? "; it does not tell its type" : ", and its own words"}`,
  };
}

function* textOf(line: ScanLine, address: string, id: Identifier): Probe<string | undefined> {
  const { frames } = yield* read(line, address, id);
  const frame = frames.find((one) => one.address === address && (one.control & ABNORMAL) === 0);
  if (frame === undefined) return undefined;
  const text = decodeData(id, frame.data.slice(4))[0]?.value?.trim();
  return text === undefined || text === "" ? undefined : text;
}

function read(line: ScanLine, address: string, id: Identifier): Probe<Answers> {
  return ask(line, address, FUNCTION_OF.read, encodeRequest({ kind: "read", identifier: id }));
}

function* ask(line: ScanLine, address: string, control: number, data: Uint8Array): Probe<Answers> {
  const request = encodeFrame({ address, control, data }, WAKE_UP);
  const wildcard = address.startsWith("A");
  const heard = yield* line.exchange(request, {
    first: patienceOf(line),
    // A wildcard may be answered by a second meter while the first one's answer is over.
    ...(wildcard ? {} : { enough: (bytes: Uint8Array) => answersIn(bytes).frames.length > 0 }),
  });
  return answersIn(heard.bytes);
}

/** µs that a meter is given until it begins to answer. */
export function patienceOf({ patience }: Pick<ScanLine, "patience">): number {
  return Math.max(patience, RESPONSE_LIMIT);
}

function answersIn(bytes: Uint8Array): Answers {
  const frames: Dlt645Frame[] = [];
  const rest: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (inspect(bytes, at, bytes.length) === undefined) {
      const frame = frameAt(bytes, at);
      if ((frame.control & FROM_METER) !== 0) frames.push(frame);
      at += frameLength(bytes, at);
    } else rest.push(bytes[at++] as number);
  }
  const garble = Uint8Array.from(rest);
  return { frames, rest: frames.length > 0 && garble.every((byte) => byte === PREAMBLE) ? EMPTY_BYTES : garble };
}
