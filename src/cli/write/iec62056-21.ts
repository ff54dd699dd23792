/** `write --protocol iec62056-21`: programming mode with password (P1), write (W1) and read (R1) for each value. */

import { Iec62056Reader, type ReaderJob, type ReaderResult } from "../../../protocols/iec62056-21/client.ts";
import { formatClock, parseClock } from "../../../protocols/iec62056-21/clock.ts";
import { failureText } from "../../../protocols/iec62056-21/errors.ts";
import { type Command, refusalOfCommand } from "../../../protocols/iec62056-21/message.ts";
import { type Civil, civil, toIso } from "../../core/time.ts";
import { type Conversation, converse } from "../conversation.ts";
import { failed, usage } from "../errors.ts";
import { iec62056Port } from "../iec62056-line.ts";
import { openLine, showWire } from "../line.ts";
import type { CommandProcess } from "../process.ts";
import type { Wire } from "../wires.ts";
import type { Change, Plan } from "./change.ts";
import { isNear, shownClock } from "./clock.ts";
import { type ClockWish, checkNames, type WriteFlags } from "./flags.ts";

const TIME = "0.9.1";
const DATE = "0.9.2";
const CODE = /^(\d+-\d+:)?[0-9A-Z]+\.\d+(\.\d+)?(\*\d+)?$/;

export async function planIec62056(proc: CommandProcess, wire: Wire, flags: WriteFlags): Promise<Plan> {
  checkNames(flags.set, CODE, "OBIS codes such as 0.9.1, and --clock");
  if (flags.relay !== undefined)
    throw usage(
      "IEC 62056-21 has no order for a relay",
      "give the code that your meter has for it by --set CODE=VALUE",
    );
  const wishes = wishesOf(flags);
  const port = iec62056Port(flags, "sign-on");
  const link = await openLine(proc, wire, { serial: port });
  const client = new Iec62056Reader({
    address: flags.deviceAddress ?? "",
    parity: flags.softParity ? "even" : "port",
    signOnBaud: port.baudRate,
    retries: flags.retries,
  });
  const talk = converse<ReaderJob, ReaderResult>(
    proc,
    link,
    {
      submit: (ticket, job, mono) => client.submit(ticket, job, mono),
      receive: (bytes, mono) => client.receive(bytes, mono),
      wake: (mono) => client.wake(mono),
      nextWake: () => client.nextWake(),
      linkUp: () => {
        client.linkUp();
        return [];
      },
      linkDown: () => client.linkDown(),
    },
    false,
  );
  const writer = new Iec62056Writer(proc, talk, flags.password ?? "00000000");
  const asked = [...wishes.keys(), ...(flags.clock === undefined ? [] : [DATE, TIME])];
  const before = await writer.read(asked);
  if (typeof before === "string")
    throw failed(`${showWire(wire)}: ${before}`, "check --password, --device-address, --baud and how the head sits");
  const changes = [...wishes].map(([code, value]) => writer.value(code, value, before.values.get(code) ?? null));
  if (flags.clock !== undefined) changes.push(writer.clock(flags.clock, shownOf(before.values)));
  return { meter: `${before.meter} on ${showWire(wire)}`, warnings: [], changes };
}

function wishesOf({ set, table }: WriteFlags): ReadonlyMap<string, string> {
  if (table !== undefined && (typeof table !== "object" || table === null || Array.isArray(table)))
    throw usage("--table of IEC 62056-21 is an object of codes", '{"0.9.1": "120000"}');
  const all = new Map([...(set ?? []), ...Object.entries(table ?? {}).map(([code, v]) => [code, String(v)] as const)]);
  for (const [address, value] of all) {
    const refusal = CODE.test(address) ? refusalOfCommand({ operation: "W1", address, value }) : "it is no OBIS code";
    if (refusal !== undefined) throw usage(`${address}=${value}: ${refusal}`);
  }
  return all;
}

interface Told {
  readonly meter: string;
  /** What could not be read is left out. */
  readonly values: ReadonlyMap<string, string>;
}

class Iec62056Writer {
  readonly #proc: CommandProcess;
  readonly #talk: Conversation<ReaderJob, ReaderResult>;
  readonly #password: string;

  constructor(proc: CommandProcess, talk: Conversation<ReaderJob, ReaderResult>, password: string) {
    this.#proc = proc;
    this.#talk = talk;
    this.#password = password;
  }

  value(code: string, wanted: string, before: string | null): Change {
    return {
      what: code,
      before,
      wanted,
      apply: () => this.#write([{ operation: "W1", address: code, value: wanted }]),
      readBack: async () => {
        const told = await this.read([code]);
        return typeof told === "string" ? null : (told.values.get(code) ?? null);
      },
    };
  }

  clock(wish: ClockWish, before: string | null): Change {
    let target: Civil = civil(0);
    return {
      what: "clock",
      before,
      wanted: shownClock(wish),
      apply: () => {
        target = wish === "now" ? this.#proc.clock.now().civil : wish;
        const { date, time } = formatClock(target);
        return this.#write([
          { operation: "W1", address: DATE, value: date },
          { operation: "W1", address: TIME, value: time },
        ]);
      },
      readBack: async () => {
        const told = await this.read([DATE, TIME]);
        return typeof told === "string" ? null : shownOf(told.values);
      },
      isDone: (now) => isNear(now, target),
    };
  }

  /** Each code in a session of its own where the meter ends one at the first code that it does not have. */
  async read(codes: readonly string[]): Promise<Told | string> {
    const commands = codes.map((address): Command => ({ operation: "R1", address, value: "" }));
    const together = await this.#session(commands);
    if (together.ok) return told(codes, together.value);
    if (together.error.kind !== "refused" || codes.length < 2)
      return together.error.kind === "refused" ? told([], await this.#greeting()) : failureText(together.error);
    const values = new Map<string, string>();
    let meter = "";
    for (const code of codes) {
      const one = await this.read([code]);
      if (typeof one === "string") return one;
      meter = one.meter;
      for (const [key, value] of one.values) values.set(key, value);
    }
    return { meter, values };
  }

  /** A session that asks for nothing but who is there. */
  async #greeting() {
    const session = await this.#session([]);
    if (session.ok) return session.value;
    throw failed(failureText(session.error), "check --password");
  }

  async #write(commands: readonly Command[]): Promise<string | undefined> {
    const session = await this.#session(commands);
    return session.ok ? undefined : failureText(session.error);
  }

  #session(commands: readonly Command[]): Promise<ReaderResult> {
    return this.#talk.ask({ kind: "session", password: this.#password, commands });
  }
}

function told(codes: readonly string[], report: Extract<ReaderResult, { ok: true }>["value"]): Told {
  const { manufacturer, ident } = report.identification;
  const values = new Map<string, string>();
  for (const [i, code] of codes.entries()) {
    const value = report.replies[i]?.[0]?.groups[0]?.value;
    if (value !== undefined) values.set(code, value);
  }
  return { meter: `IEC 62056-21 meter ${manufacturer} ${ident}`, values };
}

function shownOf(values: ReadonlyMap<string, string>): string | null {
  const at = parseClock(values.get(DATE) ?? "", values.get(TIME) ?? "", 0);
  return at === undefined ? null : toIso(at);
}
