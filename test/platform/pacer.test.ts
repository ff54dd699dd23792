/** The line that paces two pseudo terminals, heard by a serial port and judged by its own record of every byte. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { afterEach, expect, test } from "vitest";
import { createPacedLine, type PacedLine, type PacedLineOptions } from "../../src/platform/pacer.ts";
import { temporaryDirectory } from "../programs.ts";

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

class End {
  readonly #port: SerialPort;
  heard = Buffer.alloc(0);

  private constructor(port: SerialPort) {
    this.#port = port;
    port.on("data", (bytes: Buffer) => {
      this.heard = Buffer.concat([this.heard, bytes]);
    });
  }

  static open(path: string): Promise<End> {
    return new Promise((resolve, reject) => {
      const port = new SerialPort({ path, baudRate: 9600 }, (error) =>
        error ? reject(error) : resolve(new End(port)),
      );
      cleanup.push(() => new Promise<void>((done) => port.close(() => done())));
    });
  }

  say(bytes: Buffer): void {
    this.#port.write(bytes);
  }

  async until(length: number): Promise<Buffer> {
    for (let waited = 0; this.heard.length < length && waited < 5_000; waited += 5)
      await new Promise((resolve) => setTimeout(resolve, 5));
    return this.heard;
  }
}

interface Heard {
  readonly from: string;
  readonly start: number;
  readonly end: number;
  readonly byte: number;
}

async function line(options: Partial<PacedLineOptions> = {}) {
  const directory = temporaryDirectory();
  cleanup.push(() => directory.remove());
  const log = join(directory.path, "bytes");
  const paced: PacedLine = await createPacedLine({ baud: 9600, bitsPerChar: 10, log, ...options });
  cleanup.push(() => paced.end());
  const [a, b] = [await End.open(paced.a), await End.open(paced.b)];
  /** Ends the line, which completes its record. */
  const record = async (): Promise<Heard[]> => {
    await paced.end();
    return readFileSync(log, "utf8")
      .trimEnd()
      .split("\n")
      .map((text) => {
        const [from = "", start, end, byte = ""] = text.split(" ");
        return { from, start: Number(start), end: Number(end), byte: Number.parseInt(byte, 16) };
      });
  };
  return { a, b, record };
}

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

test("every byte passes unchanged, both ways at once", async () => {
  const { a, b } = await line({ baud: 115_200 });
  a.say(EVERY_BYTE);
  b.say(Buffer.from(EVERY_BYTE).reverse());
  expect(await b.until(256)).toEqual(EVERY_BYTE);
  expect(await a.until(256)).toEqual(Buffer.from(EVERY_BYTE).reverse());
});

test("bytes said at once follow each other without a gap, each 10 bits long at 9600 baud", async () => {
  const { a, b, record } = await line();
  a.say(EVERY_BYTE.subarray(0, 100));
  await b.until(100);
  const heard = await record();
  expect(heard).toHaveLength(100);
  expect(heard.map(({ byte }) => byte)).toEqual([...EVERY_BYTE.subarray(0, 100)]);
  for (const { start, end } of heard) expect(Math.abs(end - start - 1e10 / 9600)).toBeLessThan(100);
  for (const [i, { end }] of heard.slice(0, -1).entries()) expect(heard[i + 1]?.start).toBe(end);
});

test("the receiver does not hear a byte before it has ended", async () => {
  const { a, b } = await line();
  const said = performance.now();
  a.say(EVERY_BYTE.subarray(0, 100));
  await b.until(100);
  expect(performance.now() - said).toBeGreaterThan(100 * (10_000 / 9600));
});

test("on an echoing line the sender hears what the other end hears", async () => {
  const { a, b } = await line({ baud: 115_200, echo: true });
  a.say(Buffer.from("hello"));
  expect((await b.until(5)).toString()).toBe("hello");
  expect((await a.until(5)).toString()).toBe("hello");
});

test("one seed, one set of faults; another seed, another", async () => {
  const faulty = async (seed: number) => {
    const { a, b, record } = await line({
      baud: 115_200,
      faults: { seed, lose: 0.05, flip: 0.05, double: 0.05, noise: 0.02 },
    });
    a.say(EVERY_BYTE);
    await b.until(240);
    await new Promise((resolve) => setTimeout(resolve, 60));
    return (await record()).map(({ byte }) => byte);
  };
  const [first, again, other] = [await faulty(7), await faulty(7), await faulty(8)];
  expect(first).toEqual(again);
  expect(first).not.toEqual(other);
  expect(first).not.toEqual([...EVERY_BYTE]);
});

test("what is no line is refused", async () => {
  await expect(createPacedLine({ baud: 0, bitsPerChar: 10 })).rejects.toThrow("the paced line did not start");
});
