/** The change of rate before a port that notes when it was asked what; its far end takes the time of the line. */
import { expect, test } from "vitest";
import { type DrainablePort, PortQueue } from "../../src/platform/port-queue.ts";
import { pause, until } from "./support.ts";

class Port implements DrainablePort {
  isOpen = true;
  writableLength = 0;
  readonly log: string[] = [];
  readonly times: number[] = [];
  /** How long the driver says it takes to empty, ms. */
  drainMs = 0;
  refusal: Error | null = null;
  updated = 0;

  write(bytes: Uint8Array): void {
    this.#note(`write ${Buffer.from(bytes).toString("latin1")}`);
  }

  drain(callback: (error: Error | null) => void): void {
    this.#note("drain");
    setTimeout(() => callback(null), this.drainMs);
  }

  update({ baudRate }: { baudRate: number }, callback: (error: Error | null) => void): void {
    this.#note(`baud ${baudRate}`);
    setTimeout(() => callback(this.refusal), 5);
  }

  #note(what: string): void {
    this.log.push(what);
    this.times.push(performance.now());
  }

  /** Milliseconds between two entries of the log. */
  between(first: string, second: string): number {
    return (this.times[this.log.indexOf(second)] ?? 0) - (this.times[this.log.indexOf(first)] ?? 0);
  }
}

const FORMAT = { baudRate: 300, parity: "even", dataBits: 7, stopBits: 1 };
const text = (characters: string) => new Uint8Array(Buffer.from(characters, "latin1"));

function queueOf(port: Port, timed: boolean, failed: (reason: string) => void = () => {}): PortQueue {
  return new PortQueue(port, FORMAT, timed, failed);
}

test("six characters at 300 baud leave in 200 ms: the rate changes after that", async () => {
  const port = new Port();
  const queue = queueOf(port, true);
  queue.send(text("\x06050\r\n"));
  queue.setBaud(9600);
  queue.send(text("later"));
  await until(() => port.log.length === 4, "the change and what waited for it");
  expect(port.log).toEqual(["write \x06050\r\n", "drain", "baud 9600", "write later"]);
  const after = port.between("write \x06050\r\n", "baud 9600");
  expect(after).toBeGreaterThanOrEqual(200);
  expect(after).toBeLessThan(600);
});

test("a driver that needs longer is waited for", async () => {
  const port = new Port();
  port.drainMs = 80;
  const queue = queueOf(port, false);
  queue.send(text("x"));
  queue.setBaud(9600);
  await until(() => port.log.includes("baud 9600"), "the change");
  // Node's timers may be up to a millisecond early.
  expect(port.between("write x", "baud 9600")).toBeGreaterThanOrEqual(79);
});

test("where bytes take no time only the driver is waited for", async () => {
  const port = new Port();
  const queue = queueOf(port, false);
  queue.send(text("\x06050\r\n"));
  queue.setBaud(9600);
  await until(() => port.log.includes("baud 9600"), "the change");
  expect(port.between("write \x06050\r\n", "baud 9600")).toBeLessThan(100);
});

test("the present rate is no change; of changes in a row the last one counts; the order is kept", async () => {
  const port = new Port();
  const queue = queueOf(port, false);
  queue.setBaud(300);
  queue.setBaud(600);
  queue.send(text("a"));
  queue.setBaud(1200);
  queue.setBaud(2400);
  queue.send(text("b"));
  await queue.emptied(1000);
  expect(port.log.filter((entry) => entry !== "drain")).toEqual(["baud 600", "write a", "baud 2400", "write b"]);
});

test("what waits is bounded", async () => {
  const port = new Port();
  const queue = queueOf(port, false);
  queue.setBaud(600);
  for (let i = 0; i < 100; i++) queue.send(new Uint8Array(1024));
  await queue.emptied(1000);
  expect(port.log.filter((entry) => entry.startsWith("write"))).toHaveLength(32);
});

test("a rate that the port refuses is told, and waiting for it ends", async () => {
  const port = new Port();
  port.refusal = new Error("Invalid argument");
  const reasons: string[] = [];
  const queue = queueOf(port, false, (reason) => {
    port.isOpen = false;
    reasons.push(reason);
  });
  queue.setBaud(19_200);
  queue.send(text("for the new rate only"));
  await queue.emptied(1000);
  await pause(20);
  expect(reasons).toEqual(["the port can't go to 19200 baud: Invalid argument"]);
  expect(port.log).toEqual(["drain", "baud 19200"]);
});

test("emptied waits for the line, but no longer than told", async () => {
  const port = new Port();
  const queue = queueOf(port, true);
  queue.send(text("abc"));
  const started = performance.now();
  await queue.emptied(1000);
  expect(performance.now() - started).toBeGreaterThanOrEqual(100);
  port.drainMs = 500;
  const again = performance.now();
  await queue.emptied(50);
  expect(performance.now() - again).toBeLessThan(300);
});
