/**
 * `ingest-peer.js PORT WARM MESSAGES`: an mqtt.js subscriber that acknowledges at once and stores nothing. Prints `ready`,
 * and at the last message, as JSON, ms from message WARM to message MESSAGES.
 */
import { connect } from "mqtt";

const [port = 0, warm = 0, messages = 0] = process.argv.slice(2).map(Number);
const client = connect(`mqtt://127.0.0.1:${port}`, { clientId: "bench-peer", clean: false, keepalive: 0 });
let received = 0;
let bytes = 0;
let warmAt = 0;
client.on("message", (_topic, payload) => {
  received += 1;
  bytes += payload.length;
  if (received === warm) warmAt = performance.now();
  if (received !== messages) return;
  process.stdout.write(`${JSON.stringify({ ms: performance.now() - warmAt, bytes })}\n`);
});
client.once("connect", () => {
  client.subscribe("meters/+/telemetry", { qos: 1 }, (error) => {
    if (error !== null) throw error;
    process.stdout.write("ready\n");
  });
});
