/**
 * Stand-ins for the world around a collector, made by hand: a Modbus meter at byte level with its own bitwise CRC, an MQTT
 * meter that speaks plain JSON, a store that can refuse. Nothing here uses the product's codecs.
 */

import type {
  AuditEntry,
  MeterId,
  MeterReading,
  Order,
  Posting,
  PrepaidAccount,
  RegisteredMeter,
  StoreBatch,
  StoredDocument,
  StoreSnapshot,
} from "../../headend/ports.ts";
import type { MeterModel } from "../../protocols/models/model.ts";

export const meterId = (id: string): MeterId => id as MeterId;

/** CRC-16/MODBUS bit by bit, as the specification's appendix describes it. */
export function crc16(bytes: readonly number[]): [low: number, high: number] {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return [crc & 0xff, crc >> 8];
}

const CONTROL = { unlock: 0x100, unlockSeconds: 60, mailbox: 0x110, outcome: 0x120, relayCoil: 7 };

/** V at 0 (uint32, mV), +A at 2 (uint32, Wh, six digits), clock at 4, and one far away so that a poll takes two requests. */
export const TEST_MODEL: MeterModel = {
  id: "test-1p",
  manufacturer: "test",
  name: "test",
  source: "made up for tests",
  phases: 1,
  plate: {
    un: 230,
    ist: 0.02,
    imin: 0.25,
    itr: 0.5,
    imax: 60,
    frequency: 50,
    activeClass: "1",
    reactiveClass: "2",
    impPerKwh: 1000,
    impPerKvarh: 1000,
    wiring: "1P2W",
    relayAmps: 60,
  },
  pfSign: "direction",
  polyphaseTotal: "net",
  modbus: {
    defaults: { unit: 1, baud: 9600, parity: "none", stopBits: 1 },
    wordOrder: "high-first",
    readLimit: 60,
    holes: "refuse",
    tables: "shared",
    registers: [
      { measure: "voltageL1", table: "holding", address: 0, encoding: "uint32", unit: "V", scale: -3 },
      { measure: "activeEnergyImport", table: "holding", address: 2, encoding: "uint32", unit: "Wh", digits: 6 },
      { measure: "clock", table: "holding", address: 4, encoding: "uint32", unit: "s" },
      { measure: "frequency", table: "holding", address: 0x40, encoding: "uint16", unit: "Hz", scale: -2 },
    ],
    control: CONTROL,
  },
  examples: [],
};

export const PLAIN_MODEL: MeterModel = (() => {
  const { control: _none, ...modbus } = TEST_MODEL.modbus;
  return { ...TEST_MODEL, id: "test-plain", plate: { ...TEST_MODEL.plate, relayAmps: null }, modbus };
})();

/** What a fake meter does with an order, whatever carries it. Ids are remembered before anything is done. */
class FakeDevice {
  energyWh = 1000;
  relay: 0 | 1 = 1;
  clock = 0;
  /** Ids in the order they were carried out: an id twice is a bug of the meter, an operation twice one of the head-end. */
  readonly done: { readonly id: bigint; readonly operation: number }[] = [];
  lastOrder = 0n;

  execute(id: bigint, operation: number, argument: number): void {
    this.lastOrder = id;
    if (this.done.some((order) => order.id === id)) return;
    this.done.push({ id, operation });
    if (operation === 1) this.relay = 0;
    if (operation === 2) this.relay = 1;
    if (operation === 3) this.clock = argument;
  }
}

/** A unit on an RTU line. */
export class FakeModbusMeter {
  readonly device = new FakeDevice();
  readonly unit: number;
  /** Requests that reached it, by function. */
  readonly requests: number[] = [];
  silent = false;
  /** Called before a reply leaves: a false loses it after the request was carried out. */
  replies: (code: number, address: number) => boolean = () => true;
  /** Called before a request is carried out: an exception code refuses it. */
  refuses: (code: number, address: number) => number | undefined = () => undefined;
  password = 1234;
  unlocked = false;

  constructor(unit: number) {
    this.unit = unit;
  }

  /** Takes a whole request frame; gives a whole reply frame or silence. */
  answer(frame: Uint8Array): number[] | undefined {
    const bytes = [...frame];
    const [low, high] = crc16(bytes.slice(0, -2));
    if (bytes.at(-2) !== low || bytes.at(-1) !== high || bytes[0] !== this.unit) return undefined;
    const code = bytes[1] as number;
    const address = (bytes[2] as number) * 256 + (bytes[3] as number);
    this.requests.push(code);
    if (this.silent) return undefined;
    const refusal = this.refuses(code, address);
    const pdu = refusal === undefined ? this.#carryOut(code, address, bytes) : [code | 0x80, refusal];
    if (!this.replies(code, address)) return undefined;
    const adu = [this.unit, ...pdu];
    return [...adu, ...crc16(adu)];
  }

