/** The fields of a request or reply in words, in the order of the wire. */
import { toHex } from "../../src/core/bytes.ts";
import { type ClockFields, instantOf, showDate, showTime } from "./clock.ts";
import { errText } from "./errors.ts";
import { baudOf, operationText } from "./functions.ts";
import { type Identifier, showIdentifier } from "./identifier.ts";
import { blockOf, findItem } from "./identifiers.ts";
import type { Credentials, Dlt645Request, FreezeMoment, Password } from "./message.ts";
import type { Dlt645Reply } from "./reply.ts";

/** A field of `length` bytes behind the one before it. */
export type Described = readonly [length: number, name: string, value: string];

const ALL_EVENTS = 0xffff_ffff;

/** `00010000 forward active energy`. */
function describeIdentifier(id: Identifier): Described {
  const first = blockOf(id)?.members[0];
  const item = findItem(first ?? id);
  const name = item === undefined ? "not known" : first === undefined ? item.name : `block from ${item.name} on`;
  return [4, "identifier", `${showIdentifier(id)} ${name}`];
}

const describePassword = (password: Password, which = "password"): readonly Described[] => [
  [1, `${which} level`, password.level.toString(16).padStart(2, "0")],
  [3, which, password.digits],
];

const describeCredentials = (credentials: Credentials): readonly Described[] => [
  ...describePassword(credentials.password),
  [4, "operator", credentials.operator],
];

/** A time on the wire may say anything; what is no date is told, not refused: it is the meter that judges it. */
function clockText(time: ClockFields): string {
  const text = `${showDate(time)} ${showTime(time)}`;
  return instantOf(time, 0) === undefined ? `${text}, which is no date that exists` : text;
}

function freezeText(moment: FreezeMoment): string {
  const { minute, hour, day, month } = moment;
  if (minute === null && hour === null && day === null && month === null) return "at once";
  const two = (field: number | null) => (field === null ? "**" : String(field).padStart(2, "0"));
  return `month ${two(month)} day ${two(day)} at ${two(hour)}:${two(minute)}, ** every`;
}

function baudText(feature: number): string {
  const rate = baudOf(feature, "bits") ?? baudOf(feature, "bcd");
  return `${feature.toString(16).padStart(2, "0")} ${rate === undefined ? "no rate" : `${rate} bit/s`}`;
}

export function describeRequest(request: Dlt645Request): readonly Described[] {
  switch (request.kind) {
    case "read-address":
      return [];
    case "read": {
      const { blocks, from } = request;
      const start = from === undefined ? "" : `${showDate(from)} ${showTime({ ...from, second: 0 }).slice(0, 5)}`;
      return [
        describeIdentifier(request.identifier),
        ...(blocks === undefined ? [] : [[1, "blocks", String(blocks)] as const]),
        ...(from === undefined ? [] : [[5, "from", start] as const]),
      ];
    }
    case "read-following":
      return [describeIdentifier(request.identifier), [1, "sequence", String(request.sequence)]];
    case "write":
      return [
        describeIdentifier(request.identifier),
        ...describeCredentials(request.credentials),
        [request.data.length, "data", toHex(request.data)],
      ];
    case "write-address":
      return [[6, "new address", request.address]];
    case "set-time":
      return [[6, "time", clockText(request.time)]];
    case "freeze":
      return [[4, "freeze", freezeText(request.moment)]];
    case "change-baud":
      return [[1, "baud rate", baudText(request.feature)]];
    case "change-password":
      return [
        describeIdentifier(request.identifier),
        ...describePassword(request.old, "old password"),
        ...describePassword(request.replacement, "new password"),
      ];
    case "clear-demand":
    case "clear-meter":
      return describeCredentials(request.credentials);
    case "clear-events":
      return [
        ...describeCredentials(request.credentials),
        request.identifier === ALL_EVENTS
          ? [4, "identifier", "FFFFFFFF all events"]
          : describeIdentifier(request.identifier),
      ];
    case "control":
      return [
        ...describeCredentials(request.credentials),
        [1, "operation", `${request.operation.toString(16).padStart(2, "0")} ${operationText(request.operation)}`],
        [1, "reserved", request.reserved.toString(16).padStart(2, "0")],
        [6, "valid until", clockText(request.until)],
      ];
    case "security":
      return [
        describeIdentifier(request.identifier),
        [4, "operator", request.operator],
        [request.data.length, "data", toHex(request.data)],
      ];
  }
}

/** Without the data behind an identifier, which has parts of its own. */
export function describeReply(reply: Dlt645Reply): readonly Described[] {
  switch (reply.kind) {
    case "data":
      return [describeIdentifier(reply.identifier)];
    case "address":
      return [[6, "address", reply.address]];
    case "baud":
      return [[1, "baud rate", baudText(reply.feature)]];
    case "password":
      return describePassword(reply.password, "new password");
    case "done":
      return [];
    case "refused":
      return reply.wide
        ? [[2, "error SERR", reply.code.toString(16).padStart(4, "0")]]
        : [[1, "error", `${reply.code.toString(16).padStart(2, "0")} ${errText(reply.code)}`]];
  }
}
