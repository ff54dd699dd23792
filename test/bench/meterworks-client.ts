/** Our client as the bench drives it: `ModbusClient` in an actor, on the platform's runtime and TCP link. */
import { type ClientEffect, ModbusClient } from "../../protocols/modbus/client.ts";
import { failureText } from "../../protocols/modbus/errors.ts";
import type { Actor, LinkEffect, LinkEvent, LinkId } from "../../src/core/actor.ts";
import { MICROS_PER_SECOND, type Now, type Wake, wakeAtMono } from "../../src/core/time.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { Runtime } from "../../src/platform/runtime.ts";
import { connectTcp } from "../../src/platform/tcp-client.ts";
import { checkValues, REGISTERS } from "./pattern.ts";

const UNIT = 1;

type BenchEvent = LinkEvent | { readonly kind: "ask" };
type BenchEffect = LinkEffect | { readonly kind: "up" } | { readonly kind: "answer"; readonly data: Uint8Array };

/** One connection: asks when told to, and hands each answer out. Whatever fails ends the bench. */
class Poller implements Actor<BenchEvent, BenchEffect> {
  readonly #link: LinkId;
  readonly #client = new ModbusClient({ framing: "tcp", responseTimeout: 5 * MICROS_PER_SECOND });

  constructor(link: LinkId) {
    this.#link = link;
  }

  handle(event: BenchEvent, { mono }: Now): readonly BenchEffect[] {
    switch (event.kind) {
      case "bytes":
        return this.#translate(this.#client.receive(event.bytes, mono));
      case "ask":
        return this.#translate(this.#client.submit(0, UNIT, { function: 3, address: 0, quantity: REGISTERS }, mono));
      case "opened":
        this.#client.linkUp(mono);
        return [{ kind: "up" }];
      default:
        throw new Error(`the server went away: ${JSON.stringify(event)}`);
    }
  }

  wake({ mono }: Now): readonly BenchEffect[] {
    return this.#translate(this.#client.wake(mono));
  }

  nextWake(): Wake {
    return wakeAtMono(this.#client.nextWake());
  }

  #translate(effects: readonly ClientEffect[]): readonly BenchEffect[] {
    return effects.map((effect) => {
      if (effect.kind === "send") return { kind: "send", link: this.#link, bytes: effect.bytes };
      if (!effect.result.ok) throw new Error(failureText(effect.result.error));
      return { kind: "answer", data: effect.result.value.data };
    });
  }
}

const runtime = new Runtime({
  clock: new SystemClock(),
  log: ({ event, fields }) => process.stderr.write(`${event} ${JSON.stringify(fields)}\n`),
});
let connections = 0;

/** Opens one connection; the function asks once and resolves when the answer is here and right. */
export async function openMeterworks(port: number): Promise<() => Promise<void>> {
  connections++;
  const link = connectTcp({ host: "127.0.0.1", port, name: `bench-${connections}` });
  let settle: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const host = runtime.host<BenchEvent, BenchEffect>(new Poller(link.id), (effect) => {
    if (effect.kind === "answer") checkValues(registersOf(effect.data));
    settle();
  });
  host.attach(link);
  await opened;
  return () =>
    new Promise((resolve) => {
      settle = resolve;
      host.post({ kind: "ask" });
    });
}

/** The peers hand out numbers; so that the work is the same, so does this client. */
function registersOf(data: Uint8Array): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const values = new Array<number>(data.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = view.getUint16(2 * i);
  return values;
}
