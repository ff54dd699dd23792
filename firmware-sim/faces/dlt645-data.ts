/** What a meter answers to a read: the data behind an identifier, or nothing where it has no such data. */

import { bytesOfDigits } from "../../protocols/dlt645/frame.ts";
import type { Identifier } from "../../protocols/dlt645/identifier.ts";
import { behindOf, blockOf, findItem } from "../../protocols/dlt645/identifiers.ts";
import { type Item, itemSize, type MeterFunction, type Part } from "../../protocols/dlt645/item.ts";
import { scaled, toField } from "../../protocols/dlt645/scale.ts";
import { putNumber } from "../../protocols/dlt645/values.ts";
import { type MeasureKey, measure } from "../../src/core/measures.ts";
import type { Meter } from "../meter.ts";
import { EVENT_PRODUCERS } from "./dlt645-events.ts";
import { type Ask, type Dlt645Device, type Producer, pack, type Writer } from "./dlt645-fields.ts";
import { FREEZE_PRODUCERS } from "./dlt645-freeze.ts";
import { PARAMETER_PRODUCERS, PARAMETER_WRITERS } from "./dlt645-parameters.ts";
import { REGISTER_PRODUCERS } from "./dlt645-registers.ts";
import { STATUS_PRODUCERS } from "./dlt645-status.ts";
import { TABLE_PRODUCERS, TABLE_WRITERS } from "./dlt645-tables.ts";

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
  if (behind.kind === "measure") return readMeasure(meter, behind.measure, item.parts[0] as Part);
  if (behind.kind === "absent") return undefined;
  return FUNCTIONS[behind.function]({ meter, device, item, id, at: meter.functions.at });
}

function readMeasure(meter: Meter, key: MeasureKey, part: Part): Uint8Array | undefined {
  if ((measure(key).phase ?? 1) > meter.model.phases) return undefined;
  const scale = scaled(key, part);
  const bytes = new Uint8Array(scale.format.bytes);
  putNumber(scale.format, toField(meter.value(key), scale), bytes, 0);
  return bytes;
}

const text =
  (of: (meter: Meter) => string): Producer =>
  ({ meter, item }) =>
    pack(item, [of(meter)]);

const number =
  (of: (ask: Ask) => number): Producer =>
  (ask) =>
    pack(ask.item, [of(ask)]);

const digitsOf: Producer = ({ device }) => bytesOfDigits(device.address());

const FUNCTIONS: Readonly<Record<MeterFunction, Producer>> = {
  ...REGISTER_PRODUCERS,
  ...STATUS_PRODUCERS,
  ...PARAMETER_PRODUCERS,
  ...TABLE_PRODUCERS,
  ...FREEZE_PRODUCERS,
  ...EVENT_PRODUCERS,
  // A read of load records says which, and how many: it is answered where the request is known.
  loadRecord: () => undefined,
  date: ({ device }) => device.date(),
  time: ({ device }) => device.time(),
  address: digitsOf,
  meterNumber: digitsOf,
  assetCode: text((meter) => meter.id),
  ratedVoltage: text((meter) => `${meter.model.plate.un}V`),
  ratedCurrent: text((meter) => `${10 * meter.model.plate.itr}A`),
  maximumCurrent: text((meter) => `${meter.model.plate.imax}A`),
  activeClass: text((meter) => meter.model.plate.activeClass),
  reactiveClass: text((meter) => meter.model.plate.reactiveClass),
  activeConstant: number(({ meter }) => meter.model.plate.impPerKwh),
  reactiveConstant: number(({ meter }) => meter.model.plate.impPerKvarh),
  modelName: text((meter) => meter.model.id),
  protocolVersion: text(() => "DL/T645-2007"),
  activeCombination: number(({ device }) => device.combinations.active),
  reactiveCombination1: number(({ device }) => device.combinations.reactive1),
  reactiveCombination2: number(({ device }) => device.combinations.reactive2),
  serialBaud: ({ device, item }) => {
    const feature = device.baudFeature();
    return feature === undefined ? undefined : pack(item, [feature]);
  },
};

/** Functions that can be written; date and time are the face's own. */
export const WRITERS: Partial<Readonly<Record<MeterFunction, Writer>>> = { ...PARAMETER_WRITERS, ...TABLE_WRITERS };
