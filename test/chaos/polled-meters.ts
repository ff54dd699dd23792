/**
 * `polled-meters.js FIRST COUNT UNITS FILE`: COUNT meters behind Modbus TCP gateways of UNITS units each. Prints `ready` and
 * the gateways' ports as JSON.
 */
import { ModbusTcpFace } from "../../firmware-sim/faces/modbus-tcp.ts";
import type { Meter } from "../../firmware-sim/meter.ts";
import type { Actor, LinkEffect, LinkEvent } from "../../src/core/actor.ts";
import { NEVER, type Now } from "../../src/core/time.ts";
import { listenTcp } from "../../src/platform/tcp.ts";
import { polledId } from "./names.ts";
import { meterRuntime, virtualMeter } from "./virtual-meters.ts";
import { WitnessWriter } from "./witness.ts";

/** Where the unit stands in a request (MODBUS Messaging on TCP/IP 3.1.3). */
const UNIT_BYTE = 6;

const [first = 0, count = 0, units = 10] = process.argv.slice(2, 5).map(Number);
const witness = new WitnessWriter(process.argv[5] ?? "");
const runtime = meterRuntime();

/** The gateway's face, and after each reply a line on what its registers held. */
class WitnessedGateway implements Actor<LinkEvent, LinkEffect> {
  readonly #face: ModbusTcpFace;
  readonly #meters: ReadonlyMap<number, Meter>;

  constructor(meters: ReadonlyMap<number, Meter>, now: Now) {
    this.#face = new ModbusTcpFace(
      [...meters].map(([unit, meter]) => ({ unit, meter })),
      now,
    );
    this.#meters = meters;
  }

  handle(event: LinkEvent, now: Now): readonly LinkEffect[] {
    const effects = this.#face.handle(event, now);
    const meter = event.kind === "bytes" ? this.#meters.get(event.bytes[UNIT_BYTE] ?? 0) : undefined;
    const energy = meter?.value("activeEnergyImport");
    if (meter !== undefined && typeof energy === "number") witness.add(["served", meter.id, Date.now(), energy]);
    return effects;
  }

  wake(): readonly LinkEffect[] {
    return [];
  }

  nextWake() {
    return NEVER;
  }
}

const ports: number[] = [];
for (let from = first; from < first + count; from += units) {
  const meters = new Map<number, Meter>();
  for (let number = from; number < Math.min(from + units, first + count); number++)
    meters.set(1 + number - from, virtualMeter(polledId(number), number, runtime.clock.now()));
  const host = runtime.host<LinkEvent, LinkEffect>(new WitnessedGateway(meters, runtime.clock.now()));
  const server = await listenTcp({ host: "127.0.0.1", port: 0 }, (link) => host.attach(link));
  ports.push(server.port);
}
for (const signal of ["SIGTERM", "SIGINT"])
  process.once(signal, () => {
    witness.flush();
    process.exit(0);
  });
process.stdout.write(`ready ${JSON.stringify(ports)}\n`);
