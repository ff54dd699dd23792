/** What can go wrong in Modbus: the exception codes of the standard, and the closed list of a client's failures. */

/** MODBUS Application Protocol V1.1b3, section 7. */
export const EXCEPTION = {
  illegalFunction: 0x01,
  illegalDataAddress: 0x02,
  illegalDataValue: 0x03,
  serverDeviceFailure: 0x04,
  acknowledge: 0x05,
  busy: 0x06,
  memoryParity: 0x08,
  gatewayPath: 0x0a,
  gatewayTarget: 0x0b,
} as const;
type ExceptionCode = (typeof EXCEPTION)[keyof typeof EXCEPTION];

const TEXTS: Readonly<Record<ExceptionCode, string>> = {
  [EXCEPTION.illegalFunction]: "illegal function: the device does not know this function code",
  [EXCEPTION.illegalDataAddress]: "illegal data address: the device has no such register or coil",
  [EXCEPTION.illegalDataValue]: "illegal data value: quantity, length or value is not allowed",
  [EXCEPTION.serverDeviceFailure]: "server device failure: the device could not carry it out",
  [EXCEPTION.acknowledge]: "acknowledge: the device accepted it and needs more time",
  [EXCEPTION.busy]: "busy: the device is occupied, try again later",
  [EXCEPTION.memoryParity]: "memory parity error: the device could not read its own memory",
  [EXCEPTION.gatewayPath]: "gateway path unavailable: the gateway has no way to that unit",
  [EXCEPTION.gatewayTarget]: "gateway target failed to respond: no device answers behind the gateway",
};

/** What an exception code means, for people; codes outside the standard are named by their number. */
export function exceptionText(code: number): string {
  return (TEXTS as Readonly<Record<number, string>>)[code] ?? `exception ${code}, which the standard does not define`;
}

/** How a request can end without its reply. */
export type ModbusFailure =
  | { readonly kind: "timeout" }
  /** One of {@link EXCEPTION}, or whatever else the device put there. */
  | { readonly kind: "exception"; readonly code: number }
  | { readonly kind: "bad-reply"; readonly detail: string }
  | { readonly kind: "link-down" }
  | { readonly kind: "bad-request"; readonly detail: string };

export function failureText(failed: ModbusFailure): string {
  switch (failed.kind) {
    case "timeout":
      return "no reply in time";
    case "exception":
      return exceptionText(failed.code);
    case "bad-reply":
      return `unusable reply: ${failed.detail}`;
    case "link-down":
      return "the link is down";
    case "bad-request":
      return `not sent: ${failed.detail}`;
  }
}
