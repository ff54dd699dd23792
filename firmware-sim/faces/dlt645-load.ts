/**
 * Load records behind DL/T 645: A0 A0, length, time, then the blocks of classes 1 to 6 with AA behind each, the sum of all
 * before it, E5. Start, separators and end are in public sources; length, order and fields within are recalled.
 */

import type { ClockFields } from "../../protocols/dlt645/clock.ts";
import { combine } from "../../protocols/dlt645/combination.ts";
import { bytesOfDigits, checksum } from "../../protocols/dlt645/frame.ts";
import { byteOf } from "../../protocols/dlt645/identifier.ts";
import type { Dlt645Request } from "../../protocols/dlt645/message.ts";
import { modulus, type NumberFormat, putNumber } from "../../protocols/dlt645/values.ts";
import { type LocalSecond, localOf, localSecond } from "../clock/local-time.ts";
import type { Meter } from "../meter.ts";
import type { StoredRecord } from "../profile/record.ts";
import { PROFILE_CLASSES } from "../profile/settings.ts";
import { type Dlt645Device, stampOf } from "./dlt645-fields.ts";

const START = [0xa0, 0xa0] as const;
const SEPARATOR = 0xaa;
const END = 0xe5;
/** Records behind one request at most; a request without a number means one. */
const MOST_RECORDS = 99;

type Column = readonly [key: string, format: NumberFormat, step: number];
const column =
  (bytes: number, decimals: number, step: number, signed = false) =>
  (key: string): Column => [key, { bytes, decimals, signed }, step];
const power = column(3, 4, 100, true);
const energy = column(4, 2, 10_000);
const demand = column(3, 4, 100);

/** Fields of each class; the second figure is what one of the last digit is in the measure's own. */
const CLASSES: readonly (readonly Column[])[] = [
  [
    ...["voltageL1", "voltageL2", "voltageL3"].map(column(2, 1, 100)),
    ...["currentL1", "currentL2", "currentL3"].map(column(3, 3, 1_000, true)),
    column(2, 2, 10)("frequency"),
  ],
  [
    ...["activePower", "activePowerL1", "activePowerL2", "activePowerL3"].map(power),
    ...["reactivePower", "reactivePowerL1", "reactivePowerL2", "reactivePowerL3"].map(power),
  ],
  ["powerFactor", "powerFactorL1", "powerFactorL2", "powerFactorL3"].map(column(2, 3, 1_000, true)),
  ["activeEnergyImport", "activeEnergyExport", "reactiveEnergyImport", "reactiveEnergyExport"].map(energy),
  ["reactiveEnergyQ1", "reactiveEnergyQ2", "reactiveEnergyQ3", "reactiveEnergyQ4"].map(energy),
  ["demandActive", "demandReactive"].map(demand),
];

interface Kept {
  readonly place: number;
  readonly record: StoredRecord;
}

/** The records that a read asks for, one behind the other; undefined where there is none. */
export function readLoadRecords(
  meter: Meter,
  device: Dlt645Device,
  request: Extract<Dlt645Request, { kind: "read" }>,
): Uint8Array | undefined {
  const { identifier: id } = request;
  const wanted = byteOf(id, 2);
  const places = Array.from({ length: PROFILE_CLASSES }, (_, i) => i).filter((i) => wanted === 0 || i === wanted - 1);
  const limit = Math.min(Math.max(request.blocks ?? 1, 1), MOST_RECORDS);
  const which = byteOf(id, 0);
  if (which === 1 && request.from === undefined) return undefined;
  const from = which === 1 ? localOfFields(request.from as NonNullable<typeof request.from>, device) : undefined;
  const found = places.map((place) => recordsOf(meter, place, which, from, limit));
  const groups = byTime(found.flat());
  const times = [...groups.keys()].sort((a, b) => a - b);
  const chosen = which === 2 ? times.slice(-limit).reverse() : times.slice(0, limit);
  if (chosen.length === 0) return undefined;
  return Uint8Array.from(chosen.flatMap((at) => encode(meter, device, localSecond(at), groups.get(at) ?? [])));
}

function localOfFields({ year, month, day, hour, minute }: Omit<ClockFields, "second">, device: Dlt645Device) {
  return localSecond(localOf(2000 + year, month, day, hour, minute) - device.ahead);
}

/** At most `limit` of a class: the earliest, those from a time on, or the latest. */
function recordsOf(meter: Meter, place: number, which: number, from: LocalSecond | undefined, limit: number): Kept[] {
  const { profile } = meter.functions;
  if (which === 1) {
    const end = localSecond(Number.MAX_SAFE_INTEGER);
    return profile.range(place, from as LocalSecond, end, limit).map((record) => ({ place, record }));
  }
  const kept: Kept[] = [];
  const count = profile.count(place);
  for (let i = 0; i < Math.min(count, limit); i++) {
    const record = profile.read(place, which === 2 ? i : count - 1 - i);
    if (record !== undefined) kept.push({ place, record });
  }
  return kept;
}

function byTime(kept: readonly Kept[]): Map<number, Kept[]> {
  const groups = new Map<number, Kept[]>();
  for (const entry of kept) {
    const group = groups.get(entry.record.at);
    if (group === undefined) groups.set(entry.record.at, [entry]);
    else group.push(entry);
  }
  return groups;
}

function encode(meter: Meter, device: Dlt645Device, at: LocalSecond, kept: readonly Kept[]): readonly number[] {
  const inside: number[] = [...bytesOfDigits(stampOf(at, device))];
  for (const [place, columns] of CLASSES.entries()) {
    const record = kept.find((entry) => entry.place === place)?.record;
    if (record !== undefined) inside.push(...block(meter, device, place, columns, record));
    inside.push(SEPARATOR);
  }
  const bytes = [...START, inside.length, ...inside];
  return [...bytes, checksum(Uint8Array.from(bytes), 0, bytes.length), END];
}

/** What the meter did not capture, or had no value for, is FF. */
function block(
  meter: Meter,
  device: Dlt645Device,
  place: number,
  columns: readonly Column[],
  record: StoredRecord,
): readonly number[] {
  const captures = meter.functions.profile.settings.classes[place]?.captures ?? [];
  const valueAt = (key: string): number | null => record.values[captures.indexOf(key)] ?? null;
  return columns.flatMap(([key, format, step]) => {
    const bytes = new Uint8Array(format.bytes);
    const value = captured(key, device, valueAt);
    const field = value === null ? null : Math.trunc(value / step) + 0;
    putNumber(format, field !== null && step === 10_000 ? field % modulus(format) : field, bytes, 0);
    return [...bytes];
  });
}

/** Class 4 has combined reactive energies: import and export are what they are unless the words say otherwise. */
function captured(key: string, { combinations }: Dlt645Device, valueAt: (key: string) => number | null): number | null {
  const word = key === "reactiveEnergyImport" ? combinations.reactive1 : combinations.reactive2;
  if (!key.startsWith("reactiveEnergy") || key.includes("Q")) return valueAt(key);
  const [imported, exported] = [valueAt("reactiveEnergyImport"), valueAt("reactiveEnergyExport")];
  if (imported === null || exported === null || ![0x05, 0x50, 0x55].includes(word)) return null;
  return combine(word, [imported, 0, exported, 0]);
}
