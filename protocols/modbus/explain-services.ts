/** The functions by which a device tells of itself and its line, field by field: 07, 08, 0B, 0C, 11, 2B/0E. */
import { toHex } from "../../src/core/bytes.ts";
import { byteCount, hex, type Walk } from "./explain-walk.ts";
import {
  DEVICE_IDENTIFICATION,
  DIAGNOSTICS,
  ENCAPSULATED,
  EVENT_COUNTER,
  EVENT_LOG,
  READ_EXCEPTION_STATUS,
  REPORT_SERVER_ID,
} from "./functions.ts";

type Explain = (walk: Walk) => void;

interface Service {
  readonly request: Explain;
  readonly reply: Explain;
}

const SUB_FUNCTIONS: ReadonlyMap<number, string> = new Map([
  [0x00, "return query data"],
  [0x01, "restart communications"],
  [0x02, "return diagnostic register"],
  [0x03, "change ASCII input delimiter"],
  [0x04, "force listen only mode"],
  [0x0a, "clear counters"],
  [0x0b, "bus message count"],
  [0x0c, "bus communication error count"],
  [0x0d, "bus exception error count"],
  [0x0e, "server message count"],
  [0x0f, "server no response count"],
  [0x10, "server NAK count"],
  [0x11, "server busy count"],
  [0x12, "bus character overrun count"],
  [0x14, "clear overrun counter"],
]);

const OBJECTS: ReadonlyMap<number, string> = new Map([
  [0x00, "vendor name"],
  [0x01, "product code"],
  [0x02, "revision"],
  [0x03, "vendor URL"],
  [0x04, "product name"],
  [0x05, "model name"],
  [0x06, "user application name"],
]);

const READ_CODES = ["", "basic", "regular", "extended", "one object"];

/** Nothing follows the function. */
const bare: Explain = () => {};

const byte = (walk: Walk, name: string) => walk.number(1, name, (value) => hex(value, 2));
const word = (walk: Walk, name: string) => walk.number(2, name, (value) => `${hex(value, 4)} (${value})`);
const text = (bytes: Uint8Array): string =>
  `${toHex(bytes, " ")} "${Array.from(bytes, (c) => (c >= 0x20 && c < 0x7f ? String.fromCharCode(c) : ".")).join("")}"`;

const diagnostics: Explain = (walk) => {
  const sub = walk.number(2, "sub-function", (value) => `${hex(value, 4)} ${SUB_FUNCTIONS.get(value) ?? ""}`.trim());
  if (sub === undefined) return;
  if (sub === 0) walk.rest("data");
  else word(walk, "data");
};

const status: Explain = (walk) => {
  walk.number(
    2,
    "status",
    (value) => `${hex(value, 4)} ${value === 0 ? "ready" : value === 0xffff ? "busy" : ""}`.trim(),
    (value) => (value === 0 || value === 0xffff ? undefined : "must be 0000h or FFFFh"),
  );
  word(walk, "event count");
};

const eventLog: Explain = (walk) => {
  byteCount(walk, undefined);
  status(walk);
  word(walk, "message count");
  walk.rest("events, newest first");
};

const serverId: Explain = (walk) => {
  const bytes = byteCount(walk, undefined);
  if (bytes > 0) walk.note(bytes, "server id, run indicator, further data", text(walk.take(bytes)));
};

/** Type and code, with which request and reply begin. */
function identificationHead(walk: Walk): boolean {
  const type = walk.number(1, "MEI type", (value) => hex(value, 2));
  if (type !== DEVICE_IDENTIFICATION) {
    walk.rest("data of this MEI type");
    return false;
  }
  const judge = (value: number) => (value >= 1 && value <= 4 ? undefined : "must be 1 to 4");
  walk.number(1, "read code", (value) => `${hex(value, 2)} ${READ_CODES[value] ?? ""}`.trim(), judge);
  return true;
}

const objectName = (id: number): string =>
  `${hex(id, 2)} ${OBJECTS.get(id) ?? (id < 0x80 ? "reserved" : "the maker's own")}`;

const identificationRequest: Explain = (walk) => {
  if (identificationHead(walk)) walk.number(1, "object", objectName);
};

const identificationReply: Explain = (walk) => {
  if (!identificationHead(walk)) return;
  byte(walk, "conformity level");
  byte(walk, "more follows");
  byte(walk, "next object");
  const count = walk.number(1, "number of objects", String) ?? 0;
  for (let i = 0; i < count; i++) {
    const id = walk.number(1, "object", objectName);
    if (id === undefined) return;
    const length = walk.number(1, "length", String, (value) =>
      value <= walk.left - 1 ? undefined : `${walk.left - 1} byte(s) follow`,
    );
    if (length === undefined) return;
    const taken = Math.min(length, walk.left);
    if (taken > 0) walk.note(taken, OBJECTS.get(id) ?? `object ${hex(id, 2)}`, text(walk.take(taken)));
  }
};

/** By function code. */
export const SERVICES: ReadonlyMap<number, Service> = new Map([
  [READ_EXCEPTION_STATUS, { request: bare, reply: (walk) => byte(walk, "exception status") }],
  [DIAGNOSTICS, { request: diagnostics, reply: diagnostics }],
  [EVENT_COUNTER, { request: bare, reply: status }],
  [EVENT_LOG, { request: bare, reply: eventLog }],
  [REPORT_SERVER_ID, { request: bare, reply: serverId }],
  [ENCAPSULATED, { request: identificationRequest, reply: identificationReply }],
]);
