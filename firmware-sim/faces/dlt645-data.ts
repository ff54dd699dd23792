/** What a meter answers to a read: the data behind an identifier, or nothing where it has no such data. */

import { type Combinations, combine } from "../../protocols/dlt645/combination.ts";
import { bytesOfDigits } from "../../protocols/dlt645/frame.ts";
import type { Identifier } from "../../protocols/dlt645/identifier.ts";
import { behindOf, blockOf, findItem } from "../../protocols/dlt645/identifiers.ts";
import { type Item, itemSize, type MeterFunction, type Part } from "../../protocols/dlt645/item.ts";
import { scaled, toField } from "../../protocols/dlt645/scale.ts";
import { modulus, type NumberFormat, putNumber, putText } from "../../protocols/dlt645/values.ts";
import { type MeasureKey, measure } from "../../src/core/measures.ts";
import { assert } from "../../src/core/result.ts";
import type { Meter } from "../meter.ts";

/** What stands behind functions that are no measure: the face's own state. */
export interface Dlt645Device {
  readonly combinations: Combinations;
  address(): string;
  /** Weekday and date, time: as they stand on the wire. */
  date(): Uint8Array;
  time(): Uint8Array;
  /** Status word 3. */
  relayStatus(): number;
  /** The feature byte of the line's rate; undefined where there is no line. */
  baudFeature(): number | undefined;
  /** Data of an instant freeze; undefined where that one was not taken. */
  frozen(id: Identifier): Uint8Array | undefined;
}

/** mWh (mvarh) in the last digit of a combined energy, 0.01 kWh. */
const COMBINED_STEP = 10_000;

type Producer = (meter: Meter, device: Dlt645Device, part: Part, id: Identifier) => Uint8Array | undefined;

export function readData(meter: Meter, device: Dlt645Device, id: Identifier): Uint8Array | undefined {
  const item = findItem(id);
  if (item !== undefined) return readItem(meter, device, item, id);
  const block = blockOf(id);
  return block === undefined ? undefined : readBlock(meter, device, block.members, block.open);
}

/** Members that the meter does not have are FF (an absent phase); of tariffs and settlements there are as many as it has. */
function readBlock(
  meter: Meter,
  device: Dlt645Device,
  members: readonly Identifier[],
  open: boolean,
): Uint8Array | undefined {
  const known = members.map((id) => readItem(meter, device, findItem(id) as Item, id));
  if (known.every((data) => data === undefined)) return undefined;
  const size = itemSize(findItem(members[0] as Identifier) as Item) as number;
  const missing = known.indexOf(undefined);
  const parts = open && missing >= 0 ? known.slice(0, missing) : known;
  const bytes = new Uint8Array(size * parts.length).fill(0xff);
  for (const [i, data] of parts.entries()) if (data !== undefined) bytes.set(data, size * i);
  return bytes;
}

function readItem(meter: Meter, device: Dlt645Device, item: Item, id: Identifier): Uint8Array | undefined {
  const behind = behindOf(item, id);
  const part = item.parts[0] as Part;
  if (behind.kind === "measure") return readMeasure(meter, behind.measure, part);
  return behind.kind === "function" ? FUNCTIONS[behind.function](meter, device, part, id) : undefined;
}

function readMeasure(meter: Meter, key: MeasureKey, part: Part): Uint8Array | undefined {
  if ((measure(key).phase ?? 1) > meter.model.phases) return undefined;
  return measureField(key, part, meter.value(key));
}

/** A measure's field as it stands on the wire. */
function measureField(key: MeasureKey, part: Part, value: number | null): Uint8Array {
  const scale = scaled(key, part);
  return numberField(scale.format, toField(value, scale));
}

/** A combined energy of terms in mWh; its register rolls over as every energy does. */
function combinedField(format: NumberFormat, word: number, terms: readonly number[]): Uint8Array {
  return numberField(format, Math.trunc(combine(word, terms) / COMBINED_STEP) % modulus(format));
}

function numberField(format: NumberFormat, value: number | null): Uint8Array {
  const bytes = new Uint8Array(format.bytes);
  putNumber(format, value, bytes, 0);
  return bytes;
}

function numberOf(part: Part): NumberFormat {
  assert(part.format.kind === "number", `${part.name} is a number`);
  return part.format;
}

const energies = (meter: Meter, keys: readonly MeasureKey[]): number[] => keys.map((key) => meter.value(key) ?? 0);
const DIRECTIONS: readonly MeasureKey[] = ["activeEnergyImport", "activeEnergyExport"];
const QUADRANTS: readonly MeasureKey[] = [
  "reactiveEnergyQ1",
  "reactiveEnergyQ2",
  "reactiveEnergyQ3",
  "reactiveEnergyQ4",
];

const text =
  (of: (meter: Meter) => string): Producer =>
  (meter, _device, part) => {
    assert(part.format.kind === "text", `${part.name} is text`);
    const bytes = new Uint8Array(part.format.bytes);
    putText(of(meter), bytes.length, bytes, 0);
    return bytes;
  };

const digitsOf = (_meter: Meter, device: Dlt645Device): Uint8Array => bytesOfDigits(device.address());

const combined =
  (word: keyof Combinations, keys: readonly MeasureKey[]): Producer =>
  (meter, device, part) =>
    combinedField(numberOf(part), device.combinations[word], energies(meter, keys));

const FUNCTIONS: Readonly<Record<MeterFunction, Producer>> = {
  combinedActive: combined("active", DIRECTIONS),
  combinedReactive1: combined("reactive1", QUADRANTS),
  combinedReactive2: combined("reactive2", QUADRANTS),
  date: (_meter, device) => device.date(),
  time: (_meter, device) => device.time(),
  address: digitsOf,
  meterNumber: digitsOf,
  assetCode: text((meter) => meter.id),
  ratedVoltage: text((meter) => `${meter.model.plate.un}V`),
  ratedCurrent: text((meter) => `${10 * meter.model.plate.itr}A`),
  maximumCurrent: text((meter) => `${meter.model.plate.imax}A`),
  activeClass: text((meter) => meter.model.plate.activeClass),
  reactiveClass: text((meter) => meter.model.plate.reactiveClass),
  activeConstant: (meter, _device, part) => numberField(numberOf(part), meter.model.plate.impPerKwh),
  reactiveConstant: (meter, _device, part) => numberField(numberOf(part), meter.model.plate.impPerKvarh),
  modelName: text((meter) => meter.model.id),
  protocolVersion: text(() => "DL/T645-2007"),
  relayStatus: (_meter, device) => Uint8Array.of(device.relayStatus() & 0xff, device.relayStatus() >> 8),
  activeCombination: (_meter, device) => Uint8Array.of(device.combinations.active),
  reactiveCombination1: (_meter, device) => Uint8Array.of(device.combinations.reactive1),
  reactiveCombination2: (_meter, device) => Uint8Array.of(device.combinations.reactive2),
  serialBaud: (_meter, device) => {
    const feature = device.baudFeature();
    return feature === undefined ? undefined : Uint8Array.of(feature);
  },
  instantFreeze: (_meter, device, _part, id) => device.frozen(id),
};
