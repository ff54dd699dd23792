/** `write --protocol dlt645`: data (14H), address (15H), baud (17H), time (08H) and relay (1CH), each read back. */
import { Dlt645Client, type Dlt645Result } from "../../../protocols/dlt645/client.ts";
import { fieldsOf, instantOf, weekdayOf } from "../../../protocols/dlt645/clock.ts";
import { failureText } from "../../../protocols/dlt645/errors.ts";
import { ANY_METER, BROADCAST } from "../../../protocols/dlt645/frame.ts";
import { baudFeature, OPERATION } from "../../../protocols/dlt645/functions.ts";
import { type Identifier, identifier } from "../../../protocols/dlt645/identifier.ts";
import type { Credentials, Dlt645Request } from "../../../protocols/dlt645/message.ts";
import { bcdByte, toBcd } from "../../../protocols/dlt645/values.ts";
import { type Civil, civil, MICROS_PER_MS, MICROS_PER_SECOND, toIso } from "../../core/time.ts";
import type { Link } from "../../platform/link.ts";
import { type AskedClient, type Conversation, converse } from "../conversation.ts";
import { dlt645Line } from "../dlt645-options.ts";
import { failed, usage } from "../errors.ts";
import { openLine, showWire } from "../line.ts";
import type { CommandProcess } from "../process.ts";
import type { Wire } from "../wires.ts";
import type { Change, Plan } from "./change.ts";
import { isNear, shownClock } from "./clock.ts";
import { type DataWish, dataWish, holdsTable, showData } from "./dlt645-data.ts";
import { checkNames, type WriteFlags } from "./flags.ts";

interface Asked {
  readonly address: string;
  readonly request: Dlt645Request;
}

const DATE = identifier(0x0400_0101);
const TIME = identifier(0x0400_0102);
const STATUS_3 = identifier(0x0400_0503);
const RELAY_OPEN = 0x10;
/** How long an order of function 1C holds, by the meter's clock. */
const ORDER_LIFE = 10 * 60 * MICROS_PER_SECOND;
const ORDERS = { open: OPERATION.trip, close: OPERATION.close, "allow-close": OPERATION.allowClose } as const;
/** Levels that the standard names: 02 trips and closes, 04 writes. */
const LEVEL = { control: 0x02, write: 0x04 } as const;

export async function planDlt645(proc: CommandProcess, wire: Wire, flags: WriteFlags): Promise<Plan> {
  checkNames(flags.set, /^(address|baud|[0-9A-Fa-f]{8})$/, "address, baud, or an identifier such as 04000103");
  if (!/^\d{6}$/.test(flags.password ?? "000000"))
    throw usage("--password of DL/T 645 has 6 digits", "its level is --level");
  const wishes = wishesOf(flags);
  const newAddress = flags.set?.get("address");
  if (newAddress !== undefined && !/^\d{12}$/.test(newAddress))
    throw usage(`--set address="${newAddress}" is no address`, "give 12 digits");
  const baud = flags.set?.get("baud");
  if (baud !== undefined && baudFeature(Number(baud), "bits") === undefined)
    throw usage(`--set baud=${baud} is no rate of DL/T 645`, "600, 1200, 2400, 4800, 9600 or 19200");
  if (baud !== undefined && wire.kind !== "serial")
    throw usage("--set baud changes a serial line, and this end of it is not ours", "write it on --serial");
  const link = await openLine(proc, wire, { serial: dlt645Line(flags) });
  const meter = await Dlt645Writer.meet(proc, link, wire, flags);
  return meter.plan(wishes, newAddress, baud === undefined ? undefined : Number(baud));
}

function wishesOf({ set, table }: WriteFlags): readonly DataWish[] {
  const named = [...(set ?? [])].filter(([name]) => /^[0-9A-F]{8}$/i.test(name));
  const single = named.map(([name, value]) => dataWish(name, RAW_OR_LIST(value)));
  if (table === undefined) return single;
  if (typeof table !== "object" || table === null || Array.isArray(table))
    throw usage("--table of DL/T 645 is an object of identifiers", '{"04010001": [[1, "0000"], [2, "0800"]]}');
  const rows = Object.entries(table).map(([name, value]) => dataWish(name, [value].flat(3).map(String)));
  return [...single, ...rows];
}

const RAW_OR_LIST = (value: string): readonly string[] => value.split(",").map((field) => field.trim());

