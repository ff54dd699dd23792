import { afterEach, describe, expect, it } from "vitest";
import { type Actor, type LinkEffect, type LinkEvent, linkId } from "../../src/core/actor.ts";
import { NEVER, type Now, type Wake, wakeAtCivil, wakeAtMono } from "../../src/core/time.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { MemoryBus } from "../../src/platform/memory-bus.ts";
import { Runtime } from "../../src/platform/runtime.ts";
import { echoActor, pause, ScriptedActor, testRuntime, until } from "./support.ts";

const open: Runtime[] = [];
afterEach(async () => {
  for (const runtime of open.splice(0)) await runtime.close();
});

function fresh() {
  const made = testRuntime();
  open.push(made.runtime);
  return made;
}

/** Asks to be woken `gaps` µs after each wake and notes how late it was. */
class Metronome implements Actor {
  readonly lateness: number[] = [];
  readonly #gaps: number[];
  #due: number;

  constructor(start: number, gaps: number[]) {
    this.#gaps = gaps;
    this.#due = start + (gaps.shift() ?? 0);
  }

  handle(): readonly LinkEffect[] {
    return [];
  }

  wake(now: Now): readonly LinkEffect[] {
    this.lateness.push(now.mono - this.#due);
    const gap = this.#gaps.shift();
    this.#due = gap === undefined ? Number.POSITIVE_INFINITY : now.mono + gap;
    return [];
  }

  nextWake(): Wake {
    return this.#due === Number.POSITIVE_INFINITY ? NEVER : wakeAtMono(this.#due);
  }
}

describe("wakes", () => {
  const gaps = [300, 1_750, 4_010, 900, 10_400, 2_010, 25_000, 1, 0, 3_999];

  it("are never early, for sleeping and for precise hosts", async () => {
    const { runtime } = fresh();
    const actors = [false, true].map((precise) => {
      const actor = new Metronome(runtime.clock.now().mono, [...gaps, ...gaps]);
      runtime.host(actor, undefined, { precise });
      return actor;
    });
    await until(() => actors.every((actor) => actor.lateness.length === 2 * gaps.length), "all wakes");
    for (const actor of actors) for (const late of actor.lateness) expect(late).toBeGreaterThanOrEqual(0);
  });

  it("can meet a serial silence where a sleeping timer is always a millisecond late", async () => {
    const { runtime } = fresh();
    const actor = new Metronome(
      runtime.clock.now().mono,
      Array.from({ length: 60 }, () => 4_010),
    );
    runtime.host(actor, undefined, { precise: true });
    await until(() => actor.lateness.length === 60, "all wakes");
    // The best of many: on a busy machine the rest measures the other programs.
    expect(Math.min(...actor.lateness)).toBeLessThan(300);
  });

  it("come when the due time moves closer, and not at the old time when it moved away", async () => {
    const { runtime } = fresh();
    const woken: number[] = [];
    let due = Number.POSITIVE_INFINITY;
    const start = runtime.clock.now().mono;
    const host = runtime.host<number, LinkEffect>({
      handle: (inMs) => {
        due = start + inMs * 1000;
        return [];
      },
      wake: (now) => {
        if (now.mono >= due) {
          woken.push(now.mono - start);
          due = Number.POSITIVE_INFINITY;
        }
        return [];
      },
      nextWake: () => wakeAtMono(due),
    });
    host.post(500);
    host.post(60);
    host.post(30);
    host.post(90);
    await until(() => woken.length === 1, "woken");
    expect(woken[0]).toBeGreaterThanOrEqual(90_000);
    expect(woken[0]).toBeLessThan(450_000);
    await pause(30);
    expect(woken).toHaveLength(1);
  });

  it("follow the civil clock at its speed", async () => {
    const clock = new SystemClock({ speed: 3600, civilStart: 1_000_000_000 as never });
    const runtime = new Runtime({ clock, log: () => {} });
    open.push(runtime);
    const target = 1_000_000_000 + 180_000_000;
    let wokenAt: number | undefined;
    runtime.host<LinkEvent, LinkEffect>({
      handle: () => [],
      wake: (now) => {
        wokenAt = now.civil;
        return [];
      },
      nextWake: () => (wokenAt === undefined ? wakeAtCivil(target) : NEVER),
    });
    await until(() => wokenAt !== undefined, "the civil wake");
    // 180 s of civil time are 50 ms of wall time; a second of lateness is an hour.
    expect(wokenAt).toBeGreaterThanOrEqual(target);
    expect(wokenAt).toBeLessThan(target + 3_600_000_000);
  });

  it("are not given after the host closed", async () => {
    const { runtime } = fresh();
    const actor = new Metronome(runtime.clock.now().mono, [5_000]);
    const host = runtime.host(actor);
    host.close();
    await pause(15);
    expect(actor.lateness).toEqual([]);
  });
});

describe("hosts", () => {
  it("are never entered twice: what an effect causes waits its turn, in order", () => {
    const { runtime, bugs } = fresh();
    const trace: string[] = [];
    let inside = false;
    const host = runtime.host<string, { kind: "say"; text: string }>(
      {
        handle: (event) => {
          expect(inside).toBe(false);
          inside = true;
          trace.push(event);
          inside = false;
          return event.length < 3
            ? [
                { kind: "say", text: `${event}a` },
                { kind: "say", text: `${event}b` },
              ]
            : [];
        },
        wake: () => [],
        nextWake: () => NEVER,
      },
      (effect, post) => {
        inside = true;
        post(effect.text);
        inside = false;
      },
    );
    host.post("x");
    expect(bugs).toEqual([]);
    expect(trace).toEqual(["x", "xa", "xb", "xaa", "xab", "xba", "xbb"]);
  });

  it("that throw are logged with their stack, told to the policy and stopped", async () => {
    const { runtime, logs, bugs } = fresh();
    const boom = new Error("boom");
    const host = runtime.host(
      new ScriptedActor(() => {
        throw boom;
      }),
      undefined,
      { name: "meter-7" },
    );
    host.post({ kind: "opened", link: linkId("x") });
    host.post({ kind: "opened", link: linkId("x") });
    expect(bugs).toEqual([boom]);
    expect(logs).toHaveLength(1);
    expect(logs[0]).toMatchObject({ level: "error", event: "bug", fields: { host: "meter-7" } });
    expect(logs[0]).toMatchObject({ fields: { stack: expect.stringContaining("runtime.test.ts") } });
  });

  it("may take the name of a link that is finished, not of one that is not", async () => {
    const { runtime, bugs } = fresh();
    const [first, second, third] = [new MemoryBus("b").port(), new MemoryBus("b").port(), new MemoryBus("b").port()];
    const closing = runtime.host(new ScriptedActor());
    closing.attach(first);
    closing.close();
    const host = runtime.host(new ScriptedActor());
    expect(() => host.attach(second)).toThrow("two links are named bus:b#1");
    await first.end();
    host.attach(third);
    expect(third.open).toBe(true);
    expect(bugs).toEqual([]);
  });

  it("log through the runtime and drop what is meant for a link that is gone", () => {
    const { runtime, logs, bugs } = fresh();
    const host = runtime.host(
      new ScriptedActor((event) => [
        { kind: "send", link: event.link, bytes: Uint8Array.of(1) },
        { kind: "log", level: "warn", event: "tried" },
      ]),
    );
    host.post({ kind: "opened", link: linkId("nobody") });
    expect(bugs).toEqual([]);
    expect(logs).toEqual([{ kind: "log", level: "warn", event: "tried" }]);
  });
});

describe("a bus within the process", () => {
  it("lets everyone hear everyone but himself, and survives two that answer each other for ever", async () => {
    const { runtime } = fresh();
    const bus = new MemoryBus("b");
    const [master, one, two] = [new ScriptedActor(), echoActor(), echoActor()];
    const ports = [bus.port(), bus.port(), bus.port()] as const;
    for (const [i, actor] of [master, one, two].entries()) runtime.host(actor).attach(ports[i] as (typeof ports)[0]);
    const heard = () => master.events.filter((event) => event.kind === "bytes").length;
    ports[0].send(Uint8Array.of(7));
    // The two echoes hear each other and so never stop; timers and others must still get their turn.
    await until(() => heard() > 100, "many echoes");
    await pause(5);
    expect(one.events[1]).toMatchObject({ kind: "bytes", bytes: Uint8Array.of(7) });
    await ports[1].end();
    await ports[2].end();
    await pause(5);
    const count = heard();
    await pause(10);
    expect(heard()).toBe(count);
    expect(one.events.at(-1)).toMatchObject({ kind: "closed" });
  });

  it("gives one line to several actors", async () => {
    const { runtime } = fresh();
    const bus = new MemoryBus("b");
    const [shared, far] = [bus.port(), bus.port()];
    const actors = [new ScriptedActor(), new ScriptedActor()];
    for (const actor of actors) runtime.host(actor).attach(shared);
    far.send(Uint8Array.of(1, 2));
    await until(() => actors.every((actor) => actor.events.length === 2), "both heard");
    for (const actor of actors) expect(actor.events[1]).toMatchObject({ bytes: Uint8Array.of(1, 2) });
  });
});
