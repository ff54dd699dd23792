/** Flags of everything that is a client of a broker: the meter, and the head-end at an outside broker. */
import type { Command } from "commander";
import { checkBrokerUrl, type MqttVersion } from "../platform/mqtt-url.ts";
import { readTlsFiles, type TlsMaterial } from "../platform/tls-files.ts";
import { usage } from "./errors.ts";
import { choice } from "./values.ts";

export interface MqttFlags {
  readonly mqttVersion: MqttVersion;
  readonly mqttCa?: string;
  readonly mqttCert?: string;
  readonly mqttKey?: string;
}

export function addMqttFlags(command: Command): Command {
  return command
    .option("--mqtt-version <V>", "3.1.1 or 5", choice("--mqtt-version", ["3.1.1", "5"] as const), "3.1.1")
    .option("--mqtt-ca <FILE>", "mqtts: whose certificates are believed (default: the system's)")
    .option("--mqtt-cert <FILE>", "mqtts: our certificate")
    .option("--mqtt-key <FILE>", "mqtts: its key, without passphrase");
}

/** What a client needs to reach this broker. @throws CommandError or PlatformError that names the flag or file. */
export function brokerAt(
  url: string,
  flags: MqttFlags,
): { readonly url: string; readonly version: MqttVersion; readonly tls?: TlsMaterial } {
  const { mqttCa: ca, mqttCert: cert, mqttKey: key } = flags;
  const { tls } = checkBrokerUrl(url);
  if (!tls && (ca !== undefined || cert !== undefined || key !== undefined))
    throw usage("--mqtt-ca, --mqtt-cert and --mqtt-key belong to mqtts://", `write ${url.replace(/^mqtt:/, "mqtts:")}`);
  return { url, version: flags.mqttVersion, ...(tls ? { tls: readTlsFiles({ ca, cert, key }) } : {}) };
}

/** The address as people may see it. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//");
}
