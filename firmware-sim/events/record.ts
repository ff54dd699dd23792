/** One event as it lies in the ring of its kind, and while it is open in the meter's checkpoint. */
import { EMPTY_BYTES } from "../../src/core/bytes.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { type LocalSecond, localSecond } from "../clock/local-time.ts";
import { NO_ENERGY, readAmount, writeAmount } from "../metrology/amounts.ts";
import type { EnergyAmount } from "../metrology/energy.ts";
import { ByteReader, ByteWriter } from "../nvram/bytes.ts";

/** Energies that a record may hold at each end, and bytes of `extra`. */
export const MOST_ENERGIES = 8;
export const MOST_EXTRA = 32;

export interface OpenEvent {
  /** When the condition had held for its delay. */
  readonly start: LocalSecond;
  readonly startEnergies: readonly EnergyAmount[];
  /** What the kind adds, such as an operator's code or the clock before and after; empty where nothing. */
  readonly extra: Uint8Array;
}

export interface EndedEvent extends OpenEvent {
  /** When the recovery had held for the delay; equal to the start where the kind has no length. */
  readonly end: LocalSecond;
  readonly endEnergies: readonly EnergyAmount[];
}

const VERSION = 1;
const AMOUNT_BYTES = 12;
/** The longest {@link encodeEnded}. */
export const RECORD_SIZE = 1 + 2 * (8 + 1 + MOST_ENERGIES * AMOUNT_BYTES) + 4 + MOST_EXTRA;

export function encodeEnded(event: EndedEvent): Uint8Array {
  const writer = new ByteWriter().u8(VERSION);
  writeOpen(writer, event);
  writer.f64(event.end);
  writeAmounts(writer, event.endEnergies);
  return writer.bytes();
}

export function decodeEnded(bytes: Uint8Array): Result<EndedEvent, string> {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== VERSION) return failure(`event record layout ${version} is not known`);
  const open = readOpen(reader);
  const end = localSecond(reader.f64());
  const endEnergies = readAmounts(reader);
  const whole = reader.end("an event record");
  return whole.ok ? success({ ...open, end, endEnergies }) : whole;
}

export function writeOpen(writer: ByteWriter, event: OpenEvent): void {
  writer.f64(event.start);
  writeAmounts(writer, event.startEnergies);
  writer.block(event.extra);
}

export function readOpen(reader: ByteReader): OpenEvent {
  const start = localSecond(reader.f64());
  const startEnergies = readAmounts(reader);
  const extra = reader.block();
  return { start, startEnergies, extra: extra.length === 0 ? EMPTY_BYTES : extra };
}

function writeAmounts(writer: ByteWriter, amounts: readonly EnergyAmount[]): void {
  writer.u8(amounts.length);
  for (const amount of amounts) writeAmount(writer, amount);
}

/** Of a record whose check was good: what is no energy came from another layout, and is not shown. */
function readAmounts(reader: ByteReader): EnergyAmount[] {
  const amounts: EnergyAmount[] = [];
  const count = reader.u8();
  for (let i = 0; i < count; i++) amounts.push(readAmount(reader) ?? NO_ENERGY);
  return amounts;
}
