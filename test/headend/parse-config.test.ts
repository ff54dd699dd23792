import { describe, expect, test } from "vitest";
import { problemText } from "../../headend/config-reader.ts";
import { parseConfig, parseConfigText } from "../../headend/parse-config.ts";
import { DEFAULT_RETENTION } from "../../headend/retention.ts";
import { failure, success } from "../../src/core/result.ts";
import { PLAIN_MODEL, TEST_MODEL } from "./fakes.ts";

const findModel = (reference: string) => {
  if (reference === "test-1p") return success(TEST_MODEL);
  if (reference === "test-plain") return success(PLAIN_MODEL);
  return failure(`there is no model "${reference}"`);
};

const good = () => ({
  lines: [
    {
      name: "cellar",
      where: { serial: "/dev/ttyUSB0", baud: 19_200, parity: "even" },
      pollSeconds: 15,
      timeoutSeconds: 0.5,
      retries: 1,
      measures: ["voltageL1", "activeEnergyImport"],
      meters: [{ id: "A1", unit: 7, model: "test-1p", password: 1234 }],
    },
    { where: { tcp: "[::1]:502" }, meters: [{ id: "A2", model: "test-plain", ratio: 40 }] },
  ],
  mqtt: { acceptUnknown: false, meters: [{ id: "Q1", model: "test-1p" }] },
  prepaid: [{ meter: "A1", currency: "EUR", price: "0.2512345", warnAt: "2.00", cutAt: "-1.50", initial: "5" }],
});

/** The good file with one member changed: `lines.0.retries`. */
function change(path: string, value: unknown): unknown {
  const document = good() as Record<string, unknown>;
  const steps = path.split(".");
  let at = document;
  for (const step of steps.slice(0, -1)) at = at[step] as Record<string, unknown>;
  at[steps.at(-1) as string] = value;
  return document;
}

describe("a good file", () => {
  test("says everything in the units of the core", () => {
    const parsed = parseConfigText(JSON.stringify(good()), findModel);
    expect(parsed.ok && parsed.value.collector).toEqual({
      lines: [
        {
          link: "cellar",
          framing: "rtu",
          baud: 19_200,
          bitsPerChar: 11,
          pollEvery: 15_000_000,
          responseTimeout: 500_000,
          retries: 1,
          measures: ["voltageL1", "activeEnergyImport"],
          meters: [{ id: "A1", unit: 7, model: TEST_MODEL, password: 1234 }],
        },
        {
          link: "line-2",
          framing: "tcp",
          gateway: "::1",
          pollEvery: 60_000_000,
          meters: [{ id: "A2", unit: 1, model: PLAIN_MODEL, ratio: 40 }],
        },
      ],
      mqtt: { link: "mqtt", acceptUnknown: false, meters: [{ id: "Q1", model: TEST_MODEL }] },
      // 25.12345 cents a kWh in millionths of a cent; amounts in cents.
      prepaid: [{ meter: "A1", currency: "EUR", price: 25_123_450n, warnAt: 200n, cutAt: -150n, initial: 500n }],
      completeness: { minutes: 15, from: "any" },
    });
    expect(parsed.ok && [...parsed.value.where]).toEqual([
      ["cellar", { kind: "serial", path: "/dev/ttyUSB0", baud: 19_200, parity: "even", dataBits: 8, stopBits: 1 }],
      ["line-2", { kind: "tcp", host: "::1", port: 502 }],
    ]);
  });

  test("says how long readings are kept, and where they go then", () => {
    const retention = { compactAfterDays: 7, keepMonths: 36, archive: "./archive" };
    expect(parseConfig({ retention }, findModel)).toMatchObject(success({ retention }));
    expect(parseConfig({ retention: {} }, findModel)).toMatchObject(success({ retention: DEFAULT_RETENTION }));
  });

  test("may be empty: nothing is polled, no broker", () => {
    expect(parseConfig({}, findModel)).toEqual(
      success({
        collector: { lines: [], prepaid: [], completeness: { minutes: 15, from: "any" } },
        where: new Map(),
        retention: DEFAULT_RETENTION,
      }),
    );
  });

  test("RTU frames through a TCP terminal server", () => {
    const parsed = parseConfig(change("lines.1.framing", "rtu"), findModel);
    expect(parsed.ok && parsed.value.collector.lines[1]?.framing).toBe("rtu");
  });

  test("an adapter that hears itself is said beside the line, also behind a transparent server", () => {
    const serial = parseConfig(change("lines.0.echo", true), findModel);
    expect(serial.ok && serial.value.collector.lines[0]?.echo).toBe(true);
    const document = change("lines.1.framing", "rtu") as ReturnType<typeof good>;
    Object.assign(document.lines[1] as object, { echo: true });
    const server = parseConfig(document, findModel);
    expect(server.ok && server.value.collector.lines[1]?.echo).toBe(true);
  });

  test("yen have no hundredths", () => {
    const parsed = parseConfig(
      { ...good(), prepaid: [{ meter: "A1", currency: "JPY", price: "30.5", warnAt: "100" }] },
      findModel,
    );
    expect(parsed.ok && parsed.value.collector.prepaid?.[0]).toMatchObject({
      price: 30_500_000n,
      warnAt: 100n,
      cutAt: 0n,
    });
  });
});

