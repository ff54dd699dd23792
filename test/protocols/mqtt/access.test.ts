/** The rules as tables; what a real Mosquitto makes of the printed ones is in test/conformance/mosquitto.test.ts. */
import { expect, test } from "vitest";
import { mayPublish, maySubscribe, mosquittoAcl } from "../../../protocols/mqtt/access.ts";

const METER = { name: "flat-7", role: "meter" } as const;
const READER = { name: "desk", role: "reader" } as const;

test.each([
  ["meters/flat-7/telemetry", true],
  ["meters/flat-7/event", true],
  ["meters/flat-7/resp", true],
  ["meters/flat-7/cmd", false],
  ["meters/flat-8/telemetry", false],
  ["meters/flat-7/telemetry/x", false],
  ["meters/flat-7", false],
  ["meters/flat-7/other", false],
  ["xmeters/flat-7/telemetry", false],
  ["/meters/flat-7/telemetry", false],
  ["meters//telemetry", false],
  ["$SYS/x", false],
])("a meter publishes on %s: %s; a reader never", (topic, allowed) => {
  expect(mayPublish(METER, topic)).toBe(allowed);
  expect(mayPublish(READER, topic)).toBe(false);
});

test.each([
  ["meters/flat-7/cmd", true, true],
  ["meters/flat-7/telemetry", false, true],
  ["meters/flat-8/cmd", false, true],
  ["meters/+/cmd", false, true],
  ["meters/flat-7/#", false, true],
  ["meters/flat-7/+", false, true],
  ["meters/#", false, true],
  ["#", false, false],
  ["+/flat-7/cmd", false, false],
  ["$share/g/meters/#", false, false],
  ["$SYS/#", false, false],
])("%s is heard by a meter: %s, by a reader: %s", (filter, meter, reader) => {
  expect(maySubscribe(METER, filter)).toBe(meter);
  expect(maySubscribe(READER, filter)).toBe(reader);
});

test("the rules for Mosquitto name the head-end and every reader", () => {
  const lines = mosquittoAcl("collector", ["desk", "wall"]).split("\n");
  const of = (user: string) => {
    const rest = lines.slice(lines.indexOf(`user ${user}`) + 1);
    return rest.slice(0, rest.includes("") ? rest.indexOf("") : undefined);
  };
  expect(lines.filter((line) => line.startsWith("pattern"))).toEqual([
    "pattern write meters/%u/telemetry",
    "pattern write meters/%u/event",
    "pattern write meters/%u/resp",
    "pattern read meters/%u/cmd",
  ]);
  expect(of("collector")).toEqual([
    "topic read meters/+/telemetry",
    "topic read meters/+/event",
    "topic read meters/+/resp",
    "topic write meters/+/cmd",
  ]);
  expect(of("desk")).toEqual(["topic read meters/#"]);
  expect(of("wall")).toEqual(["topic read meters/#"]);
});
