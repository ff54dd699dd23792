/** The run's broker and head-end as command lines, with the files they need. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLI } from "../programs.ts";
import { polledId } from "./names.ts";
import type { ChaosOptions } from "./options.ts";

export interface Site {
  readonly store: string;
  readonly brokerUrl: string;
  readonly broker: readonly string[];
  readonly headend: readonly string[];
}

/** Units behind one gateway: 1,000 polled meters are 100 lines. */
export const UNITS_PER_GATEWAY = 10;

/** As docs/mqtt.md says for Mosquitto, without its users. Run by root it would become another user; `user root` keeps it. */
function mosquittoConfig(directory: string, port: number): string {
  return [
    ...["user root", `listener ${port} 127.0.0.1`, "allow_anonymous true"],
    ...["persistence true", `persistence_location ${directory}/`, "autosave_interval 1"],
    ...["max_queued_messages 0", "max_inflight_messages 2000", ""],
  ].join("\n");
}

/** @param gateways ports of the Modbus TCP gateways, of {@link UNITS_PER_GATEWAY} meters each but for the last */
export function makeSite(
  directory: string,
  mosquitto: string,
  port: number,
  gateways: readonly number[],
  { polled, everySeconds }: Pick<ChaosOptions, "polled" | "everySeconds">,
): Site {
  const brokerUrl = `mqtt://127.0.0.1:${port}`;
  const store = join(directory, "site.db");
  const config = join(directory, "site.json");
  const brokerConfig = join(directory, "mosquitto.conf");
  writeFileSync(brokerConfig, mosquittoConfig(directory, port));
  writeFileSync(config, JSON.stringify({ lines: linesOf(gateways, polled, everySeconds) }));
  return {
    store,
    brokerUrl,
    broker: [mosquitto, "-c", brokerConfig],
    headend: [
      ...[process.execPath, CLI, "headend", "--config", config, "--store", `sqlite:${store}`],
      ...["--broker", brokerUrl, "--http", "127.0.0.1:0"],
    ],
  };
}

function linesOf(gateways: readonly number[], polled: number, everySeconds: number): readonly object[] {
  return gateways.map((port, line) => ({
    where: { tcp: `127.0.0.1:${port}` },
    pollSeconds: everySeconds,
    meters: Array.from({ length: Math.min(UNITS_PER_GATEWAY, polled - line * UNITS_PER_GATEWAY) }, (_, i) => ({
      id: polledId(line * UNITS_PER_GATEWAY + i),
      model: "meterworks-1p",
      unit: i + 1,
    })),
  }));
}
