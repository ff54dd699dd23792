/** `--protocol iec62056-21`: one readout, or one telegram of a meter that sends by itself, as the flags ask for it. */
import { MICROS_PER_MS, MICROS_PER_SECOND } from "../core/time.ts";
import { type Iec62056ReadFlags, iec62056Port } from "./iec62056-line.ts";
import { showWire } from "./line.ts";
import type { MeterReader } from "./meter-reader.ts";
import { ReadoutOnce, type ReadoutPlan } from "./read-iec62056.ts";
import type { SerialFlags, Wire } from "./wires.ts";

interface Flags extends SerialFlags, Iec62056ReadFlags {
  /** Milliseconds. */
  readonly timeout: number;
  readonly retries: number;
}

export function iec62056Reader(wire: Wire, flags: Flags): MeterReader {
  const { mode } = flags;
  const port = iec62056Port(flags, mode === "auto" ? "sign-on" : mode);
  const plan: ReadoutPlan = {
    begin: mode === "auto" ? "sign-on" : "listen",
    thenListen: wire.kind === "tcp",
    listenBaud: port.baudRate,
    patience: Math.round(flags.wait * MICROS_PER_SECOND),
    linkPatience: Math.max(3_000, 2 * flags.timeout) * MICROS_PER_MS,
    reader: {
      address: flags.deviceAddress ?? "",
      parity: flags.softParity && mode !== "p1" ? "even" : "port",
      signOnBaud: port.baudRate,
      retries: flags.retries,
    },
  };
  return {
    subject: `IEC 62056-21 meter${flags.deviceAddress === undefined ? "" : ` ${flags.deviceAddress}`}`,
    serial: port,
    precise: false,
    once: (link, done) =>
      new ReadoutOnce(link, plan, (outcome) => {
        if (outcome.ok) done(outcome);
        else
          done({
            ok: false,
            reason: `${showWire(wire)}: ${outcome.reason}`,
            hint: hintFor(outcome.reason, wire, mode),
          });
      }),
  };
}

function hintFor(reason: string, wire: Wire, mode: Iec62056ReadFlags["mode"]): string {
  if (/no known measure/.test(reason)) return "record the line with --record FILE and see `meterworks replay FILE`";
  if (wire.kind === "tcp") return "check the address, and that a meter is connected there";
  if (mode === "p1")
    return "P1 is 115200 8N1, of old meters --baud 9600 --parity even; its request line must be powered";
  if (mode === "d") return "mode D is 2400 7E1, or what --baud says; a longer --wait";
  return "check how the head sits and --baud; a meter that sends by itself wants --mode d or --mode p1";
}
