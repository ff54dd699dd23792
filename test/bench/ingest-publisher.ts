/**
 * `ingest-publisher.js PORT MESSAGES METERS WINDOW`: telemetry of METERS meters, 8 measures each, at QoS 1 with WINDOW
 * unacknowledged. Every packet is made before the first is sent, so that it is never the slow side. Prints `ready`, begins at
 * SIGUSR2, and prints its CPU as JSON when the broker has acknowledged all.
 */
import { connect } from "node:net";
import mqttPacket from "mqtt-packet";
import { encodeTelemetry } from "../../protocols/mqtt/message.ts";
import { topicFor } from "../../protocols/mqtt/topics.ts";
import { civil } from "../../src/core/time.ts";

const [port = 0, messages = 0, meters = 1, window = 100] = process.argv.slice(2).map(Number);
/** MQTT has 16 bits for the identifier of a packet. */
const IDENTIFIERS = 65_535;

const MINUTE = 60_000_000;

interface Prepared {
  readonly bytes: Buffer;
  /** Of the two bytes of its identifier. */
  readonly identifierAt: number;
}

/** A meter's registers as they grow from message to message; all values have the digits of real ones. */
function prepare(index: number, first: number): Prepared {
  const number = index % meters;
  const round = Math.floor(index / meters);
  const meter = `bench-${String(number).padStart(5, "0")}`;
  const payload = encodeTelemetry({
    ...{ meter, model: "meterworks-1p", sequence: round + 1, time: civil(first + round * MINUTE + number) },
    values: {
      activeEnergyImport: 12_345_678 + 19_000 * round + number,
      activeEnergyExport: 1_204 + round,
      reactiveEnergyImport: 4_321_987 + 7_000 * round,
      voltageL1: 229_000 + ((index * 37) % 3_000),
      currentL1: 4_912_000 + ((index * 101) % 90_000),
      activePower: 1_132_529 + ((index * 53) % 9_000),
      powerFactor: 984_808,
      frequency: 49_980 + (index % 40),
    },
  });
  const topic = topicFor(meter, "telemetry");
  const bytes = mqttPacket.generate({
    ...{ cmd: "publish", topic, payload: Buffer.from(payload), qos: 1, messageId: 1, dup: false, retain: false },
  });
  return { bytes, identifierAt: bytes.indexOf(topic) + topic.length };
}

/** What waited for a head-end that was away: a reading a minute of each meter, the last ones new. */
const first = Date.now() * 1_000 - Math.ceil(messages / meters) * MINUTE;
const prepared = Array.from({ length: messages }, (_, index) => prepare(index, first));
const socket = connect({ host: "127.0.0.1", port, noDelay: true });
const parser = mqttPacket.parser();
let sent = 0;
let acknowledged = 0;
let cpu = process.cpuUsage();

function pump(): void {
  socket.cork();
  while (sent < messages && sent - acknowledged < window) {
    const { bytes, identifierAt } = prepared[sent] as Prepared;
    bytes.writeUInt16BE(1 + (sent % IDENTIFIERS), identifierAt);
    socket.write(bytes);
    sent += 1;
  }
  socket.uncork();
}

parser.on("packet", (packet) => {
  if (packet.cmd === "connack") process.stdout.write("ready\n");
  else if (packet.cmd === "puback") acknowledged += 1;
});
socket.on("data", (chunk) => {
  parser.parse(chunk);
  if (acknowledged === messages) finish();
  else if (sent > 0) pump();
});
socket.on("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
process.once("SIGUSR2", () => {
  cpu = process.cpuUsage();
  pump();
});
socket.write(mqttPacket.generate({ cmd: "connect", protocolId: "MQTT", clientId: "bench-publisher", keepalive: 0 }));

function finish(): void {
  const { user, system } = process.cpuUsage(cpu);
  process.stdout.write(`${JSON.stringify({ cpuMicros: user + system })}\n`, () => process.exit(0));
}
