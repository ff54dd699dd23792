/** `meterworks read --protocol dlt645`: reads once, and says what to do where that fails. */
import { MICROS_PER_MS } from "../core/time.ts";
import { type Dlt645Choices, dlt645Line } from "./dlt645-options.ts";
import { usage } from "./errors.ts";
import { showWire } from "./line.ts";
import type { MeterReader } from "./meter-reader.ts";
import type { CommandProcess } from "./process.ts";
import { type Dlt645Outcome, Dlt645ReadOnce } from "./read-dlt645.ts";
import type { SerialFlags, Wire } from "./wires.ts";

interface Dlt645ReadFlags extends SerialFlags {
  readonly model?: string;
  readonly unit?: number;
  readonly address?: string;
  readonly dlt645?: Dlt645Choices;
  /** Milliseconds. */
  readonly timeout: number;
  readonly retries: number;
  readonly harmonics?: true;
}

/** @throws CommandError for flags of other protocols (exit 2). */
export function dlt645Reader(proc: CommandProcess, wire: Wire, flags: Dlt645ReadFlags): MeterReader {
  if (flags.model !== undefined)
    throw usage("--model is a Modbus map; a DL/T 645 meter names its data itself", "leave --model away");
  if (flags.unit !== undefined)
    throw usage("--unit is a Modbus address", "give --address with the 12 digits on the meter, or none to ask for it");
  const line = dlt645Line(flags);
  const timeout = flags.timeout * MICROS_PER_MS;
  const options = {
    address: flags.address,
    client: { responseTimeout: timeout, ...(wire.kind === "serial" ? { baud: line.baudRate } : {}) },
    plan: flags.dlt645 ?? {},
    harmonics: flags.harmonics === true,
    retries: flags.retries,
    linkPatience: Math.max(3_000 * MICROS_PER_MS, 2 * timeout),
  };
  return {
    subject: `DL/T 645 meter${flags.address === undefined ? "" : ` ${flags.address}`}`,
    serial: line,
    precise: false,
    once: (link, done) =>
      new Dlt645ReadOnce(link, options, (outcome) => {
        if (outcome.ok) {
          proc.info("read.dlt645", { address: outcome.address, notes: outcome.notes.join("; ") });
          done(outcome);
        } else done({ ok: false, reason: `${showWire(wire)}: ${outcome.reason}`, hint: hintFor(outcome, wire) });
      }),
  };
}

function hintFor({ asked }: Extract<Dlt645Outcome, { ok: false }>, wire: Wire): string {
  if (asked === undefined) return "check the place, and that something listens there";
  const line =
    wire.kind === "tcp" ? "" : ", --baud (2400 on RS-485, 1200 on the infrared head), --parity, the A/B wires";
  if (asked === "data") return `check --address${line}, or give a longer --timeout`;
  return `give --address with the 12 digits on the meter where several share the line; check${line.slice(1) || " the wire behind it"}`;
}
