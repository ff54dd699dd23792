/**
 * `mqtt-meters.js BROKER FIRST COUNT OF EVERY_S RAMP_S FILE`: COUNT of OF meters, each with a connection of its own. Prints
 * `ready` once all are connected; SIGTERM stops measuring, waits for acknowledgements, and ends.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { MqttFace } from "../../firmware-sim/faces/mqtt.ts";
import { topicFor } from "../../protocols/mqtt/topics.ts";
import { verifyEd25519 } from "../../src/platform/ed25519.ts";
import { connectMqtt } from "../../src/platform/mqtt-client.ts";
import { publishingId } from "./names.ts";
import { meterRuntime, virtualMeter } from "./virtual-meters.ts";
import { WitnessWriter } from "./witness.ts";
import { WitnessedLink } from "./witnessed-link.ts";

const FAREWELL_MS = 5_000;

const [url = "", ...rest] = process.argv.slice(2);
const path = rest.pop() ?? "";
const [first = 0, count = 0, of = 1, everySeconds = 60, rampSeconds = 0] = rest.map(Number);
const runtime = meterRuntime();
const witness = new WitnessWriter(path);
const interval = everySeconds * 1_000_000;
const links: WitnessedLink[] = [];
const hosts: { close(): void }[] = [];
let stopping = false;

for (const signal of ["SIGTERM", "SIGINT"])
  process.once(signal, () => {
    stopping = true;
    void farewell();
  });

for (let i = 0; i < count && !stopping; i++) {
  const number = first + i;
  const id = publishingId(number);
  const meter = virtualMeter(id, number, runtime.clock.now());
  const session = connectMqtt({ url, clientId: id, persistent: true, subscriptions: [topicFor(id, "cmd")] });
  const link = new WitnessedLink(session, witness);
  links.push(link);
  const offset = Math.floor((number / of) * interval);
  const face = new MqttFace(meter, { link: link.id, interval, offset, verify: verifyEd25519 }, runtime.clock.now());
  const host = runtime.host(face, undefined, { name: id });
  host.attach(link);
  hosts.push(host);
  await sleep((rampSeconds * 1_000) / count);
}
while (!stopping && links.some((link) => !link.open)) await sleep(50);
process.stdout.write("ready\n");

async function farewell(): Promise<void> {
  // No meter measures any more; what is on its way may still be acknowledged.
  for (const host of hosts) host.close();
  const end = performance.now() + FAREWELL_MS;
  while (performance.now() < end && links.some((link) => link.unacknowledged > 0)) await sleep(50);
  await runtime.close();
  witness.flush();
  process.exit(0);
}
