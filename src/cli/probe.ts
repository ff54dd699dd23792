/** Carries a probe (src/field/probe.ts) out on real lines. */
import type { LineFormat } from "../core/line-format.ts";
import { MICROS_PER_SECOND } from "../core/time.ts";
import type { Probe } from "../field/probe.ts";
import { ProbeRunner } from "../field/probe-runner.ts";
import type { Link } from "../platform/link.ts";
import type { CommandProcess } from "./process.ts";

/** How long a connection may take, or a port that is opened anew with other settings. */
const LINK_PATIENCE = 5 * MICROS_PER_SECOND;

/** @param format how the serial port was opened; undefined on TCP */
export function runProbe<T>(
  proc: CommandProcess,
  links: readonly Link[],
  format: LineFormat | undefined,
  probe: Probe<T>,
): Promise<T> {
  const options = {
    links: links.map((link) => link.id),
    linkPatience: LINK_PATIENCE,
    ...(format === undefined ? {} : { format }),
  };
  return new Promise((resolve) => {
    const host = proc.runtime.host(new ProbeRunner(probe, options, resolve), undefined, {
      name: "probe",
      precise: true,
    });
    for (const link of links) host.attach(link);
  });
}
