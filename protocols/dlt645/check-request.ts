/** Whether a request may go out at all: what the standard does not allow is refused before it costs time on the line. */
import { ANY_METER, BROADCAST, isAddress, MAX_WRITE } from "./frame.ts";
import { type Credentials, type Dlt645Request, encodeRequest, type Password, type RequestKind } from "./message.ts";

const SHORTENED: ReadonlySet<RequestKind> = new Set(["read", "read-following", "read-address", "write-address"]);
const TO_ALL: ReadonlySet<RequestKind> = new Set(["set-time", "freeze"]);

/** Why `request` can't be sent to `address`; undefined for a good one. */
export function refusalOf(address: string, request: Dlt645Request): string | undefined {
  if (!isAddress(address)) return `address "${address.slice(0, 20)}" is not 12 digits, or AA in place of the high ones`;
  if (address === BROADCAST && !TO_ALL.has(request.kind)) return "nobody answers this from the broadcast address";
  if (address.startsWith("AA") && !SHORTENED.has(request.kind)) return "only reads may go to a shortened address";
  if (request.kind === "write-address" && address !== ANY_METER) return `an address is written to ${ANY_METER}`;
  if (request.kind === "write-address" && !/^\d{12}$/.test(request.address)) return "a new address has 12 digits";
  if ("credentials" in request && !goodCredentials(request.credentials))
    return "a password has six digits and an operator eight";
  if (request.kind === "change-password" && !(goodPassword(request.old) && goodPassword(request.replacement)))
    return "a password has six digits";
  if (request.kind === "security" && !/^\d{8}$/.test(request.operator)) return "an operator has eight digits";
  if (request.kind === "write" && request.data.length === 0) return "there is nothing to write";
  if (encodeRequest(request).length > MAX_WRITE) return `a request carries at most ${MAX_WRITE} bytes`;
  return undefined;
}

function goodCredentials(credentials: Credentials): boolean {
  return goodPassword(credentials.password) && /^\d{8}$/.test(credentials.operator);
}

function goodPassword(password: Password): boolean {
  return (
    Number.isInteger(password.level) && password.level >= 0 && password.level <= 0x99 && /^\d{6}$/.test(password.digits)
  );
}
