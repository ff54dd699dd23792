/**
 * `client.js meterworks|raw|modbus-serial|jsmodbus PORT CONNECTIONS WARM_MS MEASURE_MS`: a client of the bench in a
 * process of its own. On each connection one request is outstanding; every reply's 60 values are checked. Prints
 * `measuring`, `measured` and one line of JSON, as the load generator in C does.
 */
import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import modbus from "jsmodbus";
import ModbusSerial from "modbus-serial";
import { openMeterworks } from "./meterworks-client.ts";
import { checkValues, REGISTERS } from "./pattern.ts";

const HOST = "127.0.0.1";
const UNIT = 1;

/** Asks once and resolves when the answer is here and right. */
type Ask = () => Promise<void>;

async function openRaw(port: number): Promise<Ask> {
  const socket = connect({ host: HOST, port, noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const request = Buffer.from([0, 0, 0, 0, 0, 6, UNIT, 3, 0, 0, 0, REGISTERS]);
  let answered: () => void = () => {};
  let transaction = 0;
  socket.on("data", (reply: Buffer) => {
    if (reply.length !== 9 + 2 * REGISTERS || reply.readUInt16BE(0) !== transaction) throw new Error("wrong reply");
    const values = new Array<number>(REGISTERS);
    for (let i = 0; i < REGISTERS; i++) values[i] = reply.readUInt16BE(9 + 2 * i);
    checkValues(values);
    answered();
  });
  return () =>
    new Promise((resolve) => {
      answered = resolve;
      transaction = (transaction + 1) & 0xffff;
      request.writeUInt16BE(transaction, 0);
      socket.write(request);
    });
}

async function openModbusSerial(port: number): Promise<Ask> {
  const client = new ModbusSerial.default();
  await client.connectTCP(HOST, { port });
  client.setID(UNIT);
  return async () => checkValues((await client.readHoldingRegisters(0, REGISTERS)).data);
}

async function openJsmodbus(port: number): Promise<Ask> {
  const socket = connect({ host: HOST, port, noDelay: true });
  const client = new modbus.client.TCP(socket, UNIT);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return async () => checkValues((await client.readHoldingRegisters(0, REGISTERS)).response.body.valuesAsArray);
}

const OPENERS = new Map<string, (port: number) => Promise<Ask>>([
  ["meterworks", openMeterworks],
  ["raw", openRaw],
  ["modbus-serial", openModbusSerial],
  ["jsmodbus", openJsmodbus],
]);

interface Progress {
  /** Replies are counted and timed only between `measuring` and `measured`. */
  phase: "warming" | "measuring" | "ending";
  readonly latencies: number[];
}

async function keepAsking(ask: Ask, progress: Progress): Promise<void> {
  while (progress.phase !== "ending") {
    const sent = performance.now();
    await ask();
    if (progress.phase === "measuring") progress.latencies.push((performance.now() - sent) * 1000);
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function main(): Promise<void> {
  const [kind = "", ...numbers] = process.argv.slice(2);
  const open = OPENERS.get(kind);
  const [port, connections, warmMs, measureMs] = numbers.map(Number);
  if (!open || port === undefined || connections === undefined || warmMs === undefined || measureMs === undefined) {
    process.stderr.write(`usage: client.js ${[...OPENERS.keys()].join("|")} PORT CONNECTIONS WARM_MS MEASURE_MS\n`);
    process.exit(2);
  }
  const asks = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const progress: Progress = { phase: "warming", latencies: [] };
  const workers = asks.map((ask) => keepAsking(ask, progress));
  const failed = Promise.race(workers.map((worker) => worker.then(() => new Promise<void>(() => {}))));
  await Promise.race([sleep(warmMs), failed]);
  const started = performance.now();
  const cpu = process.cpuUsage();
  progress.phase = "measuring";
  process.stdout.write("measuring\n");
  await Promise.race([sleep(measureMs), failed]);
  progress.phase = "ending";
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  process.stdout.write("measured\n");
  const sorted = progress.latencies.sort((a, b) => a - b);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(sorted, share));
  const result = { requests: sorted.length, seconds, cpuMicros: used.user + used.system, p50, p95, p99 };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

await main();
