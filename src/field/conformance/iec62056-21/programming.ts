/** Checks of programming mode that only read: the operand, R1, NAK, errors, and the break. */
import { parseDataSets } from "../../../../protocols/iec62056-21/dataset.ts";
import { buildBlock, NAK, SOH, STX } from "../../../../protocols/iec62056-21/frame.ts";
import { buildBreak, buildCommand } from "../../../../protocols/iec62056-21/message.ts";
import { toHex } from "../../../core/bytes.ts";
import type { Heard, Probe } from "../../probe.ts";
import { PASS, skip, type Verdict } from "../check.ts";
import { say } from "../say.ts";
import { blockIn, isError, noError } from "./blocks.ts";
import type { Iec62056Check, Iec62056Context } from "./check.ts";
import { command, commandForSilence, leave, readout, session, signOn } from "./head.ts";
import { failed, shown } from "./shown.ts";

const group = "programming";
const needs = ["programming"];
const ENTER = "/?! CR LF, ACK 0 Z 1 CR LF";

const read = ({ map }: Iec62056Context) => buildCommand({ operation: "R1", address: map.read, value: "" });

/** A check of what comes to one block inside of a session. */
function within(
  what: Omit<Iec62056Check, "run" | "group" | "needs">,
  send: (context: Iec62056Context) => Uint8Array,
  judge: (heard: Heard, context: Iec62056Context) => Verdict,
): Iec62056Check {
  return {
    ...{ ...what, group, needs },
    run: (context) =>
      session(context, function* (operand) {
        if (operand.bytes.length === 0) return failed(operand, "no programming mode");
        const heard = yield* command(send(context));
        return heard.bytes.length === 0 ? failed(heard, "no answer") : judge(heard, context);
      }),
  };
}

/** A check of the message with which programming mode begins. */
function operand(id: string, title: string, expectation: string, judge: (heard: Heard) => Verdict): Iec62056Check {
  return {
    ...{ id: `programming.${id}`, group, clause: "6.3.7", title, request: ENTER, expectation, needs },
    run: (context) =>
      session(context, (heard) => (heard.bytes.length === 0 ? failed(heard, "no answer") : judge(heard))),
  };
}

/** Data that were asked for; a meter that wants a password first is none to judge here. */
function data(heard: Heard, judge: (data: string) => string | undefined): Verdict {
  const block = blockIn(heard.bytes);
  if (block !== undefined && isError(block.data))
    return skip(`the meter refuses to read it without a password: ${block.data}`);
  if (block === undefined) return failed(heard, "no block with STX, ETX and check character");
  const why = judge(block.data);
  return why === undefined ? PASS : failed(heard, why);
}

/** NAK or an error message: what a meter says to a command that it can't carry out. */
function refusal(heard: Heard): Verdict {
  if (heard.bytes.length === 1 && heard.bytes[0] === NAK) return PASS;
  const block = blockIn(heard.bytes);
  if (block === undefined) return failed(heard, "neither NAK nor an error message");
  if (!block.good) return failed(heard, "the check character of the error message is wrong");
  return isError(block.data) ? PASS : failed(heard, noError(block.data));
}

/** The number in the one value of a read. */
function numberOf(heard: Heard): number {
  const sets = parseDataSets(blockIn(heard.bytes)?.data ?? "");
  return Number(sets.ok ? sets.value[0]?.groups[0]?.value : undefined);
}

function* sameValue(context: Iec62056Context): Probe<Verdict> {
  const address = context.map.read;
  let shownThere: string | undefined;
  const first = yield* readout(context, (heard) => {
    const sets = parseDataSets(blockIn(heard.bytes)?.data ?? "");
    shownThere = sets.ok
      ? sets.value.find((set) => set.address.split(":").at(-1) === address)?.groups[0]?.value
      : undefined;
    return shownThere === undefined ? skip(`the readout has no ${address}`) : PASS;
  });
  if (first.kind !== "pass") return first;
  return yield* session(context, function* () {
    const heard = yield* command(read(context));
    const value = numberOf(heard);
    if (Number.isNaN(value)) return data(heard, () => "no number in it");
    return value >= Number(shownThere) ? PASS : failed(heard, `the readout before had ${shownThere}`);
  });
}

