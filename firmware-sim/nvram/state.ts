/** What a meter must still know after the power was gone, as the payload of one checkpoint: it changes whole or not at all. */
import { failure, type Result, success } from "../../src/core/result.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

/** The meter's parts that keep something, each with the tag of its block. A tag is never given to another part. */
const TAGS = {
  energy: 1,
  journal: 2,
  clock: 3,
  relay: 4,
  rates: 5,
  steps: 6,
  demand: 7,
  profile: 8,
  freezes: 9,
  settlements: 10,
  events: 11,
  credit: 12,
  authority: 13,
  pairing: 14,
} as const;

export type StatePart = keyof typeof TAGS;

export interface MeterState {
  /** Sequence number of the last telemetry message that may have left. */
  readonly sequence: number;
  /** Civil time of the checkpoint, µs: when the power went, as far as the meter can know. */
  readonly savedAt: number;
  /** What each part wrote of itself; a part that this version has and an older one had not is absent. */
  readonly parts: ReadonlyMap<StatePart, Uint8Array>;
}

/** Raised when the layout changes; an older layout is refused by name, not guessed at. */
const VERSION = 2;
const PART_BY_TAG = new Map<number, StatePart>(Object.entries(TAGS).map(([part, tag]) => [tag, part as StatePart]));

export function encodeState(state: MeterState): Uint8Array {
  const out = new ByteWriter().u8(VERSION).f64(state.sequence).f64(state.savedAt).u8(state.parts.size);
  for (const [part, bytes] of state.parts) out.u8(TAGS[part]).block(bytes);
  return out.bytes();
}

export function decodeState(bytes: Uint8Array): Result<MeterState, string> {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== VERSION) return failure(`state has layout ${version}; this version reads layout ${VERSION}`);
  const sequence = reader.f64();
  const savedAt = reader.f64();
  const parts = new Map<StatePart, Uint8Array>();
  for (let left = reader.u8(); left > 0; left--) {
    const tag = reader.u8();
    const part = PART_BY_TAG.get(tag);
    if (part === undefined) return failure(`state holds part ${tag}, which this version does not know`);
    parts.set(part, reader.block());
  }
  const end = reader.end("the meter's state");
  return end.ok ? success({ sequence, savedAt, parts }) : end;
}
