/** The registry as a table: what is written is read again, and every mistake has its place. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RegistryMeter } from "../../../headend/registry/columns.ts";
import { CSV_HEADER, csvOf, parseTable } from "../../../headend/registry/csv.ts";
import { blankEntry, type Dated } from "../../../headend/registry/entry.ts";
import { planChange } from "../../../headend/registry/plan.ts";
import { parseCsv } from "../../../src/core/csv.ts";
import { civil } from "../../../src/core/time.ts";
import { meterId } from "../fakes.ts";

const NOWHERE_ELSE = {
  ...{ configured: undefined, account: undefined, openOrders: 0 },
  ...{ hasLine: () => true, hasModel: () => true, neighbour: () => undefined },
};

const dated = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<readonly Dated<T>[]> =>
  fc
    .uniqueArray(fc.record({ from: fc.nat(4_000_000_000).map((s) => civil(s * 1_000_000)), value }), {
      selector: ({ from }) => from,
      maxLength: 3,
    })
    .map((list) => list.sort((a, b) => a.from - b.from));
const ratio = fc.record({ primary: fc.integer({ min: 1, max: 100_000 }), secondary: fc.integer({ min: 1, max: 110 }) });
const plateNumber = fc.option(fc.integer({ min: 1, max: 999_999 }).map((n) => n / 1000));
const word = fc.stringMatching(/^[A-Za-zäß0-9,"'=+-]{1,20}$/);
const anyMeter: fc.Arbitrary<RegistryMeter> = fc
  .record({
    id: fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/).map(meterId),
    via: fc.constantFrom("mqtt", 'line bus, the "old" one unit 7', "line a unit 247"),
    state: fc.constantFrom("held", "active", "removed"),
    serial: fc.option(fc.stringMatching(/^[!-~]{1,64}$/)),
    plate: fc.record({ un: plateNumber, imax: plateNumber, constant: plateNumber }),
    ...{ ct: dated(ratio), vt: dated(ratio), customer: dated(word), tariff: dated(word) },
    orderKey: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString("base64"))),
    note: fc.string({ unit: fc.constantFrom(..."aä,;\"' =漢😀"), maxLength: 60 }),
  })
  .map(({ id, via, ...members }) => ({
    registration: { id, model: "eastron-sdm630", ratio: 1, via },
    entry: { ...blankEntry(id), ...members } as RegistryMeter["entry"],
  }));

test("what an export writes, an import reads, and finds nothing to change", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyMeter, { selector: ({ registration }) => registration.id, maxLength: 5 }),
      (meters) => {
        const table = parseTable([CSV_HEADER, ...meters.map(csvOf)].join("\r\n"));
        expect(table.mistakes).toEqual([]);
        expect(table.rows.map(({ patch }) => patch.meter)).toEqual(meters.map(({ registration }) => registration.id));
        for (const [i, meter] of meters.entries()) {
          const { changes } = planChange(
            table.rows[i]?.patch ?? expect.fail(),
            { ...NOWHERE_ELSE, ...meter },
            civil(0),
          );
          expect(changes).toEqual([]);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("any text is a table or has mistakes with a place, and never throws", () => {
  const cell = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("id", "ct", "200/5", '"', '""', "mqtt", "\uFEFF"));
  const text = fc.array(fc.tuple(cell, fc.constantFrom(",", "\n", "\r\n", "\r", ";")), { maxLength: 30 });
  fc.assert(
    fc.property(text, (pieces) => {
      const lines = pieces
        .flat()
        .join("")
        .split(/\r\n|\n|\r/).length;
      const { mistakes } = parseTable(pieces.flat().join(""));
      for (const { line, problem } of mistakes) {
        expect(line).toBeLessThanOrEqual(lines);
        expect(problem).not.toBe("");
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  [
    "a quoted cell over two lines",
    'a,"b\nc"\nd,e',
    [
      ["a", "b\nc"],
      ["d", "e"],
    ],
  ],
  ["doubled quotes", '"say ""so""",x', [['say "so"', "x"]]],
  [
    "an empty last cell, and a byte order mark",
    "\uFEFFa,\r\n,b",
    [
      ["a", ""],
      ["", "b"],
    ],
  ],
  ["old line ends and empty lines", "a\r\rb\n\n", [["a"], ["b"]]],
])("RFC 4180: %s", (_name, text, cells) => {
  const parsed = parseCsv(text);
  expect(parsed.ok && parsed.value.map((record) => record.cells)).toEqual(cells);
});

test("a quote that never ends in a large file is found and costs no stack", () => {
  const parsed = parseCsv(`id\n"${'a""\n'.repeat(1_000_000)}`);
  expect(parsed).toMatchObject({
    ok: false,
    error: { line: 2, cell: 1, problem: expect.stringMatching(/never ends/) },
  });
});

describe("mistakes have line and column", () => {
  test.each([
    ["", 0, "", /the table is empty/],
    ["id;model\na;b", 1, "id;model", /separated by commas; there are id, state/],
    ["model\nx", 1, "id", /column id is missing/],
    ["id,modell\na,b", 1, "modell", /no such column/],
    ["id,id\na,b", 1, "id", /twice/],
    ["id,ct\na,200:5", 2, "ct", /"200:5" is no ratio: write it as on the transformer/],
    ["id,ct\na,200/5 from 2026-13-01T00:00:00Z", 2, "ct", /not a time that exists/],
    ["id,ct\na,1 from 2026-02-01T00:00:00Z; 2 from 2026-01-01T00:00:00Z", 2, "ct", /the dates go up/],
    ["id,note\na,x\n\na,y", 4, "id", /in line 2 already/],
    ["id,note\na", 2, "2", /1 cells, the header 2/],
    ["id,where\na,bus 7", 2, "where", /"line NAME unit 1"/],
    ["id,where\na,line bus unit 248", 2, "where", /units 1 to 247/],
    ["id,orderKey\na,AAAA", 2, "orderKey", /32 bytes in base64/],
    ["id,un\na,-1", 2, "un", /no number of a rating plate/],
    ["id,note\n../x,y", 2, "id", /no meter id/],
    ['id,note\n"a"b,y', 2, "1", /behind a closing quote/],
  ])("%j", (text, line, column, problem) => {
    expect(parseTable(text).mistakes[0]).toEqual({ line, column, problem: expect.stringMatching(problem) });
  });

  test("the right rows are there beside all mistakes", () => {
    const { rows, mistakes } = parseTable("id,ct,un\na,1/0,x\nb,2,230\n?,1,1");
    expect(rows.map(({ line, patch }) => [line, patch.meter])).toEqual([[3, "b"]]);
    expect(mistakes.map(({ line, column }) => [line, column])).toEqual([
      [2, "un"],
      [2, "ct"],
      [4, "id"],
    ]);
  });
});
