/**
 * Checks of functions that change a meter: only what the map allows, and with values that change nothing where the meter is
 * right. What a wrong meter changed is put back where that can be.
 */
import { ERR } from "../../../../protocols/dlt645/errors.ts";
import { ANY_METER, BROADCAST } from "../../../../protocols/dlt645/frame.ts";
import { FROM_METER, FUNCTION, OPERATION } from "../../../../protocols/dlt645/functions.ts";
import { type Identifier, identifier } from "../../../../protocols/dlt645/identifier.ts";
import {
  type Credentials,
  type Dlt645Request,
  encodeRequest,
  FUNCTION_OF,
} from "../../../../protocols/dlt645/message.ts";
import { bcdByte } from "../../../../protocols/dlt645/values.ts";
import { toHex } from "../../../core/bytes.ts";
import type { Probe } from "../../probe.ts";
import { fail, PASS, skip, type Verdict } from "../check.ts";
import type { Dlt645Check } from "./check.ts";
import { requestOf } from "./frames.ts";
import { readData, wrongRefusal } from "./judge.ts";
import { type Answer, ask, type Dlt645Context, failed, silentThenAlive, wrongControl } from "./talk.ts";

const group = "write";
const FOREVER = { second: 59, minute: 59, hour: 23, day: 31, month: 12, year: 99 };
const EVENTS_ALL = identifier(0xffff_ffff);
/** No bit of it is a rate. */
const NO_RATE = 0x00;
/** Seconds that a clock may have gone on between two reads and a broadcast. */
const CLOCK_SLACK = 10;

const order = (address: string, request: Dlt645Request) =>
  requestOf(address, FUNCTION_OF[request.kind], encodeRequest(request));

/** Credentials that differ from the right ones in every digit. */
function wrongOf({ credentials }: Dlt645Context["map"]): Credentials {
  const { password, operator } = credentials ?? { password: { level: 4, digits: "642531" }, operator: "00000000" };
  const digits = [...password.digits].map((digit) => (Number(digit) + 1) % 10).join("");
  return { password: { ...password, digits }, operator };
}

/** Why a function is not done: anything but its control code and no data. */
function notDone(answer: Answer, code: number): Verdict | undefined {
  const wrong = wrongControl(answer, code | FROM_METER);
  if (wrong !== undefined) return wrong;
  const length = answer.frame?.data.length ?? 0;
  return length === 0 ? undefined : failed(answer.heard, `${length} data bytes, expected none`);
}

/** What the map's identifiers hold, before anything is tried. */
function* held({ address, map }: Dlt645Context): Probe<readonly (readonly [Identifier, Uint8Array])[] | Verdict> {
  const found: [Identifier, Uint8Array][] = [];
  for (const id of map.writable) {
    const read = yield* readData(address, id);
    if ("wrong" in read) return read.wrong;
    if ("data" in read) found.push([id, read.data]);
  }
  return found.length > 0 ? found : skip("the meter refuses to read what the map lets be written");
}

/** Tries a write of each of the map's identifiers; afterwards they hold what they held. */
function* tried(
  context: Dlt645Context,
  write: (id: Identifier, data: Uint8Array) => Uint8Array,
  judge: (answer: Answer) => Verdict | undefined,
): Probe<Verdict> {
  const { address, map } = context;
  const before = yield* held(context);
  if ("kind" in before) return before;
  for (const [identifier, data] of before) {
    const wrong = judge(yield* ask(write(identifier, data)));
    const after = yield* readData(address, identifier);
    const changed = "data" in after && toHex(after.data) !== toHex(data);
    if (changed && map.credentials !== undefined)
      yield* ask(order(address, { kind: "write", identifier, credentials: map.credentials, data }));
    if (wrong !== undefined) return wrong;
    if (changed) return fail(toHex(after.data, " "), `it held ${toHex(data, " ")} before`);
  }
  return PASS;
}

