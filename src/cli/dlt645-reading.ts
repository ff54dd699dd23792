/** `meterworks read --protocol dlt645`: opens the line, reads once, and says what to do where that fails. */
import { MICROS_PER_MS } from "../core/time.ts";
import { type Dlt645Choices, dlt645Line } from "./dlt645-options.ts";
import { failed, usage } from "./errors.ts";
import { openLine, showWire } from "./line.ts";
import type { CommandProcess } from "./process.ts";
import { type Dlt645Outcome, type Dlt645Reading, Dlt645ReadOnce } from "./read-dlt645.ts";
import type { SerialFlags, Wire } from "./wires.ts";

export interface Dlt645ReadFlags extends SerialFlags {
  readonly model?: string;
  readonly unit?: number;
  readonly address?: string;
  readonly dlt645?: Dlt645Choices;
  /** Milliseconds. */
  readonly timeout: number;
  readonly retries: number;
  readonly harmonics?: true;
}

/** @throws CommandError for flags of other protocols (exit 2), and for a meter that does not answer (exit 1). */
export async function readDlt645(proc: CommandProcess, wire: Wire, flags: Dlt645ReadFlags): Promise<Dlt645Reading> {
  if (flags.model !== undefined)
    throw usage("--model is a Modbus map; a DL/T 645 meter names its data itself", "leave --model away");
  if (flags.unit !== undefined)
    throw usage("--unit is a Modbus address", "give --address with the 12 digits on the meter, or none to ask for it");
  const line = dlt645Line(flags);
  const link = await openLine(proc, wire, { serial: line });
  const timeout = flags.timeout * MICROS_PER_MS;
  const options = {
    address: flags.address,
    client: { responseTimeout: timeout, ...(wire.kind === "serial" ? { baud: line.baudRate } : {}) },
    plan: flags.dlt645 ?? {},
    harmonics: flags.harmonics === true,
    retries: flags.retries,
    linkPatience: Math.max(3_000 * MICROS_PER_MS, 2 * timeout),
  };
  const outcome = await new Promise<Dlt645Outcome>((resolve) => {
    const reader = new Dlt645ReadOnce(link.id, options, resolve);
    proc.runtime.host(reader, undefined, { name: "read" }).attach(link);
  });
  if (!outcome.ok) throw failed(`${showWire(wire)}: ${outcome.reason}`, hintFor(outcome, wire));
  const { address, notes } = outcome;
  proc.info("read.dlt645", { address, notes: notes.join("; ") });
  return outcome;
}

function hintFor({ asked }: Extract<Dlt645Outcome, { ok: false }>, wire: Wire): string {
  if (asked === undefined) return "check the place, and that something listens there";
  const line =
    wire.kind === "tcp" ? "" : ", --baud (2400 on RS-485, 1200 on the infrared head), --parity, the A/B wires";
  if (asked === "data") return `check --address${line}, or give a longer --timeout`;
  return `give --address with the 12 digits on the meter where several share the line; check${line.slice(1) || " the wire behind it"}`;
}
