/** Availability, MTBF and MTTR against numbers worked out by hand. */
import { expect, test } from "vitest";
import { availability, type MeterPlace } from "../../../headend/alarms/availability.ts";
import { type Incident, type IncidentKind, incidentId, type Place } from "../../../headend/alarms/incident.ts";
import { availabilityView } from "../../../headend/view.ts";
import { linkId } from "../../../src/core/actor.ts";
import { civil } from "../../../src/core/time.ts";
import { meterId } from "../fakes.ts";

const SECOND = 1_000_000;
const t = (seconds: number) => civil(seconds * SECOND);
let number = 0;

function outage(kind: IncidentKind, part: Place["part"], name: string, from: number, to: number | null): Incident {
  number += 1;
  return {
    ...{ id: incidentId(t(from), number), kind, place: { part, name }, cause: "", since: t(from) },
    ...{ until: to === null ? null : t(to), lasted: to === null ? 0 : (to - from) * SECOND },
    ...{ count: 1, meters: 1, within: null, acknowledged: null },
  };
}

const PLACES: readonly MeterPlace[] = [
  { meter: meterId("a"), line: linkId("bus"), gateway: "gw", broker: null },
  { meter: meterId("b"), line: linkId("bus"), gateway: "gw", broker: null },
  { meter: meterId("q"), line: null, gateway: null, broker: linkId("mqtt") },
];
const HISTORY = {
  // The head-end was off from 4000 to 5000.
  runs: [
    { from: t(0), seen: t(4000), clean: true },
    { from: t(5000), seen: t(10_000), clean: false },
  ],
  incidents: [
    outage("meter-silent", "meter", "a", 100, 300),
    // Over a's own and beyond it, and half of it while nobody looked: 200..300 counts once, 3900..4000 counts.
    outage("line-down", "line", "bus", 250, 400),
    outage("gateway-down", "gateway", "gw", 3900, 4200),
    // Neither puts a meter out of reach.
    outage("meter-noisy", "meter", "a", 0, 9000),
    outage("store-failing", "store", "store", 0, 9000),
    outage("broker-down", "broker", "mqtt", 6000, 6001),
    outage("meter-silent", "meter", "b", 9990, null),
  ],
  contacts: new Map([["b", t(350)]]),
};
const figures = (by: "meter" | "line" | "site", from: number, to: number) =>
  availability(by, PLACES, HISTORY, { from: t(from), to: t(to) }, t(20_000));

test("by meter: overlaps count once, what nobody watched and what was before the first contact do not", () => {
  expect(figures("meter", 0, 10_000)).toEqual([
    // 100..400 and 3900..4000
    { name: "a", meters: 1, watched: 9000n * 1_000_000n, down: 400n * 1_000_000n, outages: 2 },
    // 350..400, 3900..4000, 9990..10000
    { name: "b", meters: 1, watched: 8650n * 1_000_000n, down: 160n * 1_000_000n, outages: 3 },
    { name: "q", meters: 1, watched: 9000n * 1_000_000n, down: 1_000_000n, outages: 1 },
  ]);
});

test("a period cuts exactly", () => {
  expect(figures("meter", 200, 260)[0]).toMatchObject({ watched: 60_000_000n, down: 60_000_000n, outages: 1 });
  expect(figures("meter", 400, 3900)[0]).toMatchObject({ watched: 3_500_000_000n, down: 0n, outages: 0 });
  expect(figures("meter", 4000, 5000)[0]).toMatchObject({ watched: 0n, down: 0n, outages: 0 });
});

test("a line and the site are the sums over their meters", () => {
  expect(figures("line", 0, 10_000)).toEqual([
    { name: "bus", meters: 2, watched: 17_650_000_000n, down: 560_000_000n, outages: 5 },
    { name: "mqtt", meters: 1, watched: 9_000_000_000n, down: 1_000_000n, outages: 1 },
  ]);
  expect(figures("site", 0, 10_000)).toEqual([
    { name: "site", meters: 3, watched: 26_650_000_000n, down: 561_000_000n, outages: 6 },
  ]);
});

test("as shown: rounded down, MTBF and MTTR by outages, null where nothing can be said", () => {
  expect(availabilityView(figures("meter", 0, 10_000)[2] as never)).toEqual({
    ...{ name: "q", meters: 1, watchedSeconds: "9000", downSeconds: "1", outages: 1 },
    ...{ availability: "0.999888", mtbfSeconds: "8999", mttrSeconds: "1" },
  });
  expect(availabilityView(figures("meter", 4000, 5000)[0] as never)).toMatchObject({
    ...{ availability: null, mtbfSeconds: null, mttrSeconds: null },
  });
  expect(availabilityView(figures("meter", 400, 3900)[0] as never).availability).toBe("1");
});
