/**
 * `rtu-client.js meterworks|modbus-serial PATH BAUD WARM POLLS`: a master of the bench in a process of its own, one poll of
 * 60 registers after the other, each checked; of the first WARM ones nothing is counted. Prints one line of JSON, as
 * `c/rtu-client.c` does.
 */
import ModbusSerial from "modbus-serial";
import { openMeterworksLine } from "./meterworks-line.ts";
import { checkValues, REGISTERS } from "./pattern.ts";

const UNIT = 1;

type Ask = () => Promise<void>;

async function openModbusSerial(path: string, baudRate: number): Promise<Ask> {
  const client = new ModbusSerial.default();
  await client.connectRTUBuffered(path, { baudRate });
  client.setID(UNIT);
  client.setTimeout(1_000);
  return async () => checkValues((await client.readHoldingRegisters(0, REGISTERS)).data);
}

const OPENERS = new Map<string, (path: string, baud: number) => Promise<Ask>>([
  ["meterworks", openMeterworksLine],
  ["modbus-serial", openModbusSerial],
]);

async function main(): Promise<void> {
  const [kind = "", path = "", ...numbers] = process.argv.slice(2);
  const open = OPENERS.get(kind);
  const [baud, warm, polls] = numbers.map(Number);
  if (open === undefined || baud === undefined || warm === undefined || polls === undefined) {
    process.stderr.write(`usage: rtu-client.js ${[...OPENERS.keys()].join("|")} PATH BAUD WARM POLLS\n`);
    process.exit(2);
  }
  const ask = await open(path, baud);
  const errorsIn = async (count: number) => {
    let errors = 0;
    for (let poll = 0; poll < count; poll++) {
      await ask().catch((error) => {
        errors += 1;
        process.stderr.write(`poll ${poll}: ${error instanceof Error ? error.message : error}\n`);
      });
    }
    return errors;
  };
  await errorsIn(warm);
  const cpu = process.cpuUsage();
  const errors = await errorsIn(polls);
  const used = process.cpuUsage(cpu);
  process.stdout.write(`${JSON.stringify({ polls, errors, cpuMicros: used.user + used.system })}\n`, () =>
    process.exit(0),
  );
}

await main();