const OPERAND: readonly Iec62056Check[] = [
  operand("operand", "Programming mode begins with P0", "SOH P0 STX (...) ETX and a check character", (heard) => {
    const block = blockIn(heard.bytes);
    if (heard.bytes[0] !== SOH || block?.command !== "P0") return failed(heard, "no SOH P0");
    return /^[^()]*\([^()]*\)$/.test(block.data) ? PASS : failed(heard, "no operand in parentheses");
  }),
  operand(
    "operand-check",
    "Check character of P0",
    "XOR of all characters behind SOH up to and including ETX",
    (heard) => {
      const block = blockIn(heard.bytes);
      if (block === undefined) return failed(heard, "no block");
      return block.good
        ? PASS
        : failed(heard, `it is ${toHex(Uint8Array.of(block.found))}, expected ${toHex(Uint8Array.of(block.computed))}`);
    },
  ),
];

const READS: readonly Iec62056Check[] = [
  within(
    {
      id: "programming.read",
      clause: "6.3.9",
      title: "Read a register",
      request: "R1 with an address and ()",
      expectation: "STX, one data set with a value, ETX and check character",
    },
    read,
    (heard) =>
      heard.bytes[0] !== STX
        ? failed(heard, "it does not begin with STX")
        : data(heard, (text) => {
            const sets = parseDataSets(text);
            if (!sets.ok || sets.value.length !== 1) return "not one data set";
            return sets.value[0]?.groups[0]?.value === "" ? "an empty value" : undefined;
          }),
  ),
  within(
    {
      id: "programming.read-address",
      clause: "6.3.9",
      title: "Address of what was read",
      request: "R1 with an address and ()",
      expectation: "the address that was asked for, or none",
    },
    read,
    (heard, { map }) =>
      data(heard, (text) => {
        const sets = parseDataSets(text);
        const address = sets.ok ? sets.value[0]?.address : undefined;
        const same =
          address === "" || address?.replace(/^1-0:/, "").replace(/\*255$/, "") === map.read.replace(/^1-0:/, "");
        return same ? undefined : `address ${address ?? "unreadable"}`;
      }),
  ),
  within(
    {
      id: "programming.read-check",
      clause: "6.3.9",
      title: "Check character of what was read",
      request: "R1 with an address and ()",
      expectation: "XOR of all characters behind STX up to and including ETX",
    },
    read,
    (heard) => {
      const block = blockIn(heard.bytes);
      if (block === undefined) return failed(heard, "no block with STX, ETX and check character");
      return block.good
        ? PASS
        : failed(heard, `it is ${toHex(Uint8Array.of(block.found))}, expected ${toHex(Uint8Array.of(block.computed))}`);
    },
  ),
  {
    ...{ id: "programming.same-value", group, clause: "6.3.9", title: "R1 and readout agree", needs },
    ...{
      request: "a readout, then R1 of an energy",
      expectation: "the value of the readout, or what was counted since",
    },
    run: sameValue,
  },
  {
    ...{ id: "programming.repeat", group, clause: "6.3.6", title: "Once more behind NAK", needs },
    ...{ request: "R1, then NAK", expectation: "the same block again" },
    run: (context) =>
      session(context, function* () {
        const first = yield* command(read(context));
        const again = yield* command(Uint8Array.of(NAK));
        if (first.bytes.length === 0) return failed(first, "no answer");
        return toHex(first.bytes) === toHex(again.bytes)
          ? PASS
          : failed(again, `the first answer was ${shown(first.bytes)}`);
      }),
  },
];

