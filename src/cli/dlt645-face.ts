/** Opens a virtual meter's DL/T 645 face on a serial line, a pseudo terminal or TCP. */
import { addressOfUnit, Dlt645Face, passwordsOf } from "../../firmware-sim/faces/dlt645.ts";
import { Dlt645Memory } from "../../firmware-sim/faces/dlt645-memory.ts";
import type { UnitMeter } from "../../firmware-sim/faces/modbus-tcp.ts";
import type { Meter } from "../../firmware-sim/meter.ts";
import type { Nvram } from "../../firmware-sim/nvram/nvram.ts";
import type { LinkEvent } from "../core/actor.ts";
import type { Host } from "../platform/host.ts";
import { type Dlt645Choices, dlt645Line } from "./dlt645-options.ts";
import { failed } from "./errors.ts";
import { behaving, type NamedShare } from "./misbehave.ts";
import type { CommandProcess } from "./process.ts";
import type { SerialFlags, Wire } from "./wires.ts";

export interface Dlt645FaceFlags extends SerialFlags {
  /** 12 digits. */
  readonly address?: string;
  readonly dlt645?: Dlt645Choices;
  readonly misbehave?: readonly NamedShare[];
  readonly seed?: number;
}

/** A meter with an RS-485 and an infrared face is one device: one address, one set of passwords. */
const memories = new WeakMap<Meter, Dlt645Memory>();

/** @throws CommandError (exit 1) when the meter's memory can't be read. */
export function dlt645Host(
  proc: CommandProcess,
  wire: Wire,
  { unit, meter }: UnitMeter,
  flags: Dlt645FaceFlags,
  nvram: Nvram | undefined,
): Host<LinkEvent> {
  const choices = flags.dlt645 ?? {};
  const memory = memories.get(meter) ?? powerOn(meter, flags.address ?? addressOfUnit(unit), choices, nvram);
  memories.set(meter, memory);
  const options = { ...choices, ...(wire.kind === "tcp" ? {} : { baud: dlt645Line(flags).baudRate }) };
  proc.info("dlt645.ready", { meter: meter.id, address: memory.station.address });
  const face = behaving(new Dlt645Face(meter, memory, options, proc.clock.now()), "dlt645", flags, meter.id);
  return proc.runtime.host(face, undefined, { name: "dlt645" });
}

function powerOn(meter: Meter, address: string, choices: Dlt645Choices, nvram: Nvram | undefined): Dlt645Memory {
  const memory = Dlt645Memory.powerOn({ ...choices, address, passwords: passwordsOf(meter) }, nvram);
  if (memory.ok) return memory.value;
  throw failed(
    `meter ${meter.id} can't read its memory: ${memory.error}`,
    "move its --state folder away to start anew",
  );
}