class Dlt645Writer {
  readonly #proc: CommandProcess;
  readonly #link: Link;
  readonly #wire: Wire;
  readonly #flags: WriteFlags;
  #talk: Conversation<Asked, Dlt645Result>;
  #baud: number;
  #address = ANY_METER;

  /** Finds out who is there. @throws CommandError (exit 1) where nobody answers, or another meter */
  static async meet(proc: CommandProcess, link: Link, wire: Wire, flags: WriteFlags): Promise<Dlt645Writer> {
    const writer = new Dlt645Writer(proc, link, wire, flags);
    const wanted = flags.address ?? ANY_METER;
    // Of several meters only the one that is named may answer; its number is then read by its own address.
    const request: Dlt645Request =
      wanted === ANY_METER ? { kind: "read-address" } : { kind: "read", identifier: identifier(0x0400_0401) };
    const met = await writer.#ask(request, wanted);
    if (!met.ok)
      throw failed(
        `${showWire(wire)}: meter ${wanted}: ${failureText(met.error)}`,
        "check --address, --baud and the line",
      );
    writer.#address = met.value.address;
    return writer;
  }

  private constructor(proc: CommandProcess, link: Link, wire: Wire, flags: WriteFlags) {
    this.#proc = proc;
    this.#link = link;
    this.#wire = wire;
    this.#flags = flags;
    this.#baud = dlt645Line(flags).baudRate;
    this.#talk = this.#open();
  }

