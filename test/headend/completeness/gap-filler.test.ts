/** Whom the head-end asks for open intervals, and when again. */
import { describe, expect, test } from "vitest";
import { Books } from "../../../headend/books.ts";
import { GapFiller } from "../../../headend/completeness/gap-filler.ts";
import type { CollectorConfig } from "../../../headend/config.ts";
import { Directory } from "../../../headend/directory.ts";
import type { MeterId } from "../../../headend/ports.ts";
import { findModel } from "../../../protocols/models/index.ts";
import type { MeterModel } from "../../../protocols/models/model.ts";
import { linkId } from "../../../src/core/actor.ts";
import { civil, mono, type Now } from "../../../src/core/time.ts";
import { simSigner } from "../../../src/simulation/cipher.ts";
import { FakeStore } from "../fakes.ts";

const MINUTE = 60_000_000;
const QUARTER = 15 * MINUTE;
const ZERO = 1_800_000 * QUARTER;
const now = (minutes: number): Now => ({ mono: mono(minutes * MINUTE), civil: civil(ZERO + minutes * MINUTE) });
const native = findModel("meterworks-1p") as MeterModel;
const plain = findModel("eastron-sdm120") as MeterModel;
const name = (i: number) => `q${i}` as MeterId;
const [L, P] = ["on-line", "plain"] as MeterId[] as [MeterId, MeterId];

function site() {
  const config: CollectorConfig = {
    lines: [
      {
        ...({ link: linkId("bus"), framing: "rtu", pollEvery: MINUTE } as const),
        meters: [
          { id: L, unit: 1, model: native },
          { id: P, unit: 2, model: plain },
        ],
      },
    ],
    mqtt: {
      link: linkId("broker"),
      signer: simSigner("head-end"),
      meters: Array.from({ length: 20 }, (_, i) => ({ id: name(i), model: native })),
    },
    completeness: { minutes: 15, from: "any" },
  };
  const books = new Books(new FakeStore().snapshot(), config.completeness);
  const filler = new GapFiller(books, new Directory(config, books.meters, books.registry));
  const read = (meter: MeterId, minutes: number, arrived = minutes) => {
    const values = { activeEnergyImport: minutes };
    const time = civil(ZERO + minutes * MINUTE);
    const reading = { meter, time, source: "mqtt", sequence: null, quality: "good", values } as const;
    books.intervals?.note(reading, true, { records: [], after: [] }, now(arrived));
    books.latest.set(meter, reading);
    filler.heard(meter);
  };
  const ask = (minutes: number) =>
    filler.next(now(minutes)).map(({ meter, span }) => `${meter} ${span.from - 1_800_000}..${span.to - 1_800_000}`);
  return { books, filler, read, ask };
}

test("a gap is asked for when the meter is heard of behind it, and two minutes after its end at the earliest", () => {
  const { read, ask } = site();
  read(L, 1);
  expect(ask(1)).toEqual([]);
  read(L, 46);
  expect(ask(46)).toEqual([`${L} 2..2`]);
  expect(ask(47)).toEqual([]);
});

test("a meter without a load profile is not asked", () => {
  const { read, ask } = site();
  read(P, 1);
  read(P, 200);
  expect(ask(200)).toEqual([]);
});

test("what a meter held back itself is waited for: only what lies before its newest reading is asked for", () => {
  const { read, ask } = site();
  read(name(0), 1);
  // An hour later it is back, and sends what it kept, oldest first.
  read(name(0), 16, 120);
  expect(ask(120)).toEqual([]);
  read(name(0), 80, 121);
  expect(ask(121)).toEqual(["q0 3..5"]);
});

test("over MQTT eight at once, the others as those come to an end", () => {
  const { filler, read, ask } = site();
  for (let i = 0; i < 20; i++) read(name(i), 1);
  for (let i = 0; i < 20; i++) read(name(i), 60);
  expect(ask(60)).toHaveLength(8);
  read(L, 1);
  read(L, 60);
  // Those on lines do not wait for the broker's.
  expect(ask(60)).toEqual([`${L} 2..3`]);
  filler.ended(name(3), false, now(61));
  filler.ended(name(5), false, now(61));
  expect(ask(61)).toEqual(["q8 2..3", "q9 2..3"]);
});

describe("a meter that gives nothing", () => {
  test("is asked again after pauses that double up to six hours", () => {
    const { filler, read, ask } = site();
    read(L, 1);
    const asked: number[] = [];
    for (let minutes = 60; minutes < 3_000; minutes++) {
      read(L, minutes);
      if (ask(minutes).length === 0) continue;
      asked.push(minutes);
      filler.ended(L, false, now(minutes));
    }
    expect(asked.slice(1).map((minutes, i) => minutes - (asked[i] as number))).toEqual([
      ...[1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360, 360, 360, 360],
    ]);
  });

  test("is asked at once for the rest where something came, a day at a time", () => {
    const { books, filler, read, ask } = site();
    read(L, 1);
    read(L, 3_000);
    expect(ask(3_000)).toEqual([`${L} 2..97`]);
    const records = { meter: L, from: 1_800_002, proven: 1_800_097, records: [] };
    books.intervals?.fill(records, undefined, { records: [], after: [] }, now(3_000));
    filler.ended(L, true, now(3_000));
    expect(ask(3_000)).toEqual([`${L} 98..193`]);
  });
});
