/**
 * A table of a meter's Modbus map as bytes, rebuilt when the meter's measures have changed: a read is then a copy, and all
 * registers of one reply belong to one instant.
 */
import { EXCEPTION } from "../../protocols/modbus/errors.ts";
import { type ModbusMap, type RegisterEntry, registerCount } from "../../protocols/models/model.ts";
import { encodeValue } from "../../protocols/models/registers.ts";
import type { Meter } from "../meter.ts";

/** Registers beside the measures: the control block of the native models. */
export interface ExtraRegisters {
  readonly address: number;
  readonly count: number;
  write(out: Uint8Array, at: number): void;
}

export class RegisterImage {
  readonly #meter: Meter;
  readonly #map: ModbusMap;
  readonly #entries: readonly RegisterEntry[];
  readonly #extra: readonly ExtraRegisters[];
  readonly #first: number;
  readonly #end: number;
  readonly #image: Uint8Array;
  /** For each register how many from it on the map has without a hole; only for maps whose holes are refused. */
  readonly #runs: Uint32Array;
  #revision = -1;

  constructor(meter: Meter, entries: readonly RegisterEntry[], extra: readonly ExtraRegisters[]) {
    this.#meter = meter;
    this.#map = meter.model.modbus;
    this.#entries = entries;
    this.#extra = extra;
    const spans = [
      ...entries.map((e) => [e.address, e.address + registerCount(e.encoding)] as const),
      ...extra.map((e) => [e.address, e.address + e.count] as const),
    ];
    this.#first = spans.reduce((low, [start]) => Math.min(low, start), 0x10000);
    this.#end = spans.reduce((high, [, end]) => Math.max(high, end), 0);
    const length = Math.max(0, this.#end - this.#first);
    this.#image = new Uint8Array(length * 2);
    this.#runs = gaplessRuns(spans, this.#first, length);
  }

  /**
   * Copies `quantity` registers; 0, or the exception code. A read that starts or ends outside of the map is refused whole, and
   * one of more registers than the model allows is an illegal value, before its addresses are looked at (checklist 40).
   */
  read(address: number, quantity: number, out: Uint8Array, at: number): number {
    if (quantity > this.#map.readLimit) return EXCEPTION.illegalDataValue;
    const start = address - this.#first;
    const end = start + quantity;
    if (start < 0 || end > this.#runs.length) return EXCEPTION.illegalDataAddress;
    if (this.#map.holes === "refuse" && (this.#runs[start] as number) < quantity) return EXCEPTION.illegalDataAddress;
    if (this.#revision !== this.#meter.revision) this.#rebuild();
    for (const extra of this.#extra) {
      if (extra.address < address + quantity && extra.address + extra.count > address)
        extra.write(this.#image, (extra.address - this.#first) * 2);
    }
    // Small copies by hand: subarray + set costs more than the copy itself.
    for (let i = 0, from = start * 2, n = quantity * 2; i < n; i++) out[at + i] = this.#image[from + i] as number;
    return 0;
  }

  #rebuild(): void {
    this.#revision = this.#meter.revision;
    for (const entry of this.#entries)
      encodeValue(
        entry,
        this.#map.wordOrder,
        this.#meter.value(entry.measure),
        this.#image,
        (entry.address - this.#first) * 2,
      );
  }
}

function gaplessRuns(spans: readonly (readonly [number, number])[], first: number, length: number): Uint32Array {
  const runs = new Uint32Array(length);
  for (const [start, end] of spans) runs.fill(1, start - first, end - first);
  for (let i = length - 2; i >= 0; i--) if (runs[i] !== 0) runs[i] = 1 + (runs[i + 1] as number);
  return runs;
}
