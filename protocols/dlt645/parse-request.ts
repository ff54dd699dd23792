/** Reads the data field of a request: the length that its function has, then its fields. */
import { failure, type Result, success } from "../../src/core/result.ts";
import type { ClockFields } from "./clock.ts";
import type { MessageFault } from "./errors.ts";
import { digitsAt, MAX_WRITE } from "./frame.ts";
import { controlHex, FUNCTION, functionOf } from "./functions.ts";
import { identifierAt } from "./identifier.ts";
import { CREDENTIAL_BYTES, credentialsAt, DI_BYTES, type Dlt645Request, EVERY, passwordAt } from "./message.ts";
import { bcdByte } from "./values.ts";

type Parser = (data: Uint8Array) => Dlt645Request | MessageFault;

function fault(kind: MessageFault["kind"], detail: string): MessageFault {
  return { kind, detail };
}

/** Six BCD bytes ss mm hh DD MM YY from `at`; whether they are a date is for whoever acts on them. */
function clockAt(data: Uint8Array, at: number): ClockFields | MessageFault {
  const fields = Array.from(data.subarray(at, at + 6), bcdByte);
  if (fields.some((field) => field === undefined)) return fault("bad-value", "the time is no BCD");
  const [second, minute, hour, day, month, year] = fields as [number, number, number, number, number, number];
  return { second, minute, hour, day, month, year };
}

function isFault(value: object): value is MessageFault {
  return "detail" in value;
}

const parseRead: Parser = (data) => {
  const request = { kind: "read", identifier: identifierAt(data, 0) } as const;
  if (data.length === DI_BYTES) return request;
  const blocks = bcdByte(data[DI_BYTES] as number);
  if (blocks === undefined) return fault("bad-value", "the number of blocks is no BCD");
  if (data.length === DI_BYTES + 1) return { ...request, blocks };
  const time = clockAt(Uint8Array.of(0, ...data.subarray(DI_BYTES + 1)), 0);
  if (isFault(time)) return time;
  const { second: _, ...from } = time;
  return { ...request, blocks, from };
};

const parseFreeze: Parser = (data) => {
  const field = (index: number) => bcdByte(data[index] as number);
  const [minute, hour, day, month] = [field(0), field(1), field(2), field(3)];
  if (minute === undefined || hour === undefined || day === undefined || month === undefined)
    return fault("bad-value", "the moment to freeze is no BCD");
  const or = (value: number) => (value === EVERY ? null : value);
  return { kind: "freeze", moment: { minute: or(minute), hour: or(hour), day: or(day), month: or(month) } };
};

const parseControl: Parser = (data) => {
  const until = clockAt(data, CREDENTIAL_BYTES + 2);
  if (isFault(until)) return until;
  return {
    kind: "control",
    credentials: credentialsAt(data, 0),
    operation: data[CREDENTIAL_BYTES] as number,
    reserved: data[CREDENTIAL_BYTES + 1] as number,
    until,
  };
};

const parseSetTime: Parser = (data) => {
  const time = clockAt(data, 0);
  return isFault(time) ? time : { kind: "set-time", time };
};

interface Shape {
  /** Lengths of the data field that the function has. */
  readonly fits: (length: number) => boolean;
  readonly parse: Parser;
}

const exactly = (length: number) => (actual: number) => actual === length;

const SHAPES: Readonly<Record<number, Shape>> = {
  [FUNCTION.read]: { fits: (length) => length === 4 || length === 5 || length === 10, parse: parseRead },
  [FUNCTION.readFollowing]: {
    fits: exactly(5),
    parse: (data) => ({ kind: "read-following", identifier: identifierAt(data, 0), sequence: data[4] as number }),
  },
  [FUNCTION.readAddress]: { fits: exactly(0), parse: () => ({ kind: "read-address" }) },
  [FUNCTION.write]: {
    fits: (length) => length > DI_BYTES + CREDENTIAL_BYTES && length <= MAX_WRITE,
    parse: (data) => ({
      kind: "write",
      identifier: identifierAt(data, 0),
      credentials: credentialsAt(data, DI_BYTES),
      data: data.slice(DI_BYTES + CREDENTIAL_BYTES),
    }),
  },
  [FUNCTION.writeAddress]: {
    fits: exactly(6),
    parse: (data) => ({ kind: "write-address", address: digitsAt(data, 0, 6) }),
  },
  [FUNCTION.setTime]: { fits: exactly(6), parse: parseSetTime },
  [FUNCTION.freeze]: { fits: exactly(4), parse: parseFreeze },
  [FUNCTION.changeBaud]: {
    fits: exactly(1),
    parse: (data) => ({ kind: "change-baud", feature: data[0] as number }),
  },
  [FUNCTION.changePassword]: {
    fits: exactly(12),
    parse: (data) => ({
      kind: "change-password",
      identifier: identifierAt(data, 0),
      old: passwordAt(data, 4),
      replacement: passwordAt(data, 8),
    }),
  },
  [FUNCTION.clearDemand]: {
    fits: exactly(8),
    parse: (data) => ({ kind: "clear-demand", credentials: credentialsAt(data, 0) }),
  },
  [FUNCTION.clearMeter]: {
    fits: exactly(8),
    parse: (data) => ({ kind: "clear-meter", credentials: credentialsAt(data, 0) }),
  },
  [FUNCTION.clearEvents]: {
    fits: exactly(12),
    parse: (data) => ({
      kind: "clear-events",
      credentials: credentialsAt(data, 0),
      identifier: identifierAt(data, CREDENTIAL_BYTES),
    }),
  },
  [FUNCTION.control]: { fits: exactly(16), parse: parseControl },
  [FUNCTION.security]: {
    fits: (length) => length >= DI_BYTES + 4,
    parse: (data) => ({
      kind: "security",
      identifier: identifierAt(data, 0),
      operator: digitsAt(data, DI_BYTES, 4),
      data: data.slice(DI_BYTES + 4),
    }),
  },
};

/** Reads the data field of a request with this control byte. */
export function parseRequest(control: number, data: Uint8Array): Result<Dlt645Request, MessageFault> {
  const shape = functionOf(control) === control ? SHAPES[control] : undefined;
  if (shape === undefined)
    return failure(fault("unknown-function", `control ${controlHex(control)} is no request of DL/T 645-2007`));
  if (!shape.fits(data.length)) {
    const edition = control === FUNCTION.read && data.length === 2 ? ": a two-byte identifier of the 1997 edition" : "";
    return failure(
      fault("bad-length", `a request with control ${controlHex(control)} has no ${data.length} data bytes${edition}`),
    );
  }
  const parsed = shape.parse(data);
  return isFault(parsed) ? failure(parsed) : success(parsed);
}
