/**
 * Our master on a serial line as the bench drives it: the head-end's line session, which `read` uses too, on the platform's
 * serial port, with one meter that is always due.
 */
import type { LineConfig } from "../../headend/config.ts";
import type { MeterId } from "../../headend/ports.ts";
import { LineSession } from "../../headend/sessions/line-session.ts";
import { isForLink, type SessionOutput } from "../../headend/sessions/line-task.ts";
import { EASTRON_SDM120 } from "../../protocols/models/eastron-sdm120.ts";
import type { MeterModel, RegisterEntry, WireUnit } from "../../protocols/models/model.ts";
import type { Actor, LinkEffect, LinkEvent } from "../../src/core/actor.ts";
import { MEASURES, type MeasureValues } from "../../src/core/measures.ts";
import type { Now, Wake } from "../../src/core/time.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { Runtime } from "../../src/platform/runtime.ts";
import { openSerial } from "../../src/platform/serial.ts";
import { REGISTERS, registerValue } from "./pattern.ts";

const WIDE = 3;
const KEYS = MEASURES.filter(({ kind }) => kind !== "status").slice(0, REGISTERS - WIDE);

/** A measure in each of the registers; there are not enough of them, so the last ones take two registers each. */
const ENTRIES = KEYS.map(({ key, unit, decimals }, i) => {
  const first = KEYS.length - WIDE;
  const wide = i >= first;
  const address = wide ? first + 2 * (i - first) : i;
  const encoding = wide ? "uint32" : "uint16";
  const entry: RegisterEntry = { measure: key, table: "holding", address, encoding, unit: unit as WireUnit };
  const raw = wide ? registerValue(address) * 0x1_0000 + registerValue(address + 1) : registerValue(address);
  return { entry, value: raw * 10 ** decimals };
});
const MODEL: MeterModel = {
  ...EASTRON_SDM120,
  modbus: { ...EASTRON_SDM120.modbus, readLimit: REGISTERS, registers: ENTRIES.map(({ entry }) => entry) },
};

function checkReading(values: MeasureValues): void {
  for (const { entry, value } of ENTRIES)
    if (values[entry.measure] !== value)
      throw new Error(`${entry.measure} reads ${values[entry.measure]}, not ${value}`);
}

/** Hands out whether each poll gave a reading. */
class SessionActor implements Actor {
  readonly #session: LineSession;
  readonly #polled: (failed: string | undefined) => void;

  constructor(line: LineConfig, polled: (failed: string | undefined) => void) {
    this.#session = new LineSession(line);
    this.#polled = polled;
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    if (event.kind === "opened") return this.#take(this.#session.opened(now));
    if (event.kind === "bytes") return this.#take(this.#session.receive(event.bytes, now));
    throw new Error(`the line is gone: ${JSON.stringify(event)}`);
  }

  wake(now: Now): readonly LinkEffect[] {
    return this.#take(this.#session.wake(now));
  }

  nextWake(): Wake {
    return this.#session.nextWake();
  }

  #take(outputs: readonly SessionOutput[]): readonly LinkEffect[] {
    const effects: LinkEffect[] = [];
    for (const output of outputs) {
      if (output.kind === "polled") {
        checkReading(output.values);
        this.#polled(undefined);
      } else if (output.kind === "pollFailed") this.#polled(output.reason);
      else if (isForLink(output)) effects.push(output);
    }
    return effects;
  }
}

/** Opens the port as 8N1 and begins to poll; the function resolves with the next reading, and rejects when a poll failed. */
export async function openMeterworksLine(path: string, baud: number): Promise<() => Promise<void>> {
  const link = await openSerial({ path, baudRate: baud, parity: "none", dataBits: 8, stopBits: 1 });
  const line: LineConfig = {
    link: link.id,
    framing: "rtu",
    baud,
    bitsPerChar: 10,
    retries: 0,
    // The next poll is due as soon as one is done.
    pollEvery: 1,
    meters: [{ id: "meter" as MeterId, unit: 1, model: MODEL }],
  };
  let next: { resolve(): void; reject(error: Error): void } | undefined;
  const runtime = new Runtime({
    clock: new SystemClock(),
    log: ({ event, fields }) => process.stderr.write(`${event} ${JSON.stringify(fields)}\n`),
  });
  const polled = (failed: string | undefined) => {
    if (failed === undefined) next?.resolve();
    else next?.reject(new Error(failed));
  };
  runtime.host(new SessionActor(line, polled), undefined, { name: "bench", precise: true }).attach(link);
  return () =>
    new Promise((resolve, reject) => {
      next = { resolve, reject };
    });
}