  #carryOut(code: number, address: number, bytes: number[]): number[] {
    const quantity = (bytes[4] as number) * 256 + (bytes[5] as number);
    if (code === 1) return [1, 1, this.device.relay];
    if (code === 3) {
      const data = Array.from({ length: quantity }, (_, i) => this.#register(address + i)).flatMap((w) => [
        w >> 8,
        w & 255,
      ]);
      return [3, data.length, ...data];
    }
    const words = Uint8Array.from(bytes.slice(7, -2));
    const view = new DataView(words.buffer);
    if (address === CONTROL.unlock) {
      this.unlocked = view.getUint32(0) === this.password;
      if (!this.unlocked) return [0x90, 3];
    } else {
      if (!this.unlocked) return [0x90, 4];
      this.device.execute(view.getBigUint64(0), view.getUint16(8), Number(view.getBigInt64(10)));
    }
    return [16, ...bytes.slice(2, 6)];
  }

  #register(address: number): number {
    const volts = 230_100;
    const wh = this.device.energyWh % 1_000_000;
    const id = this.device.lastOrder;
    const map: Record<number, number> = {
      0: volts >> 16,
      1: volts & 0xffff,
      2: wh >> 16,
      3: wh & 0xffff,
      4: Math.floor(this.device.clock / 65_536),
      5: this.device.clock % 65_536,
      64: 5000,
      [CONTROL.outcome]: Number(id >> 48n),
      [CONTROL.outcome + 1]: Number((id >> 32n) & 0xffffn),
      [CONTROL.outcome + 2]: Number((id >> 16n) & 0xffffn),
      [CONTROL.outcome + 3]: Number(id & 0xffffn),
      [CONTROL.outcome + 4]: id === 0n ? 0 : 1,
      [CONTROL.outcome + 5]: this.device.relay,
    };
    return map[address] ?? 0;
  }
}

const OPERATIONS: Record<string, number> = { "relay-open": 1, "relay-close": 2, "clock-set": 3 };

/** A meter on MQTT, in hand-made JSON. */
export class FakeMqttMeter {
  readonly device = new FakeDevice();
  readonly id: string;
  model = "test-1p";
  sequence = 0;
  /** Loses the answer to a command after it was carried out. */
  answers: (kind: string) => boolean = () => true;

  constructor(id: string) {
    this.id = id;
  }

  telemetry(isoTime: string): string {
    this.sequence += 1;
    return JSON.stringify({
      version: 1,
      meter: this.id,
      model: this.model,
      sequence: this.sequence,
      time: isoTime,
      values: { "1-0:32.7.0": "230.1", "1-0:1.8.0": (this.device.energyWh / 1000).toFixed(3) },
    });
  }

  /** The answer to a command, as JSON, or nothing. */
  command(payload: string, isoTime: string): string | undefined {
    const command = JSON.parse(payload);
    const from = { version: 1, meter: this.id, time: isoTime };
    if (command.kind === "query") {
      if (!this.answers("state")) return undefined;
      return JSON.stringify({ ...from, kind: "state", query: command.id, relay: this.device.relay, values: {} });
    }
    this.device.execute(BigInt(command.id), OPERATIONS[command.operation] as number, command.argument);
    if (!this.answers("outcome")) return undefined;
    return JSON.stringify({ ...from, kind: "outcome", id: command.id, status: "done", relay: this.device.relay });
  }
}

const END_STATES = ["done", "failed", "expired", "refused"];

/** A store in memory with the promises of the real one: whole batches, first reading stays, keys are unique. */
export class FakeStore {
  readonly readings = new Map<string, MeterReading>();
  readonly orders = new Map<number, Order>();
  readonly accounts = new Map<string, PrepaidAccount>();
  readonly postings = new Map<string, Posting>();
  readonly audit: AuditEntry[] = [];
  readonly meters = new Map<string, RegisteredMeter>();
  readonly documents = new Map<string, StoredDocument>();
  batches = 0;
  /** A reason refuses the batch. */
  refuses: (batch: StoreBatch) => string | undefined = () => undefined;

  commit(batch: StoreBatch): string | undefined {
    this.batches += 1;
    const refusal = this.refuses(batch) ?? this.#conflict(batch);
    if (refusal !== undefined) return refusal;
    for (const record of batch) {
      if (record.kind === "reading") {
        const key = `${record.reading.meter} ${record.reading.time}`;
        if (!this.readings.has(key)) this.readings.set(key, record.reading);
      } else if (record.kind === "order") this.orders.set(record.order.id, record.order);
      else if (record.kind === "account") this.accounts.set(record.account.meter, record.account);
      else if (record.kind === "posting") this.postings.set(record.posting.key, record.posting);
      else if (record.kind === "audit") this.audit.push(record.entry);
      else if (record.kind === "meter") this.meters.set(record.meter.id, record.meter);
      else this.documents.set(`${record.document.collection} ${record.document.key}`, record.document);
    }
    return undefined;
  }

  #conflict(batch: StoreBatch): string | undefined {
    const keys = new Map([...this.orders.values()].map((order) => [order.key, order.id as number]));
    for (const record of batch) {
      if (record.kind === "posting" && this.postings.has(record.posting.key)) return "posting key used twice";
      if (record.kind !== "order") continue;
      if ((keys.get(record.order.key) ?? record.order.id) !== record.order.id) return "order key used twice";
      keys.set(record.order.key, record.order.id);
    }
    return undefined;
  }

  readingsOf(meter: string): MeterReading[] {
    return [...this.readings.values()].filter((r) => r.meter === meter).sort((a, b) => a.time - b.time);
  }

  snapshot(): StoreSnapshot {
    const orders = [...this.orders.values()];
    const newest = (readings: MeterReading[]) => [...new Map(readings.map((r) => [r.meter, r])).values()];
    const byTime = [...this.readings.values()].sort((a, b) => a.time - b.time);
    return {
      meters: [...this.meters.values()],
      accounts: [...this.accounts.values()],
      openOrders: orders.filter((order) => !END_STATES.includes(order.state)),
      lastOrder: Math.max(0, ...orders.map((order) => order.id)),
      latest: newest(byTime),
      latestGood: newest(byTime.filter((r) => r.quality === "good")),
      recentOrders: orders.filter((order) => END_STATES.includes(order.state)),
      recentTopups: [...this.postings.values()].filter((posting) => posting.kind === "topup"),
      documents: [...this.documents.values()].filter(({ live }) => live),
    };
  }
}