/** A check that a function is refused with a wrong password. */
function guarded(
  id: string,
  clause: string,
  title: string,
  needs: readonly string[],
  make: (wrong: Credentials, context: Dlt645Context) => Dlt645Request,
): Dlt645Check {
  return {
    ...{ id: `write.${id}`, group, clause, title, needs, writes: true },
    request: "the function with a wrong password",
    expectation: "an abnormal reply with the one byte ERR, bit 2 (password wrong) set",
    *run(context) {
      const request = make(wrongOf(context.map), context);
      const answer = yield* ask(order(context.address, request));
      return wrongRefusal(answer, FUNCTION_OF[request.kind], ERR.notAuthorised) ?? PASS;
    },
  };
}

/** Date and time as the meter shows them, as the fields of a broadcast. */
function* clock(address: string) {
  const date = yield* readData(address, identifier(0x0400_0101));
  const time = yield* readData(address, identifier(0x0400_0102));
  if (!("data" in date) || !("data" in time) || date.data.length !== 4 || time.data.length !== 3) return undefined;
  const [, day, month, year] = [...date.data].map(bcdByte);
  const [second, minute, hour] = [...time.data].map(bcdByte);
  const fields = [second, minute, hour, day, month, year];
  if (fields.includes(undefined)) return undefined;
  return { second, minute, hour, day, month, year } as typeof FOREVER;
}

const secondOfDay = ({ second, minute, hour }: typeof FOREVER) => second + 60 * (minute + 60 * hour);

/** Tells the meter its own time, which nobody answers. */
function setTime(id: string, title: string, to: string, addressOf: (own: string) => string): Dlt645Check {
  return {
    ...{ id: `write.${id}`, group, clause: "7.6", title, needs: ["clock"], writes: true },
    request: `08H with the time that the meter shows, to ${to}`,
    expectation: "no reply; the clock goes on",
    *run(context) {
      const shown = yield* clock(context.address);
      if (shown === undefined) return skip("the meter shows no date and time (04000101, 04000102)");
      const send = order(addressOf(context.address), { kind: "set-time", time: shown });
      const verdict = yield* silentThenAlive(context, send, "08H");
      const later = yield* clock(context.address);
      if (verdict.kind !== "pass") return verdict;
      if (later === undefined) return fail("no date and time", "it showed one before");
      const gone = (secondOfDay(later) - secondOfDay(shown) + 86_400) % 86_400;
      return gone <= CLOCK_SLACK ? PASS : fail(`${gone} s later`, "the clock is not where it was set");
    },
  };
}

