import { expect, test } from "vitest";
import { Broadcaster } from "../../headend/broadcaster.ts";

test("every sink gets everything, at its own pace", () => {
  const source = new Broadcaster<number>();
  const calls = { fast: 0, slow: 0 };
  const fast = source.add(10, () => calls.fast++);
  const slow = source.add(3, () => calls.slow++);
  const seen: number[] = [];
  for (let i = 1; i <= 8; i++) {
    source.publish(i);
    seen.push(...fast.drain().items);
  }
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(slow.drain()).toEqual({ items: [6, 7, 8], dropped: 5 });
  expect(slow.drain()).toEqual({ items: [], dropped: 0 });
  // Told once per filling, not once per notice.
  expect(calls).toEqual({ fast: 8, slow: 1 });
});

test("a sink that was drained half way through its ring keeps the order", () => {
  const source = new Broadcaster<number>();
  const sink = source.add(3, () => {});
  for (const i of [1, 2, 3, 4]) source.publish(i);
  expect(sink.drain()).toEqual({ items: [2, 3, 4], dropped: 1 });
  for (const i of [5, 6]) source.publish(i);
  expect(sink.drain()).toEqual({ items: [5, 6], dropped: 0 });
});

test("a removed sink gets nothing more", () => {
  const source = new Broadcaster<number>();
  const sink = source.add(3, () => {});
  source.remove(sink);
  source.publish(1);
  expect([source.size, sink.drain().items]).toEqual([0, []]);
});
