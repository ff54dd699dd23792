/** Requests of DL/T 645-2007 as typed values, and their data field (without its 33h). */
import type { ClockFields } from "./clock.ts";
import { bytesOfDigits, digitsAt } from "./frame.ts";
import { FUNCTION, type FunctionCode } from "./functions.ts";
import { type Identifier, identifierBytes } from "./identifier.ts";
import { toBcd } from "./values.ts";

/** PA and P0..P2: the level, and six digits. */
export interface Password {
  readonly level: number;
  readonly digits: string;
}

export interface Credentials {
  readonly password: Password;
  /** C0..C3, eight digits. */
  readonly operator: string;
}

/** Minutes to years of the moment from which a load profile is read. */
type ProfileStart = Omit<ClockFields, "second">;

/** When to freeze; null stands for every one: all null is at once, hour and minute alone is daily. */
export interface FreezeMoment {
  readonly minute: number | null;
  readonly hour: number | null;
  readonly day: number | null;
  readonly month: number | null;
}

export type Dlt645Request =
  | {
      readonly kind: "read";
      readonly identifier: Identifier;
      /** NN: blocks of a load profile, with or without the moment of the first. */
      readonly blocks?: number;
      readonly from?: ProfileStart;
    }
  | { readonly kind: "read-following"; readonly identifier: Identifier; readonly sequence: number }
  | { readonly kind: "read-address" }
  | {
      readonly kind: "write";
      readonly identifier: Identifier;
      readonly credentials: Credentials;
      readonly data: Uint8Array;
    }
  | { readonly kind: "write-address"; readonly address: string }
  | { readonly kind: "set-time"; readonly time: ClockFields }
  | { readonly kind: "freeze"; readonly moment: FreezeMoment }
  | { readonly kind: "change-baud"; readonly feature: number }
  | {
      readonly kind: "change-password";
      readonly identifier: Identifier;
      readonly old: Password;
      readonly replacement: Password;
    }
  | { readonly kind: "clear-demand"; readonly credentials: Credentials }
  | { readonly kind: "clear-meter"; readonly credentials: Credentials }
  /** FFFFFFFF: all events. */
  | { readonly kind: "clear-events"; readonly credentials: Credentials; readonly identifier: Identifier }
  | {
      readonly kind: "control";
      readonly credentials: Credentials;
      /** N1, see OPERATION. */
      readonly operation: number;
      /** N2, 00 in the standard. */
      readonly reserved: number;
      /** The order holds until then, by the meter's clock. */
      readonly until: ClockFields;
    }
  | {
      readonly kind: "security";
      readonly identifier: Identifier;
      readonly operator: string;
      readonly data: Uint8Array;
    };

export type RequestKind = Dlt645Request["kind"];

export const FUNCTION_OF: Readonly<Record<RequestKind, FunctionCode>> = {
  read: FUNCTION.read,
  "read-following": FUNCTION.readFollowing,
  "read-address": FUNCTION.readAddress,
  write: FUNCTION.write,
  "write-address": FUNCTION.writeAddress,
  "set-time": FUNCTION.setTime,
  freeze: FUNCTION.freeze,
  "change-baud": FUNCTION.changeBaud,
  "change-password": FUNCTION.changePassword,
  "clear-demand": FUNCTION.clearDemand,
  "clear-meter": FUNCTION.clearMeter,
  "clear-events": FUNCTION.clearEvents,
  control: FUNCTION.control,
  security: FUNCTION.security,
};

/** "Every" in a moment to freeze: 99999999 is at once, 9999hhmm daily. */
export const EVERY = 99;
const PASSWORD_BYTES = 4;
export const CREDENTIAL_BYTES = 8;
export const DI_BYTES = 4;

export function passwordBytes(password: Password): readonly number[] {
  return [password.level, ...bytesOfDigits(password.digits)];
}

/** The password at `at`; there are four bytes. */
export function passwordAt(data: Uint8Array, at: number): Password {
  return { level: data[at] as number, digits: digitsAt(data, at + 1, 3) };
}

function credentialBytes(credentials: Credentials): readonly number[] {
  return [...passwordBytes(credentials.password), ...bytesOfDigits(credentials.operator)];
}

export function credentialsAt(data: Uint8Array, at: number): Credentials {
  return { password: passwordAt(data, at), operator: digitsAt(data, at + PASSWORD_BYTES, 4) };
}

function clockBytes(time: ClockFields): readonly number[] {
  return [time.second, time.minute, time.hour, time.day, time.month, time.year].map(toBcd);
}

/** The data field of a request; its values fit their fields. */
export function encodeRequest(request: Dlt645Request): Uint8Array {
  switch (request.kind) {
    case "read": {
      const from = request.from;
      const start = from === undefined ? [] : clockBytes({ second: 0, ...from }).slice(1);
      const blocks = request.blocks === undefined ? [] : [toBcd(request.blocks)];
      return Uint8Array.of(...identifierBytes(request.identifier), ...blocks, ...start);
    }
    case "read-following":
      return Uint8Array.of(...identifierBytes(request.identifier), request.sequence);
    case "read-address":
      return new Uint8Array(0);
    case "write":
      return Uint8Array.of(
        ...identifierBytes(request.identifier),
        ...credentialBytes(request.credentials),
        ...request.data,
      );
    case "write-address":
      return bytesOfDigits(request.address);
    case "set-time":
      return Uint8Array.of(...clockBytes(request.time));
    case "freeze": {
      const { minute, hour, day, month } = request.moment;
      return Uint8Array.of(...[minute, hour, day, month].map((field) => toBcd(field ?? EVERY)));
    }
    case "change-baud":
      return Uint8Array.of(request.feature);
    case "change-password": {
      const passwords = [...passwordBytes(request.old), ...passwordBytes(request.replacement)];
      return Uint8Array.of(...identifierBytes(request.identifier), ...passwords);
    }
    case "clear-demand":
    case "clear-meter":
      return Uint8Array.of(...credentialBytes(request.credentials));
    case "clear-events":
      return Uint8Array.of(...credentialBytes(request.credentials), ...identifierBytes(request.identifier));
    case "control":
      return Uint8Array.of(
        ...credentialBytes(request.credentials),
        request.operation,
        request.reserved,
        ...clockBytes(request.until),
      );
    case "security":
      return Uint8Array.of(...identifierBytes(request.identifier), ...bytesOfDigits(request.operator), ...request.data);
  }
}
