/** The address of a broker. */
import { PlatformError } from "./errors.ts";

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** 3.1.1 is `4` on the wire. */
export type MqttVersion = "3.1.1" | "5";

/** How long an MQTT 5 broker keeps a persistent session after its client has gone; 3.1.1 knows no limit. */
export const SESSION_EXPIRY_SECONDS = 30 * 86_400;

/** Reads `mqtt://[user:password@]host[:port]` and `mqtts://…`. @throws PlatformError `bad-address`. */
export function checkBrokerUrl(text: string): BrokerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const tls = url?.protocol === "mqtts:";
  if (url === undefined || url.hostname === "" || !(tls || url.protocol === "mqtt:"))
    throw new PlatformError(
      "bad-address",
      `"${text}" is no broker address`,
      "write mqtt://HOST:1883 or mqtts://HOST:8883",
    );
  return {
    // An IPv6 address stands in brackets in a URL, not in a socket call.
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? (tls ? 8883 : 1883) : Number(url.port),
    tls,
    username: url.username === "" ? undefined : decodeURIComponent(url.username),
    password: url.password === "" ? undefined : decodeURIComponent(url.password),
  };
}