export const WRITING: readonly Dlt645Check[] = [
  {
    ...{ id: "write.same", group, clause: "7.3", title: "Write with the password", writes: true },
    ...{
      needs: ["write", "password"],
      request: "14H to each identifier that the map lets be written, with its own data",
    },
    expectation: "94H without data; a read gives the same data",
    run: (context) => {
      const credentials = context.map.credentials as Credentials;
      const write = (identifier: Identifier, data: Uint8Array) =>
        order(context.address, { kind: "write", identifier, credentials, data });
      return tried(context, write, (answer) => notDone(answer, FUNCTION.write));
    },
  },
  {
    ...{ id: "write.unknown-identifier", group, clause: "7.3", title: "Write to an unknown identifier", writes: true },
    ...{ needs: ["password"], request: "14H with the right password to an identifier that the meter does not have" },
    expectation: "D4H with the one byte ERR",
    *run({ address, map }) {
      const request = { kind: "write", identifier: map.absent, data: Uint8Array.of(0) } as const;
      const credentials = map.credentials as Credentials;
      return wrongRefusal(yield* ask(order(address, { ...request, credentials })), FUNCTION.write, 0xff) ?? PASS;
    },
  },
  {
    ...{ id: "write.shortened", group, clause: "5.2.2", title: "Write to a shortened address", writes: true },
    ...{ needs: ["write", "password"], request: "14H with the right password to six AA" },
    expectation: "silence: only reads may go to a shortened address",
    *run(context) {
      const before = yield* held(context);
      if ("kind" in before) return before;
      const [[identifier, data] = []] = before;
      const credentials = context.map.credentials as Credentials;
      const request = {
        kind: "write",
        identifier: identifier as Identifier,
        credentials,
        data: data as Uint8Array,
      } as const;
      return yield* silentThenAlive(context, order(ANY_METER, request), "a write to six AA");
    },
  },
  {
    ...{ id: "write.short", group, clause: "7.3", title: "Write with data of a wrong length", writes: true },
    ...{
      needs: ["write", "password"],
      request: "14H with the right password and one byte more than the identifier has",
    },
    expectation: "D4H with the one byte ERR; a read gives the data from before",
    run: (context) => {
      const credentials = context.map.credentials as Credentials;
      const write = (identifier: Identifier, data: Uint8Array) =>
        order(context.address, { kind: "write", identifier, credentials, data: Uint8Array.of(...data, 0) });
      return tried(context, write, (answer) => wrongRefusal(answer, FUNCTION.write, 0xff));
    },
  },
  {
    ...{ id: "write.wrong-password", group, clause: "7.3", title: "Write with a wrong password", writes: true },
    ...{ needs: ["write", "wrong-password"], request: "14H with a wrong password, the data from before" },
    expectation: "D4H with the one byte ERR, bit 2 (password wrong) set; a read gives the data from before",
    run: (context) => {
      const credentials = wrongOf(context.map);
      const write = (identifier: Identifier, data: Uint8Array) =>
        order(context.address, { kind: "write", identifier, credentials, data });
      return tried(context, write, (answer) => wrongRefusal(answer, FUNCTION.write, ERR.notAuthorised));
    },
  },
  guarded("control-guarded", "7.13", "1CH needs the password: alarm off", ["wrong-password"], (credentials) => ({
    ...{ kind: "control", credentials, operation: OPERATION.alarmOff, reserved: 0, until: FOREVER },
  })),
  guarded(
    "password-guarded",
    "7.9",
    "18H needs the old password",
    ["password", "wrong-password"],
    (wrong, { map }) => ({
      ...{ kind: "change-password", identifier: identifier(0x0400_0c01 + wrong.password.level) },
      ...{ old: wrong.password, replacement: (map.credentials as Credentials).password },
    }),
  ),
  guarded("demand-guarded", "7.10", "19H needs the password", ["clear", "wrong-password"], (credentials) => ({
    ...{ kind: "clear-demand", credentials },
  })),
  guarded("meter-guarded", "7.11", "1AH needs the password", ["clear", "wrong-password"], (credentials) => ({
    ...{ kind: "clear-meter", credentials },
  })),
  guarded("events-guarded", "7.12", "1BH needs the password", ["clear", "wrong-password"], (credentials) => ({
    ...{ kind: "clear-events", credentials, identifier: EVENTS_ALL },
  })),
  setTime("time-broadcast", "Broadcast time is not answered", "six 99", () => BROADCAST),
  setTime("time-addressed", "Time to one address is not answered", "the meter's address", (own) => own),
  {
    ...{ id: "write.freeze", group, clause: "7.7", title: "Instant freeze", needs: ["freeze"], writes: true },
    ...{ request: "16H with 99999999 to the meter's address", expectation: "96H without data" },
    *run({ address }) {
      const moment = { minute: null, hour: null, day: null, month: null };
      return notDone(yield* ask(order(address, { kind: "freeze", moment })), FUNCTION.freeze) ?? PASS;
    },
  },
  {
    ...{
      id: "write.no-rate",
      group,
      clause: "7.8",
      title: "A rate that does not exist",
      needs: ["baud"],
      writes: true,
    },
    request: "17H with the feature byte 00",
    expectation: "D7H with the one byte ERR, bit 3 (the rate can't be changed) set",
    *run({ address }) {
      const answer = yield* ask(order(address, { kind: "change-baud", feature: NO_RATE }));
      return wrongRefusal(answer, FUNCTION.changeBaud, ERR.baudFixed) ?? PASS;
    },
  },
];