  async plan(wishes: readonly DataWish[], address: string | undefined, baud: number | undefined): Promise<Plan> {
    const changes: Change[] = [];
    const warnings: string[] = [];
    for (const wish of wishes) changes.push(await this.#data(wish));
    const { clock, relay } = this.#flags;
    if (clock !== undefined) changes.push(await this.#clockChange(clock));
    if (relay !== undefined) changes.push(await this.#relayChange(relay));
    if (address !== undefined) {
      changes.push(this.#addressChange(address));
      warnings.push("an address (15H) is written to every meter on the line whose programming key is pressed");
    }
    if (baud !== undefined) changes.push(this.#baudChange(baud));
    if (this.#flags.broadcast) warnings.push("the time (08H) goes to every meter on the line");
    return { meter: `DL/T 645 meter ${this.#address} on ${showWire(this.#wire)}`, warnings, changes };
  }

  async #data({ identifier: id, what, data }: DataWish): Promise<Change> {
    const wanted = showData(id, data);
    const before = await this.#read(id);
    return {
      what,
      before: before === undefined ? null : showData(id, before),
      wanted,
      apply: () => this.#order({ kind: "write", identifier: id, credentials: this.#credentials(LEVEL.write), data }),
      readBack: async () => {
        const got = await this.#read(id);
        if (got === undefined) return null;
        return holdsTable(id, data, got) ? wanted : showData(id, got);
      },
    };
  }

  async #clockChange(wish: "now" | Civil): Promise<Change> {
    const before = await this.#clock();
    let target: Civil | undefined;
    return {
      what: "clock",
      before: before === undefined ? null : toIso(before),
      wanted: shownClock(wish),
      apply: async () => {
        target = wish === "now" ? this.#proc.clock.now().civil : wish;
        const time = fieldsOf(target, this.#zone);
        if (this.#flags.broadcast) return this.#order({ kind: "set-time", time }, BROADCAST);
        const credentials = this.#credentials(LEVEL.write);
        const date = [weekdayOf(target, this.#zone), time.day, time.month, time.year].map(toBcd);
        const clock = [time.second, time.minute, time.hour].map(toBcd);
        const first = { kind: "write", identifier: DATE, credentials, data: Uint8Array.from(date) } as const;
        const refused = await this.#order(first);
        return refused ?? this.#order({ kind: "write", identifier: TIME, credentials, data: Uint8Array.from(clock) });
      },
      readBack: async () => {
        const at = await this.#clock();
        return at === undefined ? null : toIso(at);
      },
      isDone: (now) => target !== undefined && isNear(now, target),
    };
  }

  async #relayChange(relay: keyof typeof ORDERS): Promise<Change> {
    let refused: string | undefined;
    return {
      what: "relay",
      before: await this.#relay(),
      wanted: relay === "open" ? "open" : "closed",
      apply: async () => {
        const at = await this.#clock();
        if (at === undefined) return "the meter's clock can't be read, by which an order ends";
        refused = await this.#order({
          kind: "control",
          credentials: this.#credentials(LEVEL.control),
          operation: ORDERS[relay],
          reserved: 0,
          until: fieldsOf(civil(at + ORDER_LIFE), this.#zone),
        });
        return refused;
      },
      readBack: () => this.#relay(),
      // With 1B the relay closes when somebody presses the meter's key: both states are what was asked for.
      isDone: (now) =>
        (relay === "allow-close" && refused === undefined) || now === (relay === "open" ? "open" : "closed"),
    };
  }

  #addressChange(address: string): Change {
    return {
      what: "address",
      before: this.#address,
      wanted: address,
      apply: async () => {
        const refused = await this.#order({ kind: "write-address", address }, ANY_METER);
        if (refused === undefined) this.#address = address;
        return refused === undefined ? undefined : `${refused}; is its programming key pressed?`;
      },
      readBack: async () => {
        const got = await this.#ask({ kind: "read", identifier: identifier(0x0400_0401) });
        return got.ok ? got.value.address : null;
      },
    };
  }

  #baudChange(baud: number): Change {
    const before = this.#baud;
    return {
      what: "baud",
      before: String(before),
      wanted: String(baud),
      apply: async () => {
        const feature = baudFeature(baud, this.#flags.dlt645?.baudCoding ?? "bits") as number;
        const refused = await this.#order({ kind: "change-baud", feature });
        if (refused === undefined) this.#goTo(baud);
        return refused;
      },
      readBack: async () => {
        if (await this.#answers()) return String(this.#baud);
        this.#goTo(before);
        return (await this.#answers()) ? String(before) : null;
      },
    };
  }

  async #answers(): Promise<boolean> {
    return (await this.#ask({ kind: "read", identifier: TIME })).ok;
  }

  #goTo(baud: number): void {
    this.#talk.close();
    this.#baud = baud;
    this.#link.setBaud(baud);
    this.#talk = this.#open();
  }

  get #zone(): number {
    return this.#flags.dlt645?.zone ?? 0;
  }

  #credentials(level: number): Credentials {
    const { password = "000000", operator } = this.#flags;
    return { password: { level: this.#flags.level ?? level, digits: password }, operator };
  }

  async #clock(): Promise<Civil | undefined> {
    const [date, time] = [await this.#read(DATE), await this.#read(TIME)];
    const [second, minute, hour] = [...(time ?? [])].map(bcdByte);
    const [, day, month, year] = [...(date ?? [])].map(bcdByte);
    if (second === undefined || minute === undefined || hour === undefined) return undefined;
    if (day === undefined || month === undefined || year === undefined) return undefined;
    return instantOf({ second, minute, hour, day, month, year }, this.#zone);
  }

  async #relay(): Promise<string | null> {
    const status = (await this.#read(STATUS_3))?.[0];
    if (status === undefined) return null;
    return (status & RELAY_OPEN) === 0 ? "closed" : "open";
  }

  async #read(id: Identifier): Promise<Uint8Array | undefined> {
    const got = await this.#ask({ kind: "read", identifier: id });
    return got.ok && got.value.reply.kind === "data" ? got.value.reply.data : undefined;
  }

  /** A write is sent once: whether one that nobody answered was carried out is seen when it is read back. */
  async #order(request: Dlt645Request, address = this.#address): Promise<string | undefined> {
    const got = await this.#talk.ask({ address, request });
    return got.ok ? undefined : failureText(got.error);
  }

  async #ask(request: Dlt645Request, address = this.#address): Promise<Dlt645Result> {
    for (let left = this.#flags.retries; ; left--) {
      const got = await this.#talk.ask({ address, request });
      if (got.ok || left === 0 || (got.error.kind !== "timeout" && got.error.kind !== "bad-reply")) return got;
    }
  }

  #open(): Conversation<Asked, Dlt645Result> {
    const { timeout } = this.#flags;
    const responseTimeout = timeout * MICROS_PER_MS;
    const client = new Dlt645Client({
      responseTimeout,
      ...(this.#wire.kind === "serial" ? { baud: this.#baud } : {}),
    });
    return converse(this.#proc, this.#link, asked(client), false);
  }
}

function asked(client: Dlt645Client): AskedClient<Asked, Dlt645Result> {
  return {
    submit: (ticket, { address, request }, mono) => client.submit(ticket, address, request, mono),
    receive: (bytes, mono) => client.receive(bytes, mono),
    wake: (mono) => client.wake(mono),
    nextWake: () => client.nextWake(),
    linkUp: (mono) => client.linkUp(mono),
    linkDown: (mono) => client.linkDown(mono),
  };
}
