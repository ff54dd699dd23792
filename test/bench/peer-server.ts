/** `peer-server.js raw|modbus-serial|jsmodbus PORT`: a server of the bench in a process of its own. Prints `ready`. */
import { createServer } from "node:net";
import modbus from "jsmodbus";
import { ServerTCP } from "modbus-serial";
import { patternBytes, REGISTERS, registerValue } from "./pattern.ts";

const HOST = "127.0.0.1";

/**
 * The floor: for each chunk the reply of 129 bytes with the transaction id copied, and nothing parsed. It takes the
 * load generator at its word that a connection has one request outstanding, so one buffer per connection is enough.
 */
function serveRaw(port: number, ready: () => void): void {
  const pattern = patternBytes();
  const header = Uint8Array.of(0, 0, 0, 0, 0, 3 + pattern.length, 1, 3, pattern.length);
  createServer({ noDelay: true }, (socket) => {
    const reply = Buffer.concat([header, pattern]);
    socket.on("data", (request: Buffer) => {
      reply[0] = request[0] ?? 0;
      reply[1] = request[1] ?? 0;
      socket.write(reply);
    });
    socket.on("error", () => socket.destroy());
  }).listen(port, HOST, ready);
}

function serveModbusSerial(port: number, ready: () => void): void {
  const values = Array.from({ length: REGISTERS }, (_, i) => registerValue(i));
  // The handler for several registers is the faster of the two that the library offers.
  const server = new ServerTCP(
    { getMultipleHoldingRegisters: (address: number, length: number) => values.slice(address, address + length) },
    { host: HOST, port, unitID: 1 },
  );
  server.on("initialized", ready);
}

function serveJsmodbus(port: number, ready: () => void): void {
  const listener = createServer({ noDelay: true });
  new modbus.server.TCP(listener, { holding: Buffer.from(patternBytes()) });
  listener.listen(port, HOST, ready);
}

const SERVERS = new Map([
  ["raw", serveRaw],
  ["modbus-serial", serveModbusSerial],
  ["jsmodbus", serveJsmodbus],
]);

const [kind = "", port = ""] = process.argv.slice(2);
const serve = SERVERS.get(kind);
if (serve === undefined || !/^\d+$/.test(port)) {
  process.stderr.write(`usage: peer-server.js ${[...SERVERS.keys()].join("|")} PORT\n`);
  process.exit(2);
}
serve(Number(port), () => process.stdout.write("ready\n"));