describe("a bad file is refused with the place and the fix", () => {
  test.each([
    ["lines.0.retires", 3, "lines[0].retires: there is no such setting here; known are echo, framing, measures"],
    ["lines.0.retries", 99, "lines[0].retries: a whole number from 0 to 10 is needed, not 99"],
    ["lines.0.retries", "3", 'lines[0].retries: a whole number from 0 to 10 is needed, not "3"'],
    ["lines.0.where", {}, 'lines[0].where.tcp: write { "tcp": "host:port" }'],
    ["lines.0.where", { tcp: "meter" }, 'lines[0].where.tcp: "meter" is not host:port, such as'],
    ["lines.0.where", { serial: "x", parity: "mark" }, "lines[0].where.parity: one of none, even, odd is needed"],
    ["lines.0.where", { tcp: "h:502", baud: 9600 }, "lines[0].where.baud: there is no such setting here"],
    ["lines.0.echo", "yes", 'lines[0].echo: true or false is needed, not "yes"'],
    ["lines.1.echo", true, "lines[1].echo: Modbus TCP has no echo; leave it out"],
    ["lines.0.pollSeconds", 0, "lines[0].pollSeconds: a number from 0.1 to 86400 is needed, not 0"],
    ["lines.0.meters", [], "lines[0].meters: a line has at least one meter"],
    ["lines.0.meters", "A1", 'lines[0].meters: a list [ … ] is needed, not "A1"'],
    ["lines.0.meters.0.model", "sdm360", 'lines[0].meters[0].model: there is no model "sdm360"'],
    ["lines.0.meters.0.unit", 248, "lines[0].meters[0].unit: a whole number from 1 to 247 is needed, not 248"],
    ["lines.0.meters.0.id", "A 1", 'lines[0].meters[0].id: "A 1" is no meter name'],
    ["lines.1.meters.0.id", "A1", 'lines[1].meters[0].id: "A1" is used by lines[0].meters[0] already'],
    ["lines.0.measures", ["volts"], 'lines[0].measures: "volts" is no measure'],
    ["lines.0.measures", ["voltageHarmonic3L1"], 'lines[0].measures: "voltageHarmonic3L1" is not stored by a head-end'],
    ["lines.0.measures", ["currentL1"], "lines[0].measures: test-1p has none of these measures"],
    [
      "retention",
      { compactAfterDays: 0 },
      "retention.compactAfterDays: a whole number from 1 to 3650 is needed, not 0",
    ],
    ["retention", { keepMonths: 36 }, "retention.archive: with keepMonths a folder is needed"],
    ["retention", { keep: 1 }, "retention.keep: there is no such setting here; known are archive, compactAfterDays"],
    ["lines.1.name", "cellar", 'lines[1].name: "cellar" is taken'],
    ["mqtt.acceptUnknown", "yes", 'mqtt.acceptUnknown: one of true, false, hold is needed, not "yes"'],
    ["completeness", { minutes: 7 }, "completeness.minutes: one of 5, 10, 15, 20, 30, 60 is needed"],
    ["completeness", { from: "polls" }, "completeness.from: one of any, profile is needed"],
    ["completeness", { days: 3 }, "completeness.days: there is no such setting here"],
    ["mqtt", 5, "mqtt: an object { … } is needed, not 5"],
    ["prepaid.0.meter", "A9", 'prepaid[0].meter: there is no meter "A9"'],
    ["prepaid.0.meter", "A2", "prepaid[0].meter: A2 is a test-plain: this model has no relay, so it cannot be prepaid"],
    ["prepaid.0.price", 0.25, 'prepaid[0].price: an amount in quotes such as "10.00" is needed, not 0.25'],
    ["prepaid.0.price", "-0.25", "prepaid[0].price: a price is not negative"],
    ["prepaid.0.warnAt", "2.001", 'prepaid[0].warnAt: "2.001" has more than 2 decimals'],
    ["prepaid.0.warnAt", "-2", "prepaid[0].warnAt: the warning comes before the cut"],
    ["prepaid.0.currency", "euro", 'prepaid[0].currency: "euro" is no currency code'],
    ["lines.0.meters.0.ratio", 2, "prepaid[0].meter: a prepaid meter is a direct one: ratio 1"],
  ])("%s = %j", (path, value, expected) => {
    const parsed = parseConfig(change(path, value), findModel);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.error.map(problemText).join("\n")).toContain(expected);
  });

  test("two meters of a line with one unit, two accounts of a meter", () => {
    const two = ["A1", "A3"].map((id) => ({ id, unit: 7, model: "test-1p" }));
    const units = parseConfig(change("lines.0.meters", two), findModel);
    expect(!units.ok && units.error.map(problemText)).toEqual([
      "lines[0].meters[1].unit: unit 7 is A1 already; two would answer at once",
    ]);
    const twice = good();
    twice.prepaid.push(...good().prepaid);
    const accounts = parseConfig(twice, findModel);
    expect(!accounts.ok && accounts.error.map(problemText)).toEqual(["prepaid[1]: A1 has an account already"]);
  });

  test("all mistakes at once, and what is not JSON at all", () => {
    const parsed = parseConfig({ lines: [{ where: { tcp: "x" }, meters: [{}] }], extra: 1 }, findModel);
    expect(!parsed.ok && parsed.error.map((p) => p.place)).toEqual([
      ...["lines[0].where.tcp", "lines[0].meters[0].id", "lines[0].meters[0].model", "extra"],
    ]);
    const broken = parseConfigText("{", findModel);
    expect(!broken.ok && broken.error[0]?.problem).toContain("this is not JSON");
    expect(parseConfig(null, findModel).ok).toBe(false);
    expect(parseConfig([], findModel).ok).toBe(false);
  });
});
