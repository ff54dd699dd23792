/** `write` over Modbus: clock and relay of native models by order, and registers of any meter, each read back. */

import { ModbusClient, type ModbusClientOptions } from "../../../protocols/modbus/client.ts";
import { failureText, type ModbusFailure } from "../../../protocols/modbus/errors.ts";
import type { ModbusReply, ModbusRequest } from "../../../protocols/modbus/message.ts";
import { rtuTiming } from "../../../protocols/modbus/timing.ts";
import {
  type LineRegister,
  type MeterModel,
  type ModbusControl,
  registerCount,
} from "../../../protocols/models/model.ts";
import { decodeValue } from "../../../protocols/models/registers.ts";
import { ORDER_OPERATIONS, ORDER_STATUSES, type OrderOperation } from "../../../protocols/orders.ts";
import type { Result } from "../../core/result.ts";
import { civil, MICROS_PER_MS, MICROS_PER_SECOND, toIso } from "../../core/time.ts";
import type { Link } from "../../platform/link.ts";
import { type Conversation, converse } from "../conversation.ts";
import { failed, usage } from "../errors.ts";
import { openLine, showWire } from "../line.ts";
import { loadModel } from "../models.ts";
import type { CommandProcess } from "../process.ts";
import { integer } from "../values.ts";
import { framingOf, type Spoken, serialSettings } from "../wires.ts";
import type { Change, Plan } from "./change.ts";
import { isNear, shownClock } from "./clock.ts";
import { type ClockWish, checkNames, type WriteFlags } from "./flags.ts";
import { type RegisterWish, registerWish, registerWishes, showRegisters } from "./registers.ts";

type ModbusResult = Result<ModbusReply, ModbusFailure>;
interface Asked {
  readonly unit: number;
  readonly request: ModbusRequest;
}

const OUTCOME_REGISTERS = 6;
/** An order is done while its mailbox is written; a meter that is slow shows its outcome later. */
const OUTCOME_READS = 10;
const OUTCOME_PAUSE_MS = 100;
const RELAY = { open: "relay-open", close: "relay-close" } as const;

export async function planModbus(proc: CommandProcess, spoken: Spoken, flags: WriteFlags): Promise<Plan> {
  if (flags.model === undefined)
    throw usage("required option '--model <ID|FILE>' not specified", "`meterworks models` lists those it knows");
  const model = loadModel(flags.model);
  checkNames(flags.set, model.modbus.line === undefined ? /^$/ : /^(unit|baud)$/, namesOf(model));
  const wanted = lineWishes(model, flags.set);
  if (flags.relay === "allow-close")
    throw usage("--relay allow-close is an order of DL/T 645", "give open or close, or --protocol dlt645");
  if ((flags.clock ?? flags.relay) !== undefined && model.modbus.control === undefined)
    throw usage(`${model.id} takes neither clock nor relay over Modbus, as far as its model says`, "leave them out");
  const password = integer("--password", 0, 0xffff_ffff)(flags.password ?? "0");
  const registers = flags.table === undefined ? [] : registerWishes(flags.table, model.modbus.wordOrder);
  const settings = serialSettings(flags, model, spoken.protocol);
  const link = await openLine(proc, spoken.wire, { serial: settings });
  const responseTimeout = flags.timeout * MICROS_PER_MS;
  const options: ModbusClientOptions =
    spoken.protocol === "modbus-tcp"
      ? { framing: "tcp", responseTimeout }
      : { ...framingOf(settings), responseTimeout, ...(flags.echo ? { echo: true } : {}) };
  const unit = flags.unit ?? model.modbus.defaults.unit;
  const writer = new ModbusWriter(proc, link, { model, unit, password, options, retries: flags.retries });
  const changes = [...(await writer.plan(registers, flags)), ...(await writer.line(wanted))];
  return { meter: `${model.id}, unit ${unit} on ${showWire(spoken.wire)}`, warnings: [], changes };
}

interface LineWish {
  readonly name: "unit" | "baud";
  readonly register: LineRegister;
  /** As on the wire. */
  readonly value: number;
  /** The number on the wire for people. */
  readonly shown: (raw: string) => string;
}

function namesOf({ id, modbus }: MeterModel): string {
  return modbus.line === undefined
    ? `nothing by --set: the model of ${id} names no such registers; --table writes registers`
    : "unit and baud";
}

