import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localSecond } from "../../../firmware-sim/clock/local-time.ts";
import { RelayControl, type RelayNote, type RelayOrder } from "../../../firmware-sim/relay/relay.ts";
import { checkRelaySettings, defaultRelaySettings, type RelaySettings } from "../../../firmware-sim/relay/settings.ts";

const at = localSecond;
const PLAIN = defaultRelaySettings({ ist: 0.02 });
const made = (settings: Partial<RelaySettings> = {}) => {
  const relay = new RelayControl({ ...PLAIN, ...settings });
  relay.observe([0], at(0));
  return relay;
};
const AMP = 1_000_000;

describe("orders", () => {
  test("trip and direct close, done at once", () => {
    const relay = made();
    expect(relay.order("trip", "remote", at(10))).toBe("done");
    expect(relay.closed).toBe(false);
    expect(relay.status()).toMatchObject({ closed: false, lastOrder: "trip", reason: "remote", warning: false });
    expect(relay.order("close", "local", at(20))).toBe("done");
    expect(relay.closed).toBe(true);
    expect(relay.takeNotes()).toEqual([
      { kind: "trip", at: 10, reason: "remote", late: false },
      { kind: "close", at: 20, reason: "local" },
    ]);
    expect(relay.takeNotes()).toEqual([]);
  });

  test("a trip with delay warns, and is called off by a close", () => {
    const relay = made({ tripDelay: 300 });
    expect(relay.order("trip", "credit", at(10))).toBe("pending");
    expect(relay.status()).toMatchObject({ closed: true, warning: true, tripAt: 310 });
    expect(relay.nextEdge()).toBe(310);
    relay.observe([0], at(309));
    expect(relay.closed).toBe(true);
    relay.order("close", "remote", at(309));
    relay.observe([0], at(1000));
    expect([relay.closed, relay.nextEdge()]).toEqual([true, Number.POSITIVE_INFINITY]);
    relay.order("trip", "credit", at(1000));
    relay.observe([0], at(1300));
    expect([relay.closed, relay.status().warning]).toEqual([false, false]);
  });

  test("a second trip makes the first no later, perhaps earlier", () => {
    const relay = made({ tripDelay: 300 });
    relay.order("trip", "credit", at(0));
    relay.order("trip", "remote", at(100));
    expect(relay.nextEdge()).toBe(300);
    relay.order("trip", "remote", at(100), 5);
    expect(relay.nextEdge()).toBe(105);
  });

  test("allow close leaves it to the button, which does nothing by itself", () => {
    const relay = made();
    relay.order("trip", "credit", at(0));
    expect(relay.button(at(5))).toBe(false);
    expect(relay.order("allowClose", "remote", at(10))).toBe("waiting");
    expect(relay.closed).toBe(false);
    expect(relay.button(at(20))).toBe(true);
    expect(relay.status()).toMatchObject({ closed: true, reason: "button", closeAllowed: false });
    relay.order("trip", "credit", at(30));
    relay.order("allowClose", "remote", at(31));
    relay.order("trip", "remote", at(32));
    expect(relay.button(at(33))).toBe(false);
  });

  test("keep power calls off and refuses trips until it is released", () => {
    const relay = made({ tripDelay: 10 });
    relay.order("trip", "overload", at(0));
    expect(relay.order("keepPower", "remote", at(5))).toBe("done");
    relay.observe([0], at(100));
    expect(relay.closed).toBe(true);
    expect(relay.order("trip", "remote", at(100), 0)).toBe("kept");
    expect(relay.status()).toMatchObject({ lastOrder: "keepPower", keepPower: true });
    relay.order("releaseKeep", "remote", at(101));
    expect(relay.order("trip", "remote", at(102), 0)).toBe("done");
  });

  test("a warning by order stays until it is ended", () => {
    const relay = made();
    relay.order("warn", "remote", at(0));
    expect(relay.status().warning).toBe(true);
    relay.order("endWarning", "remote", at(0));
    expect(relay.status().warning).toBe(false);
  });
});

