/** The line that paces two pseudo terminals, heard by a serial port and judged by its own record of every byte. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { afterEach, expect, test, vi } from "vitest";
import { createPacedLine, type PacedLine, type PacedLineOptions } from "../../src/platform/pacer.ts";
import { REPOSITORY, temporaryDirectory } from "../programs.ts";

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

const RUNS = 3;
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

test("every byte passes unchanged, both ways at once", async () => {
  const { a, b } = await line({ baud: 115_200 });
  a.say(EVERY_BYTE);
  b.say(Buffer.from(EVERY_BYTE).reverse());
  expect(await b.until(256)).toEqual(EVERY_BYTE);
  expect(await a.until(256)).toEqual(Buffer.from(EVERY_BYTE).reverse());
});

test.each([10, 11])(
  "200 bytes of %i bits said at once take their time at 9600 baud, within 2 %%",
  async (bitsPerChar) => {
    const { a, b, record } = await line({ bitsPerChar });
    const character = (bitsPerChar * 1e9) / 9600;
    const waited: number[] = [];
    for (let run = 1; run <= RUNS; run++) {
      const said = process.hrtime.bigint();
      a.say(EVERY_BYTE.subarray(0, 200));
      await b.until(200 * run);
      waited.push(Number(process.hrtime.bigint() - said));
    }
    const heard = await record();
    expect(heard.map(({ byte }) => byte)).toEqual(Array.from({ length: 200 * RUNS }, (_, i) => i % 200));
    const took = Array.from({ length: RUNS }, (_, run) => {
      const bytes = heard.slice(200 * run, 200 * (run + 1));
      // Each begins where the one before it ended, and is heard no earlier than it ends; times are whole ns.
      for (const [i, { start, end }] of bytes.entries()) {
        expect(Math.abs(start - (bytes[0]?.start ?? 0) - i * character)).toBeLessThan(200);
        expect(end - start).toBeGreaterThan(character - 2);
      }
      return (bytes[199]?.end ?? 0) - (bytes[0]?.start ?? 0);
    });
    // Never faster, by our clock too; slower only while the machine is busy elsewhere.
    expect(Math.min(...took, ...waited)).toBeGreaterThan(0.98 * 200 * character);
    expect(Math.min(...took)).toBeLessThan(1.02 * 200 * character);
  },
);

test("on an echoing line the sender hears what the other end hears", async () => {
  const { a, b } = await line({ baud: 115_200, echo: true });
  a.say(Buffer.from("hello"));
  expect((await b.until(5)).toString()).toBe("hello");
  expect((await a.until(5)).toString()).toBe("hello");
});

test("one seed, one set of faults; another seed, another", async () => {
  const faulty = async (seed: number, answer: number) => {
    const { a, b, record } = await line({
      baud: 115_200,
      faults: { seed, lose: 0.05, flip: 0.05, double: 0.05, noise: 0.02 },
    });
    a.say(EVERY_BYTE);
    // Each direction's faults are its own, whatever the other one says meanwhile.
    b.say(EVERY_BYTE.subarray(0, answer));
    await b.until(240);
    await new Promise((resolve) => setTimeout(resolve, 60));
    return (await record()).filter(({ from }) => from === "a").map(({ byte }) => byte);
  };
  const [first, again, other] = [await faulty(7, 0), await faulty(7, 100), await faulty(8, 0)];
  expect(first).toEqual(again);
  expect(first).not.toEqual(other);
  expect(first).not.toEqual([...EVERY_BYTE]);
});

test("no process is left behind: at the line's end, and when its user is killed", async () => {
  const paced = await createPacedLine({ baud: 9600, bitsPerChar: 10 });
  expect(isAlive(paced.pid)).toBe(true);
  await paced.end();
  expect(isAlive(paced.pid)).toBe(false);

  const compiled = join(REPOSITORY, "dist/src/platform/pacer.js");
  const script = `import { createPacedLine } from ${JSON.stringify(compiled)};
    const { pid } = await createPacedLine({ baud: 9600, bitsPerChar: 10 }); console.log(pid); setInterval(() => {}, 1000);`;
  const user = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env: { ...process.env, TMPDIR: folder() },
  });
  const pid = Number(await new Promise((resolve) => user.stdout.once("data", resolve)));
  expect(isAlive(pid)).toBe(true);
  user.kill("SIGKILL");
  for (let waited = 0; isAlive(pid) && waited < 5_000; waited += 5)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isAlive(pid)).toBe(false);
});

test("what is no line is refused; without a compiler the package is named", async () => {
  await expect(createPacedLine({ baud: 0, bitsPerChar: 10 })).rejects.toThrow("the paced line did not start");
  vi.stubEnv("PATH", folder());
  cleanup.push(() => vi.unstubAllEnvs());
  await expect(createPacedLine({ baud: 9600, bitsPerChar: 10 })).rejects.toMatchObject({
    code: "missing-program",
    hint: expect.stringContaining("apt-get install build-essential"),
  });
});

/** What a killed user leaves on the disk goes with it. */
function folder(): string {
  const directory = temporaryDirectory();
  cleanup.push(() => directory.remove());
  return directory.path;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
