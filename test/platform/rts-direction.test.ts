/** RS-485 direction by RTS on a port that notes in which order things happen. */
import { describe, expect, it } from "vitest";
import { PortQueue } from "../../src/platform/port-queue.ts";
import { RtsDirection, type RtsPort, type RtsUse } from "../../src/platform/rts-direction.ts";
import { until } from "./support.ts";

class NotingPort implements RtsPort {
  isOpen = true;
  writableLength = 0;
  readonly notes: string[] = [];
  readonly times: number[] = [];
  refuses = false;

  write(bytes: Uint8Array): void {
    this.#note(`write ${bytes.length}`);
  }

  /** As a USB adapter: at once, whatever it still holds. */
  drain(callback: (error: Error | null) => void): void {
    setImmediate(callback, null);
  }

  update({ baudRate }: { baudRate: number }, callback: (error: Error | null) => void): void {
    this.#note(`rate ${baudRate}`);
    setImmediate(callback, null);
  }

  set({ rts }: { rts: boolean }, callback: (error: Error | null) => void): void {
    this.#note(`rts ${rts ? "on" : "off"}`);
    setImmediate(callback, this.refuses ? new Error("not a modem") : null);
  }

  #note(note: string): void {
    this.notes.push(note);
    this.times.push(performance.now());
  }
}

function bench(use: RtsUse, baudRate = 9600) {
  const port = new NotingPort();
  const failures: string[] = [];
  const direction = new RtsDirection(port, use, { baudRate, bitsPerCharacter: 10 }, (reason) => failures.push(reason));
  return { port, direction, failures };
}

describe("RTS", () => {
  it("is on from before the first character until the last has left, and not longer than need be", async () => {
    const { port, direction } = bench("send");
    await direction.listen();
    direction.write(new Uint8Array(48));
    await until(() => port.notes.length === 4, "the line is turned back");
    expect(port.notes).toEqual(["rts off", "rts on", "write 48", "rts off"]);
    // 48 characters of 10 bits are 50 ms at 9600.
    const held = (port.times[3] as number) - (port.times[2] as number);
    expect(held).toBeGreaterThanOrEqual(50);
    expect(held).toBeLessThan(250);
  });

  it("is the other way round for adapters with an inverter", async () => {
    const { port, direction } = bench("receive");
    await direction.listen();
    direction.write(new Uint8Array(1));
    await until(() => port.notes.length === 4, "the line is turned back");
    expect(port.notes).toEqual(["rts on", "rts off", "write 1", "rts on"]);
  });

  it("stays for what is sent meanwhile", async () => {
    const { port, direction } = bench("send");
    direction.write(new Uint8Array(20));
    setTimeout(() => direction.write(new Uint8Array(5)), 5);
    await until(() => port.notes.includes("rts off"), "the line is turned back");
    expect(port.notes).toEqual(["rts on", "write 20", "write 5", "rts off"]);
    expect(direction.writableLength).toBe(0);
  });

  it("is turned back before a change of rate, which counts from then on", async () => {
    const { port, direction } = bench("send", 300);
    const queue = new PortQueue(direction, { baudRate: 300, parity: "none", dataBits: 8, stopBits: 1 }, true, () => {});
    queue.send(new Uint8Array(2));
    queue.setBaud(9600);
    queue.send(new Uint8Array(9));
    await until(() => port.notes.filter((note) => note === "rts off").length === 2, "both are sent");
    expect(port.notes).toEqual(["rts on", "write 2", "rts off", "rate 9600", "rts on", "write 9", "rts off"]);
    expect((port.times[2] as number) - (port.times[1] as number)).toBeGreaterThanOrEqual(66);
    expect((port.times[6] as number) - (port.times[5] as number)).toBeLessThan(60);
  });

  it("that can't be set is told, and nothing is sent into a line that was not turned", async () => {
    const { port, direction, failures } = bench("send");
    port.refuses = true;
    direction.write(new Uint8Array(3));
    await until(() => failures.length > 0, "the failure is told");
    expect(failures).toEqual(["RTS can't be set: not a modem"]);
    expect(port.notes).toEqual(["rts on"]);
  });
});
