import { describe, expect, test } from "vitest";
import type { MeasuredIngest } from "./ingest-rows.ts";
import type { Sample } from "./measure.ts";
import { metrologyReport } from "./metrology-report.ts";
import type { MeasuredMetrology } from "./metrology-rows.ts";
import { type MeasuredRow, reachedTargets, textReport } from "./report.ts";
import { readRecord } from "./rtu-line.ts";
import { median } from "./table.ts";

function row(part: "server" | "client", name: string, connections: number, rates: readonly number[]): MeasuredRow {
  const none = { requests: 1, clientCpu: 1, serverCpu: 1, p50: 1, p95: 1, p99: 1 };
  const samples: Sample[] = rates.map((requestsPerSecond) => ({ requestsPerSecond, ...none }));
  return { row: { part, name, connections, server: () => [], client: () => [] }, samples };
}

const ROWS = [
  row("server", "meterworks", 1, [9_000, 12_000, 15_000]),
  row("server", "modbus-serial", 1, [1_000, 900, 5_000]),
  row("server", "meterworks", 50, [79_000]),
  row("server", "raw echo", 50, [100_000]),
  row("server", "jsmodbus", 50, [50_000]),
];

describe("the bench's report", () => {
  test("takes the middle of an odd, the mean of the middle two of an even number", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 100])).toBe(3.5);
    expect(median([])).toBeNaN();
  });

  test("compares medians with the targets, and says what was not run", () => {
    expect(reachedTargets(ROWS).map(({ reached, pass }) => [reached, pass])).toEqual([
      [12, true],
      [0.79, false],
      [1.58, true],
      [Number.NaN, false],
    ]);
    const machine = {
      cpu: "test",
      cores: 2,
      kernel: "6",
      loadBefore: [0.1],
      pinning: "none",
      versions: { node: "20" },
    };
    const text = textReport(machine, ROWS, LINES, METROLOGY, [], INGEST);
    expect(text).toContain("PASS    server >= 12x modbus-serial at 1 connection: 12.00x");
    expect(text).toContain("MISSED  server >= 0.8x raw echo at 50 connections: 0.79x");
    expect(text).toContain("NOT RUN client >= 1.5x modbus-serial");
    expect(text).toContain("9000 12000 15000");
    expect(text).toContain("PASS    rtu median cycle <= 1.02x the legal one at 9600 baud: 1.009x");
    expect(text).toContain("MISSED  rtu silence never below t3.5 at 9600 baud: 4.01 ms");
    expect(text).toContain("PASS    metrology chip >= 0.6x C: 0.65x");
    expect(text).toContain("MISSED  metrology chip >= 30 M three-phase samples/s: 26.0 M");
    expect(text).toContain("MISSED  metrology synthesis >= 0.4x C: 0.25x");
    expect(text).toMatch(/chip +meterworks +26\.0 +20\.0 26\.0 30\.0 +6500 +3250/);
    expect(text).toContain(
      "MQTT ingest with acknowledgement after the commit >= 1.6x mqtt.js that stores nothing: 1.50x",
    );
    expect(text).toMatch(/meterworks +acknowledged after the commit.*30000 +29000 30000 31000 +40\.0 +16\.0/);
    expect(text).toContain("MISSED  rtu without an error at 9600 baud: 1");
  });
});

const INGEST: readonly MeasuredIngest[] = (
  [
    ["meterworks", [29_000, 30_000, 31_000]],
    ["mqtt.js", [19_000, 20_000, 21_000]],
  ] as const
).map(([side, rates]) => ({
  side,
  samples: rates.map((messagesPerSecond) => ({ messagesPerSecond, subscriberCpu: 40, brokerCpu: 16 })),
}));

const METROLOGY: readonly MeasuredMetrology[] = [
  { side: "meterworks", samples: [20e6, 26e6, 30e6].map((chip) => ({ chip, synthesis: 5e6, active: 1 })) },
  { side: "C", samples: [{ chip: 40e6, synthesis: 20e6, active: 1 }] },
];

test("arithmetic that comes to another power is an error, not a speed", () => {
  const [ours, peer] = METROLOGY as [MeasuredMetrology, MeasuredMetrology];
  const wrong = peer.samples.map((sample) => ({ ...sample, active: 1.0001 }));
  expect(() => metrologyReport([ours, { ...peer, samples: wrong }])).toThrow(/different powers/);
});

/** 8N1 at 9600: 133 characters and twice 4.01 ms are 146.56 ms; a silence of 4.0105 ms is a µs short of t3.5 rounded up. */
const LINES = [
  {
    master: "meterworks",
    speed: { baud: 9_600, polls: 2, ratio: 1.02 },
    samples: [{ cycles: [147_900, 147_901, 147_800], silences: [4_500, 4_010.5], cpuPerPoll: 9_000, errors: 1 }],
  },
] as const;

test("the record of a line: cycles from request to request, silences between a reply's end and the next request", () => {
  const record = [
    "a 1000 2000 01",
    "a 2000 3000 03",
    "b 7000 8000 01",
    "b 8000 9000 03",
    "a 12000 13000 01",
    "b 20000 21000 01",
  ];
  expect(readRecord(`${record.join("\n")}\n`)).toEqual({ cycles: [11], silences: [3] });
});
