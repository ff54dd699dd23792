/** `meter --pulses`: the edges of the test outputs as lines, for a bench or a script that counts them. */
import { closeSync, openSync, writeSync } from "node:fs";
import { PulseFace } from "../../firmware-sim/faces/pulses.ts";
import type { Meter } from "../../firmware-sim/meter.ts";
import type { Pulse } from "../../firmware-sim/metrology/pulses.ts";
import { failed, usage } from "./errors.ts";
import { print } from "./output.ts";
import type { CommandProcess } from "./process.ts";

/** @throws CommandError (exit 2) where lines of several meters would be mixed. */
export function checkPulses({ pulses, count }: { readonly pulses?: string; readonly count: number }): void {
  if (pulses !== undefined && count > 1)
    throw usage("--pulses is of one meter and --count asks for more", "start them one by one");
}

/**
 * Hosts the watcher and writes a line for each edge to the file, made anew, or to stdout for `-`.
 * @throws CommandError (exit 1) when the file can't be made.
 */
export function writePulses(proc: CommandProcess, meter: Meter, place: string): void {
  const write = place === "-" ? print : lineWriter(proc, place);
  const face = new PulseFace(meter, (pulse) => write(pulseLine(pulse)));
  proc.runtime.host(face, undefined, { name: "pulses" });
}

/** µs since 1970 in UTC, and the output. */
function pulseLine({ time, name }: Pulse): string {
  return `${Math.round(time)} ${name}`;
}

function lineWriter(proc: CommandProcess, path: string): (line: string) => void {
  let file: number | undefined;
  try {
    file = openSync(path, "w");
  } catch (error) {
    throw failed(`--pulses ${path}: ${(error as Error).message}`, "name a file that can be written");
  }
  const close = () => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  proc.cleanup(close);
  return (line) => {
    if (file === undefined) return;
    try {
      writeSync(file, `${line}\n`);
    } catch (error) {
      // The meter goes on: a full disk of the watcher is none of its business.
      const fields = { path, reason: (error as Error).message };
      proc.log({ kind: "log", level: "warn", event: "meter.pulses-lost", fields });
      close();
    }
  };
}
