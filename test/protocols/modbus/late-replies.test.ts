/** A reply that comes when its request was given up must not become the value of other registers of the same length. */
import { describe, expect, test } from "vitest";
import { ModbusClient } from "../../../protocols/modbus/client.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import { crc16 } from "../../headend/fakes.ts";

const TIMEOUT = 1_000_000;

function framed(...body: number[]): Uint8Array {
  return Uint8Array.of(...body, ...crc16(body));
}

/** Two registers of unit 1. */
const reply = (value: number) => framed(1, 3, 4, 0, value, 0, value);

class Line {
  readonly client = new ModbusClient({ framing: "rtu", timing: rtuTiming(9600), responseTimeout: TIMEOUT });
  readonly sent: { readonly at: number; readonly address: number }[] = [];
  readonly done: (number | string)[] = [];
  #at = 0;

  constructor() {
    this.client.linkUp(0);
  }

  ask(address: number, quantity = 2, unit = 1): void {
    this.#take(this.client.submit(this.sent.length, unit, { function: 3, address, quantity }, this.#at));
  }

  hear(bytes: Uint8Array): void {
    this.#take(this.client.receive(bytes, this.#at));
  }

  run(until: number): void {
    while (this.client.nextWake() <= until) {
      this.#at = Math.max(this.#at, this.client.nextWake());
      this.#take(this.client.wake(this.#at));
    }
    this.#at = until;
  }

  #take(effects: ReturnType<ModbusClient["wake"]>): void {
    for (const effect of effects) {
      if (effect.kind === "send") this.sent.push({ at: this.#at, address: effect.bytes[3] as number });
      else this.done.push(effect.result.ok ? (effect.result.value.data[1] as number) : effect.result.error.kind);
    }
  }
}

describe("after a timeout", () => {
  test("a read of other registers, of the same length, waits for the late reply and does not take it", () => {
    const line = new Line();
    line.ask(10);
    line.run(1_100_000);
    expect(line.done).toEqual(["timeout"]);
    line.ask(20);
    line.run(1_500_000);
    line.hear(reply(10));
    line.run(1_990_000);
    expect(line.sent.map(({ address }) => address)).toEqual([10]);
    line.run(2_050_000);
    line.hear(reply(20));
    line.run(2_100_000);
    expect(line.sent.map(({ address }) => address)).toEqual([10, 20]);
    expect(line.done).toEqual(["timeout", 20]);
  });

  test("the same read is repeated at once; the reply to its second attempt is still to come", () => {
    const line = new Line();
    line.ask(10);
    line.run(1_100_000);
    line.ask(10);
    line.run(1_200_000);
    expect(line.sent).toHaveLength(2);
    line.hear(reply(10));
    line.run(1_250_000);
    expect(line.done).toEqual(["timeout", 10]);
    line.ask(20);
    line.run(2_500_000);
    line.hear(reply(10));
    expect(line.sent).toHaveLength(2);
    line.run(3_200_000);
    line.hear(reply(20));
    line.run(3_300_000);
    expect(line.done).toEqual(["timeout", 10, 20]);
  });

  test("what can be told from the late reply does not wait: another unit, another length", () => {
    for (const [quantity, unit] of [
      [2, 2],
      [3, 1],
    ] as const) {
      const line = new Line();
      line.ask(10);
      line.run(1_100_000);
      line.ask(20, quantity, unit);
      line.run(1_200_000);
      expect(line.sent.map(({ address }) => address)).toEqual([10, 20]);
    }
  });

  test("a line without timeouts never waits", () => {
    const line = new Line();
    for (const address of [10, 20, 30]) {
      line.ask(address);
      line.run((line.sent.at(-1)?.at ?? 0) + 50_000);
      line.hear(reply(address));
      line.run((line.sent.at(-1)?.at ?? 0) + 100_000);
    }
    expect(line.done).toEqual([10, 20, 30]);
    expect((line.sent[2]?.at as number) - (line.sent[0]?.at as number)).toBeLessThan(300_000);
  });
});
