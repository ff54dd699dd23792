/** When the process did not run for a while: what came meanwhile is read before a silence is believed. */
import { stat } from "node:fs";
import { expect, test } from "vitest";
import { MICROS_PER_MS, mono, wakeAtMono } from "../../src/core/time.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { WakeTimer } from "../../src/platform/wake-timer.ts";
import { pause, until } from "./support.ts";

const clock = new SystemClock();

function timerWith(precise: boolean) {
  const order: string[] = [];
  const timer: WakeTimer = new WakeTimer(clock, precise, () => {
    order.push("woken");
    timer.stop();
  });
  return { order, timer, in: (ms: number) => timer.due(wakeAtMono(mono(clock.now().mono + ms * MICROS_PER_MS))) };
}

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test.each([0, 3])(
  "a precise deadline that passed while the process was away waits for the bytes, %i ms in",
  async (ms) => {
    const { order, in: dueIn } = timerWith(true);
    dueIn(10);
    await pause(ms);
    // As a serial port reads: in a thread, and the callback comes with the events of the loop.
    stat("/", () => order.push("read"));
    block(60);
    await until(() => order.includes("woken"), "woken");
    expect(order).toEqual(["read", "woken"]);
  },
);

test("a deadline that moved on while catching up is not fired", async () => {
  const { order, timer, in: dueIn } = timerWith(true);
  dueIn(10);
  stat("/", () => {
    order.push("read");
    dueIn(10_000);
  });
  block(60);
  await pause(30);
  expect(order).toEqual(["read"]);
  timer.stop();
});

test("a precise deadline is never early, and is met without being away", async () => {
  for (let i = 0; i < 5; i++) {
    const due = clock.now().mono + 5 * MICROS_PER_MS;
    let woken = 0;
    const timer: WakeTimer = new WakeTimer(clock, true, () => {
      woken = clock.now().mono;
      timer.stop();
    });
    timer.due(wakeAtMono(mono(due)));
    await until(() => woken > 0, "woken");
    expect(woken).toBeGreaterThanOrEqual(due);
  }
});
