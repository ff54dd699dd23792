/** Why a broker could not be reached, in words that say what to do. */
import { errorText, systemCode } from "./errors.ts";

const PROBLEMS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "the broker's certificate is signed by itself; give it as the CA file",
  SELF_SIGNED_CERT_IN_CHAIN:
    "the broker's certificate comes from an authority that is not known here; give the CA file",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the broker's certificate comes from an authority that is not known here; give the CA file",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "the broker's certificate comes from an authority that is not known here; give the CA file",
  CERT_SIGNATURE_FAILURE: "the broker's certificate is not from the authority in the CA file",
  CERT_HAS_EXPIRED: "the broker's certificate has ended; renew it, or set this machine's clock",
  CERT_NOT_YET_VALID: "the broker's certificate is not valid yet; is this machine's clock right?",
  ERR_SSL_WRONG_VERSION_NUMBER: "the broker speaks no TLS on this port; use mqtt:// or its TLS port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the broker speaks no TLS on this port; use mqtt:// or its TLS port",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the broker asks for a client certificate; give certificate and key",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the broker does not know the authority of our certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "the broker says that our certificate has ended; renew it",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the broker does not accept our certificate",
};

/** CONNACK codes of MQTT 3.1.1 (table 3.1) and of MQTT 5 (table 3-1) that a wrong configuration gives. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: "the broker does not speak this MQTT version; try the other --mqtt-version",
  2: "the broker refuses this client id",
  3: "the broker is not available now",
  4: "the broker refuses this user and password",
  5: "the broker does not let us in; check user and password, or the certificate",
  132: "the broker does not speak this MQTT version; try the other --mqtt-version",
  133: "the broker refuses this client id",
  134: "the broker refuses this user and password",
  135: "the broker does not let us in; check user and password, or the certificate",
};

/** No error and no CONNACK: so ends, among others, a TLS connection whose client certificate a Node server does not accept. */
export const NOT_GREETED = "the connection ended before the broker greeted us; its log may say why";

export function refusalText(code: number): string {
  return REFUSALS[code] ?? `the broker refuses us with code ${code}`;
}

/** One line for the log; the original text where there is nothing better. */
export function connectionProblem(error: unknown): string {
  const code = systemCode(error);
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `the broker's certificate is for another name: ${errorText(error)}; connect by the name it is for`;
  const refusal = (error as { code?: unknown } | null)?.code;
  if (typeof refusal === "number") return refusalText(refusal);
  return PROBLEMS[code] ?? (errorText(error) || code || "connection lost");
}