describe("the guard", () => {
  const guarded = { guardCurrent: 30 * AMP, guardSeconds: 600 };

  test("puts opening off until the current has fallen", () => {
    const relay = made(guarded);
    relay.observe([31 * AMP, 2 * AMP], at(1));
    expect(relay.order("trip", "remote", at(10))).toBe("pending");
    expect(relay.nextEdge()).toBe(610);
    relay.observe([30 * AMP, 2 * AMP], at(50));
    expect(relay.takeNotes()).toEqual([{ kind: "trip", at: 50, reason: "remote", late: false }]);
  });

  test("for its time at most; then it opens and says so", () => {
    const relay = made(guarded);
    relay.observe([0, 31 * AMP], at(1));
    relay.order("trip", "remote", at(10));
    relay.observe([0, 31 * AMP], at(609));
    expect(relay.closed).toBe(true);
    relay.observe([0, 31 * AMP], at(610));
    expect(relay.takeNotes()).toEqual([{ kind: "trip", at: 610, reason: "remote", late: true }]);
  });
});

test("a load that flows while open is an event from its delay on until it ends", () => {
  const relay = made({ loadSeconds: 60, loadCurrent: AMP });
  relay.order("trip", "remote", at(0));
  relay.observe([2 * AMP], at(10));
  relay.observe([AMP], at(69));
  relay.observe([2 * AMP], at(100));
  relay.observe([2 * AMP], at(160));
  relay.observe([0], at(200));
  expect(relay.takeNotes().slice(1)).toEqual([
    { kind: "loadWhileOpen", at: 160, on: true },
    { kind: "loadWhileOpen", at: 200, on: false },
  ]);
});

describe("power loss", () => {
  const again = (relay: RelayControl, settings: Partial<RelaySettings> = {}) => {
    const next = new RelayControl({ ...PLAIN, ...settings });
    expect(next.restore(relay.snapshot())).toEqual({ ok: true, value: undefined });
    return next;
  };

  test("during a trip delay: it goes on by the clock", () => {
    const relay = made({ tripDelay: 300 });
    relay.order("trip", "credit", at(0));
    const early = again(relay);
    early.observe([0], at(200));
    expect([early.closed, early.nextEdge()]).toEqual([true, 300]);
    const late = again(relay);
    late.observe([0], at(5000));
    expect(late.takeNotes()).toEqual([{ kind: "trip", at: 5000, reason: "credit", late: false }]);
  });

  test("during a deferral: the guard looks before it opens", () => {
    const guard = { guardCurrent: 30 * AMP, guardSeconds: 600 };
    const relay = made(guard);
    relay.observe([40 * AMP], at(1));
    relay.order("trip", "remote", at(10));
    const next = again(relay, guard);
    next.order("warn", "remote", at(20));
    expect(next.closed).toBe(true);
    next.observe([40 * AMP], at(30));
    expect([next.closed, next.nextEdge()]).toEqual([true, 610]);
  });

  test("the state is as it was, whatever came before", () => {
    const relay = made();
    relay.order("trip", "overload", at(5));
    relay.order("allowClose", "remote", at(9));
    const before = relay.status();
    expect(again(relay).status()).toEqual(before);
  });

  test("a snapshot that is cut, longer or out of range changes nothing", () => {
    const relay = made();
    relay.order("trip", "remote", at(5));
    const bytes = relay.snapshot();
    const other = made();
    const before = other.status();
    for (let n = 0; n < bytes.length; n++) expect(other.restore(bytes.subarray(0, n)).ok).toBe(false);
    expect(other.restore(Uint8Array.of(...bytes, 0)).ok).toBe(false);
    for (const [i, value] of [
      [0, 9],
      [1, 0xff],
      [2, 99],
      [4, 99],
    ] as const)
      expect(other.restore(bytes.map((b, at) => (at === i ? value : b))).ok).toBe(false);
    expect(other.status()).toEqual(before);
  });
});

test("settings out of range are refused with the reason", () => {
  expect(checkRelaySettings(PLAIN)).toEqual({ ok: true, value: PLAIN });
  expect(checkRelaySettings({ ...PLAIN, tripDelay: -1 })).toEqual({
    ok: false,
    error: "the relay's tripDelay is -1: a whole number, 0..86400",
  });
  expect(checkRelaySettings({ ...PLAIN, loadSeconds: 1 }).ok).toBe(false);
  expect(checkRelaySettings({ ...PLAIN, extra: 1 }).ok).toBe(false);
  expect(checkRelaySettings(null).ok).toBe(false);
});

interface Act {
  readonly after: number;
  readonly amps?: number;
  readonly order?: RelayOrder;
  readonly button?: boolean;
}

