import { expect, test } from "vitest";
import { CHANNELS, filterFor, isMeterName, parseTopic, topicFor } from "../../../protocols/mqtt/topics.ts";

test("the four topics of a meter, there and back", () => {
  expect(CHANNELS.map((c) => topicFor("demo-1p.A_7", c))).toEqual([
    "meters/demo-1p.A_7/telemetry",
    "meters/demo-1p.A_7/event",
    "meters/demo-1p.A_7/cmd",
    "meters/demo-1p.A_7/resp",
  ]);
  expect(parseTopic("meters/demo-1p.A_7/resp")).toEqual({ meter: "demo-1p.A_7", channel: "resp" });
  expect(filterFor("telemetry")).toBe("meters/+/telemetry");
});

test.each([
  "",
  "meters",
  "meters/x",
  "meters//telemetry",
  "meters/x/telemetry/",
  "meters/x/telemetry/1",
  "/meters/x/telemetry",
  "Meters/x/telemetry",
  "meters/x/Telemetry",
  "meters/x y/telemetry",
  "meters/+/telemetry",
  "meters/#",
  "meters/ä/telemetry",
  `meters/${"x".repeat(65)}/telemetry`,
])("%j is no topic of ours", (topic) => {
  expect(parseTopic(topic)).toBeUndefined();
});

test("a name is one topic level of 1 to 64 plain characters", () => {
  expect(isMeterName("x".repeat(64))).toBe(true);
  for (const bad of ["", "a/b", "a+", "#", "a b", "a\n", "x".repeat(65)]) expect(isMeterName(bad)).toBe(false);
  expect(() => topicFor("a/b", "cmd")).toThrow("assertion");
});