/** The unit first, then the rate: each is read back before the next is tried. */
function lineWishes({ modbus: { line } }: MeterModel, set: WriteFlags["set"]): readonly LineWish[] {
  const wishes: LineWish[] = [];
  const [unit, baud] = [set?.get("unit"), set?.get("baud")];
  if (line !== undefined && unit !== undefined) {
    const value = integer("--set unit", 1, 247)(unit);
    wishes.push({ name: "unit", register: line.unit, value, shown: (raw) => raw });
  }
  if (line !== undefined && baud !== undefined) {
    const { rates } = line.baud;
    const code = Object.keys(rates).find((known) => String(rates[known]) === baud);
    if (code === undefined)
      throw usage(`--set baud=${baud} is no rate of this model`, `one of: ${Object.values(rates).join(", ")}`);
    const shown = (raw: string) => String(rates[raw] ?? `code ${raw}`);
    wishes.push({ name: "baud", register: line.baud, value: Number(code), shown });
  }
  return wishes;
}

function atRate(options: ModbusClientOptions, baud: number): ModbusClientOptions {
  if (options.framing === "tcp") return options;
  if (options.framing === "ascii") return { ...options, timing: { ...options.timing, baud } };
  return { ...options, timing: rtuTiming(baud, options.timing) };
}

interface Target {
  readonly model: MeterModel;
  readonly unit: number;
  readonly password: number;
  readonly options: ModbusClientOptions;
  readonly retries: number;
}

class ModbusWriter {
  readonly #proc: CommandProcess;
  readonly #target: Target;
  readonly #link: Link;
  #talk: Conversation<Asked, ModbusResult>;
  #unit: number;
  /** Of this end of a serial line; 0 over Modbus TCP. */
  #baud: number;
  #lastOrder = 0;

  constructor(proc: CommandProcess, link: Link, target: Target) {
    this.#proc = proc;
    this.#link = link;
    this.#target = target;
    this.#unit = target.unit;
    this.#baud = target.options.framing === "tcp" ? 0 : target.options.timing.baud;
    this.#talk = this.#open();
  }