/** Runs acts at their seconds; looks every second, or only at acts and edges. The load ignores the relay: its contacts are welded. */
function run(acts: readonly Act[], settings: RelaySettings, everySecond: boolean): RelayNote[] {
  const relay = new RelayControl(settings);
  let amps = 0;
  let now = 0;
  relay.observe([0], at(0));
  const notes: RelayNote[] = [];
  const until = (end: number) => {
    while (now < end) {
      now = everySecond ? now + 1 : Math.min(end, Math.max(now + 1, relay.nextEdge()));
      relay.observe([amps * AMP], at(now));
    }
  };
  for (const act of acts) {
    until(now + act.after);
    if (act.amps !== undefined) amps = act.amps;
    relay.observe([amps * AMP], at(now));
    if (act.order) relay.order(act.order, "remote", at(now));
    if (act.button) relay.button(at(now));
    relay.observe([amps * AMP], at(now));
    notes.push(...relay.takeNotes());
  }
  until(now + 500);
  return [...notes, ...relay.takeNotes()];
}

const orders = ["trip", "trip", "close", "allowClose", "keepPower", "releaseKeep"] as const;
const anyAct = fc.oneof(
  fc.record({ after: fc.nat(40), amps: fc.nat(50) }),
  fc.record({ after: fc.nat(40), order: fc.constantFrom<RelayOrder[]>(...orders) }),
  fc.record({ after: fc.nat(40), button: fc.constant(true) }),
);
const anySettings = fc.record({
  tripDelay: fc.constantFrom(0, 1, 20),
  guardCurrent: fc.constantFrom(0, 30 * AMP),
  guardSeconds: fc.constantFrom(0, 25),
  loadCurrent: fc.constantFrom(0, AMP),
  loadSeconds: fc.constantFrom(2, 30),
});

/** The same by a plain reading of the rules, a second at a time: no times ahead, only how long something has been so. */
function naive(acts: readonly Act[], s: RelaySettings): RelayNote[] {
  const notes: RelayNote[] = [];
  let [now, amps, closed, allowed, keep, warned, flowing, event] = [0, 0, true, false, false, -1, -1, false];
  const reason = (by: string) => ({ at: at(now), reason: by });
  const endLoad = () => {
    if (event) notes.push({ kind: "loadWhileOpen", at: at(now), on: false });
    [flowing, event] = [-1, false];
  };
  const look = () => {
    const guarded = s.guardCurrent > 0 && s.guardSeconds > 0 && amps * AMP > s.guardCurrent;
    if (closed && warned >= 0 && now - warned >= s.tripDelay) {
      const put = now - warned - s.tripDelay;
      if (!guarded || put >= s.guardSeconds) {
        [closed, warned] = [false, -1];
        notes.push({ kind: "trip", ...reason("remote"), late: guarded });
      }
    }
    if (closed) return;
    if (s.loadCurrent === 0 || amps * AMP <= s.loadCurrent) return endLoad();
    if (flowing < 0) flowing = now;
    if (event || now - flowing < s.loadSeconds) return;
    event = true;
    notes.push({ kind: "loadWhileOpen", at: at(now), on: true });
  };
  const close = (by: string) => {
    [warned, allowed] = [-1, false];
    if (closed) return;
    closed = true;
    notes.push({ kind: "close", ...reason(by) });
    endLoad();
  };
  const wait = (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      now++;
      look();
    }
  };
  for (const act of acts) {
    wait(act.after);
    amps = act.amps ?? amps;
    look();
    if (act.order === "trip" && !keep) {
      allowed = false;
      if (closed && warned < 0) warned = now;
    } else if (act.order === "close") close("remote");
    else if (act.order === "allowClose") [warned, allowed] = [-1, !closed];
    else if (act.order === "keepPower") [warned, keep] = [-1, true];
    else if (act.order === "releaseKeep") keep = false;
    if (act.button && allowed) close("button");
    look();
  }
  wait(500);
  return notes;
}

test("looking every second and at edges only give the same notes as the rules read plainly", () => {
  fc.assert(
    fc.property(fc.array(anyAct, { maxLength: 25 }), anySettings, (acts, settings) => {
      const expected = naive(acts, settings);
      expect(run(acts, settings, true)).toEqual(expected);
      expect(run(acts, settings, false)).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});
