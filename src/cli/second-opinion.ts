/** The registers of a reading once more, through modbus-serial, a Modbus stack that others wrote: do both agree? */
import ModbusSerial from "modbus-serial";
import { decodeBlock, planReads, type ReadBlock } from "../../headend/schedule/poll-plan.ts";
import { type MeterModel, type ModbusMap, type RegisterEntry, registerCount } from "../../protocols/models/model.ts";
import { decodeValue } from "../../protocols/models/registers.ts";
import { type MeasureKey, type MeasureValues, measure } from "../core/measures.ts";
import { MICROS_PER_SECOND } from "../core/time.ts";
import { errorText } from "../platform/errors.ts";
import type { LineOptions } from "./line.ts";
import type { JudgedBlock } from "./read-output.ts";
import type { Spoken } from "./wires.ts";

export interface BlockOpinion {
  readonly block: ReadBlock;
  /** As the other stack read them; undefined where it could not. */
  readonly values: MeasureValues | undefined;
  readonly error: string | undefined;
}

export interface AskedOnce {
  readonly model: MeterModel;
  readonly unit: number;
  readonly serial: LineOptions["serial"];
  /** Milliseconds. */
  readonly timeout: number;
  readonly measures: readonly MeasureKey[] | undefined;
}

/** Reads every block that our reader reads. The line must be free: a serial port has one user. */
export async function secondOpinion(spoken: Spoken, asked: AskedOnce): Promise<readonly BlockOpinion[]> {
  const { modbus } = asked.model;
  const blocks = planReads(modbus, asked.measures);
  const client = new ModbusSerial.default();
  // A port that fails later tells it by an event, which nobody else takes.
  client.on("error", () => {});
  try {
    await connect(client, spoken, asked.serial);
  } catch (error) {
    return blocks.map((block) => ({ block, values: undefined, error: errorText(error) }));
  }
  client.setID(asked.unit);
  client.setTimeout(asked.timeout);
  const opinions: BlockOpinion[] = [];
  for (const block of blocks) opinions.push(await readBlock(client, modbus, block));
  await new Promise<void>((resolve) => client.close(() => resolve()));
  return opinions;
}

type Client = InstanceType<typeof ModbusSerial.default>;

async function connect(client: Client, { protocol, wire }: Spoken, serial: LineOptions["serial"]): Promise<void> {
  if (wire.kind === "tcp") return client.connectTCP(wire.at.host, { port: wire.at.port });
  if (wire.kind !== "serial") throw new Error(`no second opinion on a ${wire.kind} wire`);
  const { baudRate, parity, dataBits, stopBits } = serial;
  const options = { baudRate, parity, dataBits, stopBits };
  return protocol === "modbus-ascii"
    ? client.connectAsciiSerial(wire.path, options)
    : client.connectRTUBuffered(wire.path, options);
}

async function readBlock(client: Client, map: ModbusMap, block: ReadBlock): Promise<BlockOpinion> {
  const { function: code, address, quantity } = block;
  try {
    const { buffer } =
      code === 3
        ? await client.readHoldingRegisters(address, quantity)
        : await client.readInputRegisters(address, quantity);
    if (buffer.length !== 2 * quantity)
      return { block, values: undefined, error: `${buffer.length} bytes for ${quantity} registers` };
    return { block, values: decodeBlock(map, block, buffer), error: undefined };
  } catch (error) {
    return { block, values: undefined, error: errorText(error) };
  }
}

/** What a live value may move between two readings: a share of it, and this much of its unit in any case. */
const LIVE_SHARE = 0.05;
const LIVE_FLOOR: Readonly<Record<string, number>> = { V: 1, A: 0.1, W: 20, var: 20, VA: 20, Hz: 0.1, deg: 5, "%": 2 };
const FLOOR_OF_RATIO = 0.1;
/** Meters book energy in steps of up to a second, µs: one may lie between two readings however short apart. */
const BOOKED_EVERY = MICROS_PER_SECOND;

/**
 * Whether two readings of one register can be the same meter's. Energies: within one step of the register and what the load
 * adds meanwhile. Live values: within 5 % and a floor. States: the same; a clock may have gone on.
 * @param apart µs between the two readings, at most
 * @param load the largest apparent power, VA
 */
export function agrees(
  entry: RegisterEntry,
  map: ModbusMap,
  first: number | null,
  second: number | null,
  { apart, load }: { readonly apart: number; readonly load: number },
): boolean {
  if (first === null || second === null) return first === second;
  const m = measure(entry.measure);
  const distance = Math.abs(second - first);
  if (m.key === "clock") return distance <= 1 + apart / MICROS_PER_SECOND;
  if (m.kind === "status") return distance === 0;
  const scale = 10 ** m.decimals;
  if (m.kind === "energy") {
    const added = (load * scale * (apart + BOOKED_EVERY)) / (3600 * MICROS_PER_SECOND);
    return distance <= stepOf(entry, map, first) + 1.2 * added + 1;
  }
  return distance <= LIVE_SHARE * Math.abs(first) + (LIVE_FLOOR[m.unit] ?? FLOOR_OF_RATIO) * scale;
}

/** What one more in the register is worth, as the measure counts; of a float, its last digit. */
function stepOf(entry: RegisterEntry, map: ModbusMap, value: number): number {
  if (entry.encoding.startsWith("float")) return Math.abs(value) * 2 ** -23;
  const raw = new Uint8Array(8);
  raw[map.wordOrder === "low-first" ? 1 : 2 * registerCount(entry.encoding) - 1] = 1;
  return Math.abs(decodeValue(entry, map.wordOrder, raw, 0) ?? 0);
}

/** @param apart µs between the two readings, at most */
export function judged(
  first: MeasureValues,
  opinions: readonly BlockOpinion[],
  map: ModbusMap,
  apart: number,
): readonly JudgedBlock[] {
  const meanwhile = { apart, load: loadOf(first) };
  return opinions.map(({ block, values, error }) => ({
    block,
    error,
    rows: (error === undefined ? block.entries : []).map(({ entry }) => {
      const [a, b] = [first[entry.measure] ?? null, values?.[entry.measure] ?? null];
      return { measure: entry.measure, first: a, second: b, agrees: agrees(entry, map, a, b, meanwhile) };
    }),
  }));
}

/** VA; where a meter has no total, its phases are added up. */
function loadOf(values: MeasureValues): number {
  const thousandth = (value: number | null | undefined) => Math.abs(value ?? 0) / 1_000;
  const phases = ([1, 2, 3] as const).reduce(
    (sum, p) => sum + thousandth(values[`voltageL${p}`]) * (thousandth(values[`currentL${p}`]) / 1_000),
    0,
  );
  return Math.max(thousandth(values.apparentPower), thousandth(values.activePower), phases);
}