const REFUSED: readonly Iec62056Check[] = [
  within(
    {
      id: "programming.wrong-check",
      clause: "6.3.6",
      title: "Wrong check character",
      request: "R1 with a wrong check character",
      expectation: "NAK",
    },
    (context) => withWrongCheck(read(context)),
    (heard) => (heard.bytes.length === 1 && heard.bytes[0] === NAK ? PASS : failed(heard, "no NAK")),
  ),
  within(
    {
      id: "programming.unknown-address",
      clause: "6.3.11",
      title: "Unknown address",
      request: "R1 with an address that the meter does not have",
      expectation: "an error message STX (...) ETX with its check character, or NAK",
    },
    ({ map }) => buildCommand({ operation: "R1", address: map.absent, value: "" }),
    refusal,
  ),
  within(
    {
      id: "programming.unknown-command",
      clause: "6.3.11",
      title: "Unknown command",
      request: "X1 with an address and ()",
      expectation: "an error message, or NAK",
    },
    ({ map }) => buildBlock("X1", `${map.read}()`),
    refusal,
  ),
  within(
    {
      id: "programming.no-parentheses",
      clause: "6.3.11",
      title: "Command without parentheses",
      request: "R1 with an address alone",
      expectation: "an error message, or NAK",
    },
    ({ map }) => buildBlock("R1", map.read),
    refusal,
  ),
  {
    ...{ id: "programming.goes-on", group, clause: "6.3.11", title: "A refusal does not end the session", needs },
    ...{ request: "R1 with a wrong check character, then a good one", expectation: "NAK, then the data" },
    run: (context) =>
      session(context, function* () {
        yield* command(withWrongCheck(read(context)));
        const heard = yield* command(read(context));
        return heard.bytes.length === 0 ? failed(heard, "no answer any more") : data(heard, () => undefined);
      }),
  },
  {
    ...{ id: "programming.half", group, clause: "6.3.14", title: "A pause ends a command", needs },
    ...{
      request: "R1 up to its STX, nothing for 2.5 s, then a whole R1",
      expectation: "silence or NAK, then the data",
    },
    run: (context) =>
      session(context, function* () {
        const pause = { first: 2_500_000, quiet: 2_500_000 };
        const half = yield* say(Uint8Array.of(SOH, 0x52, 0x31, STX), pause);
        if (half.bytes.length > 0 && half.bytes[0] !== NAK) return failed(half, "it answered half a command");
        const heard = yield* command(read(context));
        return heard.bytes.length === 0 ? failed(heard, "no answer to a whole one") : data(heard, () => undefined);
      }),
  },
];

const BREAK: readonly Iec62056Check[] = [
  {
    ...{ id: "programming.break", group, clause: "6.3.12", title: "Break", needs },
    ...{
      request: "SOH B0 ETX and check character q, then /?! CR LF",
      expectation: "silence, then an identification at the rate of the sign-on",
    },
    *run(context) {
      let said: Heard | undefined;
      const entered = yield* session(context, function* (operand) {
        said = yield* commandForSilence(buildBreak());
        return operand.bytes.length === 0 ? failed(operand, "no programming mode") : PASS;
      });
      if (entered.kind !== "pass") return entered;
      if (said !== undefined && said.bytes.length > 0) return failed(said, "it answered the break");
      const asked = yield* signOn(context);
      yield* leave(context, asked);
      return asked.identification === undefined ? failed(asked.heard, "no identification behind it") : PASS;
    },
  },
  {
    ...{ id: "programming.over", group, clause: "6.3.12", title: "Nothing behind a break", needs },
    ...{ request: "SOH B0 ETX, then R1", expectation: "silence: the session is over" },
    run: (context) =>
      session(context, function* () {
        yield* commandForSilence(buildBreak());
        const heard = yield* commandForSilence(read(context));
        return heard.bytes.length === 0 ? PASS : failed(heard, "it still reads");
      }),
  },
];

/** The same block with a check character that is wrong. */
function withWrongCheck(block: Uint8Array): Uint8Array {
  const bytes = block.slice();
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 0x01;
  return bytes;
}

export const PROGRAMMING: readonly Iec62056Check[] = [...OPERAND, ...READS, ...REFUSED, ...BREAK];
