/** Small actors and waits shared by the tests of the platform. */
import type { Actor, LinkEffect, LinkEvent, LogEffect } from "../../src/core/actor.ts";
import { NEVER } from "../../src/core/time.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { Runtime } from "../../src/platform/runtime.ts";

/** Takes what a function makes of each event; remembers every event. */
export class ScriptedActor implements Actor {
  readonly events: LinkEvent[] = [];
  readonly #react: (event: LinkEvent) => readonly LinkEffect[];

  constructor(react: (event: LinkEvent) => readonly LinkEffect[] = () => []) {
    this.#react = react;
  }

  handle(event: LinkEvent): readonly LinkEffect[] {
    this.events.push(event);
    return this.#react(event);
  }

  wake(): readonly LinkEffect[] {
    return [];
  }

  nextWake() {
    return NEVER;
  }

  kinds(): string[] {
    return this.events.map((e) => e.kind);
  }
}

export function echoActor(): ScriptedActor {
  return new ScriptedActor((event) =>
    event.kind === "bytes" ? [{ kind: "send", link: event.link, bytes: event.bytes }] : [],
  );
}

export interface TestRuntime {
  readonly runtime: Runtime;
  readonly logs: LogEffect[];
  readonly bugs: unknown[];
}

export function testRuntime(): TestRuntime {
  const logs: LogEffect[] = [];
  const bugs: unknown[] = [];
  const clock = new SystemClock();
  const runtime = new Runtime({ clock, log: (effect) => logs.push(effect), onBug: (error) => bugs.push(error) });
  return { runtime, logs, bugs };
}

export async function until(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
