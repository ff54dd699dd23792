/**
 * An order, and kill -9 of the head-end, of the broker, or of the meter's power at every moment of its life in turn: just
 * before and just after anything reaches or leaves the head-end or its store. It ends done once or expired, the meter's own
 * count says never twice, and the audit says which.
 */
import { describe, expect, test } from "vitest";
import { OrderSite, SECOND, type Victim, type Wire } from "./order-site.ts";

/** The whole life of an order that nothing happens to. */
const LIFE = ["requested", "approved", "queued", "sent", "acknowledged", "verified", "done"];
/** Long after every retry and deadline. */
const REST = 400;
const ASKED_AT = 10;

function undisturbed(wire: Wire) {
  const site = new OrderSite(wire, true);
  site.run(ASKED_AT);
  site.moments.length = 0;
  site.ask(120);
  site.run(30);
  return site;
}

/** Before and after each moment of an undisturbed life, and between them. */
function killTimes(wire: Wire): readonly number[] {
  const moments = [...new Set(undisturbed(wire).moments)].filter((at) => at < (ASKED_AT + 3) * SECOND);
  const times = moments.flatMap((at, i) => [at - 1, at + 1, Math.round((at + (moments[i + 1] ?? at)) / 2)]);
  return [...new Set(times)].filter((at) => at >= ASKED_AT * SECOND).sort((a, b) => a - b);
}

const CASES: readonly (readonly [Wire, Victim])[] = [
  ["modbus", "head-end"],
  ["modbus", "meter"],
  ["mqtt", "head-end"],
  ["mqtt", "meter"],
  ["mqtt", "broker"],
];

function killed(wire: Wire, victim: Victim, at: number, committed: boolean, outage: number, expiry: number): OrderSite {
  const site = new OrderSite(wire, committed);
  site.run(ASKED_AT);
  site.ask(expiry);
  site.runUntil(at);
  site.kill(victim, outage);
  site.run(REST);
  return site;
}

test.each(["modbus", "mqtt"] as const)("undisturbed over %s it passes every state and has many moments", (wire) => {
  const site = undisturbed(wire);
  expect(site.life.states).toEqual(LIFE);
  expect(site.done.get(1)).toBe(1);
  expect(killTimes(wire).length).toBeGreaterThan(25);
});

describe.each(CASES)("over %s, the %s killed at each moment", (wire, victim) => {
  const times = killTimes(wire);

  test.each([true, false])("and back within 2 s: done once (a commit under way is on the disk: %s)", (committed) => {
    const lives = new Set<string>();
    for (const at of times) {
      const site = killed(wire, victim, at, committed, 2, 120);
      const where = `killed at ${at}`;
      expect([where, site.store.orders().length, site.order?.state]).toEqual([where, 1, "done"]);
      expect([where, [...site.done]]).toEqual([where, [[1, 1]]]);
      // Each state once and in order, however often the work on it began anew.
      expect([where, site.life.states]).toEqual([where, LIFE]);
      lives.add(String(site.order?.finishedAt));
    }
    // The kills did hit: the order came to its end at different times.
    expect(lives.size).toBeGreaterThan(2);
  });

  test.each([true, false])(
    "and away beyond the deadline: done once, or expired, and the audit says what is known",
    (committed) => {
      const ends = new Map<string, number>();
      for (const at of times) {
        const site = killed(wire, victim, at, committed, 60, 20);
        const { states, last } = site.life;
        const times = site.done.get(1) ?? 0;
        const where = `killed at ${at}: ${states} ${last}`;
        if (site.order === undefined) {
          // The head-end died before it had the order, and the requester gave up: nobody was promised anything.
          expect([where, victim, times]).toEqual([where, "head-end", 0]);
          continue;
        }
        expect([where, ["done", "expired"]]).toEqual([where, expect.arrayContaining([site.order.state])]);
        expect([where, times <= 1]).toEqual([where, true]);
        expect([where, states.filter((state) => state === "done" || state === "expired").length]).toEqual([where, 1]);
        if (site.order.state === "done") expect([where, times, states]).toEqual([where, 1, LIFE]);
        else if (last.endsWith("never sent"))
          expect([where, times, states]).toEqual([where, 0, [...LIFE.slice(0, 3), "expired"]]);
        else expect([where, last]).toEqual([where, expect.stringMatching(/look at its relay/)]);
        ends.set(site.order.state, (ends.get(site.order.state) ?? 0) + 1);
      }
      expect(ends.get("expired")).toBeGreaterThan(3);
      expect(ends.get("done")).toBeGreaterThan(0);
    },
  );
});