  #open(): Conversation<Asked, ModbusResult> {
    const { options } = this.#target;
    const client = new ModbusClient(atRate(options, this.#baud));
    return converse(
      this.#proc,
      this.#link,
      {
        submit: (ticket, { unit, request }: Asked, mono) => client.submit(ticket, unit, request, mono),
        receive: (bytes, mono) => client.receive(bytes, mono),
        wake: (mono) => client.wake(mono),
        nextWake: () => client.nextWake(),
        linkUp: (mono) => client.linkUp(mono),
        linkDown: (mono) => client.linkDown(mono),
      },
      options.framing === "rtu",
    );
  }

  async plan(registers: readonly RegisterWish[], flags: WriteFlags): Promise<readonly Change[]> {
    const changes: Change[] = [];
    for (const wish of registers) changes.push(await this.#registers(wish));
    const { control } = this.#target.model.modbus;
    if (control !== undefined && flags.clock !== undefined) changes.push(await this.#clockChange(control, flags.clock));
    if (control !== undefined && (flags.relay === "open" || flags.relay === "close"))
      changes.push(await this.#relayChange(control, flags.relay));
    return changes;
  }

  /** Unit and rate of the meter's line: what is written holds from the reply on, and is read back there. */
  async line(wishes: readonly LineWish[]): Promise<readonly Change[]> {
    const changes: Change[] = [];
    for (const wish of wishes) changes.push(await this.#lineChange(wish));
    return changes;
  }

  async #lineChange({ name, register, value, shown }: LineWish): Promise<Change> {
    const wish = registerWish(register.address, register.encoding, value, this.#target.model.modbus.wordOrder);
    const read = async () => {
      const quantity = registerCount(register.encoding);
      const got = await this.#ask({ function: 3, address: register.address, quantity });
      return got.ok ? shown(showRegisters(wish, got.value.data)) : null;
    };
    const before = await read();
    const [unit, baud] = [this.#unit, this.#baud];
    const wanted = shown(String(value));
    return {
      what: name,
      before,
      wanted,
      apply: async () => {
        const { control } = this.#target.model.modbus;
        const locked = control === undefined ? undefined : await this.#unlock(control);
        const refused = locked ?? (await this.#order({ function: 16, address: register.address, words: wish.words }));
        if (refused !== undefined) return refused;
        if (name === "unit") this.#unit = Number(wanted);
        else this.#goTo(Number(wanted));
        return undefined;
      },
      readBack: async () => {
        const now = await read();
        if (now !== null) return now;
        // It may have stayed where it was.
        this.#unit = unit;
        this.#goTo(baud);
        return read();
      },
    };
  }

  /** Over TCP there is no rate at this end: the meter's own line has it. */
  #goTo(baud: number): void {
    const { options } = this.#target;
    if (options.framing === "tcp" || baud === this.#baud) return;
    this.#baud = baud;
    this.#talk.close();
    this.#link.setBaud(baud);
    this.#talk = this.#open();
  }

  async #registers(wish: RegisterWish): Promise<Change> {
    const { address, words } = wish;
    const read = async () => {
      const got = await this.#ask({ function: 3, address, quantity: words.length / 2 });
      return got.ok ? showRegisters(wish, got.value.data) : null;
    };
    return {
      what: wish.what,
      before: await read(),
      wanted: showRegisters(wish, words),
      apply: () => this.#order({ function: 16, address, words }),
      readBack: read,
    };
  }

  async #clockChange(control: ModbusControl, wish: ClockWish): Promise<Change> {
    const entry = this.#target.model.modbus.registers.find((register) => register.measure === "clock");
    if (entry === undefined) throw usage(`${this.#target.model.id} shows no clock over Modbus`, "leave --clock out");
    const read = async () => {
      const quantity = registerCount(entry.encoding);
      const got = await this.#ask({ function: entry.table === "holding" ? 3 : 4, address: entry.address, quantity });
      if (!got.ok) return null;
      const seconds = decodeValue(entry, this.#target.model.modbus.wordOrder, got.value.data, 0);
      return typeof seconds === "number" ? toIso(civil(seconds * MICROS_PER_SECOND)) : null;
    };
    let target = civil(0);
    return {
      what: "clock",
      before: this.#reached(await read()),
      wanted: shownClock(wish),
      apply: async () => {
        target = wish === "now" ? this.#proc.clock.now().civil : wish;
        return this.#execute(control, "clock-set", Math.round(target / MICROS_PER_SECOND));
      },
      readBack: read,
      isDone: (now) => isNear(now, target),
    };
  }

  async #relayChange(control: ModbusControl, relay: keyof typeof RELAY): Promise<Change> {
    const read = async () => {
      const got = await this.#ask({ function: 1, address: control.relayCoil, quantity: 1 });
      return got.ok ? (((got.value.data[0] as number) & 1) === 1 ? "closed" : "open") : null;
    };
    return {
      what: "relay",
      before: this.#reached(await read()),
      wanted: relay === "open" ? "open" : "closed",
      apply: () => this.#execute(control, RELAY[relay], 0),
      readBack: read,
    };
  }

  /** A native model that does not tell its clock or relay is not there, or another model. */
  #reached(before: string | null): string {
    if (before !== null) return before;
    throw failed(`unit ${this.#target.unit} does not answer as a ${this.#target.model.id}`, "check --unit and --model");
  }

  /** Password, order, outcome; the id is new, so that the meter takes it for no repetition. */
  async #execute(control: ModbusControl, operation: OrderOperation, argument: number): Promise<string | undefined> {
    const locked = await this.#unlock(control);
    if (locked !== undefined) return locked;
    this.#lastOrder = Math.max(this.#lastOrder + 1, this.#proc.clock.now().civil);
    const mailbox = new Uint8Array(18);
    const view = new DataView(mailbox.buffer);
    view.setBigUint64(0, BigInt(this.#lastOrder));
    view.setUint16(8, ORDER_OPERATIONS[operation]);
    view.setBigInt64(10, BigInt(argument));
    const refused = await this.#order({ function: 16, address: control.mailbox, words: mailbox });
    return refused ?? this.#outcome(control);
  }

  async #unlock(control: ModbusControl): Promise<string | undefined> {
    const password = new Uint8Array(4);
    new DataView(password.buffer).setUint32(0, this.#target.password);
    const refused = await this.#order({ function: 16, address: control.unlock, words: password });
    return refused === undefined ? undefined : `the password is not taken: ${refused}`;
  }

  async #outcome(control: ModbusControl): Promise<string | undefined> {
    for (let i = 0; i < OUTCOME_READS; i++) {
      const got = await this.#ask({ function: 3, address: control.outcome, quantity: OUTCOME_REGISTERS });
      if (!got.ok) return failureText(got.error);
      const view = new DataView(got.value.data.buffer, got.value.data.byteOffset, got.value.data.length);
      if (view.getBigUint64(0) === BigInt(this.#lastOrder)) {
        const code = view.getUint16(8);
        if (code === ORDER_STATUSES.done) return undefined;
        const name = Object.entries(ORDER_STATUSES).find(([, known]) => known === code)?.[0] ?? `status ${code}`;
        return `the meter says: ${name}`;
      }
      await new Promise((resolve) => setTimeout(resolve, OUTCOME_PAUSE_MS));
    }
    return "the meter does not show the order's outcome";
  }

  /** A write is sent once: whether one that nobody answered was carried out is seen when it is read back. */
  async #order(request: ModbusRequest): Promise<string | undefined> {
    const got = await this.#talk.ask({ unit: this.#unit, request });
    return got.ok ? undefined : failureText(got.error);
  }

  async #ask(request: ModbusRequest): Promise<ModbusResult> {
    for (let left = this.#target.retries; ; left--) {
      const got = await this.#talk.ask({ unit: this.#unit, request });
      if (got.ok || left === 0 || got.error.kind === "exception") return got;
    }
  }
}
