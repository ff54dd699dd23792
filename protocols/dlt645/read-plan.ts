/** Which identifiers and blocks give which measures, and the measures out of their data. */
import { MEASURES, type MeasureKey, type MeasureValues } from "../../src/core/measures.ts";
import { failure, type Result, success } from "../../src/core/result.ts";
import { MICROS_PER_SECOND } from "../../src/core/time.ts";
import { instantOf } from "./clock.ts";
import { activeMeasure, type Combinations, DEFAULT_COMBINATIONS, reactiveMeasure } from "./combination.ts";
import { type Identifier, identifier, parseIdentifier, showIdentifier, withByte } from "./identifier.ts";
import { blockOf, findItem } from "./identifiers.ts";
import { CLASSES, type Item, itemSize } from "./item.ts";
import { fromField, scaled } from "./scale.ts";
import { TABLE } from "./table.ts";
import { bcdByte, decodeNumber } from "./values.ts";

export interface PlanOptions {
  /** Whether the meter answers blocks (FF); default true. */
  readonly blocks?: boolean;
  /** The meter's combination words. */
  readonly combinations?: Combinations;
  /** Minutes that the meter's clock is ahead of UTC; default 0. */
  readonly zone?: number;
}

/** Reads that belong together and the measures they give. */
export interface PlanStep {
  readonly identifiers: readonly Identifier[];
  readonly measures: readonly MeasureKey[];
}

const DATE = identifier(0x0400_0101);
const TIME = identifier(0x0400_0102);
const RELAY_STATUS = identifier(0x0400_0503);
/** Of status word 3: 1 is open. */
const RELAY_BIT = 4;

/** The steps for `measures`, each at most once; a measure that no identifier gives is in none of them. */
export function readPlanDlt645(measures: readonly MeasureKey[], options: PlanOptions = {}): readonly PlanStep[] {
  const places = placesOf(options.combinations ?? DEFAULT_COMBINATIONS);
  const steps = new Map<Identifier, MeasureKey[]>();
  const wanted = MEASURES.map((m) => m.key).filter((key) => measures.includes(key));
  for (const key of wanted) {
    const place = places.get(key);
    if (place === undefined) continue;
    const block = withByte(place, 1, 0xff);
    const inBlock = wanted.filter((other) => withByte(places.get(other) ?? DATE, 1, 0xff) === block);
    const id = options.blocks !== false && inBlock.length > 1 && blockOf(block) !== undefined ? block : place;
    const known = steps.get(id);
    if (known === undefined) steps.set(id, [key]);
    else known.push(key);
  }
  const plan: PlanStep[] = [...steps].map(([id, keys]) => ({ identifiers: [id], measures: keys }));
  if (wanted.includes("relayState")) plan.push({ identifiers: [RELAY_STATUS], measures: ["relayState"] });
  // Read around midnight, date and time could be of two days: the date is read on both sides of the time.
  if (wanted.includes("clock")) plan.push({ identifiers: [DATE, TIME, DATE], measures: ["clock"] });
  return plan;
}

/**
 * The measures of a step out of the data (behind DI) of its reads, in their order. Null where the meter has no value.
 * @returns a failure for people where the data is not what the identifier has
 */
export function measuresOfStep(
  step: PlanStep,
  replies: readonly Uint8Array[],
  options: PlanOptions = {},
): Result<MeasureValues, string> {
  const [first, second, third] = replies;
  if (first === undefined || replies.length !== step.identifiers.length) return failure("a reply is missing");
  if (step.measures[0] === "clock") return clockOf(first, second, third, options.zone ?? 0);
  if (step.measures[0] === "relayState") return relayOf(first);
  return numbersOf(step, first, placesOf(options.combinations ?? DEFAULT_COMBINATIONS));
}

const PLACES: ReadonlyMap<MeasureKey, Identifier> = new Map(
  TABLE.flatMap((item) => (item.behind.kind === "measure" ? [[item.behind.measure, firstOf(item)] as const] : [])),
);

/** The present total of an item with tariffs and settlements. */
function firstOf(item: Item): Identifier {
  const bytes = item.pattern.match(/../g) ?? [];
  const digits = bytes.map((byte) => (CLASSES[byte] === undefined ? byte : "00")).join("");
  return parseIdentifier(digits) ?? identifier(0);
}

function placesOf(combinations: Combinations): ReadonlyMap<MeasureKey, Identifier> {
  const places = new Map(PLACES);
  const active = activeMeasure(combinations.active);
  if (active !== undefined) places.set(active, identifier(0x0000_0000));
  const words = [combinations.reactive1, combinations.reactive2];
  words.forEach((word, i) => {
    const key = reactiveMeasure(word);
    if (key !== undefined) places.set(key, identifier(0x0003_0000 + 0x1_0000 * i));
  });
  return places;
}

function numbersOf(
  step: PlanStep,
  data: Uint8Array,
  places: ReadonlyMap<MeasureKey, Identifier>,
): Result<MeasureValues, string> {
  const read = step.identifiers[0] as Identifier;
  const members = blockOf(read)?.members ?? [read];
  const size = itemSize(findItem(members[0] as Identifier) as Item) as number;
  const count = data.length / size;
  if (!Number.isInteger(count) || count < 1 || count > members.length)
    return failure(`${showIdentifier(read)} has no ${data.length} bytes`);
  const values: MeasureValues = {};
  for (const key of step.measures) {
    const place = places.get(key) as Identifier;
    const index = members.indexOf(place);
    const scale = scaled(key, (findItem(place) as Item).parts[0] as Item["parts"][number]);
    // A meter with fewer phases may leave the last members out.
    const field = index < count ? decodeNumber(scale.format, data, index * size) : success(null);
    if (!field.ok) return failure(`${showIdentifier(place)}: ${field.error}`);
    const value = fromField(field.value, scale);
    // The sign of a current is the direction of its power, and the measure is a magnitude.
    values[key] = value !== null && key.startsWith("current") ? Math.abs(value) : value;
  }
  return success(values);
}

function relayOf(data: Uint8Array): Result<MeasureValues, string> {
  if (data.length !== 2) return failure(`status word 3 has no ${data.length} bytes`);
  const low = data[0] as number;
  if (low === 0xff && data[1] === 0xff) return success({ relayState: null });
  return success({ relayState: (low >> RELAY_BIT) & 1 ? 0 : 1 });
}

function clockOf(
  before: Uint8Array,
  time: Uint8Array | undefined,
  after: Uint8Array | undefined,
  zone: number,
): Result<MeasureValues, string> {
  if (time?.length !== 3 || before.length !== 4 || after?.length !== 4)
    return failure("date or time has a wrong length");
  if (before.some((byte, i) => byte !== after[i])) return success({ clock: null });
  const [second, minute, hour] = Array.from(time, bcdByte);
  const [, day, month, year] = Array.from(before, bcdByte);
  if ([second, minute, hour, day, month, year].includes(undefined)) return failure("date or time is no BCD");
  const fields = { second, minute, hour, day, month, year } as Parameters<typeof instantOf>[0];
  const at = instantOf(fields, zone);
  if (at === undefined) return failure("date and time are none that exist");
  return success({ clock: at / MICROS_PER_SECOND });
}
