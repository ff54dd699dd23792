/**
 * `ingest-peer.js mqtt.js|raw PORT WARM MESSAGES`: a subscriber that acknowledges at once and stores nothing; `raw` is net and
 * mqtt-packet alone, the floor. Prints `ready`, and at the last message, as JSON, ms from message WARM to message MESSAGES.
 */
import { connect as connectSocket } from "node:net";
import { connect } from "mqtt";
import mqttPacket from "mqtt-packet";

const [kind = "", ...numbers] = process.argv.slice(2);
const [port = 0, warm = 0, messages = 0] = numbers.map(Number);
const TOPIC = "meters/+/telemetry";
const CLIENT_ID = "bench-peer";
let received = 0;
let warmAt = 0;

function take(): void {
  received += 1;
  if (received === warm) {
    warmAt = performance.now();
    process.stdout.write("warm\n");
  }
  if (received === messages) process.stdout.write(`${JSON.stringify({ ms: performance.now() - warmAt })}\n`);
}

const ready = (): void => {
  process.stdout.write("ready\n");
};

function subscribeMqttJs(): void {
  const client = connect(`mqtt://127.0.0.1:${port}`, { clientId: CLIENT_ID, clean: false, keepalive: 0 });
  client.on("message", take);
  client.once("connect", () => {
    client.subscribe(TOPIC, { qos: 1 }, (error) => {
      if (error !== null) throw error;
      ready();
    });
  });
}

function subscribeRaw(): void {
  const socket = connectSocket({ host: "127.0.0.1", port, noDelay: true });
  const parser = mqttPacket.parser();
  parser.on("packet", (packet) => {
    if (packet.cmd === "publish") {
      take();
      mqttPacket.writeToStream({ cmd: "puback", messageId: packet.messageId ?? 0 }, socket);
    } else if (packet.cmd === "connack") {
      const subscriptions = [{ topic: TOPIC, qos: 1 as const }];
      mqttPacket.writeToStream({ cmd: "subscribe", messageId: 1, subscriptions }, socket);
    } else if (packet.cmd === "suback") ready();
  });
  socket.on("data", (chunk) => {
    socket.cork();
    parser.parse(chunk);
    socket.uncork();
  });
  socket.write(
    mqttPacket.generate({ cmd: "connect", protocolId: "MQTT", clientId: CLIENT_ID, clean: false, keepalive: 0 }),
  );
}

if (kind === "raw") subscribeRaw();
else subscribeMqttJs();
